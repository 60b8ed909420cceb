"""A component's last 90 days as one small drawing: a path for each state, so shape and colour both tell."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from msgspec import Struct

from meaculpa.model import ComponentStatus
from meaculpa.render.words import Words
from meaculpa.status import ComponentState
from meaculpa.uptime import DAYS, Day

# A day is a dash of three units and a gap of one.
STEP = 4
HEIGHT = 24
WIDTH = DAYS * STEP - 1
# What is listed of the bad days below the bars; the history has them all.
MOST_BAD_DAYS = 5

# Worse is taller: whoever cannot tell the colours apart still sees which days were bad.
_TALL = {
    None: 6,
    ComponentStatus.OPERATIONAL: 14,
    ComponentStatus.UNDER_MAINTENANCE: 14,
    ComponentStatus.DEGRADED_PERFORMANCE: 18,
    ComponentStatus.PARTIAL_OUTAGE: 21,
    ComponentStatus.MAJOR_OUTAGE: 24,
}


class BadDay(Struct, frozen=True):
    """A day with trouble: its date, its worst state, and for how long."""

    day: str
    status_word: str
    lost: str | None


class BarPath(Struct, frozen=True):
    """All days of one state: its name, how tall its bars are, and the drawing."""

    state: str
    tall: int
    lines: str


class ComponentView(Struct, frozen=True):
    """A component as it is shown: now, in words, and as bars (a path per state)."""

    id: str
    name: str
    status: str
    status_word: str
    share: str
    sentence: str
    paths: tuple[BarPath, ...]
    bad_days: tuple[BadDay, ...]
    bad_days_title: str
    has_more_bad_days: bool


def view_components(
    states: Iterable[ComponentState], words: Words, known: Mapping[object, tuple[ComponentState, ComponentView]]
) -> dict[object, tuple[ComponentState, ComponentView]]:
    """Prepare components for the status page, by id, each with its state; what is `known` of that state is taken."""
    views: dict[object, tuple[ComponentState, ComponentView]] = {}
    for state in states:
        before = known.get(state.component.id)
        if before is None or before[0] != state:
            before = state, view_component(state, words)
        views[state.component.id] = before
    return views


def view_component(state: ComponentState, words: Words) -> ComponentView:
    """Prepare a component for the status page."""
    bad = [day for day in reversed(state.days) if _is_bad(day)]
    name = state.component.name
    share = _share(state, words)
    return ComponentView(
        id=state.component.id,
        name=name,
        status=str(state.status),
        status_word=words.say(f"component.{state.status}"),
        share=share or words.say("uptime_unknown"),
        sentence=words.say("bars", component=name, share=share)
        if share
        else words.say("bars_unknown", component=name),
        paths=_paths(state.days),
        bad_days=tuple(_bad_day(day, words) for day in bad[:MOST_BAD_DAYS]),
        bad_days_title=words.say("bad_days", count=len(bad)),
        has_more_bad_days=len(bad) > MOST_BAD_DAYS,
    )


def _share(state: ComponentState, words: Words) -> str | None:
    """The uptime in words: over how many days, and that today, while there is trouble, is not in it."""
    if state.uptime is None:
        return None
    count = sum(day.complete and day.status is not None for day in state.days)
    key = "uptime_before_today" if _is_bad(state.days[-1]) else "uptime"
    return words.say(key, share=words.share(state.uptime), count=count)


def _is_bad(day: Day) -> bool:
    return day.status not in (None, ComponentStatus.OPERATIONAL, ComponentStatus.UNDER_MAINTENANCE)


def _bad_day(day: Day, words: Words) -> BadDay:
    return BadDay(
        day=words.day(day.day),
        status_word=words.say(f"component.{day.status}"),
        lost=words.duration(day.lost) if day.complete and day.lost else None,
    )


def _paths(days: tuple[Day, ...]) -> tuple[BarPath, ...]:
    """Draw each state as a dashed line, a dash for each day, as thick as its bars are tall.

    Every day with a record has the bar of a good one, and the taller bar of a bad one covers it.
    """
    good = (None if day.status is None else ComponentStatus.OPERATIONAL for day in days)
    drawn = dict(_lines(good))
    for status, lines in _lines(day.status for day in days):
        drawn.setdefault(status, lines)
    return tuple(BarPath(str(status or "no_data"), _TALL[status], lines) for status, lines in drawn.items())


def _lines(statuses: Iterable[ComponentStatus | None]) -> Iterable[tuple[ComponentStatus | None, str]]:
    """Give the line of each state: where its runs of days begin, and how long they are."""
    lines: dict[ComponentStatus | None, str] = {}
    position = 0
    for status, run in groupby(statuses):
        count = len(list(run))
        middle = HEIGHT - _TALL[status] / 2
        lines[status] = f"{lines.get(status, '')}M{position * STEP} {middle:g}h{count * STEP}"
        position += count
    return lines.items()
