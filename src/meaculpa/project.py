"""Reads a project folder: configuration, incidents, templates, pictures. The only reader."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from sys import intern

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.content.files import id_in
from meaculpa.content.text import LARGEST_FILE
from meaculpa.errors import MeaculpaError, NotAProject, Outdated, Problem, Severity
from meaculpa.folders import (
    INCIDENTS,
    METRICS,
    OWN_TEMPLATES,
    PACKAGED_TEMPLATES,
    PICTURES,
    Kind,
    Stamp,
    Survey,
    Walk,
    has_own_templates,
    leads_out,
    packaged_templates,
    stamp_of,
)
from meaculpa.layers import as_before, flat, overlay
from meaculpa.metrics import LARGEST_METRICS
from meaculpa.model import Source
from meaculpa.names import CONFIG_FILE, REDIRECTS_FILE, REFERENCE_WORDS, is_incident_name
from meaculpa.redirects import LARGEST_REDIRECTS
from meaculpa.render.headers import PICTURE_TYPES

LARGEST_PICTURE = 1_048_576
_PICTURE_NAME = re.compile(r"assets/[A-Za-z0-9._/-]+")
_MINIFIED = "minified/"
_FIRST_WORDS = "locales/en.yml"
# Sets what is frozen.
_set = object.__setattr__


class KnownSource(Source):
    """A file of which is known what it held; it is read again when somebody wants to know what that was.

    One that was just read holds its bytes until it is told to let go of them.
    """

    __slots__ = ("_held", "root")
    root: str
    _held: bytes | None

    def __init__(self, path: str, digest: str, root: str, held: bytes | None = None) -> None:
        # There may be tens of thousands, and each of these texts stands in several places.
        _set(self, "path", intern(path))
        _set(self, "digest", intern(digest))
        _set(self, "root", root)
        _set(self, "_held", held)

    def let_go(self) -> None:
        """Hold nothing that can be read again."""
        _set(self, "_held", None)

    @property
    def content(self) -> bytes:
        """What it held; raises Outdated where it has to be read and holds something else by now."""
        if self._held is not None:
            return self._held
        try:
            content = _read(os.path.join(self.root, self.path), LARGEST_FILE)  # noqa: PTH118 (texts, see below)
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise Outdated(f"{_printable(self.path)} was changed while it was read; the next run has it right")
        return content


class Reading(Struct, frozen=True):
    """A file and the stamp it had when it was read."""

    source: Source
    stamp: Stamp


class ProjectFiles(Struct, frozen=True):
    """Everything a project folder holds, by path within it; templates by name, the project's own winning."""

    root: Path
    config: Source
    incidents: Mapping[str, Source]
    templates: Mapping[str, Source]
    assets: Mapping[str, Source]
    problems: tuple[Problem, ...]
    redirects: Source | None = None
    metrics: Mapping[str, Source] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    readings: Mapping[str, Reading] = field(default_factory=dict)


def read_project(
    root: Path,
    before: ProjectFiles | None = None,
    known: Mapping[str, Reading] | None = None,
    heed: Callable[[], None] = lambda: None,
    seen: Survey | None = None,
) -> ProjectFiles:
    """Read a whole project; files whose stamps are as `before`, or as `known` from elsewhere, are not read again.

    `heed` is called at each file, and may raise what ends the reading. What was `seen` a moment ago is not looked
    through once more.
    """
    known = flat(before.readings) if before else known or {}
    reader = _Reader(root, known, heed, seen)
    config = reader.read(root / CONFIG_FILE, LARGEST_FILE)
    incidents = reader.read_folder(INCIDENTS, LARGEST_FILE)
    if not (root / INCIDENTS.folder).is_dir():
        reader.complain(INCIDENTS.folder, "the folder is missing", "make it again; an empty one is fine")
    assets = reader.read_folder(PICTURES, LARGEST_PICTURE)
    metrics = reader.read_folder(METRICS, LARGEST_METRICS)
    has_redirects = (root / REDIRECTS_FILE).exists()
    redirects = reader.read(root / REDIRECTS_FILE, LARGEST_REDIRECTS) if has_redirects else None
    packaged = _Reader(packaged_templates(), known, heed, seen)
    templates = _as_shipped(packaged.read_folder(PACKAGED_TEMPLATES, LARGEST_PICTURE))
    if _FIRST_WORDS not in templates:
        raise MeaculpaError(f"meaculpa's own files in {packaged.root} cannot be read")
    templates[REFERENCE_WORDS] = templates[_FIRST_WORDS]
    if OWN_TEMPLATES in seen.found if seen else has_own_templates(root):
        templates |= _named(reader.read_folder(OWN_TEMPLATES, LARGEST_PICTURE), OWN_TEMPLATES.folder)
    if config is None:
        raise NotAProject(f"{root / CONFIG_FILE} cannot be read")
    return ProjectFiles(
        root=root,
        config=config,
        incidents=as_before(before.incidents if before else {}, _incident_files(incidents, reader.problems)),
        templates=templates,
        assets=_pictures(assets, reader.problems),
        problems=tuple(reader.problems),
        redirects=redirects,
        metrics=metrics,
        folders=reader.folders,
        readings={**packaged.readings, **reader.readings},
    )


