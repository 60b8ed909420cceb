"""A metric's last hours as one small drawing, and what it shows in words."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from math import floor, log10
from statistics import fmean, median

from babel.numbers import format_compact_decimal, format_decimal
from msgspec import Struct

from meaculpa.config import Chart
from meaculpa.metrics import Metric, Point
from meaculpa.render.words import Words

BINS = 96
WIDTH, HEIGHT = BINS - 1, 60
_COMPACT_ABOVE, _MOST_DIGITS = 1e6, 12
_MUCH_LATER = 3


class ChartView(Struct, frozen=True):
    """A metric as it is shown: its newest value, what the drawing shows in one sentence, its line and the area below.

    `latest` is what is said before the value, the value, and what is said after it.
    A point of the line is the mean of a 96th of the time that is shown; where values are missing, the line has a gap.
    """

    id: str
    name: str
    latest: tuple[str, str, str]
    extremes: str
    sentence: str
    begins: str
    ends: str
    line: str
    area: str


class Window(Struct, frozen=True):
    """The time that a chart shows; it moves on by a bin, so that a page need not change with every minute."""

    begins: datetime
    ends: datetime

    @property
    def bin(self) -> timedelta:
        """How long a bin is."""
        return (self.ends - self.begins) / BINS


def window_of(chart: Chart, now: datetime) -> Window:
    """The hours that a chart shows, up to the end of the bin in which the moment lies."""
    bin_seconds = chart.hours * 3600 // BINS
    ends = datetime.fromtimestamp((now.timestamp() // bin_seconds + 1) * bin_seconds, UTC)
    return Window(ends - timedelta(seconds=bin_seconds * BINS), ends)


def charts_of(metrics: Iterable[Metric], settings: Sequence[Chart]) -> list[tuple[Metric, Chart]]:
    """Metrics with how they are shown: those that are configured in their order, then the others by name."""
    found = {metric.id: metric for metric in metrics}
    configured = [(found.pop(chart.id), chart) for chart in settings if chart.id in found]
    return [*configured, *((metric, Chart(id=metric.id)) for _, metric in sorted(found.items()))]


def is_empty(metric: Metric, chart: Chart, now: datetime) -> bool:
    """Whether a metric has no value in the time that its chart shows."""
    begins = window_of(chart, now).begins
    return not any(begins <= point.at <= now for point in metric.points)


def view_chart(metric: Metric, chart: Chart, now: datetime, words: Words) -> ChartView | None:
    """Prepare a chart for the status page; None where there is no value in the time it shows."""
    window = window_of(chart, now)
    points = [point for point in metric.points if window.begins <= point.at <= now]
    if not points:
        return None
    values = [point.value for point in points]
    begins, ends = words.brief_moment(window.begins), words.brief_moment(window.ends)
    value, when = _value(values[-1], chart, words), words.brief_moment(points[-1].at)
    before, after = words.say("chart.latest", value="\0", when=when).split("\0")
    extremes = words.say(
        "chart.extremes", low=_value(min(values), chart, words), high=_value(max(values), chart, words)
    )
    latest = f"{before}{value}{after}"
    said = words.say("chart.sentence", name=chart.title, begins=begins, ends=ends, extremes=extremes, latest=latest)
    missing = {_bin(at, window) for at in metric.gaps if window.begins <= at <= now}
    line, area = _draw(list(_means(points, window)), missing, min(0.0, *values), max(0.0, *values))
    return ChartView(chart.id, chart.title, (before, value, after), extremes, said, begins, ends, line, area)


def _value(value: float, chart: Chart, words: Words) -> str:
    """`318 ms`, `2.4 s`, `1.5M`: three digits say enough, be it much or little."""
    # From right to left the unit, and the sign of what is below nought, would come last (UAX 9).
    return words.together("\u00a0".join(part for part in (_number(value, words), chart.unit) if part))


def _number(value: float, words: Words) -> str:
    if abs(value) >= _COMPACT_ABOVE:
        return format_compact_decimal(value, fraction_digits=2, locale=words.rules, numbering_system="latn")
    digits = min(_MOST_DIGITS, max(0, 2 - floor(log10(abs(value))))) if value else 0
    return format_decimal(value, f"#,##0.{'#' * digits}", locale=words.rules, numbering_system="latn")


def _means(points: Iterable[Point], window: Window) -> Iterator[tuple[int, float]]:
    """The mean of each bin that has values."""
    for number, some in groupby(points, key=lambda point: _bin(point.at, window)):
        yield number, fmean(point.value for point in some)


def _bin(at: datetime, window: Window) -> int:
    return min(int((at - window.begins) / window.bin), BINS - 1)


def _draw(means: Sequence[tuple[int, float]], missing: Collection[int], low: float, high: float) -> tuple[str, str]:
    """A line for each run of values that follow each other, and the area between it and nought."""
    spread = (high - low) or 1.0

    def height_of(value: float) -> int:
        return round(HEIGHT - (min(max(value, low), high) - low) / spread * HEIGHT)

    spots = [(x, height_of(value)) for x, value in means]
    lines = [_line(run) for run in _runs(spots, missing)]
    begins = [line[1:].partition(" ")[0] for line in lines]
    areas = (f"{line}V{height_of(0)}H{begin}z" for line, begin in zip(lines, begins, strict=True))
    return "".join(lines), "".join(areas)


def _line(run: Sequence[tuple[int, int]]) -> str:
    """One value alone is a short line: a point would not be seen."""
    (x, y), *rest = run
    if not rest:
        return f"M{min(x, WIDTH - 1)} {y}h1"
    return f"M{x} {y}{''.join(f'L{x} {y}' for x, y in rest)}"


def _runs(spots: Sequence[tuple[int, int]], missing: Collection[int]) -> Iterator[list[tuple[int, int]]]:
    """Split where values are missing: where it is said, or the next one comes much later than they usually do."""
    steps = [after[0] - before[0] for before, after in pairwise(spots)]
    longest = _MUCH_LATER * median(steps) if steps else 0
    run: list[tuple[int, int]] = []
    for spot in spots:
        if run and (spot[0] - run[-1][0] > longest or any(run[-1][0] < one < spot[0] for one in missing)):
            yield run
            run = []
        run.append(spot)
    if run:
        yield run
