"""The nouns of letters: an affected order, what a letter about it is for, and what happened to its money."""

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from meaculpa.customers.delay_law import Jurisdiction


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


class Order(Struct, frozen=True):
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
    kept_on: date | None = None
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


class Asked(Struct, frozen=True):
    """Somebody who asked to be told when it works again: an address, and a language if they gave one."""

    email: str
    locale: str | None = None


def recipient_of(reader: Order | Asked) -> str:
    """What a letter is known by in a plan and in the ledger: its order, or a digest of an address without one."""
    if isinstance(reader, Order):
        return reader.order_id
    return f"asked-{hashlib.sha256(reader.email.casefold().encode()).hexdigest()[:16]}"
