"""Short lists that people keep: who asked to be told, what was settled, whose mail came back; CSV, or a line each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from meaculpa.customers.columns import is_address
from meaculpa.customers.order import Asked
from meaculpa.customers.orders import cut_rows
from meaculpa.errors import Problem, did_you_mean
from meaculpa.schema import shorten

T = TypeVar("T")
_MOST_PROBLEMS = 100


class What(StrEnum):
    """How an order was settled."""

    SHIPPED = "shipped"
    REPLACED = "replaced"
    SWAPPED = "swapped"
    SOURCED = "sourced"
    REFUNDED = "refunded"
    RELEASED = "released"
    NOTHING_DUE = "nothing_due"


class Settlement(Struct, frozen=True):
    """One thing that settles an order, and the day on which it was done."""

    order_id: str
    what: What
    on: date


def read_asked(lines: Iterable[str], path: str) -> list[Asked] | list[Problem]:
    """Read who asked to be told: addresses, a line each, or a CSV file with the columns email and locale."""
    source = iter(lines)
    first = next(source, "")
    if "@" in first.partition("#")[0]:
        rows = ((number, {"email": line.strip()}) for number, line in enumerate([first, *source], start=1))
        return _collect((row for row in rows if row[1]["email"]), _asked, path)
    return _read_table([first, *source], ("email",), _asked, path)


def read_settlements(lines: Iterable[str], path: str, today: date) -> list[Settlement] | list[Problem]:
    """Read what was settled: a CSV file with the columns order_id, what, on."""
    return _read_table(lines, ("order_id", "what", "on"), lambda cells: _settlement(cells, today), path)


def read_returned(lines: Iterable[str], path: str) -> list[str] | list[Problem]:
    """Read whose mail came back: a CSV file with the column email."""
    return _read_table(lines, ("email",), lambda cells: _asked(cells).email, path)


def _read_table(
    lines: Iterable[str], columns: tuple[str, ...], read: Callable[[Mapping[str, str]], T], path: str
) -> list[T] | list[Problem]:
    rows = cut_rows(lines, path)
    first = next(rows, None)
    if first is None or isinstance(first, Problem):
        return [
            first or Problem(path, 1, "the file is empty", f"its first row names the columns: {', '.join(columns)}")
        ]
    header = [name.strip() for name in first[1]]
    missing = [
        Problem(path, 1, f'the column "{name}" is missing', f"there are: {shorten(', '.join(header))}")
        for name in columns
        if name not in header
    ]
    if missing:
        return missing
    return _collect(_named(rows, header, path), read, path)


def _named(
    rows: Iterable[tuple[int, list[str]] | Problem], header: list[str], path: str
) -> Iterator[tuple[int, Mapping[str, str]] | Problem]:
    for row in rows:
        if isinstance(row, Problem):
            yield row
        elif len(row[1]) != len(header):
            yield Problem(path, row[0], f"{len(row[1])} cells under {len(header)} columns")
        else:
            yield row[0], {name: cell.strip() for name, cell in zip(header, row[1], strict=True)}


def _collect(
    rows: Iterable[tuple[int, Mapping[str, str]] | Problem], read: Callable[[Mapping[str, str]], T], path: str
) -> list[T] | list[Problem]:
    found, problems = list[T](), list[Problem]()
    for row in rows:
        if len(problems) >= _MOST_PROBLEMS:
            problems.append(Problem(path, 0, "there may be more mistakes", f"these are the first {_MOST_PROBLEMS}"))
            break
        if isinstance(row, Problem):
            problems.append(row)
            continue
        try:
            found.append(read(row[1]))
        except ValueError as error:
            problems.append(Problem(path, row[0], str(error)))
    return problems or found


def _asked(cells: Mapping[str, str]) -> Asked:
    if not is_address(cells["email"]):
        raise ValueError(f'"{shorten(cells["email"])}" is not one e-mail address')
    return Asked(cells["email"], cells.get("locale") or None)


def _settlement(cells: Mapping[str, str], today: date) -> Settlement:
    if cells["what"] not in list(What):
        raise ValueError(f'"{shorten(cells["what"])}" settles nothing ({did_you_mean(cells["what"], list(What))})')
    try:
        day = date.fromisoformat(cells["on"])
    except ValueError:
        raise ValueError(f'"{shorten(cells["on"])}" is not a date (write it like 2026-11-22)') from None
    if day > today:
        raise ValueError(f"{day} lies ahead: only what has been done is settled")
    return Settlement(cells["order_id"], What(cells["what"]), day)