def read_configuration(root: Path) -> Source:
    """Read `meaculpa.yml` alone; raises NotAProject."""
    config = _Reader(root, {}).read(root / CONFIG_FILE, LARGEST_FILE)
    if config is None:
        raise NotAProject(f"{root / CONFIG_FILE} cannot be read")
    return config


def read_again(before: ProjectFiles, paths: Iterable[str]) -> ProjectFiles | None:
    """Read only these files of a project, and take all others as they were.

    None where that may not be all: anything but ordinary files of incidents that are there, and whatever there was
    something to say of. Whoever relies on this looks at everything a moment later.
    """
    reader, folder = _Reader(before.root, before.readings), str(before.root / "incidents")
    incidents, readings = dict[str, Source](), dict[str, Reading]()
    for path in paths:
        parent, _, file = path.rpartition(os.sep)
        name = os.path.relpath(path, before.root)
        if parent not in before.folders or not f"{path}/".startswith(f"{folder}/"):
            return None
        if not is_incident_name(file):
            continue
        source = reader.read_ordinary(name, path, LARGEST_FILE)
        # What is gone here may be about to appear elsewhere.
        if source is None or not name.endswith(".md"):
            return None
        incidents[name], readings[path] = source, reader.readings[path]
    if reader.problems or before.problems:
        return None
    return replace(
        before, incidents=overlay(before.incidents, incidents), readings=overlay(before.readings, readings)
    )


def last_saved(files: ProjectFiles, name: str) -> datetime | None:
    """When the files of an incident, or the configuration by its name, were last changed on this machine."""
    paths = [path for path in files.incidents if id_in(path) == name]
    readings = [files.readings.get(str(files.root / path)) for path in ([name] if name == CONFIG_FILE else paths)]
    stamps = [reading.stamp.modified for reading in readings if reading]
    return datetime.fromtimestamp(max(stamps) / 1e9, UTC) if stamps else None


def without_incidents(files: ProjectFiles, ids: Collection[str]) -> ProjectFiles:
    """Leave out all files of some incidents."""
    if not ids:
        return files
    kept = {path: one for path, one in files.incidents.items() if id_in(path) not in ids}
    return replace(files, incidents=kept)


def _named(sources: Mapping[str, Source], folder: str) -> dict[str, Source]:
    return {path.removeprefix(f"{folder}/"): source for path, source in sources.items()}


