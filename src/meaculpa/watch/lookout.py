"""A cheap look at a project each second, which tells whether anything has changed since it was read.

Every folder and every file of late is looked at each time, the archive in slices; some files a second are read again,
so that in the end even a change that left no trace in the file system's own records is found.
"""

import bisect
import hashlib
import os
import time
from pathlib import Path

from msgspec.structs import replace

from meaculpa.errors import Outdated
from meaculpa.project import ProjectFiles, Reading

_STATS_A_LOOK = 3_500
_HASHES_A_LOOK = 16
_LATELY = 60.0
# File systems count time in steps; what happened within one step of a look may have happened after it.
_GRAIN_NANOSECONDS = 50_000_000

_Mark = tuple[int, int, int, int]


class Lookout:
    """Remembers how a project looked when it was read."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._folders: dict[str, _Mark | None] = {self._root: None}
        self._others: dict[str, _Mark] = {}
        # The file changed last comes first.
        self._readings: list[tuple[str, Reading]] = []
        self._ages: list[int] = []
        self._next_stat = self._next_hash = 0
        self._distrusted: set[str] = set()

    def prepare(self) -> None:
        """Note how the folders look before the project is read: what happens meanwhile is then seen."""
        self._folders = {folder: _settled_mark(folder) for folder in self._folders}

    def learn(self, files: ProjectFiles) -> None:
        """Note what was read; folders that are new are looked at again."""
        inside = f"{self._root}{os.sep}"
        readings = [(path, reading) for path, reading in files.readings.items() if path.startswith(inside)]
        self._readings = sorted(readings, key=lambda one: -one[1].stamp.modified)
        self._ages = [-reading.stamp.modified for _, reading in self._readings]
        folders = {self._root, *files.folders}
        self._folders = {folder: self._folders.get(folder) for folder in folders}
        self._others = {path: _mark(path) for path in {f"{inside}{problem.path}" for problem in files.problems}}
        self._distrusted = set()

    def sees_change(self) -> bool:
        """Whether anything looks different; cheap enough for every second."""
        recent = bisect.bisect(self._ages, -int((time.time() - _LATELY) * 1e9))
        self._distrusted = {path for path, reading in self._to_hash(recent) if _is_rewritten(path, reading)}
        return (
            bool(self._distrusted)
            or any(mark is None or _mark(folder) != mark for folder, mark in self._folders.items())
            or any(_mark(path) != mark for path, mark in self._others.items())
            or any(_is_restamped(path, reading) for path, reading in self._to_look_at(recent))
        )

    def trusted(self, files: ProjectFiles) -> ProjectFiles:
        """What was read, without the files that turned out to be different although nothing said so."""
        if not self._distrusted:
            return files
        kept = {path: reading for path, reading in files.readings.items() if path not in self._distrusted}
        return replace(files, readings=kept)

    def _to_look_at(self, recent: int) -> list[tuple[str, Reading]]:
        begin = self._next_stat if recent <= self._next_stat < len(self._readings) else recent
        self._next_stat = begin + _STATS_A_LOOK
        return [*self._readings[:recent], *self._readings[begin : begin + _STATS_A_LOOK]]

    def _to_hash(self, recent: int) -> list[tuple[str, Reading]]:
        begin = self._next_hash if self._next_hash < len(self._readings) else 0
        self._next_hash = begin + _HASHES_A_LOOK
        return [*self._readings[: min(recent, _HASHES_A_LOOK)], *self._readings[begin : begin + _HASHES_A_LOOK]]


def _mark(path: str) -> _Mark:
    """What identifies a state of a path; all zeros where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 (every second for every folder)
    except OSError:
        return (0, 0, 0, 0)
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def _settled_mark(path: str) -> _Mark | None:
    """The mark, or None (look again) while it is so young that the same mark may stand for a later change too."""
    mark = _mark(path)
    return None if time.time_ns() - mark[0] < _GRAIN_NANOSECONDS else mark


def _is_restamped(path: str, reading: Reading) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return True
    return not reading.stamp.is_of(found)


def _is_rewritten(path: str, reading: Reading) -> bool:
    """Whether a file holds something else than its unchanged stamp says."""
    try:
        length = len(reading.source.content)
        # Of a file that is too large only the beginning was read.
        is_whole = reading.stamp.size <= length
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read(length + is_whole)
    except (OSError, Outdated):
        return True
    return hashlib.sha256(content).hexdigest() != reading.source.digest
