"""Whom to call, and to whom to write a card by hand: from the letters of an incident and what became of them."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import IntEnum
from typing import Any

from msgspec import Struct

from meaculpa.customers.ledger import State


class Why(IntEnum):
    """Why somebody is to be called, the most urgent first."""

    SILENCE_CANCELS = 1
    NOT_REACHED = 2
    ESSENTIAL_DATE = 3
    ALERT_FAILED = 4
    PROMISED = 5
    UNKNOWN = 6
    CARD = 7


class Call(Struct, frozen=True):
    """One customer to call: by when, why, and about what; `order` are the cells of their row."""

    by: date | None
    why: tuple[Why, ...]
    order: Mapping[str, str]

    @property
    def urgency(self) -> tuple[date, Why, str]:
        """Orders calls: what has a day first, then the worst."""
        return self.by or date.max, min(self.why), self.order["order_id"]


def find_calls(
    letters: Iterable[Mapping[str, Any]], states: Mapping[str, State], settled: Iterable[str]
) -> list[Call]:
    """Say who is to be called, most urgent first; `letters` are records of plans, `states` what became of them."""
    done, calls = frozenset(settled), dict[str, Call]()
    for letter in letters:
        order = letter["order"]
        if order is None or order["order_id"] in done:
            continue
        found = _call(letter, states.get(order["order_id"]))
        if found.why:
            before = calls.get(order["order_id"])
            calls[order["order_id"]] = _both(before, found) if before else found
    return sorted(calls.values(), key=lambda call: call.urgency)


def call_promised(order: Mapping[str, str] | None, address: str) -> Call:
    """Somebody who was promised an alert that did not reach them; of some only the address is known."""
    return Call(None, (Why.ALERT_FAILED,), {"order_id": "", **(order or {}), "email": address})


def _call(letter: Mapping[str, Any], state: State | None) -> Call:
    order, gifts = letter["order"], {grant["gift"] for grant in letter["grants"]}
    reasons = {
        Why.SILENCE_CANCELS: letter["silence"] == "cancels",
        Why.NOT_REACHED: state in (State.REFUSED, State.BOUNCED),
        Why.UNKNOWN: state is State.UNKNOWN,
        Why.ESSENTIAL_DATE: letter["misses_essential_date"],
        Why.PROMISED: "call" in gifts,
        Why.CARD: "card" in gifts,
    }
    days = [order.get("essential_date"), letter["until"] if letter["silence"] == "cancels" else None]
    by = min((date.fromisoformat(day) for day in days if day), default=None)
    return Call(by, tuple(why for why, is_so in reasons.items() if is_so), order)


def _both(one: Call, other: Call) -> Call:
    by = min((day for day in (one.by, other.by) if day), default=None)
    return Call(by, tuple(sorted({*one.why, *other.why})), other.order)
