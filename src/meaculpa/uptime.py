"""Spans of trouble -> a record of the last 90 UTC days and the share of time a component worked."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from meaculpa.model import ComponentStatus
from meaculpa.times import utc_midnight

DAYS = 90

_LOST = {
    ComponentStatus.OPERATIONAL: 0.0,
    ComponentStatus.UNDER_MAINTENANCE: 0.0,
    ComponentStatus.DEGRADED_PERFORMANCE: 0.0,
    ComponentStatus.PARTIAL_OUTAGE: 0.5,
    ComponentStatus.MAJOR_OUTAGE: 1.0,
}
_ORDER = tuple(ComponentStatus)
_ONE_DAY = timedelta(days=1)


class Span(Struct, frozen=True, array_like=True):
    """A component was in one state from `start` to `end`; an end of None is still going on."""

    component: str
    status: ComponentStatus
    start: datetime
    end: datetime | None


class Day(Struct, frozen=True):
    """One UTC day of a component: its worst state (None: no data) and the time lost."""

    day: date
    status: ComponentStatus | None
    lost: timedelta
    complete: bool


def daily_record(spans: Iterable[Span], begin: datetime | None, now: datetime) -> tuple[Day, ...]:
    """Record the last 90 days, oldest first, today last; days before `begin` have no data.

    Of overlapping incidents the worst counts. Today is not complete and shows only its worst state.
    """
    today = utc_midnight(now)
    begun = tuple(span for span in spans if span.start <= now)
    here = [span for span in begun if span.end is None or span.end > today]
    return (*_days_before(today, begun, begin), _one_day(today, now, here, begin))


# Asked for at every build, and the same until midnight while nothing happens to the component.
@lru_cache(maxsize=128)
def _days_before(today: datetime, spans: tuple[Span, ...], begin: datetime | None) -> tuple[Day, ...]:
    """The complete days of the record."""
    days: dict[datetime, list[Span]] = {today - back * _ONE_DAY: [] for back in range(DAYS - 1, 0, -1)}
    for span in spans:
        # One that ends with a day does not touch the next.
        day = max(today - (DAYS - 1) * _ONE_DAY, utc_midnight(span.start))
        while day in days and (span.end is None or span.end > day):
            days[day].append(span)
            day += _ONE_DAY
    return tuple(_one_day(day, day + _ONE_DAY, here, begin) for day, here in days.items())


def _one_day(start: datetime, end: datetime, here: Collection[Span], begin: datetime | None) -> Day:
    """A day, or as much of it as is over."""
    is_complete = end == start + _ONE_DAY
    if begin is None or begin >= start + _ONE_DAY:
        return Day(start.date(), None, timedelta(), is_complete)
    worst = max((span.status for span in here), key=_ORDER.index, default=ComponentStatus.OPERATIONAL)
    return Day(start.date(), worst, _time_lost(here, start, end), is_complete)


def _time_lost(spans: Collection[Span], start: datetime, end: datetime) -> timedelta:
    """Add up the day's pieces between two changes, each by the worst state in it."""
    clipped = [(max(span.start, start), min(span.end or end, end), _LOST[span.status]) for span in spans]
    edges = sorted({edge for piece in clipped for edge in piece[:2]})
    lost = timedelta()
    for left, right in pairwise(edges):
        share = max((weight for begin, finish, weight in clipped if begin <= left and finish >= right), default=0.0)
        lost += (right - left) * share
    return lost


def uptime_of(days: Iterable[Day]) -> float | None:
    """Give the share of time in which a component worked, over complete days with data; None without any."""
    counted = [day for day in days if day.complete and day.status is not None]
    if not counted:
        return None
    return 1 - sum((day.lost for day in counted), timedelta()) / (len(counted) * _ONE_DAY)
