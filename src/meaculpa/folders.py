"""Looks through folders: what lies where in a project, what is missing of a site, what the file system says of it.

No file is read.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from pathlib import Path
from stat import S_ISREG

from msgspec import Struct

from meaculpa.errors import NotAProject
from meaculpa.names import (
    CONFIG_FILE,
    LEDGER,
    LETTERS,
    METRICS_FOLDER,
    REDIRECTS_FILE,
    is_incident_name,
    is_metric_name,
    is_template_name,
)
from meaculpa.render.headers import on_disk

# What was changed this lately may be changed again within one step of the file system's clock.
_TOO_YOUNG_NANOSECONDS = 2_000_000_000
_DEEPEST = 20
_LISTED_TOGETHER = 1_000
_NOT_TEMPLATES = ("desk", "drills", "edge", "infra", "kit", "letters", "playbooks", "project", "sample")
# A list that is larger is a whole shop's; looking for all its names would cost every publish seconds.
_LARGEST_LIST = {".jsonl": 256_000_000, ".csv": 4_000_000}


class Stamp(Struct, frozen=True, array_like=True):
    """What the file system says of a file; equal stamps mean that it need not be read again."""

    modified: int
    changed: int
    size: int
    inode: int

    def is_sure(self, moment: int) -> bool:
        """Whether it tells what was read at a moment (nanoseconds) from whatever is written later."""
        return max(self.modified, self.changed) < moment - _TOO_YOUNG_NANOSECONDS

    def is_of(self, found: os.stat_result) -> bool:
        """Whether this is what the file system says now."""
        return (
            self.modified == found.st_mtime_ns
            and self.changed == found.st_ctime_ns
            and self.size == found.st_size
            and self.inode == found.st_ino
        )


def stamp_of(found: os.stat_result) -> Stamp:
    """Take from the file system's answer what tells one state of a file from another."""
    return Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


class Kind(Struct, frozen=True):
    """Files of one kind: their folder within a root, the names they have, and the folders that are left out."""

    folder: str
    is_wanted: Callable[[str], bool]
    left_out: tuple[str, ...] = ()


INCIDENTS = Kind("incidents", is_incident_name)
PICTURES = Kind("assets", lambda _: True)
METRICS = Kind(METRICS_FOLDER, is_metric_name)
OWN_TEMPLATES = Kind("site_templates", is_template_name)
PACKAGED_TEMPLATES = Kind(".", is_template_name, _NOT_TEMPLATES)


