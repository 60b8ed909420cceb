"""Who was promised a mail as soon as it works again: by a patience letter, or because they asked for it."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from meaculpa.customers.ledger import Ledger, Promise, add_promise, customer_of
from meaculpa.customers.order import Asked, Order, recipient_of
from meaculpa.customers.orders import cells_of, order_of


class Kept(Struct, frozen=True):
    """How the promises about an incident stand: not kept yet, kept, and those that could not be."""

    open: int = 0
    kept: int = 0
    failed: int = 0


def promise_to(order: Order | None, asked: Asked | None) -> Promise:
    """Make the promise to a reader, with what the alert will need to know."""
    reader = order or asked
    assert reader is not None  # noqa: S101
    facts = json.dumps(cells_of(order), ensure_ascii=False) if order else None
    return Promise(recipient_of(reader), reader.email, reader.locale, facts)


def promise_all(ledger: Ledger, incident: str, asked: Iterable[Asked], at: datetime, is_open: bool) -> int:
    """Take up who asked to be told; gives how many are new. Who was told is told again only of another outage."""
    with ledger.transaction() as rows:
        return sum(add_promise(rows, incident, promise_to(None, one), at, is_open) for one in asked)


def promised_readers(ledger: Ledger, incident: str) -> Iterator[Order | Asked]:
    """Everybody who is still promised a mail: with their order where one is known, and each address once without."""
    found = ledger.rows(
        "SELECT address, locale, facts FROM promises WHERE incident = ? AND closed_at IS NULL AND address IS NOT NULL"
        " ORDER BY recipient",
        incident,
    )
    with_order = {customer_of(address) for address, _, facts in found if facts}
    for address, locale, facts in found:
        if facts:
            yield order_of(json.loads(facts))
        elif customer_of(address) not in with_order:
            yield Asked(address, locale)


def failed_alerts(ledger: Ledger, incident: str) -> set[str]:
    """Who was promised an alert, could not be reached, and is on no list of calls yet."""
    query = "SELECT recipient FROM promises WHERE incident = ? AND is_kept = 0 AND address IS NOT NULL"
    return {recipient for (recipient,) in ledger.rows(query, incident)}


def failed_readers(ledger: Ledger, incident: str) -> list[Order | Asked]:
    """The same, with all that is known of them."""
    query = "SELECT address, locale, facts FROM promises WHERE incident = ? AND is_kept = 0 AND address IS NOT NULL"
    found = ledger.rows(query, incident)
    return [order_of(json.loads(facts)) if facts else Asked(address, locale) for address, locale, facts in found]


def forget_failed(ledger: Ledger, incident: str) -> None:
    """Forget who could not be reached, now that they are on a list of calls."""
    with ledger.transaction() as rows:
        query = "UPDATE promises SET address = NULL, facts = NULL WHERE incident = ? AND is_kept = 0"
        rows.execute(query, (incident,))
    ledger.forget()


def count_promises(ledger: Ledger, incident: str) -> Kept:
    """Say how the promises about an incident stand."""
    found = ledger.rows(
        "SELECT closed_at IS NULL, is_kept, COUNT(*) FROM promises WHERE incident = ? GROUP BY 1, 2", incident
    )
    open_ones = sum(number for is_open, _, number in found if is_open)
    kept = sum(number for is_open, is_kept, number in found if not is_open and is_kept)
    return Kept(open_ones, kept, sum(number for *_, number in found) - open_ones - kept)
