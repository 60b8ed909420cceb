"""`meaculpa customers calls`: a list of whom to call, most urgent first."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import project_root, read_all, shown_path, the_incident
from meaculpa.cli.customers.common import PLANS, only_sender, project_ledger, refuse_public
from meaculpa.cli.wording import bad, count, say
from meaculpa.customers.calls import Call, Why, call_promised, find_calls
from meaculpa.customers.closing import close
from meaculpa.customers.folder import Plan, find_plans, read_letters, safe_cell, write_private
from meaculpa.customers.ledger import Ledger, State
from meaculpa.customers.order import Asked, Order
from meaculpa.customers.orders import cells_of
from meaculpa.customers.promises import failed_readers, forget_failed
from meaculpa.errors import Refused

_COLUMNS = ("by", "how", "order_id", "name", "phone", "email", "locale", "item", "why")
_WHY = {
    Why.SILENCE_CANCELS: "silence cancels the order on that day",
    Why.NOT_REACHED: "the letter was refused or came back",
    Why.UNKNOWN: "nobody knows whether the letter arrived",
    Why.ALERT_FAILED: "we promised a mail when it works again, and it did not arrive",
    Why.ESSENTIAL_DATE: "it will not come in time for the day they need it",
    Why.PROMISED: "a call is promised in the letter",
    Why.CARD: "a card written by hand",
}


@click.command("calls")
@click.argument("incident_id", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to; private/calls-ID.csv without it.",
)
@click.pass_context
def calls_command(context: click.Context, incident_id: str, out: Path | None) -> None:
    """List whom to call and to whom to write a card, most urgent first, as CSV for a spreadsheet.

    ID is the incident's name or a part of it. The list is made of the plans in private/plans/ and of what became of
    their letters; orders that are settled are left out.
    """
    root = project_root(context)
    incident = the_incident(root, incident_id)
    place = (out or root / "private" / f"calls-{incident.id}.csv").resolve()
    refuse_public(place, root, read_all(root, Memory())[1])
    plans, unreadable = find_plans(root / PLANS, incident.id)
    for reason in unreadable:
        say(bad(f"left out: {reason}"), to_errors=True)
    with only_sender(root), project_ledger(root) as ledger:
        found = close(ledger, incident.id)
        settled = {one.recipient for one in found.letters} - set(found.unsettled)
        calls = find_calls(_letters(plans), _states(ledger, incident.id), settled if found.orders else ())
        calls += [_promised(reader) for reader in failed_readers(ledger, incident.id)]
        if not plans and not calls:
            hint = f"meaculpa customers plan {incident.id} ..."
            raise Refused(f"there is no plan of letters about {incident.id} that can be read: {hint}")
        write_private(place, _table(sorted(calls, key=lambda call: call.urgency)).encode("utf-8-sig"))
        forget_failed(ledger, incident.id)
    say(f"{count(len(calls), 'customer')} to call or to write to, in {shown_path(place)}.")
    for why in Why:
        number = sum(why in call.why for call in calls)
        if number:
            say(f"  {number:>7,} × {bad(_WHY[why]) if why is Why.SILENCE_CANCELS else _WHY[why]}")


def _promised(reader: Order | Asked) -> Call:
    return call_promised(cells_of(reader) if isinstance(reader, Order) else None, reader.email)


def _letters(plans: Iterable[Plan]) -> Iterator[dict[str, Any]]:
    for plan in plans:
        yield from read_letters(plan.folder)


def _states(ledger: Ledger, incident: str) -> dict[str, State]:
    """The worst that became of any letter about an order."""
    worst = (State.UNKNOWN, State.REFUSED, State.BOUNCED)
    states = dict[str, State]()
    for one in ledger.standings(incident):
        if one.recipient not in states or one.state in worst:
            states[one.recipient] = one.state
    return states


def _table(calls: Iterable[Call]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator=os.linesep)
    rows.writerow(_COLUMNS)
    for call in calls:
        why = "; ".join(_WHY[one] for one in call.why)
        how = "card" if call.why == (Why.CARD,) else "call"
        cells = {"by": call.by.isoformat() if call.by else "", "how": how, "why": why, **call.order}
        rows.writerow([safe_cell(cells.get(name, "")) for name in _COLUMNS])
    return text.getvalue()
