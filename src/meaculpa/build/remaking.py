"""Volumes -> their incidents and files, read and made again from the project when somebody asks."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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

_MOST_KEPT = 4


@dataclass
class Remaker:
    """Makes what was closed under one configuration and theme; couriers may ask while the next build is made."""

    root: Path
    record: Record
    config: Config
    theme: Theme
    assets: Mapping[str, Source]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: OrderedDict[str, Mapping[str, OutputFile]] = field(default_factory=OrderedDict)
    _states: dict[tuple[str, str], IncidentState] = field(default_factory=dict)

    def read(self, past: Past, ids: Collection[str]) -> Sequence[IncidentState]:
        """Read some of its incidents; raises Outdated where that is not possible any more."""
        missing = {one for one in ids if (past.name, one) not in self._states}
        for incident in self._parse(past, missing):
            state = state_of(incident, past.closed)
            if state:
                self._states[past.name, incident.id] = state
        if not all((past.name, one) in self._states for one in ids):
            self.record.discard()
            raise Outdated(f"an incident of {past.name} is not what it was; run it once more")
        return [self._states[past.name, one] for one in ids]

    def make(self, past: Past, path: str) -> OutputFile:
        """Make one of its files; raises Outdated where there is none such any more."""
        with self._lock:
            files = self._made.get(past.name) or self._make(past)
            self._made[past.name] = files
            self._made.move_to_end(past.name)
            while len(self._made) > _MOST_KEPT:
                self._made.popitem(last=False)
        if path not in files:
            self.record.discard()
            raise Outdated(f"{path} is not made any more; run it once more")
        return files[path]

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
        found = [
            KnownSource(path, digest, str(self.root / path))
            for path, digest in past.sources.items()
            if ids is None or id_in(path) in ids
        ]
        return parse(found, self.config).incidents
