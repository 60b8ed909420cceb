"""Incidents x now -> Site: what is open, how each component is, what was promised, when it changes next.

How one incident stands is decided in `timeline.py`, and everything else here; templates only show it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby

from msgspec import Struct

from meaculpa.archive import Card, Rank, Volume, by_window, card_of, find, highest
from meaculpa.config import Component, Config
from meaculpa.model import ComponentStatus, Impact, Incident, Surface
from meaculpa.timeline import IncidentState, state_of
from meaculpa.times import utc_midnight
from meaculpa.uptime import DAYS, Day, Span, daily_record, uptime_of

RECENT_DAYS = 14

_IMPACT_ORDER = (Impact.NONE, Impact.MAINTENANCE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL)


class ComponentState(Struct, frozen=True):
    """A component now and over the last 90 days; `uptime` is a share of 1, None without data."""

    component: Component
    status: ComponentStatus
    days: tuple[Day, ...]
    uptime: float | None


class Month(Struct, frozen=True):
    """The incidents that began in a month (`2026-11`, in UTC), newest first, and the months beside it."""

    name: str
    states: tuple[IncidentState, ...]
    newer: str | None
    older: str | None


class Site(Struct, frozen=True):
    """Everything the site says at one moment.

    `open` holds pinned incidents first, then the worst, `upcoming` the next first, `past` the newest first. `months`
    holds all but what is upcoming, newest first; `volumes` are months that are told of by what is known of them, and
    whose incidents stand nowhere else.
    `changed` is when the content last changed (None if nothing ever happened), `next_change` when it will change by
    itself.
    """

    now: datetime
    overall: Impact
    components: tuple[ComponentState, ...]
    open: tuple[IncidentState, ...]
    upcoming: tuple[IncidentState, ...]
    past: tuple[IncidentState, ...]
    months: tuple[Month, ...]
    changed: datetime | None
    next_change: datetime
    volumes: tuple[Volume, ...] = ()

    @property
    def every(self) -> tuple[IncidentState, ...]:
        """All incidents that are shown anywhere, but those in volumes."""
        return (*self.open, *self.upcoming, *self.past)

    @property
    def count(self) -> int:
        """How many incidents are shown anywhere."""
        return len(self.every) + sum(len(volume.cards) for volume in self.volumes)

    @property
    def history(self) -> tuple[tuple[str, int], ...]:
        """Each month with the number of its incidents, newest first."""
        months = [(month.name, len(month.states)) for month in self.months]
        return tuple(sorted([*months, *((one.name, len(one.cards)) for one in self.volumes)], reverse=True))

    def find(self, ids: Collection[str]) -> dict[str, IncidentState]:
        """The incidents of these ids, wherever they stand."""
        return find(self.every, self.volumes, ids)

    def highest(self, most: int, rank: Callable[[Card], Rank | None]) -> Iterator[IncidentState]:
        """Give the incidents of the highest rank, wherever they stand, highest first."""
        return highest(self.every, self.volumes, most, rank)

    def planned(self, most: int) -> list[IncidentState]:
        """Planned work, that of the latest window first; if more than so many are not over, the next of those."""
        ahead = [state for state in (*self.open, *self.upcoming) if state.is_maintenance]
        if len(ahead) <= most:
            return list(self.highest(most, by_window))
        return sorted(ahead, key=lambda state: by_window(card_of(state)) or ())[:most][::-1]

    @property
    def recent(self) -> tuple[IncidentState, ...]:
        """What ended in the last days, and pinned incidents however old."""
        oldest = utc_midnight(self.now) - timedelta(days=RECENT_DAYS - 1)
        return tuple(state for state in self.past if state.incident.pin or (state.ended or state.began) >= oldest)

    @property
    def overdue(self) -> tuple[IncidentState, ...]:
        """Open incidents whose promised update has not come, the earliest promise first."""
        late = [state for state in self.open if state.overdue]
        return tuple(sorted(late, key=lambda state: state.next_update or self.now))


def derive(
    incidents: Iterable[Incident],
    config: Config,
    now: datetime,
    earlier: Mapping[str, IncidentState] | None = None,
    volumes: Collection[Volume] = (),
) -> Site:
    """Derive the whole site from the incidents as they stand at `now`; drafts and the future do not count.

    `earlier` holds states that were derived at a moment before `now`, by their incident's digest: those that still
    hold are taken as they are. `volumes` are months whose incidents are not among these.
    """
    published = [incident for incident in incidents if not incident.draft]
    known = earlier or {}
    states = [state for one in published if (state := _still(known.get(one.digest), now) or state_of(one, now))]
    opened, upcoming, past = _sorted_out(states)
    return Site(
        now=now,
        overall=worst_impact(opened),
        components=_component_states(states, volumes, config, now),
        open=tuple(opened),
        upcoming=tuple(upcoming),
        past=tuple(past),
        months=_by_month(past, opened, [volume.name for volume in volumes]),
        changed=max([*(state.changed for state in states), *(volume.changed for volume in volumes)], default=None),
        next_change=_next_change(published, states, now),
        volumes=tuple(sorted(volumes, key=lambda volume: volume.name, reverse=True)),
    )


def _sorted_out(
    states: Iterable[IncidentState],
) -> tuple[list[IncidentState], list[IncidentState], list[IncidentState]]:
    """What is open, upcoming, and past, each in its order."""
    opened, upcoming, past = list[IncidentState](), list[IncidentState](), list[IncidentState]()
    for state in states:
        (opened if state.is_open else upcoming if state.is_upcoming else past).append(state)
    opened.sort(key=_urgency)
    upcoming.sort(key=_by_beginning)
    past.sort(key=_by_beginning, reverse=True)
    return opened, upcoming, past


def _by_month(past: list[IncidentState], opened: list[IncidentState], others: Iterable[str]) -> tuple[Month, ...]:
    """The months of these states; `others` are months beside them."""
    # Almost all of it is in order already.
    begun = sorted([*past, *opened], key=_by_beginning, reverse=True)
    found = {
        f"{year:04d}-{month:02d}": tuple(states)
        for (year, month), states in groupby(begun, key=lambda state: (state.began.year, state.began.month))
    }
    beside = neighbours([*found, *others])
    return tuple(Month(name, states, *beside[name]) for name, states in found.items())


def neighbours(months: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """The next newer and the next older of each month."""
    names = [None, *sorted({*months}, reverse=True), None]
    return {name: (newer, older) for newer, name, older in zip(names, names[1:], names[2:], strict=False) if name}


def _by_beginning(state: IncidentState) -> tuple[datetime, str]:
    return state.began, state.incident.id


def _still(state: IncidentState | None, now: datetime) -> IncidentState | None:
    return state if state and (state.holds_until is None or now < state.holds_until) else None


def worst_impact(states: Iterable[IncidentState]) -> Impact:
    """Find the worst impact of what is open; incidents outrank maintenance; nothing open is none."""
    return max((state.incident.impact for state in states), key=_IMPACT_ORDER.index, default=Impact.NONE)


def is_shown_on(incident: Incident, surface: Surface) -> bool:
    """Whether an incident reaches a surface: each surface includes those before it."""
    surfaces = tuple(Surface)
    return surfaces.index(incident.show) >= surfaces.index(surface)


def _next_change(incidents: Iterable[Incident], states: Collection[IncidentState], now: datetime) -> datetime:
    """Find the next moment at which the site changes though no file does; midnight UTC at the latest."""
    midnight = utc_midnight(now) + timedelta(days=1)
    shown = {state.incident.id for state in states}
    moments = [incident.updates[0].at for incident in incidents if incident.id not in shown]
    moments += [state.holds_until for state in states if state.holds_until]
    return min((moment for moment in moments if moment < midnight), default=midnight)


def _urgency(state: IncidentState) -> tuple[bool, int, float, str]:
    worst_first = -_IMPACT_ORDER.index(state.incident.impact)
    return not state.incident.pin, worst_first, -state.began.timestamp(), state.incident.id


def _component_states(
    states: list[IncidentState], volumes: Collection[Volume], config: Config, now: datetime
) -> tuple[ComponentState, ...]:
    begun = [state.began for state in states if not state.is_upcoming]
    first = min([*begun, *(volume.began for volume in volumes)], default=None)
    by_component: dict[str, list[Span]] = {component.id: [] for component in config.components}
    oldest = utc_midnight(now) - timedelta(days=DAYS)
    # What ended before the record begins is most of an archive.
    counting = (state.spans for state in states if state.ended is None or state.ended >= oldest)
    for span in chain(chain.from_iterable(counting), *(volume.spans for volume in volumes)):
        # A last good version may name a component that the configuration no longer has.
        if span.component in by_component:
            by_component[span.component].append(span)
    return tuple(
        _component_state(component, by_component[component.id], first, now) for component in config.components
    )


def _component_state(
    component: Component, spans: list[Span], first: datetime | None, now: datetime
) -> ComponentState:
    order = tuple(ComponentStatus)
    current = [span.status for span in spans if span.end is None]
    begin = datetime.combine(component.since, datetime.min.time(), UTC) if component.since else first
    days = daily_record(spans, begin, now)
    return ComponentState(
        component=component,
        status=max(current, key=order.index, default=ComponentStatus.OPERATIONAL),
        days=days,
        uptime=uptime_of(days),
    )
