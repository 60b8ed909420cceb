"""`metrics/*.csv`: how the shop runs, in values over time; each row is a moment and a number."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from meaculpa.errors import Problem, Severity
from meaculpa.times import TimeMistake, parse_time

METRICS_FOLDER = "metrics"
LARGEST_METRICS = 4_194_304
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_LARGEST = 1e15
_EARLIEST, _LATEST = 0.0, 7_258_118_400.0  # 1970 to 2199, as elsewhere
_HINT = "rows are a time and a number: 2026-11-22T09:20Z,318"


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a moment."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A file of values: its name, the digest of its content, and its points, oldest first."""

    id: str
    digest: str
    points: tuple[Point, ...]


def parse_metric(path: str, content: bytes, digest: str, zone: ZoneInfo) -> tuple[Metric | None, list[Problem]]:
    """Read a file; gives what can be read, and a warning for the rest: no value is worth holding up an incident.

    Times name their zone, or are in the site's (`zone`), or are seconds since 1970. A last row without an end of line
    is still being written.
    """
    name = path.rpartition("/")[2].removesuffix(".csv")
    if not _NAME.fullmatch(name):
        hint = "name it with small letters, digits and hyphens, such as response-time.csv"
        return None, [Problem(path, 0, "this name cannot stand in a web address", hint, Severity.WARNING)]
    if len(content) > LARGEST_METRICS:
        hint = "keep the last days only"
        return None, [Problem(path, 0, "the file is larger than 4 MB", hint, Severity.WARNING)]
    try:
        whole, _, _ = content.decode("utf-8-sig").rpartition("\n")
    except UnicodeDecodeError:
        return None, [Problem(path, 1, "not UTF-8 text", "save the file as UTF-8", Severity.WARNING)]
    points, wrong = list[Point](), list[Problem]()
    for line, cells in enumerate(csv.reader(whole.splitlines(), quoting=csv.QUOTE_NONE), start=1):
        try:
            points += _points(cells, zone)
        except TimeMistake as error:
            # The first row may name the columns.
            if line > 1 or _holds_number(cells):
                wrong.append(Problem(path, line, str(error), error.hint, Severity.WARNING))
    points.sort(key=lambda point: point.at)
    return Metric(name, digest, tuple(points)), _told(wrong)


def _told(wrong: list[Problem]) -> list[Problem]:
    """One line for all rows of a file that cannot be read."""
    if not wrong:
        return []
    first, more = wrong[0], f"; {len(wrong):,} rows are left out" if len(wrong) > 1 else "; the row is left out"
    return [Problem(first.path, first.line, f"{first.message}{more}", first.hint, Severity.WARNING)]


def _holds_number(cells: list[str]) -> bool:
    return any(_NUMBER.fullmatch(cell.strip()) for cell in cells[1:])


def _points(cells: list[str], zone: ZoneInfo) -> Iterator[Point]:
    """The value of a row; none of an empty one, nor of one that says that there was no value."""
    if not any(cell.strip() for cell in cells):
        return
    if len(cells) != 2:
        raise TimeMistake(f"{len(cells)} cells in a row", _HINT)
    at, text = _time(cells[0].strip(), zone), cells[1].strip()
    if text == "" or text.casefold() == "nan":
        return
    if not _NUMBER.fullmatch(text) or abs(value := float(text)) > _LARGEST or not math.isfinite(value):
        raise TimeMistake(f'"{text}" is not a number', _HINT)
    yield Point(at, value)


def _time(text: str, zone: ZoneInfo) -> datetime:
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if not _EARLIEST <= seconds < _LATEST:
            raise TimeMistake(f'"{text}" are not seconds since 1970', _HINT)
        return datetime.fromtimestamp(seconds, UTC)
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return parse_time(text, zone)
