"""Incidents x now -> Site: what is open, how each component is, what was promised, when it changes next.

This is the only place where a state is decided; templates only show it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from meaculpa.config import Component, Config
from meaculpa.model import ComponentStatus, Impact, Incident, Kind, Settled, Status, Surface, Update
from meaculpa.times import utc_midnight
from meaculpa.uptime import DAYS, Day, Span, daily_record, uptime_of

RECENT_DAYS = 14

_IMPACT_ORDER = (Impact.NONE, Impact.MAINTENANCE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL)
_UNDERWAY = (Status.IN_PROGRESS, Status.VERIFYING)
_OVER = (Status.RESOLVED, Status.COMPLETED)
_IDLE = (Status.SCHEDULED, Status.COMPLETED, Status.POSTMORTEM)


@dataclass(frozen=True, slots=True)
class IncidentState:
    """An incident as it stands at one moment; `updates` are those made until then, oldest first.

    `changed` is when something last happened: an update, or the beginning or end of a window. `back_at` is when it
    is certain to work again, while that is ahead; `holds_until` is the next moment at which any of this changes by
    itself (None: never).

    `ended` is when it was resolved or completed; `unconfirmed` says that a maintenance window has ended
    by the clock and nobody has said yet that the work is done.
    """

    incident: Incident
    status: Status
    updates: tuple[Update, ...]
    began: datetime
    ended: datetime | None
    next_update: datetime | None
    overdue: bool
    back_at: datetime | None
    unconfirmed: bool
    settled: Settled | None
    spans: tuple[Span, ...]
    changed: datetime
    holds_until: datetime | None

    @property
    def is_maintenance(self) -> bool:
        """Whether it is planned work."""
        return self.incident.kind is Kind.MAINTENANCE

    @property
    def is_open(self) -> bool:
        """Whether customers feel it now: an unresolved incident, or maintenance that is under way."""
        if self.is_maintenance:
            return self.status in _UNDERWAY
        return self.status is not Status.RESOLVED

    @property
    def is_upcoming(self) -> bool:
        """Whether it is maintenance that has not begun."""
        return self.status is Status.SCHEDULED

    @property
    def is_called_off(self) -> bool:
        """Whether it is planned work that was ended before it began."""
        return bool(self.ended and self.incident.starts and self.ended <= self.incident.starts)

    @property
    def components(self) -> Mapping[str, ComponentStatus]:
        """The components it affects now, with their status."""
        return {span.component: span.status for span in self.spans if span.end is None}


@dataclass(frozen=True, slots=True)
class ComponentState:
    """A component now and over the last 90 days; `uptime` is a share of 1, None without data."""

    component: Component
    status: ComponentStatus
    days: tuple[Day, ...]
    uptime: float | None


@dataclass(frozen=True, slots=True)
class Month:
    """The incidents that began in a month (`2026-11`, in UTC), newest first, and the months beside it."""

    name: str
    states: tuple[IncidentState, ...]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the site says at one moment.

    `open` holds pinned incidents first, then the worst, `upcoming` the next first, `past` the newest first. `months`
    holds all but what is upcoming, newest first.
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

    @property
    def every(self) -> tuple[IncidentState, ...]:
        """All incidents that are shown anywhere."""
        return (*self.open, *self.upcoming, *self.past)

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
    incidents: Iterable[Incident], config: Config, now: datetime, earlier: Mapping[str, IncidentState] | None = None
) -> Site:
    """Derive the whole site from the incidents as they stand at `now`; drafts and the future do not count.

    `earlier` holds states that were derived at a moment before `now`, by their incident's digest: those that still
    hold are taken as they are.
    """
    published = [incident for incident in incidents if not incident.draft]
    known = earlier or {}
    states = [state for one in published if (state := _still(known.get(one.digest), now) or state_of(one, now))]
    opened, upcoming, past = _sorted_out(states)
    return Site(
        now=now,
        overall=worst_impact(opened),
        components=_component_states(states, config, now),
        open=tuple(opened),
        upcoming=tuple(upcoming),
        past=tuple(past),
        months=_by_month(past, opened),
        changed=max((state.changed for state in states), default=None),
        next_change=_next_change(published, states, now),
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


def _by_month(past: list[IncidentState], opened: list[IncidentState]) -> tuple[Month, ...]:
    # Almost all of it is in order already.
    begun = sorted([*past, *opened], key=_by_beginning, reverse=True)
    found = [
        (f"{year:04d}-{month:02d}", tuple(states))
        for (year, month), states in groupby(begun, key=lambda state: (state.began.year, state.began.month))
    ]
    names = [None, *(name for name, _ in found), None]
    beside = zip(found, names, names[2:], strict=False)
    return tuple(Month(name, states, newer, older) for (name, states), newer, older in beside)


def _by_beginning(state: IncidentState) -> tuple[datetime, str]:
    return state.began, state.incident.id


def _still(state: IncidentState | None, now: datetime) -> IncidentState | None:
    return state if state and (state.holds_until is None or now < state.holds_until) else None


def state_of(incident: Incident, now: datetime) -> IncidentState | None:
    """Say how an incident stands at `now`; None before its first update."""
    updates = tuple(update for update in incident.updates if update.at <= now)
    if not updates:
        return None
    status, since = _status_at(incident, updates, now)
    ended = since if status in _OVER else None
    closed = ended is not None
    spoken = [update for update in updates if update.status is not Status.POSTMORTEM]
    promise = spoken[-1].next_update if spoken and not closed else None
    over = max((number for number, update in enumerate(updates) if update.status in _OVER), default=-1)
    back_at = [update.back_at for update in updates[over + 1 :] if update.back_at]
    settled = [update.settled for update in updates if update.settled]
    began = _began(incident, updates, now, ended)
    return IncidentState(
        incident=incident,
        status=status,
        updates=updates,
        began=began,
        ended=ended,
        next_update=promise,
        overdue=promise is not None and now >= promise,
        back_at=back_at[-1] if back_at and not closed and back_at[-1] > now else None,
        unconfirmed=status is Status.COMPLETED and all(update.status is not Status.COMPLETED for update in updates),
        settled=settled[-1] if settled else None,
        spans=_spans(incident, updates, now),
        changed=_changed(incident, updates, began, ended, status),
        holds_until=min((moment for moment in _moments(incident) if moment > now), default=None),
    )


def _changed(
    incident: Incident, updates: tuple[Update, ...], began: datetime, ended: datetime | None, status: Status
) -> datetime:
    has_begun = incident.kind is Kind.MAINTENANCE and status is not Status.SCHEDULED
    moments = (updates[-1].at, began if has_begun else None, ended)
    return max(moment for moment in moments if moment)


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


def _moments(incident: Incident) -> Iterable[datetime]:
    yield from (update.at for update in incident.updates)
    yield from (moment for update in incident.updates for moment in (update.next_update, update.back_at) if moment)
    yield from (moment for moment in (incident.starts, incident.ends) if moment)


def _urgency(state: IncidentState) -> tuple[bool, int, float, str]:
    worst_first = -_IMPACT_ORDER.index(state.incident.impact)
    return not state.incident.pin, worst_first, -state.began.timestamp(), state.incident.id


def _status_at(incident: Incident, updates: tuple[Update, ...], now: datetime) -> tuple[Status, datetime]:
    """The status and when it began; a postmortem and facts about settlement change nothing."""
    if incident.kind is Kind.MAINTENANCE:
        events = _maintenance_events(incident, updates, now)
    else:
        events = [(update.at, update.status) for update in updates if update.status is not Status.POSTMORTEM]
    status, since = events[-1][1], events[-1][0]
    for at, earlier in reversed(events):
        if earlier is not status:
            break
        since = at
    return status, since


def _maintenance_events(
    incident: Incident, updates: tuple[Update, ...], now: datetime
) -> list[tuple[datetime, Status]]:
    """What people said and what the clock did, in order; the clock is silent once people said completed."""
    said = [(update.at, update.status) for update in updates if update.status is not Status.SCHEDULED]
    done = min((at for at, status in said if status is Status.COMPLETED), default=None)
    clock = [(incident.starts, Status.IN_PROGRESS), (incident.ends, Status.COMPLETED)]
    struck = [(at, status) for at, status in clock if at and at <= now and (done is None or at < done)]
    announced = [(updates[0].at, Status.SCHEDULED)] if not struck and not said else []
    return announced or sorted([*struck, *said], key=lambda event: event[0])


def _began(incident: Incident, updates: tuple[Update, ...], now: datetime, ended: datetime | None) -> datetime:
    """When it began; maintenance that was called off never did, and has only the moment at which that was said."""
    if incident.kind is not Kind.MAINTENANCE:
        return incident.started
    begun = [at for at, status in _maintenance_events(incident, updates, now) if status in _UNDERWAY]
    return min(begun, default=min(incident.started, ended) if ended else incident.started)


def _spans(incident: Incident, updates: tuple[Update, ...], now: datetime) -> tuple[Span, ...]:
    """How long each component was in which state, until now; the state that still holds has no end."""
    spans: list[Span] = []
    current: dict[str, tuple[ComponentStatus, datetime]] = {}
    for at, changes in _component_events(incident, updates, now):
        for component, status in (changes or dict.fromkeys(current, ComponentStatus.OPERATIONAL)).items():
            before = current.pop(component, None)
            if before and before[1] < at:
                spans.append(Span(component, before[0], before[1], at))
            if status is not ComponentStatus.OPERATIONAL:
                current[component] = (status, at)
    still = [Span(component, status, since, None) for component, (status, since) in current.items()]
    return (*spans, *still)


def _component_events(
    incident: Incident, updates: tuple[Update, ...], now: datetime
) -> list[tuple[datetime, Mapping[str, ComponentStatus] | None]]:
    """Changes of component states in order of time; None sets all back to operational."""
    events: list[tuple[datetime, Mapping[str, ComponentStatus] | None]] = []
    if incident.kind is Kind.MAINTENANCE:
        for at, status in _maintenance_events(incident, updates, now):
            if status is Status.COMPLETED:
                events.append((at, None))
            elif status in _UNDERWAY and (not events or events[-1][1] is None):
                events.append((at, incident.components))
    elif incident.components:
        events.append((incident.started, incident.components))
    for update in updates:
        if update.status is Status.RESOLVED:
            events.append((update.at, None))
        elif update.components and update.status not in _IDLE:
            events.append((update.at, update.components))
    return sorted(events, key=lambda event: event[0])


def _component_states(states: list[IncidentState], config: Config, now: datetime) -> tuple[ComponentState, ...]:
    first = min((state.began for state in states if not state.is_upcoming), default=None)
    by_component: dict[str, list[Span]] = {component.id: [] for component in config.components}
    oldest = utc_midnight(now) - timedelta(days=DAYS)
    for state in states:
        # What ended before the record begins is most of an archive.
        for span in state.spans if state.ended is None or state.ended >= oldest else ():
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
