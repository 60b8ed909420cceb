"""A metric's last hours as one small drawing, and what it shows in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from statistics import fmean, median

from babel.numbers import format_decimal

from meaculpa.config import Chart
from meaculpa.metrics import Metric, Point
from meaculpa.render.words import Words

BINS = 96
WIDTH, HEIGHT = BINS - 1, 60
_EXACT_ABOVE = 100
_MUCH_LATER = 3


@dataclass(frozen=True, slots=True)
class ChartView:
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


@dataclass(frozen=True, slots=True)
class Window:
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
    line, area = _draw(_means(points, window), min(0.0, *values), max(0.0, *values))
    return ChartView(chart.id, chart.title, (before, value, after), extremes, said, begins, ends, line, area)


def _value(value: float, chart: Chart, words: Words) -> str:
    """`318 ms`, `2.4 s`: three digits say enough."""
    digits = 0 if abs(value) >= _EXACT_ABOVE or value == int(value) else 1 if abs(value) >= 10 else 2
    text = format_decimal(round(value, digits), locale=words.rules, numbering_system="latn")
    if not chart.unit:
        return text
    # From right to left the unit would come first (UAX 9).
    return words.together(f"{text}\u00a0{chart.unit}")


def _means(points: Iterable[Point], window: Window) -> Iterator[tuple[int, float]]:
    """The mean of each bin that has values."""
    for number, some in groupby(points, key=lambda point: int((point.at - window.begins) / window.bin)):
        yield min(number, BINS - 1), fmean(point.value for point in some)


def _draw(means: Iterable[tuple[int, float]], low: float, high: float) -> tuple[str, str]:
    """A line for each run of values that follow each other, and the area between it and nought."""
    spread = (high - low) or 1.0

    def height_of(value: float) -> int:
        return round(HEIGHT - (min(max(value, low), high) - low) / spread * HEIGHT)

    spots = [(x, height_of(value)) for x, value in means]
    lines = [_line(run) for run in _runs(spots)]
    begins = [run[0][0] for run in _runs(spots)]
    areas = (f"{line}V{height_of(0)}H{begin}z" for line, begin in zip(lines, begins, strict=True))
    return "".join(lines), "".join(areas)


def _line(run: Sequence[tuple[int, int]]) -> str:
    """One value alone is a short line: a point would not be seen."""
    (x, y), *rest = run
    return f"M{x} {y}{''.join(f'L{x} {y}' for x, y in rest) or 'h1'}"


def _runs(spots: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Split where values are missing: where the next one comes much later than they usually do."""
    steps = [after[0] - before[0] for before, after in pairwise(spots)]
    longest = _MUCH_LATER * median(steps) if steps else 0
    run: list[tuple[int, int]] = []
    for spot in spots:
        if run and spot[0] - run[-1][0] > longest:
            yield run
            run = []
        run.append(spot)
    if run:
        yield run
