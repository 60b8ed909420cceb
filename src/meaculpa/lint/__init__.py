"""Incidents -> findings: what is allowed but probably not meant."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from meaculpa.config import Config
from meaculpa.errors import Problem, Severity
from meaculpa.model import ComponentStatus, Impact, Incident, Status, Translation
from meaculpa.times import format_time

_A_WHILE = timedelta(days=30)
_STILL_OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.SCHEDULED, Status.IN_PROGRESS)


def inspect(incidents: Iterable[Incident], config: Config, now: datetime) -> list[Problem]:
    """Find updates that wait for their time and translations that lag behind, in what is still of interest."""
    findings = []
    for incident in incidents:
        if is_of_interest(incident, now):
            findings += _updates_ahead(incident, now)
            findings += _untranslated(incident, config)
            findings += _milder_than_its_components(incident)
    return findings


def is_of_interest(incident: Incident, now: datetime) -> bool:
    """Whether it is open, or something happened to it in the last thirty days."""
    end = _end_of_interest(incident)
    return end is None or end >= now


def _end_of_interest(incident: Incident) -> datetime | None:
    """Until when it is of interest; None while it is open."""
    if incident.updates[-1].status in _STILL_OPEN and not incident.ends:
        return None
    return max(incident.updates[-1].at, incident.ends or incident.started) + _A_WHILE


def same_until(incidents: Iterable[Incident], now: datetime) -> datetime | None:
    """Until when the same is to be said of incidents as now, None for ever; what is ahead is told with the time."""
    ends = []
    for incident in incidents:
        if is_of_interest(incident, now):
            ends += [now] * bool(_updates_ahead(incident, now))
            ends += [end] if (end := _end_of_interest(incident)) else []
    return min(ends, default=None)


def _updates_ahead(incident: Incident, now: datetime) -> list[Problem]:
    return [
        Problem(
            incident.path,
            update.line,
            f"this update is in the future and stays hidden until {format_time(update.at)}",
            f"now it is {format_time(now)}; is the time zone right?",
            Severity.WARNING,
        )
        for update in incident.updates
        if update.at > now
    ]


def _untranslated(incident: Incident, config: Config) -> list[Problem]:
    """Say what a translation lacks; where there is none at all, nobody has promised one."""
    return [
        Problem(translation.path, 0, f"not translated yet: {', '.join(missing)}", "", Severity.WARNING)
        for locale in config.site.locales[1:]
        if (translation := incident.translations.get(locale)) and (missing := _missing(incident, translation))
    ]


def _milder_than_its_components(incident: Incident) -> list[Problem]:
    """The headline follows the impact alone: with none it would say that everything works."""
    broken = (ComponentStatus.PARTIAL_OUTAGE, ComponentStatus.MAJOR_OUTAGE)
    said = {
        *incident.components.values(),
        *(one for update in incident.updates for one in update.components.values()),
    }
    if incident.impact is not Impact.NONE or not said.intersection(broken):
        return []
    message = "the impact is none, but components are down: the headline will say that everything works"
    return [Problem(incident.path, 2, message, "impact: minor, major or critical", Severity.WARNING)]


def _missing(incident: Incident, translation: Translation) -> list[str]:
    names = ("title", "summary", "works", "money", "reason")
    fields = [name for name in names if getattr(incident, name) and not getattr(translation, name)]
    updates = [
        f"the update of {format_time(update.at)}"
        for update, body in zip(incident.updates, translation.bodies, strict=True)
        if body is None and update.body
    ]
    return [*fields, *updates]
