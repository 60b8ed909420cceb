"""The body of an incident file -> its updates: headings, fact lines and Markdown text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from meaculpa.config import FACT_KEYS
from meaculpa.errors import Problem, did_you_mean
from meaculpa.model import MAINTENANCE_STATUSES, ComponentStatus, Settled, Status, Update
from meaculpa.times import TimeMistake, parse_time

_HEADING = re.compile(r"##(?!#)(.*)")
_MOMENT = re.compile(r"\s*(\d{4}-\d{2}-\d{2}(?:[ ]+|T)\d{1,2}:\d{2}(?::\d{2})?)(.*)")
_STATUS_AT_END = re.compile(r"(?P<before>.*?)(?P<status>[A-Za-z]+(?:[ _-][A-Za-z]+)?)")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")
_FACT = re.compile(r"([A-Za-z0-9_-]+):(?:[ \t]+(.*))?")
_TIGHT_FACT = re.compile(r"(next_update|back_at|settled):(\S.*)")
_STRAY_HEADING = re.compile(
    r"[ \t]*#{0,6}[ \t]*\d{4}-\d{2}-\d{2}[ T]+\d{1,2}:\d{2}[^.,;]{0,40}?[ :·–—-]([A-Za-z]+(?:[ _-][A-Za-z]+)?)[ #]*"
)
_SETTLED = re.compile(r"(\d{1,9}) of (\d{1,9})")
_SEPARATORS = "·-–—:"
_HEADING_HINT = "write it like: ## 2026-11-22 09:20 investigating; headings within an update begin with ###"
_FACTS_HINT = "facts stand directly under the heading; put an empty line before text"


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """What stands under one heading, before its meaning is checked; `facts` are (line, key, value)."""

    line: int
    heading: str
    facts: tuple[tuple[int, str, str], ...]
    body: str


@dataclass(frozen=True, slots=True)
class Heading:
    """When an update was made and the status it gives."""

    at: datetime
    status: Status


def split_updates(lines: Iterable[str], first_line: int, path: str) -> tuple[list[RawUpdate], list[Problem]]:
    """Cut a body at its headings; headings inside code blocks are not headings."""
    raw: list[RawUpdate] = []
    problems: list[Problem] = []
    current: tuple[int, str] | None = None
    block: list[tuple[int, str]] = []
    fence: tuple[int, str] | None = None
    comment: int | None = None
    for number, line in enumerate(lines, start=first_line):
        heading = _HEADING.fullmatch(line)
        if fence and heading and _MOMENT.fullmatch(heading[1]):
            problems.append(
                Problem(
                    path,
                    number,
                    "an update begins inside a code block",
                    f"close the block that line {fence[0]} opens with {fence[1]}",
                )
            )
            fence = None
        if comment and heading and _MOMENT.fullmatch(heading[1]):
            problems.append(
                Problem(
                    path, number, "an update begins inside a comment", f"end the comment of line {comment} with -->"
                )
            )
            comment = None
        if fence is None and comment is None and heading:
            raw += _finish(current, block, path, problems)
            current, block = (number, heading[1]), []
            continue
        if comment is None:
            fence = _follow_fence(fence, number, line)
        if fence is None:
            comment = _follow_comment(comment, number, line)
            if comment is None and _is_stray_heading(line):
                problems.append(
                    Problem(
                        path,
                        number,
                        "this looks like an update, but stands within the one above",
                        "an update begins with ## at the very beginning of its line",
                    )
                )
        block.append((number, line))
    if fence:
        problems.append(Problem(path, fence[0], "this code block is never closed", f"end it with a line {fence[1]}"))
    if comment:
        problems.append(Problem(path, comment, "this comment is never closed", "end it with -->"))
    return [*raw, *_finish(current, block, path, problems)], problems


def _follow_fence(fence: tuple[int, str] | None, number: int, line: str) -> tuple[int, str] | None:
    """Track code blocks as the Markdown library's fenced_code sees them: from the first column on."""
    if fence:
        return None if line.rstrip() == fence[1] else fence
    opening = _FENCE.fullmatch(line)
    return (number, opening[1]) if opening else None


def _follow_comment(comment: int | None, number: int, line: str) -> int | None:
    """Track comments: where one begins that its line does not end, and where it ends; code spans do not count."""
    rest = line if comment else re.sub(r"`[^`]*`", "", line)
    while True:
        if comment:
            _, end, rest = rest.partition("-->")
            if not end:
                return comment
            comment = None
        _, begin, rest = rest.partition("<!--")
        if not begin:
            return None
        comment = number


def _is_stray_heading(line: str) -> bool:
    match = _STRAY_HEADING.fullmatch(line)
    words = re.split(r"[ -]", match[1].casefold()) if match else []
    return "_".join(words) in list(Status) or (bool(words) and words[-1] in list(Status))


def _finish(
    current: tuple[int, str] | None, block: list[tuple[int, str]], path: str, problems: list[Problem]
) -> list[RawUpdate]:
    if current is None:
        text = next(((number, line) for number, line in block if line.strip()), None)
        if text:
            problems.append(Problem(path, text[0], "text before the first update", _HEADING_HINT))
        return []
    facts, rest = _split_facts(block)
    body = "\n".join(line.rstrip("\n") for _, line in rest).strip("\n").rstrip()
    return [RawUpdate(current[0], current[1], tuple(facts), body)]


def _split_facts(block: list[tuple[int, str]]) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """Fact lines run from the first line to the first empty one, if the first looks like one."""
    if not block or not _match_fact(block[0][1]):
        return [], block
    facts: list[tuple[int, str, str]] = []
    for position, (number, line) in enumerate(block):
        if not line.strip():
            return facts, block[position:]
        match = _match_fact(line)
        facts.append((number, match[1], (match[2] or "").strip()) if match else (number, "", line.strip()))
    return facts, []


def _match_fact(line: str) -> re.Match[str] | None:
    return _FACT.fullmatch(line.strip()) or _TIGHT_FACT.fullmatch(line.strip())


def read_heading(raw: RawUpdate, path: str, zone: ZoneInfo, statuses: Iterable[Status]) -> Heading | Problem:
    """Read `<date> <time>[ <zone>] <status>`, with or without a separator before the status."""
    match = _MOMENT.fullmatch(raw.heading.strip().rstrip("#").rstrip())
    if match is None:
        return Problem(path, raw.line, f'"##{raw.heading}" is not the heading of an update', _HEADING_HINT)
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
    match = _match_fact(first)
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
