"""Months that are over are closed: known by their volumes, and read and made again only when somebody asks.

What this saves grows with the archive: an edit costs what is open, whatever was closed before.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from meaculpa.archive import Volume
from meaculpa.build.binding import Kept, bind, read_volume, written
from meaculpa.build.readings import Readings
from meaculpa.build.record import Record
from meaculpa.build.remaking import Remaker
from meaculpa.config import Config
from meaculpa.content.files import id_in
from meaculpa.errors import Problem
from meaculpa.layers import find_changes
from meaculpa.lint import is_of_interest
from meaculpa.model import OutputFile, Source
from meaculpa.project import KnownSource
from meaculpa.render.environment import Theme
from meaculpa.status import Month, Site, neighbours
from meaculpa.timeline import IncidentState

# Longer than anything is of interest to the rules for messages, to channels, and to the status page.
_A_WHILE = timedelta(days=31)
_VOLUMES = "volumes"


class Archive:
    """The volumes of one project, as long as nothing that they depend on has changed.

    `files` is what is published of them, the oldest month first, `versions` what the manifest knows of them; both
    stay the same objects until another month is closed or opened.
    """

    def __init__(self, root: Path) -> None:
        self.record = Record(root)
        self.readings = Readings(root, self.record)
        self.volumes: dict[str, Volume] = {}
        self.files: Mapping[str, OutputFile] = {}
        self.versions: Mapping[str, str] = {}
        self._root = root
        self._key, self._doubts = "", 0
        self._names: dict[str, str] = {}
        self._paths: set[str] = set()
        self._followed: Mapping[str, Source] | None = None
        self._others: dict[str, Source] | None = None
        self._remaker: Remaker | None = None
        self._unkept: set[str] = set()

    def follow(
        self,
        sources: Mapping[str, Source],
        config: Config,
        theme: Theme,
        assets: Mapping[str, Source],
        now: datetime,
    ) -> dict[str, Source]:
        """Give the files of incidents that have to be read: all but those of months that are as they were closed."""
        key, doubts = _key_of(config, theme, assets), self.record.doubts
        if (key, doubts) != (self._key, self._doubts):
            self._key, self._doubts, self._unkept = key, doubts, set()
            self._remaker = Remaker(self._root, self.record, config, theme, assets)
            self.volumes = self.record.recall(_VOLUMES, key, Kept, partial(read_volume, remaker=self._remaker))
            self._learn()
            self._followed = None
        # What was over later may not have been over now.
        self.open([name for name, volume in self.volumes.items() if volume.past.closed > now])
        return self._follow(sources)

    def _follow(self, sources: Mapping[str, Source]) -> dict[str, Source]:
        """Open the months of which a file is another one than when they were closed; give what is not closed."""
        touched = find_changes(self._followed or {}, sources)
        suspects = self.volumes.keys() if self._followed is None else self._months_of(*touched.renewed, *touched.gone)
        self._followed = sources
        self.open([name for name in suspects if not _is_as_it_was(self.volumes[name], sources)])
        new = {path: source for path, source in touched.renewed.items() if path not in self._paths}
        self.open(self._months_of(*new))
        if self._others is None:
            self._others = {path: source for path, source in sources.items() if path not in self._paths}
        elif new or touched.gone:
            self._others = {path: one for path, one in {**self._others, **new}.items() if path not in touched.gone}
        return self._others

    def _months_of(self, *paths: str) -> set[str]:
        """The closed months of the incidents to which files belong."""
        return {month for path in paths if (month := self._names.get(id_in(path))) in self.volumes}

    def is_made_with(self, theme: Theme) -> bool:
        """Whether a theme is the one that was followed: where that one fails, pages are made with the one before."""
        return self._remaker is not None and self._remaker.theme is theme

    def open(self, names: Iterable[str]) -> bool:
        """Have the incidents of some months read like others; gives whether any was closed."""
        opened = [name for name in names if self.volumes.pop(name, None)]
        if opened:
            self._learn()
        return bool(opened)

    def opens_beside(self, site: Site) -> bool:
        """Open the months that have got an incident more, or another month beside them; gives whether any has."""
        beside = neighbours([*(month.name for month in site.months), *self.volumes])
        names = {month.name for month in site.months}
        moved = [name for name, one in self.volumes.items() if (one.past.newer, one.past.older) != beside[name]]
        return self.open({*names, *moved})

    def _learn(self) -> None:
        volumes = [volume for _, volume in sorted(self.volumes.items())]
        self._names = {card.id: volume.name for volume in volumes for card in volume.cards}
        self._paths = {path for volume in volumes for path in volume.past.sources}
        self.files = {path: file for volume in volumes for path, file in volume.files.items()}
        self.versions = {one: version for volume in volumes for one, version in volume.versions.items()}
        self._others = None

    def close(
        self,
        site: Site,
        sources: Mapping[str, Mapping[str, Source]],
        made: Mapping[str, Mapping[str, OutputFile]],
        problems: Iterable[Problem],
    ) -> None:
        """Close the months of a build of which nothing is to be expected any more.

        `sources` holds the files of each incident, `made` what was made of each month. Those with problems stay open.
        """
        troubled = {id_in(problem.path) for problem in problems}
        for month in site.months:
            ids = {state.incident.id for state in month.states}
            if self._remaker and is_over(month, site.now) and not ids & troubled and ids <= sources.keys():
                files = {path: source for name in ids for path, source in sources[name].items()}
                self.volumes[month.name] = bind(month, site.now, files, made[month.name], self._remaker)
                self._unkept.add(month.name)
        if self._unkept:
            self._learn()

    def let_go(self, site: Site, sources: Mapping[str, Mapping[str, Source]]) -> None:
        """Hold no more what stands in the files of months that are over; who wants to know reads them again."""
        over = (state for month in site.months if is_over(month, site.now) for state in month.states)
        for source in (source for state in over for source in sources.get(state.incident.id, {}).values()):
            if isinstance(source, KnownSource):
                source.let_go()

    def keep(self) -> None:
        """Have the record keep what was closed since the last time."""
        closed = sorted(self._unkept & self.volumes.keys())
        self.record.keep(_VOLUMES, self._key, ((name, written(self.volumes[name])) for name in closed))
        self._unkept.clear()


def is_over(month: Month, now: datetime) -> bool:
    """Whether nothing of a month changes by itself any more, and nothing of it is of interest today."""
    return all(_is_over(state, now) for state in month.states)


def _is_over(state: IncidentState, now: datetime) -> bool:
    is_settled = not state.is_open and state.holds_until is None and not state.incident.pin
    return is_settled and state.changed < now - _A_WHILE and not is_of_interest(state.incident, now)


def _key_of(config: Config, theme: Theme, assets: Mapping[str, Source]) -> str:
    """What identifies all that every page of every month depends on."""
    pictures = sorted((path, source.digest) for path, source in assets.items())
    return hashlib.sha256(repr((config.digest, theme.digest, pictures)).encode()).hexdigest()


def _is_as_it_was(volume: Volume, sources: Mapping[str, Source]) -> bool:
    return all(path in sources and sources[path].digest == digest for path, digest in volume.past.sources.items())
