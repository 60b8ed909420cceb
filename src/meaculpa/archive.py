"""Months that are over -> volumes: what the rest of the site needs of them, so that nobody has to read them again."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from heapq import nlargest

from msgspec import Struct

from meaculpa.model import OutputFile
from meaculpa.timeline import IncidentState
from meaculpa.uptime import Span

Rank = tuple[datetime, str]
_READ_TOGETHER = 5


class Card(Struct, frozen=True, array_like=True):
    """What places an incident in a list: when it was first and last spoken of; `starts` is that of planned work."""

    id: str
    first_word: datetime
    last_word: datetime
    starts: datetime | None


class Past(Struct, frozen=True):
    """A month that is over: when that was found, the months beside it then, and its files' digests by path."""

    name: str
    closed: datetime
    newer: str | None
    older: str | None
    sources: Mapping[str, str]


class Volume(Struct, frozen=True, dict=True):
    """A month that changes no more by itself: its incidents are only read when somebody asks for them.

    `versions` is what the manifest knows of its incidents, `spans` what may still count for the record of
    components, `touched` when each component last got another status. `read` gives the states of some of its
    incidents.
    """

    past: Past
    cards: Sequence[Card]
    versions: Mapping[str, str]
    changed: datetime
    began: datetime
    touched: Mapping[str, datetime]
    spans: Sequence[Span]
    files: Mapping[str, OutputFile]
    read: Callable[[Collection[str]], Sequence[IncidentState]]

    @property
    def name(self) -> str:
        """The month."""
        return self.past.name

    @cached_property
    def first_word(self) -> datetime:
        """When any of its incidents was first spoken of."""
        return min(card.first_word for card in self.cards)

    @cached_property
    def best(self) -> dict[Callable[[Card], Rank | None], Rank | None]:
        """The highest rank of any of its incidents, by order; filled when asked for."""
        return {}

    def highest(self, rank: Callable[[Card], Rank | None]) -> Rank | None:
        """The highest rank that any of its incidents has; None where none has one."""
        if rank not in self.best:
            self.best[rank] = max((found for card in self.cards if (found := rank(card))), default=None)
        return self.best[rank]


def touched(spans: Iterable[Span]) -> dict[str, datetime]:
    """When each component last got another status."""
    return latest({span.component: span.end or span.start} for span in spans)


def latest(moments: Iterable[Mapping[str, datetime]]) -> dict[str, datetime]:
    """The latest moment for each name."""
    found: dict[str, datetime] = {}
    for some in moments:
        for name, at in some.items():
            found[name] = max(at, found.get(name, at))
    return found


def card_of(state: IncidentState) -> Card:
    """Write an incident's card."""
    return Card(
        id=state.incident.id,
        first_word=state.updates[0].at,
        last_word=state.updates[-1].at,
        starts=state.incident.starts if state.is_maintenance else None,
    )


def by_last_word(card: Card) -> Rank | None:
    """Rank all by when they were last spoken of."""
    return card.last_word, card.id


def by_first_word(card: Card) -> Rank | None:
    """Rank incidents, but no planned work, by when they were first spoken of."""
    return None if card.starts else (card.first_word, card.id)


def by_window(card: Card) -> Rank | None:
    """Rank planned work by the beginning of its window."""
    return (card.starts, card.id) if card.starts else None


def highest(
    states: Iterable[IncidentState], volumes: Iterable[Volume], most: int, rank: Callable[[Card], Rank | None]
) -> Iterator[IncidentState]:
    """Give the incidents of the highest rank, highest first; of those in volumes few more are read than are taken."""
    known = {state.incident.id: state for state in states}
    shelves = {volume.name: volume for volume in volumes}
    found = nlargest(most, _places((card_of(state) for state in known.values()), "", rank))
    for name, volume in shelves.items():
        best = volume.highest(rank)
        if best and (len(found) < most or best > found[-1][0]):
            found = nlargest(most, [*found, *_places(volume.cards, name, rank)])
    for start in range(0, len(found), _READ_TOGETHER):
        some = found[start : start + _READ_TOGETHER]
        wanted: dict[str, set[str]] = {}
        for (_, incident_id), name in some:
            wanted.setdefault(name, set()).add(incident_id)
        for name in wanted.keys() - {""}:
            known |= {state.incident.id: state for state in shelves[name].read(wanted[name])}
        yield from (known[incident_id] for (_, incident_id), _ in some)


def find(
    states: Iterable[IncidentState], volumes: Iterable[Volume], ids: Collection[str]
) -> dict[str, IncidentState]:
    """Find incidents by their ids; only the volumes that hold any of them are read."""
    found = [state for state in states if state.incident.id in ids]
    for volume in volumes:
        inside = {card.id for card in volume.cards if card.id in ids}
        found += volume.read(inside) if inside else ()
    return {state.incident.id: state for state in found}


def _places(cards: Iterable[Card], name: str, rank: Callable[[Card], Rank | None]) -> Iterator[tuple[Rank, str]]:
    """The ranks of those that have one, and where they stand."""
    return ((place, name) for card in cards if (place := rank(card)))
