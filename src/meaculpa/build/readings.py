"""What the incident files held when they were read last, so that a new process need not read them all."""

import os
import time
from pathlib import Path
from typing import Any

from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.project import KnownSource, ProjectFiles, Reading, Stamp

# What was changed this lately may be changed again within one step of the file system's clock.
_TOO_YOUNG_NANOSECONDS = 2_000_000_000
_READINGS = "readings"


class Readings:
    """The readings of one project, as its record has them."""

    def __init__(self, root: Path, record: Record) -> None:
        self._folder, self._root, self._record = str(root), f"{root}{os.sep}", record
        # What was changed later may have been changed again since it was read.
        self._latest = time.time_ns() - _TOO_YOUNG_NANOSECONDS
        self._kept: dict[str, Reading] = {}

    def recall(self) -> dict[str, Reading]:
        """Read what is known, by the full path of each file."""
        self._kept = self._record.recall(_READINGS, "", self._read).get(_READINGS, {})
        return self._kept

    def _read(self, value: Any) -> dict[str, Reading]:
        return {
            self._root + path: Reading(KnownSource(path, digest, self._folder), Stamp(*map(int, stamp)))
            for path, (digest, *stamp) in value.items()
        }

    def keep(self, files: ProjectFiles) -> None:
        """Have the record keep what was read; of incidents that are gone nothing stays there."""
        now = {
            path: files.readings[path]
            for path in map(self._root.__add__, files.incidents)
            if self._is_sure(path, files)
        }
        if now != self._kept:
            self._record.keep(_READINGS, "", {_READINGS: {one.source.path: _row(one) for one in now.values()}})
            self._kept = now
        self._record.forget_texts(self._record.speakers() - {id_in(path) for path in files.incidents})

    def _is_sure(self, path: str, files: ProjectFiles) -> bool:
        """Whether a file was read long enough after it was changed."""
        reading = files.readings.get(path)
        is_old = reading is not None and max(reading.stamp.modified, reading.stamp.changed) < self._latest
        return is_old and path.isprintable()


def _row(reading: Reading) -> tuple[str, int, int, int, int]:
    stamp = reading.stamp
    return reading.source.digest, stamp.modified, stamp.changed, stamp.size, stamp.inode
