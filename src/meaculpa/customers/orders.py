"""A CSV file of orders, as lines -> Orders, and a Problem with row and column for whatever cannot be one.

Nothing is guessed: a row is right as it stands or is told. Rows are read one at a time, however many there are.
"""

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from meaculpa.customers.columns import Row
from meaculpa.customers.order import ChargeState, Order, Stage
from meaculpa.errors import Problem
from meaculpa.schema import shorten

LONGEST_CELL = 10_000
_DELIMITERS = (",", ";", "\t")
_SPREADSHEET_ERRORS = ("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "########")
COLUMNS = tuple(Row.model_fields)
_ALWAYS = ("order_id", "email", "name", "item", "price", "currency")
_REQUIRED = {
    Stage.PATIENCE: _ALWAYS,
    Stage.RESTORED: _ALWAYS,
    Stage.DELAY: (*_ALWAYS, "charge_state"),
    Stage.CHOICE: (*_ALWAYS, "charge_state"),
    Stage.APOLOGY: (*_ALWAYS, "charge_state"),
}
_ROW = TypeAdapter(Row)


def read_orders(lines: Iterable[str], path: str, stage: Stage) -> Iterator[Order | Problem]:
    """Read the rows of an orders file one by one; gives each as an Order, or as what is wrong with it.

    `lines` keep their line ends. A file whose header is wrong gives the problems of the header alone.
    """
    rows = cut_rows(lines, path)
    first = next(rows, None)
    if first is None or isinstance(first, Problem):
        yield first or Problem(path, 1, "the file is empty", f"its first row names the columns: {', '.join(_ALWAYS)}")
        return
    _, header = first
    header = [name.strip() for name in header]
    problems = _header_problems(header, path, stage)
    yield from problems
    if problems:
        return
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        yield from _read_row(row, header, path, stage)


def order_of(cells: Mapping[str, str], line: int = 0) -> Order:
    """Read one order from its cells by column, empty ones left out; raises ValidationError."""
    known = _ROW.validate_python(cells)
    more = {name: cell for name, cell in cells.items() if name not in COLUMNS}
    return Order(line=line, more=more, **{name: getattr(known, name) for name in COLUMNS})


def cells_of(order: Order) -> dict[str, str]:
    """Write an order as the cells from which `order_of` reads it again."""
    values = {name: getattr(order, name) for name in COLUMNS}
    cells = {name: str(value) for name, value in values.items() if value is not None}
    return {**(order.more or {}), **cells}


def cut_rows(lines: Iterable[str], path: str) -> Iterator[tuple[int, list[str]] | Problem]:
    """Cut lines into cells; each row with the line where it begins, empty rows left out."""
    source = iter(lines)
    header = next(source, "").removeprefix("\ufeff")
    delimiter = next((sign for sign in _DELIMITERS if sign in header), ",")
    reader = csv.reader(_again(header, source), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(
                path,
                line,
                f"this row cannot be read ({error})",
                "a quotation mark too many or too few? What is below it was not read",
            )
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _header_problems(header: Sequence[str], path: str, stage: Stage) -> list[Problem]:
    problems = [
        Problem(path, 1, f'the column "{shorten(name)}" stands here twice', "keep one of the two")
        for name in dict.fromkeys(header)
        if name and header.count(name) > 1
    ]
    for name in header:
        near = difflib.get_close_matches(name.casefold(), COLUMNS, n=1, cutoff=0.85)
        if name not in COLUMNS and near and near[0] not in _REQUIRED[stage]:
            problems.append(Problem(path, 1, f'unknown column "{shorten(name)}"', f'is it "{near[0]}"?'))
    for name in _REQUIRED[stage]:
        if name not in header:
            spelled = {re.sub(r"[\W_]+", "_", one.casefold()): one for one in header if one not in COLUMNS}
            near = difflib.get_close_matches(name, spelled, n=1)
            hint = f'is it "{shorten(spelled[near[0]])}"?' if near else ""
            problems.append(Problem(path, 1, f'the column "{name}" is missing', hint))
    if stage is Stage.DELAY and not {"promised_ship_on", "ordered_on"} & set(header):
        problems.append(
            Problem(path, 1, 'the column "promised_ship_on" is missing', "or ordered_on, 30 days before it")
        )
    return problems


def _read_row(row: tuple[int, list[str]], header: Sequence[str], path: str, stage: Stage) -> list[Order | Problem]:
    line, cells = row
    if len(cells) != len(header):
        hint = "a text that holds the sign between the cells needs quotation marks"
        return [Problem(path, line, f"{len(cells)} cells under {len(header)} columns", hint)]
    filled = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name and cell.strip()}
    problems: list[Order | Problem] = [*_spoiled(filled, path, line), *_empty(filled, path, line, stage)]
    if problems:
        return problems
    try:
        order = order_of(filled, line)
    except ValidationError as error:
        return [_describe(details, path, line) for details in error.errors(include_url=False)]
    return [*(_problem(path, line, *told) for told in _contradictions(order, stage))] or [order]


def _spoiled(filled: Mapping[str, str], path: str, line: int) -> Iterator[Problem]:
    """Cells in which a spreadsheet or somebody else has put something that is no value."""
    for name, cell in filled.items():
        if cell.startswith(("=", "@")) or (cell[0] in "+-" and name != "phone"):
            yield _problem(
                path, line, name, "this is a formula, or would be one in a spreadsheet", "write the value itself"
            )
        elif cell.startswith(_SPREADSHEET_ERRORS):
            yield _problem(
                path, line, name, f'a spreadsheet has written "{shorten(cell)}" here', "write the value itself"
            )
        elif len(cell) > LONGEST_CELL:
            yield _problem(path, line, name, f"{len(cell):,} characters", f"at most {LONGEST_CELL:,}")


def _empty(filled: Mapping[str, str], path: str, line: int, stage: Stage) -> Iterator[Problem]:
    for name in _REQUIRED[stage]:
        if name not in filled:
            yield _problem(path, line, name, "this cell is empty", "")


def _contradictions(order: Order, stage: Stage) -> Iterator[tuple[str, str, str]]:
    """What cannot be true together; column, what is wrong, what would be right."""
    if order.charge_state is ChargeState.REFUNDED and order.refunded_on is None:
        yield "refunded_on", "this cell is empty, and the money has been sent back", "the day on which it was sent"
    if order.total is not None and order.total < order.price:
        yield "total", f"{order.total} is less than the price, {order.price}", "the total holds the whole order"
    if bool(order.comparable_item) != (order.comparable_price is not None):
        missing = "comparable_price" if order.comparable_item else "comparable_item"
        yield missing, "this cell is empty", "a comparable item needs a name and a price"
    for name in ("price", "total", "comparable_price", "right_price"):
        amount = getattr(order, name)
        if amount is not None and _has_too_many_digits(amount, order.currency):
            yield name, f"{amount} has more digits than {order.currency} has", "round it"
    if stage is Stage.DELAY:
        yield from _impossible_dates(order)


def _impossible_dates(order: Order) -> Iterator[tuple[str, str, str]]:
    if order.kept_on and order.promised_ship_on:
        hint = "a KEEP without a date leaves nothing promised, one with a date ends with it: empty one of the two"
        yield "kept_on", f"it stands beside a promised_ship_on, {order.promised_ship_on}", hint
    elif order.kept_on and order.notice_number == 1:
        yield "notice_number", "a customer who has said KEEP has had a notice", "2, or the number of this one"
    elif order.kept_on:
        return
    elif order.promised_ship_on is None and (order.ordered_on is None or order.notice_number > 1):
        hint = "the date promised last" if order.notice_number > 1 else "or ordered_on"
        yield "promised_ship_on", "this cell is empty", hint
    elif order.promised_ship_on and order.new_ship_on and order.new_ship_on <= order.promised_ship_on:
        yield (
            "new_ship_on",
            f"{order.new_ship_on} is not after what was promised, {order.promised_ship_on}",
            "no delay?",
        )
    if order.ordered_on and order.promised_ship_on and order.promised_ship_on < order.ordered_on:
        yield "promised_ship_on", f"{order.promised_ship_on} is before the order, {order.ordered_on}", ""


def _has_too_many_digits(amount: Decimal, currency: str) -> bool:
    from babel.numbers import get_currency_precision

    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and -exponent > get_currency_precision(currency)


def _problem(path: str, line: int, column: str, message: str, hint: str) -> Problem:
    return Problem(path, line, f'column "{shorten(column)}": {message}', hint)


def _describe(details: Any, path: str, line: int) -> Problem:
    column, kind, context = str(details["loc"][0]), details["type"], details.get("ctx", {})
    if kind == "mistake":
        return _problem(path, line, column, context["what"], context["hint"])
    if kind in ("string_too_long", "too_long"):
        return _problem(path, line, column, f"{len(details['input'])} characters", f"at most {context['max_length']}")
    if kind in ("greater_than_equal", "less_than_equal"):
        return _problem(path, line, column, f'"{shorten(str(details["input"]))}" is not possible here', "1 to 20")
    return _problem(path, line, column, f'"{shorten(str(details["input"]))}" is not a whole number', "")
