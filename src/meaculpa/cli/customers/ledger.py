"""`meaculpa customers ledger`: to another machine and back, what came back by mail, and what a person knows."""

from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path, the_incident
from meaculpa.cli.customers.common import only_sender, private_lines, project_ledger, refuse_public
from meaculpa.cli.customers.forgetting import forget_alerts
from meaculpa.cli.wording import bad, count, good, say, say_problems
from meaculpa.customers.bounces import Bounce, read_reports, take_bounces
from meaculpa.customers.closing import decide
from meaculpa.customers.folder import write_private
from meaculpa.customers.handover import export_campaign, hand_over, import_campaign
from meaculpa.customers.ledger import State
from meaculpa.customers.lists import read_returned
from meaculpa.customers.order import Stage
from meaculpa.errors import InvalidInput, Problem, Refused

_existing = click.Path(path_type=Path, exists=True)


@click.group("ledger")
def ledger_command() -> None:
    """What is known of every letter: to another machine and back, mail that came back, what a person knows."""


@ledger_command.command("export", short_help="Hand an incident's letters over to another machine.")
@click.argument("incident_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@now_option
@click.pass_context
def export_command(context: click.Context, incident_id: str, file: Path, now: datetime | None) -> None:
    """Hand the letters of an incident over to another machine: from here nothing more is sent about it."""
    root, at = project_root(context), clock(now)
    incident = the_incident(root, incident_id)
    refuse_public(file.resolve(), root, read_all(root, Memory())[1])
    with only_sender(root), project_ledger(root) as ledger:
        ledger.recover()
        # First: a machine that is killed here sends nothing more, and can export once again.
        hand_over(ledger, incident.id, at)
        text = "".join(f"{line}\n" for line in export_campaign(ledger, incident.id, at))
        write_private(file, text.encode())
    say(f"{good('Handed over')}: {shown_path(file)} holds what became of every letter about {incident.id}.")
    say("On one other machine: meaculpa customers ledger import FILE, then plan again and send.")
    say("The file holds addresses of who still waits for an alert; delete it on both machines then.", to_errors=True)


@ledger_command.command("import", short_help="Take over what another machine knows.")
@click.argument("file", type=_existing, metavar="FILE")
@click.pass_context
def import_command(context: click.Context, file: Path) -> None:
    """Take over what another machine knows of an incident's letters; what is known here and better stays."""
    root = project_root(context)
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, IsADirectoryError):
        raise Refused(f"{shown_path(file)} is no export of a ledger") from None
    with only_sender(root), project_ledger(root) as ledger:
        incident, number = import_campaign(ledger, text, shown_path(file))
        doubled = ledger.doubled_codes()
    say(f"{good('Taken over')} {count(number, 'letter')} about {incident}.")
    if doubled:
        codes = ", ".join(f"{code[:8]}…" for code in doubled[:8])
        say(f"{bad(count(len(doubled), 'code') + ' went to two orders')}: {codes}", to_errors=True)


@ledger_command.command("bounces", short_help="Take up mail that came back.")
@click.argument("file", type=_existing, metavar="FILE")
@now_option
@click.pass_context
def bounces_command(context: click.Context, file: Path, now: datetime | None) -> None:
    """Take up mail that came back, so that these customers are called.

    FILE is a mail, an mbox file or a folder of mails (what is no failure report is left out), or a CSV file with the
    column email.
    """
    root, path = project_root(context), shown_path(file.absolute())
    unreadable = 0
    if file.suffix.casefold() == ".csv":
        found = read_returned(private_lines(file, path), path)
        problems = [one for one in found if isinstance(one, Problem)]
        if problems:
            say_problems(problems, "Nothing was taken up.")
            raise InvalidInput(())
        bounces = [Bounce(None, str(address), "") for address in found]
    else:
        bounces, unreadable = read_reports(file)
    with only_sender(root), project_ledger(root) as ledger:
        marked, strange = take_bounces(ledger, bounces, clock(now))
        for incident in marked:
            forget_alerts(root, incident, ledger)
    if not marked:
        say("No further letter of ours came back.")
    for incident, number in sorted(marked.items()):
        say(f"{count(number, 'letter')} came back; call these customers: meaculpa customers calls {incident}")
    if strange:
        say(f"{bad(count(strange, 'report'))} about no letter of ours.")
    if unreadable:
        say(f"{bad(count(unreadable, 'mail'))} could not be read.")


@ledger_command.command("mark", short_help="Say what became of an unknown letter.")
@click.argument("incident_id", metavar="ID")
@click.argument("stage", type=click.Choice([str(stage) for stage in Stage]))
@click.argument("order", metavar="ORDER")
@click.argument("state", type=click.Choice([str(State.SENT), str(State.PLANNED)]))
@now_option
@click.pass_context
def mark_command(
    context: click.Context, incident_id: str, stage: str, order: str, state: str, now: datetime | None
) -> None:
    """Say what became of a letter that is unknown: it was sent, or it was not and is planned again.

    A letter that was refused or came back may be planned again, too.
    """
    root = project_root(context)
    incident = the_incident(root, incident_id)
    with only_sender(root), project_ledger(root) as ledger:
        ledger.recover()
        decide(ledger, incident.id, stage, order, State(state), clock(now))
        if stage == Stage.RESTORED:
            forget_alerts(root, incident.id, ledger)
    more = "" if state == State.SENT else f"; send the plan of stage {stage} again, or plan it anew"
    say(f"The letter to {order} is {state}{more}.")
