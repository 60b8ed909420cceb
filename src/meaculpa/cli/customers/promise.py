"""`meaculpa customers promise`: who asked to be told when it works again."""

import sys
from datetime import datetime
from pathlib import Path

import click

from meaculpa.cli.common import clock, now_option, project_root, shown_path, the_incident
from meaculpa.cli.customers.common import only_sender, private_lines, project_ledger, refuse_handed_over
from meaculpa.cli.wording import count, good, say, say_problems
from meaculpa.customers.lists import read_asked
from meaculpa.customers.order import Asked
from meaculpa.customers.promises import count_promises, promise_all
from meaculpa.errors import InvalidInput, Problem
from meaculpa.model import Incident
from meaculpa.timeline import state_of


@click.command("promise")
@click.argument("incident_id", metavar="ID")
@click.option(
    "--emails",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    required=True,
    metavar="FILE",
    help="Addresses, a line each, or a CSV file with email and locale; - for standard input.",
)
@now_option
@click.pass_context
def promise_command(context: click.Context, incident_id: str, emails: Path, now: datetime | None) -> None:
    """Take up who asked to be told when it works again: they are written to once, and then forgotten.

    ID is the incident's name or a part of it. An address that is there already stays as it is.
    """
    root = project_root(context)
    incident = the_incident(root, incident_id)
    path = "standard input" if str(emails) == "-" else shown_path(emails.absolute())
    found = read_asked(sys.stdin if str(emails) == "-" else private_lines(emails, path), path)
    problems = [one for one in found if isinstance(one, Problem)]
    if problems:
        say_problems(problems, "Nobody was taken up.")
        raise InvalidInput(())
    asked = [one for one in found if isinstance(one, Asked)]
    with only_sender(root), project_ledger(root) as ledger:
        refuse_handed_over(incident.id, ledger)
        new = promise_all(ledger, incident.id, asked, clock(now), _is_open(incident, clock(now)))
        still = count_promises(ledger, incident.id).open
    say(f"{good('Promised')} to {count(new, 'more customer')}; {still:,} in all wait for it.")
    say(f"When it works again: meaculpa customers plan {incident.id} --stage restored", to_errors=True)
    if path != "standard input":
        say(f"The addresses are in the ledger now; delete {path}.", to_errors=True)


def _is_open(incident: Incident, at: datetime) -> bool:
    state = state_of(incident, at)
    return state is None or state.is_open
