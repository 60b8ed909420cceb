"""A component's last 90 days as one small drawing: a path for each state, so shape and colour both tell."""

from dataclasses import dataclass

from meaculpa.model import ComponentStatus
from meaculpa.render.words import Words
from meaculpa.status import ComponentState
from meaculpa.uptime import DAYS, Day

STEP = 4
BAR = 3
HEIGHT = 24
WIDTH = DAYS * STEP - (STEP - BAR)

# Worse is taller: whoever cannot tell the colours apart still sees which days were bad.
_TALL = {
    None: 6,
    ComponentStatus.OPERATIONAL: 14,
    ComponentStatus.UNDER_MAINTENANCE: 14,
    ComponentStatus.DEGRADED_PERFORMANCE: 18,
    ComponentStatus.PARTIAL_OUTAGE: 21,
    ComponentStatus.MAJOR_OUTAGE: 24,
}


@dataclass(frozen=True, slots=True)
class BadDay:
    """A day with trouble: its date, its worst state, and for how long."""

    day: str
    status_word: str
    lost: str | None


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A component as it is shown: now, in words, and as bars (a path per state)."""

    name: str
    status: str
    status_word: str
    share: str
    sentence: str
    paths: tuple[tuple[str, str], ...]
    bad_days: tuple[BadDay, ...]
    bad_days_title: str


def view_component(state: ComponentState, words: Words) -> ComponentView:
    """Prepare a component for the status page."""
    bad = [day for day in reversed(state.days) if _is_bad(day)]
    name = state.component.name
    share = _share(state, words)
    return ComponentView(
        name=name,
        status=str(state.status),
        status_word=words.say(f"component.{state.status}"),
        share=share or words.say("uptime_unknown"),
        sentence=words.say("bars", component=name, share=share)
        if share
        else words.say("bars_unknown", component=name),
        paths=_paths(state.days),
        bad_days=tuple(_bad_day(day, words) for day in bad),
        bad_days_title=words.say("bad_days", count=len(bad)),
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


def _paths(days: tuple[Day, ...]) -> tuple[tuple[str, str], ...]:
    drawn: dict[str, list[str]] = {}
    for position, day in enumerate(days):
        tall = _TALL[day.status]
        name = str(day.status or "no_data")
        drawn.setdefault(name, []).append(f"M{position * STEP} {HEIGHT - tall}h{BAR}v{tall}h-{BAR}z")
    return tuple((name, "".join(pieces)) for name, pieces in drawn.items())
