"""What stands under a heading -> an update: its time and status, its facts, its text."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from msgspec import Struct

from meaculpa.config import FACT_KEYS
from meaculpa.content.blocks import HEADING_HINT, MOMENT, RawUpdate, match_fact
from meaculpa.errors import Problem, did_you_mean
from meaculpa.model import MAINTENANCE_STATUSES, ComponentStatus, Settled, Status, Update
from meaculpa.times import TimeMistake, parse_time

_SETTLED = re.compile(r"(\d{1,9}) of (\d{1,9})")
_SEPARATORS = "·-–—:"
_FACTS_HINT = "facts stand directly under the heading; put an empty line before text"


class Heading(Struct, frozen=True):
    """When an update was made and the status it gives."""

    at: datetime
    status: Status


def read_heading(raw: RawUpdate, path: str, zone: ZoneInfo, statuses: Iterable[Status]) -> Heading | Problem:
    """Read `<date> <time>[ <zone>] <status>`, with or without a separator before the status."""
    match = MOMENT.fullmatch(raw.heading.strip().rstrip("#").rstrip())
    if match is None:
        return Problem(path, raw.line, f'"##{raw.heading}" is not the heading of an update', HEADING_HINT)
    known = {str(status): status for status in statuses}
    status, zone_name = _read_status(match[2].strip(), known)
    if status not in known:
        return _wrong_status(raw, path, status, known)
    try:
        return Heading(parse_time(f"{match[1]} {zone_name}".strip(), zone), known[status])
    except TimeMistake as error:
        return Problem(path, raw.line, str(error), error.hint)


def _wrong_status(raw: RawUpdate, path: str, status: str, known: Mapping[str, Status]) -> Problem:
    if not status or _is_zone(status):
        return Problem(path, raw.line, "the update has no status", did_you_mean("", known))
    if status in list(Status):
        kind = "maintenance" if status in MAINTENANCE_STATUSES else "incidents"
        return Problem(path, raw.line, f'the status "{status}" is for {kind}', did_you_mean("", known))
    return Problem(path, raw.line, f'unknown status "{status}"', did_you_mean(status, known))


def _is_zone(word: str) -> bool:
    return word[0] in "+-" or word in ("utc", "gmt", "z") or "/" in word


def _read_status(rest: str, known: Mapping[str, Status]) -> tuple[str, str]:
    """Split `Europe/London · in progress` into a status word and what stands before it."""
    words = rest.split()
    for count in (2, 1):
        word = "_".join(words[-count:]).casefold().replace("-", "_").strip(_SEPARATORS)
        if len(words) >= count and word in known:
            return word, " ".join(words[:-count]).rstrip(_SEPARATORS + " ")
    if not words:
        return "", ""
    return words[-1].casefold().strip(_SEPARATORS), " ".join(words[:-1]).rstrip(_SEPARATORS + " ")


def read_update(
    raw: RawUpdate, heading: Heading, path: str, zone: ZoneInfo, components: Iterable[str]
) -> tuple[Update, list[Problem]]:
    """Check an update's facts; gives the update and every problem in it."""
    problems: list[Problem] = []
    facts: dict[str, object] = {}
    known = [*FACT_KEYS, *components]
    for number, key, value in raw.facts:
        if not key:
            problems.append(
                Problem(path, number, f'"{value[:40]}" is not a fact of the form key: value', _FACTS_HINT)
            )
        elif key not in known:
            hint = f"{did_you_mean(key, known)}; {_FACTS_HINT}"
            problems.append(Problem(path, number, f'unknown fact "{key}"', hint))
        elif key in facts:
            problems.append(
                Problem(path, number, f'the fact "{key}" stands here a second time', "keep one of the two")
            )
        else:
            fact = _read_fact(key, value, heading, zone)
            facts[key] = fact
            if isinstance(fact, TimeMistake):
                problems.append(Problem(path, number, str(fact), fact.hint))
    problems += _misplaced_fact(raw, path, known)
    problems += _idle_facts(raw, heading, path, facts)
    return _build_update(raw, heading, facts), problems


def _read_fact(key: str, value: str, heading: Heading, zone: ZoneInfo) -> object:
    """Read one fact; a mistake is given back, not raised, so that the others are checked too."""
    if key == "settled":
        match = _SETTLED.fullmatch(value)
        if match is None or int(match[1]) > int(match[2]) or int(match[2]) == 0:
            return TimeMistake(f'"{value}" does not say how many orders are settled', "write it like 290 of 340")
        return Settled(int(match[1]), int(match[2]))
    if key not in FACT_KEYS:
        return _read_component_status(value)
    try:
        at = parse_time(value, zone)
    except TimeMistake as error:
        return error
    if at <= heading.at:
        return TimeMistake(
            f"{key} is not after its update ({at:%Y-%m-%d %H:%M} UTC, update of {heading.at:%Y-%m-%d %H:%M} UTC)",
            "check day and time zone",
        )
    return at


def _read_component_status(value: str) -> ComponentStatus | TimeMistake:
    known = {str(status): status for status in ComponentStatus}
    word = value.strip().casefold().replace(" ", "_").replace("-", "_")
    if word in known:
        return known[word]
    return TimeMistake(f'unknown component status "{value}"', did_you_mean(word, known))


def _misplaced_fact(raw: RawUpdate, path: str, known: list[str]) -> list[Problem]:
    """A fact after an empty line would be shown as text and do nothing: say so."""
    first = raw.body.lstrip("\n").split("\n", 1)[0]
    match = match_fact(first)
    if raw.facts or match is None or match[1] not in known:
        return []
    return [
        Problem(
            path,
            raw.line,
            f'the fact "{match[1]}" stands after an empty line',
            "facts stand directly under the heading",
        )
    ]


_ENDINGS = (Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM)


def _idle_facts(raw: RawUpdate, heading: Heading, path: str, facts: Mapping[str, object]) -> list[Problem]:
    """A component's status that the update's own status leaves without effect would be lost: say so."""
    if heading.status not in (*_ENDINGS, Status.SCHEDULED):
        return []
    why = "the work has not begun" if heading.status is Status.SCHEDULED else f'"{heading.status}" ends the trouble'
    return [
        Problem(path, line, f'"{key}" has no effect here: {why}', "say it in the update where it changes")
        for line, key, _ in raw.facts
        if isinstance(facts.get(key), ComponentStatus) and facts[key] is not ComponentStatus.OPERATIONAL
    ]


def _build_update(raw: RawUpdate, heading: Heading, facts: Mapping[str, object]) -> Update:
    def moment(key: str) -> datetime | None:
        found = facts.get(key)
        return found if isinstance(found, datetime) else None

    settled = facts.get("settled")
    return Update(
        at=heading.at,
        status=heading.status,
        body=raw.body,
        line=raw.line,
        components=MappingProxyType(
            {key: value for key, value in facts.items() if isinstance(value, ComponentStatus)}
        ),
        next_update=moment("next_update"),
        back_at=moment("back_at"),
        settled=settled if isinstance(settled, Settled) else None,
    )
