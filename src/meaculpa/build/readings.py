"""What the incident files held when they were read last, so that a new process need not read them all."""

import os
import time
from collections.abc import Iterator, Set
from pathlib import Path

from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.project import KnownSource, ProjectFiles, Reading, Stamp

# What was changed this lately may be changed again within one step of the file system's clock.
_TOO_YOUNG_NANOSECONDS = 2_000_000_000

_Row = tuple[str, str, int, int, int, int]


class Readings:
    """The readings of one project, as its record has them."""

    def __init__(self, root: Path, record: Record) -> None:
        self._root, self._record = root, record
        self._kept: dict[str, _Row] = {}
        self._paths: Set[str] | None = None

    def recall(self) -> dict[str, Reading]:
        """Read what is known, by the full path of each file."""
        self._kept = {row[0]: row for row in self._record.readings()}
        root = f"{self._root}{os.sep}"
        return {
            root + path: Reading(KnownSource(path, digest, root + path), Stamp(modified, changed, size, inode))
            for path, digest, modified, changed, size, inode in self._kept.values()
        }

    def keep(self, files: ProjectFiles) -> None:
        """Have the record keep what was read since; of incidents that are gone nothing stays there."""
        now = {row[0]: row for row in _rows(files)}
        gone = self._kept.keys() - now.keys()
        self._record.keep_readings((row for path, row in now.items() if self._kept.get(path) != row), gone)
        if self._paths is None or self._paths - files.incidents.keys():
            self._record.forget_texts(self._record.speakers() - {id_in(path) for path in files.incidents})
        self._kept, self._paths = now, files.incidents.keys()


def _rows(files: ProjectFiles) -> Iterator[_Row]:
    latest = time.time_ns() - _TOO_YOUNG_NANOSECONDS
    for path, source in files.incidents.items():
        reading = files.readings.get(f"{files.root}{os.sep}{path}")
        stamp = reading.stamp if reading else None
        if stamp and max(stamp.modified, stamp.changed) < latest and path.isprintable():
            yield path, source.digest, stamp.modified, stamp.changed, stamp.size, stamp.inode
