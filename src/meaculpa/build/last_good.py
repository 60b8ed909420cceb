"""Copies of every incident file that was good, so that a broken one can stay as it was, even after a restart."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from meaculpa.errors import Outdated, Problem, Severity
from meaculpa.files import write_file
from meaculpa.model import Source
from meaculpa.project import ProjectFiles

FOLDER = Path(".meaculpa") / "last-good"


def keep_good(files: ProjectFiles, problems: Iterable[Problem], kept: dict[str, str]) -> None:
    """Copy each good incident file that has changed since, and forget those that are gone.

    `kept` remembers the digests of what was copied, by path; files with an error among `problems` are left out.
    Where no copy can be written, there is none: that must not keep anything from being published.
    """
    with contextlib.suppress(OSError, Outdated):
        _copy(files, problems, kept)


def _copy(files: ProjectFiles, problems: Iterable[Problem], kept: dict[str, str]) -> None:
    folder = files.root / FOLDER
    bad = {problem.path for problem in problems if problem.severity is Severity.ERROR}
    if not kept:
        kept.update({path: source.digest for path, source in recall(files.root).items()})
    for path in kept.keys() - files.incidents.keys():
        # What cannot be read is not what was deleted: its copy is all that is left of it.
        if not any(path == name or path.startswith(f"{name}/") for name in bad):
            (folder / path).unlink(missing_ok=True)
            del kept[path]
    for path, source in files.incidents.items():
        if path not in bad and kept.get(path) != source.digest:
            _make_room(folder / path)
            write_file(folder / path, source.content)
            kept[path] = source.digest


def _make_room(path: Path) -> None:
    """What was a file may now be a folder, and the other way round."""
    for parent in path.parents:
        if parent.is_file():
            parent.unlink()
    if path.is_dir():
        shutil.rmtree(path)


def recall(root: Path, wanted: Iterable[str] | None = None) -> Mapping[str, Source]:
    """Read the copies, all or those wanted, by the path of the file they are copies of."""
    sources = {}
    for name in copies(root) if wanted is None else wanted:
        with contextlib.suppress(OSError):
            content = (root / FOLDER / name).read_bytes()
            sources[name] = Source(name, content, hashlib.sha256(content).hexdigest())
    return sources


def copies(root: Path) -> list[str]:
    """List the files of which there is a copy."""
    folder = root / FOLDER
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.md"))]
