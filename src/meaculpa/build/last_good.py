"""Copies of every incident file that was good, so that a broken one can stay as it was, even after a restart."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from sys import intern

from msgspec import Struct, field

from meaculpa.build.record import Record
from meaculpa.errors import Outdated, Problem, Severity
from meaculpa.files import write_file
from meaculpa.layers import find_changes
from meaculpa.manifest import shard_of
from meaculpa.model import Source
from meaculpa.names import LAST_GOOD
from meaculpa.project import ProjectFiles

_COPIES = "copies"


class Copies(Struct):
    """The digests of what was copied, by path, the files of which each has its copy, and what was not noted yet.

    `is_cut_short` says that there was no time for all.
    """

    digests: dict[str, str] = field(default_factory=dict)
    complete: Mapping[str, Source] = field(default_factory=dict)
    unnoted: set[str] = field(default_factory=set)
    is_cut_short: bool = False


def keep_good(
    files: ProjectFiles,
    problems: Iterable[Problem],
    kept: Copies,
    record: Record | None = None,
    has_time: Callable[[], bool] = lambda: True,
) -> None:
    """Copy each good incident file that has changed since, and forget those that are gone.

    `kept` remembers what was copied; files with an error among `problems` are left out. Copies that are as the
    `record` has noted them need not be read to be known. Where no copy can be written, there is none: that must not
    keep anything from being published. Once there is no time for more, what is left is done at the next call.
    """
    bad = {problem.path for problem in problems if problem.severity is Severity.ERROR}
    with contextlib.suppress(OSError, Outdated):
        if not kept.digests:
            found = _find_copies(files.root, record)
            kept.digests, kept.unnoted = found.digests, found.unnoted
        _copy(files, bad, kept, has_time)


def note_copies(root: Path, kept: Copies, record: Record) -> None:
    """Have the record note the copies, with what the file system says of them: those that it does not know yet."""
    names = {shard_of(path) for path in kept.unnoted}
    if not names:
        return
    shards: dict[str, dict[str, tuple[str, list[int]]]] = {name: {} for name in names}
    for path, digest in kept.digests.items():
        name = shard_of(path)
        stamp = _stamp_of(root, path) if name in names else None
        if stamp:
            shards[name][path] = digest, stamp
    record.keep(_COPIES, "", shards.items())
    kept.unnoted.clear()


def _noted(record: Record) -> dict[str, tuple[str, list[int]]]:
    def read(shard: Mapping[str, tuple[str, list[int]]]) -> dict[str, tuple[str, list[int]]]:
        return {intern(path): (intern(digest), stamp) for path, (digest, stamp) in shard.items()}

    shards = record.recall(_COPIES, "", dict[str, tuple[str, list[int]]], read)
    return {path: one for shard in shards.values() for path, one in shard.items()}


def _find_copies(root: Path, record: Record | None) -> Copies:
    """The copies that there are: those that are as they were noted are not read."""
    noted = _noted(record) if record else {}
    known = {path: digest for path, (digest, stamp) in noted.items() if stamp == _stamp_of(root, path)}
    others = [path for path in copies(root) if path not in known]
    # One at a time: after an upgrade nothing is known of tens of thousands.
    read = (source for path in others for source in recall(root, [path]).values())
    digests = known | {source.path: source.digest for source in read}
    return Copies(digests, unnoted={*others, *noted} - known.keys())


def _stamp_of(root: Path, path: str) -> list[int] | None:
    """What changes with every copy that is made, None where there is none."""
    try:
        found = os.stat(f"{root}{os.sep}{LAST_GOOD}{os.sep}{path}")  # noqa: PTH116 (called for every incident at every start)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]


def _copy(files: ProjectFiles, bad: Collection[str], kept: Copies, has_time: Callable[[], bool]) -> None:
    folder, digests = files.root / LAST_GOOD, kept.digests
    # What has its copy is looked at again only where it has changed.
    before, kept.complete, kept.is_cut_short = kept.complete, {}, False
    touched = find_changes(before, files.incidents)
    for path in touched.gone if before else digests.keys() - files.incidents.keys():
        # What cannot be read is not what was deleted: its copy is all that is left of it.
        if not any(path == name or path.startswith(f"{name}/") for name in bad):
            (folder / path).unlink(missing_ok=True)
            digests.pop(path, None)
            kept.unnoted.add(path)
    for path, source in touched.renewed.items():
        if path not in bad and digests.get(path) != source.digest:
            if not has_time():
                kept.is_cut_short = True
                return
            _make_room(folder / path)
            write_file(folder / path, source.content)
            digests[path] = source.digest
            kept.unnoted.add(path)
    if not bad:
        kept.complete = files.incidents


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
            content = (root / LAST_GOOD / name).read_bytes()
            sources[name] = Source(name, content, hashlib.sha256(content).hexdigest())
    return sources


def copies(root: Path) -> list[str]:
    """List the files of which there is a copy."""
    folder = str(root / LAST_GOOD)
    found = (
        os.path.relpath(f"{place}{os.sep}{name}", folder).replace(os.sep, "/")
        for place, _, names in os.walk(folder)
        for name in names
        if name.endswith(".md")
    )
    return sorted(found)
