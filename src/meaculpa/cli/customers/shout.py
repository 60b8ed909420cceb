"""What `list` and `watch` say of customers: promises that are due, and what is in the way of closing."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from meaculpa.cli.customers.common import project_ledger
from meaculpa.cli.wording import bad, count, faint, span_words
from meaculpa.customers.closing import Closing, close
from meaculpa.customers.ledger import Ledger, State
from meaculpa.errors import Refused
from meaculpa.folders import has_ledger
from meaculpa.status import Site
from meaculpa.timeline import IncidentState


class Debt(Struct, frozen=True):
    """What is owed to the customers of an incident; `ended` is when it was over, None while it is not."""

    incident: str
    ended: datetime | None
    found: Closing
    handed_over: str | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether people wait for a mail that they were promised for now, and from here."""
        return self.ended is not None and self.found.promises.open > 0 and not self.handed_over


def find_debts(root: Path, site: Site) -> list[Debt]:
    """Find what is owed, incident by incident; raises Refused where the ledger cannot be read."""
    if not has_ledger(root):
        return []
    # Nobody waits here for a command that holds the ledger: publishing matters more.
    with project_ledger(root, patience=0.2) as ledger:
        query = "SELECT incident FROM letters UNION SELECT incident FROM promises"
        incidents = [incident for (incident,) in ledger.rows(query)]
        states = site.find(incidents)
        return [_debt(incident, states.get(incident), ledger) for incident in incidents]


def _debt(incident: str, state: IncidentState | None, ledger: Ledger) -> Debt:
    ended = state.ended if state and not state.is_open else None
    return Debt(incident, ended, close(ledger, incident), ledger.handed_over(incident))


def overdue_lines(root: Path, site: Site) -> Iterator[str]:
    """Say who waits for a mail that was promised for when it works again."""
    try:
        debts = find_debts(root, site)
    except Refused as error:
        yield bad(str(error))
        return
    for debt in debts:
        if debt.is_overdue:
            yield _overdue(debt, site.now)


def debt_lines(debts: list[Debt], now: datetime) -> Iterator[str]:
    """Say what is owed, what is late first."""
    for debt in sorted(debts, key=lambda one: not one.is_overdue):
        waiting, found = debt.found.promises.open, debt.found
        if debt.handed_over:
            yield faint(f"{debt.incident}: its letters were handed over to another machine")
            continue
        if debt.is_overdue:
            yield _overdue(debt, now)
        elif waiting:
            yield faint(f"{debt.incident}: {count(waiting, 'customer')} to be told when it works again")
        others = list(_others(found))
        if others:
            yield f"{debt.incident}: {_progress(debt)}{', '.join(others)}: meaculpa customers status {debt.incident}"


def overdue_words(debt: Debt, now: datetime) -> tuple[str, str]:
    """Say who waits for a promised mail, and for how long; and what to do."""
    since = span_words(now - debt.ended) if debt.ended else ""
    told = f"{count(debt.found.promises.open, 'customer')} promised a mail when it works, and it has for {since}"
    return told, f"meaculpa customers plan {debt.incident} --stage restored"


def _overdue(debt: Debt, now: datetime) -> str:
    told, step = overdue_words(debt, now)
    return f"{debt.incident}: {bad(told)}: {step}"


def _progress(debt: Debt) -> str:
    if not debt.found.orders:
        return ""
    fixed = "fixed, " if debt.ended else ""
    return f"{fixed}making it good: {debt.found.settled:,} of {count(debt.found.orders, 'order')}; "


def _others(found: Closing) -> Iterator[str]:
    for letters, words in ((found.in_state(State.UNKNOWN), "unknown"), (found.waiting, "not sent")):
        if letters:
            yield bad(f"{count(len(letters), 'letter')} {words}")
    if found.not_reached:
        yield bad(f"{count(len(found.not_reached), 'customer')} not reached")
    if found.refunds_due:
        yield bad(f"{count(len(found.refunds_due), 'refund')} due")
    rest = len(found.unsettled) - len(found.refunds_due)
    if rest:
        yield f"{count(rest, 'order')} not settled"


def debt_data(debt: Debt) -> dict[str, Any]:
    """The same for programs."""
    return {
        "incident": debt.incident,
        "promised": debt.found.promises.open,
        "overdue": debt.is_overdue,
        "settled": debt.found.settled,
        "orders": debt.found.orders,
        "refunds_due": len(debt.found.refunds_due),
        "unknown": len(debt.found.in_state(State.UNKNOWN)),
        "closed": debt.found.is_closed,
    }