def _as_shipped(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Take the small form of what has one; a project's own file stands as it is written."""
    small = {name.removeprefix(_MINIFIED): source for name, source in sources.items() if name.startswith(_MINIFIED)}
    return {name: source for name, source in sources.items() if not name.startswith(_MINIFIED)} | small


def _incident_files(sources: Mapping[str, Source], problems: list[Problem]) -> dict[str, Source]:
    problems += [
        Problem(
            _printable(path),
            0,
            "not an incident file, and not published",
            "incident files end in .md",
            Severity.WARNING,
        )
        for path in sources
        if not path.endswith(".md")
    ]
    return {path: source for path, source in sources.items() if path.endswith(".md")}


def _pictures(sources: Mapping[str, Source], problems: list[Problem]) -> dict[str, Source]:
    pictures = {}
    for path, source in sources.items():
        if not _PICTURE_NAME.fullmatch(path):
            hint = "use letters, digits, dots, hyphens and underscores"
            problems.append(Problem(_printable(path), 0, "this name cannot stand in a web address", hint))
        elif path.rsplit(".", 1)[-1].lower() not in PICTURE_TYPES:
            hint = f"pictures are {', '.join(PICTURE_TYPES)}"
            problems.append(Problem(path, 0, "not a picture, and not published", hint, Severity.WARNING))
        elif len(source.content) > LARGEST_PICTURE:
            problems.append(
                Problem(path, 0, "the picture is larger than 1 MB", "make it smaller; a logo needs a few KB")
            )
        else:
            pictures[path] = source
    return pictures


class _Reader:
    """Reads files below a root, once each, and collects what cannot be read.

    Paths are plain texts here: a project of ten thousand files is looked at every second.
    """

    def __init__(
        self,
        root: Path,
        known: Mapping[str, Reading],
        heed: Callable[[], None] = lambda: None,
        seen: Survey | None = None,
    ) -> None:
        self.root, self._folder = root, str(root)
        self.known = known
        self.readings: dict[str, Reading] = {}
        self.problems: list[Problem] = []
        # A method of ours would tie the two to each other, and all that was read with them.
        self._walk, self._seen = Walk(root, partial(_complain, self.problems), heed), seen

    @property
    def folders(self) -> frozenset[str]:
        """The folders that were looked through."""
        return self._seen.folders if self._seen else frozenset(self._walk.folders)

    def read_folder(self, kind: Kind, largest: int) -> dict[str, Source]:
        """Read every file of a kind, by path within the root."""
        sources = {}
        for name, entry in self._seen.found[kind] if self._seen else self._walk.through(kind):
            source = self._read_entry(name, entry, largest)
            if source:
                sources[source.path] = source
        return sources

    def _read_entry(self, name: str, entry: "os.DirEntry[str]", largest: int) -> Source | None:
        try:
            if entry.is_symlink() and not self._may_follow(name, entry.path):
                return None
            return self._read(name, entry.path, entry.stat(), largest)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.complain(name, f"cannot be read: {error.strerror}")
            return None

    def _may_follow(self, name: str, path: str) -> bool:
        """A link may lead to a file of the project; every other link is a problem."""
        if not os.path.exists(path):  # noqa: PTH110 (texts, see above)
            self.complain(name, "a link that leads nowhere", "remove it, or put the file here")
        elif os.path.isdir(path):  # noqa: PTH112
            self.complain(name, "a link to a folder, which is not followed", "put the files here")
        elif leads_out(path, self.root):
            self.complain(name, "a link to a file outside the project, which is not followed", "put the file here")
        else:
            return True
        return False

    def read(self, path: Path, largest: int) -> Source | None:
        """Read one file of the root by itself; None where there is none or it cannot be read."""
        try:
            return self._read(path.name, str(path), path.stat(), largest)
        except OSError as error:
            self.complain(path.name, f"cannot be read: {error.strerror}")
            return None

    def read_ordinary(self, name: str, path: str, largest: int) -> Source | None:
        """Read a file that is no link; None where there is none such."""
        try:
            found = os.lstat(path)
            return self._read(name, path, found, largest) if stat.S_ISREG(found.st_mode) else None
        except OSError:
            return None

    def _read(self, name: str, path: str, found: os.stat_result, largest: int) -> Source | None:
        """Read a file unless its stamp is known; at most one byte more than `largest`."""
        if not stat.S_ISREG(found.st_mode):
            self.complain(name, "not an ordinary file")
            return None
        reading = self.known.get(path)
        if reading is None or not reading.stamp.is_of(found):
            content = _read(path, largest)
            digest = hashlib.sha256(content).hexdigest()
            # Only what is as short as an incident can be read again alike.
            is_short = largest == LARGEST_FILE
            source = KnownSource(name, digest, self._folder, content) if is_short else Source(name, content, digest)
            reading = Reading(source, stamp_of(found))
        self.readings[path] = reading
        return reading.source

    def complain(self, name: str, message: str, hint: str = "") -> None:
        """Note what cannot be read."""
        _complain(self.problems, name, message, hint)


def _complain(problems: list[Problem], name: str, message: str, hint: str) -> None:
    problems.append(Problem(_printable(name), 0, message, hint))


def _read(path: str, largest: int) -> bytes:
    """At most one byte more than may be."""
    with open(path, "rb") as stream:  # noqa: PTH123
        return stream.read(largest + 1)


def _printable(name: str) -> str:
    """A file name for people: bytes that are no UTF-8 become signs of replacement."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_scaffold(name: str) -> dict[str, bytes]:
    """Read the packaged files that new projects and incidents are made from: `project`, `playbooks`, `infra` ..."""
    folder = packaged_templates() / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def read_playbooks(root: Path) -> dict[str, bytes]:
    """Read the first messages by kind, a project's own before the packaged ones of the same name."""
    own = {path.name: path.read_bytes() for path in sorted((root / "site_templates" / "playbooks").glob("*.md"))}
    return read_scaffold("playbooks") | own


def read_letter_templates(root: Path) -> dict[str, bytes]:
    """Read the templates of letters by their path, a project's own before the packaged ones of the same name."""
    return _own_before_packaged(root, "letters")


def read_kit_templates(root: Path) -> dict[str, bytes]:
    """Read the templates of the support kit by their path, a project's own before the packaged ones."""
    return _own_before_packaged(root, "kit")


def _own_before_packaged(root: Path, name: str) -> dict[str, bytes]:
    folder = root / "site_templates" / name
    own = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.j2"))}
    return read_scaffold(name) | own
