"""An incident x a moment -> how it stands then: its status, when it began, who was affected when."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from meaculpa.model import ComponentStatus, Incident, Kind, Settled, Status, Update
from meaculpa.uptime import Span

_UNDERWAY = (Status.IN_PROGRESS, Status.VERIFYING)
_OVER = (Status.RESOLVED, Status.COMPLETED)
_IDLE = (Status.SCHEDULED, Status.COMPLETED, Status.POSTMORTEM)


class IncidentState(Struct, frozen=True):
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


def _moments(incident: Incident) -> Iterable[datetime]:
    yield from (update.at for update in incident.updates)
    yield from (moment for update in incident.updates for moment in (update.next_update, update.back_at) if moment)
    yield from (moment for moment in (incident.starts, incident.ends) if moment)


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
