"""What the incident files held when they were read last, so that a new process need not read them all."""

import os
import time
from pathlib import Path
from typing import Any

from msgspec import convert

from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.folders import Stamp
from meaculpa.layers import find_changes
from meaculpa.manifest import shard_of
from meaculpa.project import KnownSource, ProjectFiles, Reading

# What was changed this lately may be changed again within one step of the file system's clock.
_TOO_YOUNG_NANOSECONDS = 2_000_000_000
_READINGS = "readings"
_Row = tuple[str, int, int, int, int]


class Readings:
    """The readings of one project, as its record has them."""

    def __init__(self, root: Path, record: Record) -> None:
        self._folder, self._root, self._record = str(root), f"{root}{os.sep}", record
        # What was changed later may have been changed again since it was read.
        self._latest = time.time_ns() - _TOO_YOUNG_NANOSECONDS
        self._kept: dict[str, Reading] = {}

    def recall(self) -> dict[str, Reading]:
        """Read what is known, by the full path of each file."""
        shards = self._record.recall(_READINGS, "", self._read)
        self._kept = {path: reading for shard in shards.values() for path, reading in shard.items()}
        return self._kept

    def _read(self, value: Any) -> dict[str, Reading]:
        return {
            self._root + path: Reading(KnownSource(path, digest, self._folder), Stamp(*stamp))
            for path, (digest, *stamp) in convert(value, dict[str, _Row]).items()
        }

    def keep(self, files: ProjectFiles) -> None:
        """Have the record keep what was read; of incidents that are gone nothing stays there."""
        now = {
            path: files.readings[path]
            for path in map(self._root.__add__, files.incidents)
            if self._is_sure(path, files)
        }
        touched = find_changes(self._kept, now)
        names = {shard_of(path.removeprefix(self._root)) for path in (*touched.renewed, *touched.gone)}
        if names:
            shards: dict[str, dict[str, _Row]] = {name: {} for name in names}
            for one in now.values():
                if (name := shard_of(one.source.path)) in names:
                    shards[name][one.source.path] = _row(one)
            self._record.keep(_READINGS, "", shards.items())
        self._kept = now
        self._record.forget_texts(self._record.speakers() - {id_in(path) for path in files.incidents})

    def _is_sure(self, path: str, files: ProjectFiles) -> bool:
        """Whether a file was read long enough after it was changed."""
        reading = files.readings.get(path)
        is_old = reading is not None and max(reading.stamp.modified, reading.stamp.changed) < self._latest
        return is_old and path.isprintable()


def _row(reading: Reading) -> _Row:
    stamp = reading.stamp
    return reading.source.digest, stamp.modified, stamp.changed, stamp.size, stamp.inode