def find_project(start: Path) -> Path:
    """Find the project folder at or above a folder; raises NotAProject."""
    here = Path(os.path.abspath(start))  # noqa: PTH100 (a path with .. in it leads out of every folder)
    for folder in (here, *here.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise NotAProject(f"there is no {CONFIG_FILE} in {start} or above; `meaculpa init DIR` makes a project")


def packaged_templates() -> Path:
    """The templates that come with meaculpa: within the package, or in a checkout beside `src/`."""
    package = Path(__file__).parent
    inside = package / "site_templates"
    return inside if inside.is_dir() else package.parents[1] / "site_templates"


def has_own_templates(root: Path) -> bool:
    """Whether a project brings templates of its own; in a checkout of meaculpa they are the packaged ones."""
    own = root / OWN_TEMPLATES.folder
    return own.is_dir() and own.resolve() != packaged_templates().resolve()


class Walk:
    """A walk through the folders of a root; paths are plain texts, for there may be tens of thousands.

    `heed` is called often, and may raise what ends the walk. `complain` is told of a folder that cannot be looked
    through (its name, why, what would be right); `folders` are those that were entered.
    """

    def __init__(
        self, root: Path, complain: Callable[[str, str, str], None], heed: Callable[[], None] = lambda: None
    ) -> None:
        self._root, self._complain, self._heed = root, complain, heed
        self.folders: set[str] = set()

    def through(self, kind: Kind) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
        """Give every file of a kind, in the order of names, with its name within the root."""
        for name, entry in self._enter(str(self._root / kind.folder), kind.folder, kind.left_out):
            self._heed()
            if kind.is_wanted(entry.name):
                yield name, entry

    def _enter(self, folder: str, name: str, left_out: tuple[str, ...]) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
        self.folders.add(folder)
        if name.count("/") > _DEEPEST:
            self._complain(name, f"more than {_DEEPEST} folders deep", "put it higher up")
            return
        try:
            entries = self._entries(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._complain(name, f"the folder cannot be read: {error.strerror}", "")
            return
        prefix = "" if name == "." else f"{name}/"
        # Each keeps what was asked of it: to let go of tens of thousands at once takes a while.
        while entries:
            entry = entries.pop()
            if entry.name.startswith(".") or entry.name in left_out:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._enter(entry.path, prefix + entry.name, ())
            else:
                yield prefix + entry.name, entry

    def _entries(self, folder: str) -> "list[os.DirEntry[str]]":
        """What a folder holds, the last name first; even to list tens of thousands takes a while."""
        found: list[os.DirEntry[str]] = []
        with os.scandir(folder) as entries:
            while some := list(islice(entries, _LISTED_TOGETHER)):
                found += some
                self._heed()
        return sorted(found, key=attrgetter("name"), reverse=True)


class Survey(Struct, frozen=True):
    """What lies in the folders that a build reads, by kind, and which folders that were; an entry is asked once."""

    found: Mapping[Kind, Sequence[tuple[str, "os.DirEntry[str]"]]]
    folders: frozenset[str]


def survey(root: Path) -> Survey:
    """Look through all folders that a build reads; raises OSError where one cannot be looked through."""
    if not (root / INCIDENTS.folder).is_dir():
        _refuse(INCIDENTS.folder, "the folder is missing", "")
    walk, packaged = Walk(root, _refuse), Walk(packaged_templates(), _refuse)
    own = [OWN_TEMPLATES] if has_own_templates(root) else []
    found = {kind: [*walk.through(kind)] for kind in (INCIDENTS, PICTURES, METRICS, *own)}
    found[PACKAGED_TEMPLATES] = [*packaged.through(PACKAGED_TEMPLATES)]
    return Survey(found, frozenset(walk.folders))


def leads_out(path: str, root: Path) -> bool:
    """Whether a link leads to a file outside of a root."""
    return not Path(path).resolve().is_relative_to(root.resolve())


def _refuse(name: str, message: str, _: str) -> None:
    raise OSError(f"{name}: {message}")


def stamps_of(root: Path, seen: Survey) -> dict[str, Stamp]:
    """Find the stamps of all files that a build reads, by their full paths; raises OSError where one is not read."""
    stamps: dict[str, Stamp] = {}
    for kind, entries in seen.found.items():
        for name, entry in entries:
            if kind is not PACKAGED_TEMPLATES and entry.is_symlink() and leads_out(entry.path, root):
                _refuse(name, "a link to a file outside the project", "")
            stamps[entry.path] = stamp_of(entry.stat())
    names = [CONFIG_FILE, *([REDIRECTS_FILE] if (root / REDIRECTS_FILE).exists() else [])]
    return stamps | {str(root / name): stamp_of((root / name).stat()) for name in names}


def find_missing(folder: Path, sizes: Mapping[str, int | None]) -> set[str]:
    """Find published files that are not in a folder, or not of their size (None: of any); raises OSError."""
    start, lost = f"{folder}{os.sep}", set[str]()
    # In one loop: this is done for every file at every publish.
    for path, size in sizes.items():
        try:
            found = os.stat(start + on_disk(path))  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            lost.add(path)
            continue
        if not S_ISREG(found.st_mode) or size not in (None, found.st_size):
            lost.add(path)
    return lost


def has_ledger(root: Path) -> bool:
    """Whether a project has ever planned letters."""
    return (root / LEDGER).is_file()


def lists_of_people(root: Path) -> tuple[tuple[Path, Stamp], ...]:
    """Find who must not be named in public: order lists and planned letters, each with its stamp."""
    private = root / "private"
    found = []
    for path in sorted([*private.glob("*.csv"), *private.glob(f"plans/[!.]*/{LETTERS}")]):
        try:
            state = path.stat()
        except OSError:
            continue
        # What is named .csv has no ending.
        if S_ISREG(state.st_mode) and state.st_size <= _LARGEST_LIST.get(path.suffix, -1):
            found.append((path, stamp_of(state)))
    return tuple(found)
