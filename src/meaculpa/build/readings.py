"""What the incident files held when they were read last, so that a new process need not read them all."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.folders import Stamp
from meaculpa.layers import find_changes
from meaculpa.manifest import shard_of
from meaculpa.project import KnownSource, ProjectFiles, Reading

_READINGS = "readings"
# What a file held, and its stamp.
_Row = tuple[str, Stamp]


class Readings:
    """The readings of one project, as its record has them."""

    def __init__(self, root: Path, record: Record) -> None:
        self._folder, self._root, self._record = str(root), f"{root}{os.sep}", record
        self._begun = time.time_ns()
        self._kept: dict[str, Reading] = {}
        self._shards: dict[str, dict[str, Reading]] = {}

    def recall(self) -> dict[str, Reading]:
        """Read what is known, by the full path of each file."""
        self._shards = self._record.recall(_READINGS, "", dict[str, _Row], self._read)
        self._kept = {path: reading for shard in self._shards.values() for path, reading in shard.items()}
        return self._kept

    def _read(self, shard: Mapping[str, _Row]) -> dict[str, Reading]:
        return {
            self._root + path: Reading(KnownSource(path, digest, self._folder), stamp)
            for path, (digest, stamp) in shard.items()
        }

    def keep(self, files: ProjectFiles) -> None:
        """Have the record keep what was read; of incidents that are gone nothing stays there."""
        found = ((path, files.readings.get(path)) for path in map(self._root.__add__, files.incidents))
        now = {path: one for path, one in found if one and (self._kept.get(path) is one or self._is_sure(path, one))}
        touched = find_changes(self._kept, now)
        changed: dict[str, dict[str, Reading]] = {}
        for path in (*touched.renewed, *touched.gone):
            name = shard_of(path.removeprefix(self._root))
            shard = changed[name] = self._shards.setdefault(name, {})
            if path in now:
                shard[path] = now[path]
            else:
                shard.pop(path, None)
        if changed:
            self._record.keep(_READINGS, "", ((name, _rows(shard)) for name, shard in changed.items()))
        self._kept = now
        self._record.forget_texts(self._record.speakers() - {id_in(path) for path in files.incidents})

    def _is_sure(self, path: str, reading: Reading) -> bool:
        """Whether a file was read long enough after it was changed."""
        return reading.stamp.is_sure(self._begun) and path.isprintable()


def _rows(shard: Mapping[str, Reading]) -> dict[str, _Row]:
    return {one.source.path: (one.source.digest, one.stamp) for one in shard.values()}
