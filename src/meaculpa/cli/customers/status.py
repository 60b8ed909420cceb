"""`meaculpa customers status`: what became of letters, promises and orders, and what is in the way of closing."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from meaculpa.cli.common import project_root, the_incident
from meaculpa.cli.customers.common import project_ledger
from meaculpa.cli.wording import bad, bold, count, good, say, say_json
from meaculpa.customers.closing import Closing, close
from meaculpa.customers.ledger import Standing, State
from meaculpa.customers.shelf import find_shelves
from meaculpa.model import Incident

_MOST_NAMED = 8
_GOOD = (State.SENT, State.PLANNED)


@click.command("status")
@click.argument("incident_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status_command(context: click.Context, incident_id: str, as_json: bool) -> None:
    """Say what became of the letters, promises and orders of an incident, and what is in the way of closing it.

    ID is the incident's name or a part of it.
    """
    root = project_root(context)
    incident = the_incident(root, incident_id)
    with project_ledger(root) as ledger:
        found = close(ledger, incident.id)
        handed_over = ledger.handed_over(incident.id)
        shelves = [one for one in find_shelves(ledger) if one.incident == incident.id and one.until]
    if as_json:
        say_json(_as_data(incident, found))
        return
    say(bold(incident.title))
    if handed_over:
        say(f"  {bad(f'handed over to another machine at {handed_over}')}; nothing is sent about it from here")
    on_page = [
        f"on the page: {count(one.count, 'letter')} of stage {one.stage}, until {one.until}" for one in shelves
    ]
    for line in (*_letter_lines(found), *on_page, *_promise_lines(found), *_order_lines(found)):
        say(f"  {line}")
    obstacles = list(obstacle_lines(incident.id, found))
    if obstacles:
        say("In the way of closing it:")
    elif found.letters or found.promises.kept:
        say(good("Nothing is in the way of closing it."))
    else:
        say("No letter has been sent, and nobody was promised one.")
    for line in obstacles:
        say(f"  {line}")


def _as_data(incident: Incident, found: Closing) -> dict[str, Any]:
    return {
        "incident": incident.id,
        "letters": {stage: dict(sorted(states.items())) for stage, states in _by_stage(found)},
        "unknown": [
            {"stage": one.stage, "recipient": one.recipient, "message_id": one.message_id, "at": one.at.isoformat()}
            for one in found.in_state(State.UNKNOWN)
        ],
        "promises": {"open": found.promises.open, "kept": found.promises.kept, "failed": found.promises.failed},
        "orders": {"settled": found.settled, "of": found.orders, "refunds_due": list(found.refunds_due)},
        "closed": found.is_closed,
    }


def _by_stage(found: Closing) -> list[tuple[str, dict[str, int]]]:
    stages = sorted({one.stage for one in found.letters})
    return [(stage, Counter(str(one.state) for one in found.letters if one.stage == stage)) for stage in stages]


def _letter_lines(found: Closing) -> Iterator[str]:
    for stage, states in _by_stage(found):
        words = ", ".join(f"{number:,} {_coloured(state)}" for state, number in sorted(states.items()))
        yield f"{stage}: {count(sum(states.values()), 'letter')}: {words}"


def _coloured(state: str) -> str:
    return state if state in _GOOD else bad(state)


def _promise_lines(found: Closing) -> Iterator[str]:
    kept, failed, still = found.promises.kept, found.promises.failed, found.promises.open
    if kept or failed or still:
        words = [f"{still:,} to be told when it works", f"{kept:,} told"]
        yield "promised: " + ", ".join([*words, *([bad(f"{failed:,} not reached")] if failed else [])])


def _order_lines(found: Closing) -> Iterator[str]:
    if found.orders:
        yield f"settled: {found.settled:,} of {count(found.orders, 'order')}"


def obstacle_lines(incident: str, found: Closing) -> Iterator[str]:
    """Name what is in the way of closing an incident, and what to do about it."""
    planned = Counter(one.stage for one in found.waiting)
    sending = len(found.in_state(State.SENDING))
    if sending:
        yield f"{count(sending, 'letter')} being sent now, or was when that was killed: `customers send` will say"
    for stage, number in sorted(planned.items()):
        yield f"{count(number, 'letter')} of stage {stage} not sent: the same `customers send`, or plan again"
    yield from _unknown_lines(incident, found.in_state(State.UNKNOWN))
    if found.not_reached:
        lost = bad(f"{count(len(found.not_reached), 'customer')} not reached by mail")
        yield f"{lost}: {_named(found.not_reached)}: meaculpa customers calls {incident}"
    if found.promises.open:
        told = f"{count(found.promises.open, 'promise')} to write when it works again"
        yield f"{told}: meaculpa customers plan {incident} --stage restored"
    if found.refunds_due:
        yield f"{bad(count(len(found.refunds_due), 'refund') + ' due')}: {_named(found.refunds_due)}"
    due = set(found.refunds_due)
    others = tuple(order for order in found.unsettled if order not in due)
    if others:
        yield f"{count(len(others), 'order')} not settled: {_named(others)}"
    if found.unsettled:
        yield f"  when they are: meaculpa customers settle {incident} FILE"


def _unknown_lines(incident: str, unknown: tuple[Standing, ...]) -> Iterator[str]:
    for one in unknown[:_MOST_NAMED]:
        yield f"{bad('unknown')}: {one.stage}, order {one.recipient}, at {one.at:%Y-%m-%d %H:%M} UTC: {one.answer}"
        yield f"  look for {one.message_id} in your mail server’s log, then say which it was:"
        yield f"  meaculpa customers ledger mark {incident} {one.stage} {one.recipient} sent|planned"
    if unknown[_MOST_NAMED:]:
        yield f"  and {len(unknown) - _MOST_NAMED:,} more unknown: --json lists them all"


def _named(orders: tuple[str, ...]) -> str:
    return ", ".join(orders[:_MOST_NAMED]) + (" …" if orders[_MOST_NAMED:] else "")
