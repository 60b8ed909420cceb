"""`meaculpa customers settle`: how many orders are made good, counted and put into the incident."""

from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path, the_incident
from meaculpa.cli.customers.common import only_sender, private_lines, project_ledger
from meaculpa.cli.customers.status import obstacle_lines
from meaculpa.cli.wording import bold, count, good, say, say_problems
from meaculpa.cli.writing import read_as_it_is
from meaculpa.content.compose import set_fact
from meaculpa.customers.closing import close, settle
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.lists import Settlement, read_settlements
from meaculpa.errors import InvalidInput, Problem, Refused
from meaculpa.files import one_at_a_time, write_file


@click.command("settle")
@click.argument("incident_id", metavar="ID")
@click.argument(
    "settlements",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="[FILE]",
    required=False,
)
@now_option
@click.pass_context
def settle_command(context: click.Context, incident_id: str, settlements: Path | None, now: datetime | None) -> None:
    """Count how many orders are made good, and put `settled: 290 of 340` into the incident.

    ID is the incident's name or a part of it. FILE says what was done: CSV with order_id, what (shipped, replaced,
    swapped, sourced, refunded, released, nothing_due) and on (a day). What stood in earlier files is remembered.
    """
    root, at = project_root(context), clock(now)
    incident = the_incident(root, incident_id)
    with only_sender(root), project_ledger(root) as ledger:
        if settlements:
            _take_up(settlements, ledger, incident.id, at, root)
        found = close(ledger, incident.id)
    if not found.orders:
        raise Refused(f"no letter has gone out to an order that {incident.id} affects, so there is nothing to count")
    path = _write(root, incident.id, f"{found.settled} of {found.orders}", at)
    say(f"{good('Settled')} {found.settled:,} of {count(found.orders, 'order')}: written into {bold(path)}.")
    say("Readers see it with the next publish; a running `meaculpa watch` does that by itself.", to_errors=True)
    for line in obstacle_lines(incident.id, found):
        say(f"  {line}")


def _take_up(file: Path, ledger: Ledger, incident: str, at: datetime, root: Path) -> None:
    path = shown_path(file.absolute())
    today = at.astimezone(read_all(root, Memory())[1].site.timezone).date()
    found = read_settlements(private_lines(file, path), path, today)
    problems = [one for one in found if isinstance(one, Problem)]
    if problems:
        say_problems(problems, "Nothing was settled.")
        raise InvalidInput(())
    settle(ledger, incident, [one for one in found if isinstance(one, Settlement)])


def _write(root: Path, incident_id: str, value: str, at: datetime) -> str:
    """Put the fact under the newest update as the file is now; raises InvalidInput."""
    with one_at_a_time(root / "incidents"):
        incident = the_incident(root, incident_id)
        newest = max((one for one in incident.updates if one.at <= at), key=lambda one: one.at, default=None)
        if newest is None:
            raise Refused(f"{incident.id} has no update yet that could say so")
        path = (root / incident.path).resolve()
        text = path.read_bytes().decode("utf-8-sig")
        changed = set_fact(text, newest, "settled", value)
        after = read_as_it_is(root, incident.path, changed)
        if [one.body for one in after.updates] != [one.body for one in incident.updates]:
            raise Refused(f"{incident.path}:{newest.line}: put `settled: {value}` under this heading yourself")
        write_file(path, changed.encode())
    return incident.path
