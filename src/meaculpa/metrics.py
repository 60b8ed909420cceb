"""`metrics/*.csv`: how the shop runs, in values over time; each row is a moment and a number."""

import math
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from meaculpa.errors import Problem, Severity
from meaculpa.times import TimeMistake, parse_time

LARGEST_METRICS = 4_194_304
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_LARGEST = 1e15
_LONGEST_ROW = 200
_EARLIEST, _LATEST = 0.0, 7_258_118_400.0  # 1970 to 2199, as elsewhere
_HINT = "rows are a time and a number: 2026-11-22T09:20Z,318"


class Point(Struct, frozen=True):
    """A value at a moment."""

    at: datetime
    value: float


class Metric(Struct, frozen=True):
    """A file of values: name, digest of its content, points, and when there was no value; the oldest first."""

    id: str
    digest: str
    points: tuple[Point, ...]
    gaps: tuple[datetime, ...] = ()


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
    points, gaps, wrong = list[Point](), list[datetime](), list[Problem]()
    sign = _separator(whole)
    for line, row in enumerate(whole.split("\n"), start=1):
        try:
            if row.strip():
                at, value = _read_row(row, zone, sign)
                if value is None:
                    gaps.append(at)
                else:
                    points.append(Point(at, value))
        except TimeMistake as error:
            # The first row may name the columns.
            if line > 1 or _holds_number(row, sign):
                wrong.append(Problem(path, line, str(error), error.hint, Severity.WARNING))
    points.sort(key=lambda point: point.at)
    return Metric(name, digest, tuple(points), tuple(sorted(gaps))), _told(wrong)


def _separator(text: str) -> str:
    """What stands between cells: spreadsheets of half the world write semicolons, and commas within numbers."""
    first = next((row for row in text.split("\n") if row.strip()), "")
    return next((sign for sign in (";", "\t") if sign in first), ",")


def _told(wrong: list[Problem]) -> list[Problem]:
    """One line for all rows of a file that cannot be read."""
    if not wrong:
        return []
    first, more = wrong[0], f"; {len(wrong):,} rows are left out" if len(wrong) > 1 else "; the row is left out"
    return [Problem(first.path, first.line, f"{first.message}{more}", first.hint, Severity.WARNING)]


def _cells(row: str, separator: str) -> list[str]:
    return [cell.strip(' \t\r"') for cell in row.split(separator)]


def _holds_number(row: str, separator: str) -> bool:
    return any(_NUMBER.fullmatch(cell) for cell in _cells(row, separator)[1:])


def _read_row(row: str, zone: ZoneInfo, separator: str) -> tuple[datetime, float | None]:
    """The time of a row and its value, None where it says that there was none."""
    if len(row) > _LONGEST_ROW:
        raise TimeMistake(f"a row of {len(row):,} characters", _HINT)
    cells = _cells(row, separator)
    if len(cells) != 2:
        raise TimeMistake(f"{len(cells)} cells in a row", _HINT)
    at, text = _time(cells[0], zone), cells[1]
    if text == "" or text.casefold() == "nan":
        return at, None
    if separator != ",":
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text) or abs(value := float(text)) > _LARGEST or not math.isfinite(value):
        raise TimeMistake(f'"{text}" is not a number', _HINT)
    return at, value


def _time(text: str, zone: ZoneInfo) -> datetime:
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if not _EARLIEST <= seconds < _LATEST:
            hint = "divide milliseconds by 1000" if _LATEST <= seconds < 1000 * _LATEST else _HINT
            raise TimeMistake(f'"{text}" are not seconds since 1970', hint)
        return datetime.fromtimestamp(seconds, UTC)
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return parse_time(text, zone)
