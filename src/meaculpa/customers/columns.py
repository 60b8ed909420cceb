"""The columns of an orders file that we know, and what may stand in each."""

import functools
import re
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from meaculpa.customers.delay_law import Jurisdiction
from meaculpa.customers.order import ChargeState
from meaculpa.schema import Line, LocaleCode, Shape, matching, mistake, shorten, word_of

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# One address and nothing else: no name, no comment, no quotes (RFC 5322 allows them, no shop's customer has them).
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]")
_LONGEST_ADDRESS, _LONGEST_LOCAL_PART = 254, 64
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_YEARS = range(2000, 2101)


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing else."""
    is_short = len(text) <= _LONGEST_ADDRESS and len(text.partition("@")[0]) <= _LONGEST_LOCAL_PART
    return is_short and _ADDRESS.fullmatch(text) is not None


def _read_address(value: object) -> object:
    text = str(value)
    if len(re.findall("@", text)) > 1 or re.search(r"[\s,;<>]", text):
        raise mistake(f'"{shorten(text)}" is not one address', "one address a row, without a name")
    if not is_address(text):
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


def _read_name(value: object) -> object:
    if re.search(r"://|\bwww\.", str(value), re.IGNORECASE):
        raise mistake(f'"{shorten(str(value))}" holds a web address', "a name, nothing else")
    return value


def _read_yes(value: object) -> object:
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if str(value).casefold() not in words:
        raise mistake(f'"{shorten(str(value))}" is neither yes nor no', "write yes or no")
    return words[str(value).casefold()]


_Address = Annotated[str, BeforeValidator(_read_address)]
_Amount = Annotated[Decimal, BeforeValidator(_read_amount)]
_Day = Annotated[date, BeforeValidator(_read_day)]
_Name = Annotated[Line, Field(max_length=200)]


class Row(Shape):
    """The columns that we know; what stands in others is taken as it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: Annotated[
        str,
        matching(r"[A-Za-z0-9][A-Za-z0-9._/#:-]{0,63}", "letters, digits and . _ / # : -, at most 64"),
        BeforeValidator(_read_order_id),
    ]
    email: _Address
    name: Annotated[_Name, BeforeValidator(_read_name)]
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
    kept_on: _Day | None = None
    jurisdiction: Annotated[Jurisdiction, word_of(Jurisdiction, "jurisdiction")] | None = None
    tier: _Name | None = None
    marketing_ok: Annotated[bool, BeforeValidator(_read_yes)] = False
    comparable_item: _Name | None = None
    comparable_price: _Amount | None = None
    right_price: _Amount | None = None
    rest: Annotated[Line, Field(max_length=200)] | None = None
