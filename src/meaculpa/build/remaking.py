"""Volumes -> their incidents and files, read and made again from the project when somebody asks."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.archive import Past
from meaculpa.build.bodies import Bodies
from meaculpa.build.markup_pool import MarkupPool
from meaculpa.build.record import Record
from meaculpa.config import Config
from meaculpa.content import parse
from meaculpa.content.files import id_in
from meaculpa.errors import Outdated
from meaculpa.model import Incident, OutputFile, Source
from meaculpa.project import KnownSource
from meaculpa.render.environment import Theme
from meaculpa.render.site import render
from meaculpa.status import derive
from meaculpa.timeline import IncidentState, state_of

_MOST_BYTES = 64 * 2**20


class Remaker(Struct):
    """Makes what was closed under one configuration and theme; couriers may ask while the next build is made."""

    root: Path
    record: Record
    config: Config
    theme: Theme
    assets: Mapping[str, Source]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: OrderedDict[str, tuple[Past, Mapping[str, OutputFile]]] = field(default_factory=OrderedDict)
    _states: dict[str, tuple[Past, dict[str, IncidentState]]] = field(default_factory=dict)

    def read(self, past: Past, ids: Collection[str]) -> Sequence[IncidentState]:
        """Read some of its incidents; raises Outdated where that is not possible any more."""
        before, known = self._states.get(past.name, (past, {}))
        # A month that was open meanwhile says something else.
        known = known if before is past else {}
        self._states[past.name] = (past, known)
        for incident in self._parse(past, set(ids) - known.keys()):
            state = state_of(incident, past.closed)
            if state:
                known[incident.id] = state
        if not known.keys() >= set(ids):
            raise Outdated(f"an incident of {past.name} is not what it was; run it once more")
        return [known[one] for one in ids]

    def make(self, past: Past, path: str) -> OutputFile:
        """Make one of its files; raises Outdated where there is none such any more."""
        with self._lock:
            before, files = self._made.pop(past.name, (None, {}))
            files = files if before is past else self._make(past)
            self._made[past.name] = (past, files)
            while self._size() > _MOST_BYTES and len(self._made) > 1:
                self._made.popitem(last=False)
        if path not in files:
            self.record.discard()
            raise Outdated(f"{path} is not made any more; run it once more")
        return files[path]

    def _size(self) -> int:
        return sum(file.size for _, files in self._made.values() for file in files.values())

    def _make(self, past: Past) -> dict[str, OutputFile]:
        incidents = self._parse(past)
        site = derive(incidents, self.config, past.closed)
        months = tuple(
            replace(month, newer=past.newer, older=past.older) for month in site.months if month.name == past.name
        )
        pool = MarkupPool()
        try:
            bodies = Bodies(pool, self.record)
            bodies.begin(incidents)
            chapter = next(render(replace(site, months=months), self.config, self.theme, bodies, self.assets))
            return {page.path: page.produce() for page in chapter.pages()}
        finally:
            pool.close()

    def _parse(self, past: Past, ids: Collection[str] | None = None) -> tuple[Incident, ...]:
        """Parse its incidents, or only some."""
        root = str(self.root)
        found = [
            KnownSource(path, digest, root)
            for path, digest in past.sources.items()
            if ids is None or id_in(path) in ids
        ]
        return parse(found, self.config).incidents
