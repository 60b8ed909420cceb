"""A CSV file of orders, as lines -> Orders, and a Problem with row and column for whatever cannot be one.

Nothing is guessed: a row is right as it stands or is told. Rows are read one at a time, however many there are.
"""

import csv
import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from meaculpa.customers.delay_law import Jurisdiction
from meaculpa.errors import Problem
from meaculpa.schema import Line, LocaleCode, Shape, matching, mistake, shorten, word_of

LONGEST_CELL = 10_000
_DELIMITERS = (",", ";", "\t")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# One address and nothing else: no name, no comment, no quotes (RFC 5322 allows them, no shop's customer has them).
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]")
_LONGEST_ADDRESS, _LONGEST_LOCAL_PART = 254, 64
_AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,4})?")
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_SPREADSHEET_ERRORS = ("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "########")
_YEARS = range(2000, 2101)


class Stage(StrEnum):
    """What a letter is for."""

    PATIENCE = "patience"
    RESTORED = "restored"
    DELAY = "delay"
    CHOICE = "choice"
    APOLOGY = "apology"


class ChargeState(StrEnum):
    """What has happened to the customer's money."""

    NOT_CHARGED = "not_charged"
    HELD = "held"
    CHARGED = "charged"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Order:
    """One affected order: a row of the file; `line` is where it begins, `more` are columns that we do not know."""

    line: int
    order_id: str
    email: str
    name: str
    item: str
    price: Decimal
    currency: str
    phone: str | None = None
    locale: str | None = None
    total: Decimal | None = None
    ordered_on: date | None = None
    promised_ship_on: date | None = None
    new_ship_on: date | None = None
    notice_number: int = 1
    charge_state: ChargeState | None = None
    refunded_on: date | None = None
    essential_date: date | None = None
    jurisdiction: Jurisdiction | None = None
    tier: str | None = None
    marketing_ok: bool = False
    comparable_item: str | None = None
    comparable_price: Decimal | None = None
    right_price: Decimal | None = None
    rest: str | None = None
    more: Mapping[str, str] | None = None

    @property
    def paid(self) -> Decimal:
        """What it is about: the whole order, or the item alone where `rest` says that the rest goes its own way."""
        return self.price if self.total is None or self.rest else self.total


def _read_address(value: object) -> object:
    text = str(value)
    if len(re.findall("@", text)) > 1 or re.search(r"[\s,;<>]", text):
        raise mistake(f'"{shorten(text)}" is not one address', "one address a row, without a name")
    local_part = text.partition("@")[0]
    is_short = len(text) <= _LONGEST_ADDRESS and len(local_part) <= _LONGEST_LOCAL_PART
    if not is_short or not _ADDRESS.fullmatch(text):
        raise mistake(f'"{shorten(text)}" is not an e-mail address', "write it like jane@example.com")
    return text


def _read_amount(value: object) -> object:
    text = str(value)
    if not _AMOUNT.fullmatch(text):
        raise mistake(f'"{shorten(text)}" is not an amount', "write it like 54.00: digits, a point, no currency")
    return Decimal(text)


def _read_day(value: object) -> object:
    text = str(value)
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise mistake(f'"{shorten(text)}" is not a date', "write it like 2026-11-22")
    return day


def _read_order_id(value: object) -> object:
    text = str(value)
    if _EXPONENT.fullmatch(text):
        raise mistake(
            f'a spreadsheet has turned this number into "{text}"', "format the column as text and export again"
        )
    return text


def _read_currency(value: object) -> object:
    text = str(value)
    if not re.fullmatch("[A-Z]{3}", text) or text not in _currencies():
        raise mistake(f'unknown currency "{shorten(text)}"', "a code of three capitals such as EUR")
    return text


@functools.cache
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def _read_yes(value: object) -> object:
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if str(value).casefold() not in words:
        raise mistake(f'"{shorten(str(value))}" is neither yes nor no', "write yes or no")
    return words[str(value).casefold()]


_Address = Annotated[str, BeforeValidator(_read_address)]
_Amount = Annotated[Decimal, BeforeValidator(_read_amount)]
_Day = Annotated[date, BeforeValidator(_read_day)]
_Name = Annotated[Line, Field(max_length=200)]


class _Row(Shape):
    """The columns that we know; what stands in others is taken as it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: Annotated[
        str,
        matching(r"[A-Za-z0-9][A-Za-z0-9._/#:-]{0,63}", "letters, digits and . _ / # : -, at most 64"),
        BeforeValidator(_read_order_id),
    ]
    email: _Address
    name: _Name
    item: _Name
    price: _Amount
    currency: Annotated[str, BeforeValidator(_read_currency)]
    phone: Annotated[str, matching(r"\+?[0-9][0-9 ()/.-]{2,30}", "a number such as +44 800 555 0100")] | None = None
    locale: LocaleCode | None = None
    total: _Amount | None = None
    ordered_on: _Day | None = None
    promised_ship_on: _Day | None = None
    new_ship_on: _Day | None = None
    notice_number: int = Field(default=1, ge=1, le=20)
    charge_state: Annotated[ChargeState, word_of(ChargeState, "charge_state")] | None = None
    refunded_on: _Day | None = None
    essential_date: _Day | None = None
    jurisdiction: Annotated[Jurisdiction, word_of(Jurisdiction, "jurisdiction")] | None = None
    tier: _Name | None = None
    marketing_ok: Annotated[bool, BeforeValidator(_read_yes)] = False
    comparable_item: _Name | None = None
    comparable_price: _Amount | None = None
    right_price: _Amount | None = None
    rest: Annotated[Line, Field(max_length=200)] | None = None


COLUMNS = tuple(_Row.model_fields)
_ALWAYS = ("order_id", "email", "name", "item", "price", "currency")
_REQUIRED = {
    Stage.PATIENCE: _ALWAYS,
    Stage.RESTORED: _ALWAYS,
    Stage.DELAY: (*_ALWAYS, "charge_state"),
    Stage.CHOICE: (*_ALWAYS, "charge_state"),
    Stage.APOLOGY: (*_ALWAYS, "charge_state"),
}
_ROW = TypeAdapter(_Row)


def read_orders(lines: Iterable[str], path: str, stage: Stage) -> Iterator[Order | Problem]:
    """Read the rows of an orders file one by one; gives each as an Order, or as what is wrong with it.

    `lines` keep their line ends. A file whose header is wrong gives the problems of the header alone.
    """
    rows = _rows(lines, path)
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


def _rows(lines: Iterable[str], path: str) -> Iterator[tuple[int, list[str]] | Problem]:
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
    for name in _REQUIRED[stage]:
        if name not in header:
            near = difflib.get_close_matches(name, set(header).difference(COLUMNS), n=1)
            hint = f'is it "{shorten(near[0])}"?' if near else ""
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
        known = _ROW.validate_python(filled)
    except ValidationError as error:
        return [_describe(details, path, line) for details in error.errors(include_url=False)]
    more = {name: cell for name, cell in filled.items() if name not in COLUMNS}
    order = Order(line=line, more=more, **{name: getattr(known, name) for name in COLUMNS})
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
    if order.promised_ship_on is None and (order.ordered_on is None or order.notice_number > 1):
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
