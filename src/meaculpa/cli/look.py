"""`meaculpa list`: what is open, what was promised, who waits."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_content
from meaculpa.cli.common import clock, now_option, project_root, read_all
from meaculpa.cli.customers.shout import Debt, debt_data, debt_lines, find_debts
from meaculpa.cli.signs import read_signs, sign_data, sign_lines
from meaculpa.cli.wording import (
    as_data,
    bad,
    bold,
    faint,
    good,
    promise_words,
    say,
    say_json,
    say_problems,
    span_words,
)
from meaculpa.errors import InvalidInput, Refused, has_errors
from meaculpa.status import Site, derive
from meaculpa.timeline import IncidentState

_STILL_OF_INTEREST = timedelta(days=30)


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def list_command(context: click.Context, as_json: bool, now: datetime | None) -> int:
    """Show open incidents and what was promised, overdue first, then planned work, and how the targets do.

    It says, too, who still waits for a mail or a refund.

    The exit code is 3 when the watcher that answered for a target does so no longer, and when a target cannot be
    read, has lost what was published, or is ahead of this machine's clock. It is 1 when a file cannot be understood:
    then nobody can say that nothing is open.
    """
    memory, at, root = Memory(), clock(now), project_root(context)
    files, config = read_all(root, memory)
    signs = read_signs(config.targets, root)
    content = read_content(files, config, memory)
    site = derive(content.incidents, config, at)
    states = standing(site)
    problems = [*files.problems, *content.problems]
    is_sure = not has_errors(problems)
    debts, owed = _owed(root, site)
    drafts = [incident.path for incident in content.incidents if incident.draft]
    if as_json:
        data = [state_data(state) for state in states]
        targets = [sign_data(one, at) for one in signs]
        customers = [debt_data(one) for one in debts]
        say_json(
            {
                "overall": str(site.overall) if is_sure else None,
                "incidents": data,
                "drafts": drafts,
                "targets": targets,
                "customers": customers,
                "problems": [as_data(problem) for problem in problems],
            }
        )
    else:
        _print_states(site, states, at, is_sure)
        for line in owed:
            say(line)
        for path in drafts:
            say(f"{path}: a draft, not on the site")
        for line in (line for one in signs for line in sign_lines(one, at)):
            say(line)
    if not is_sure:
        say_problems(problems, "These files are not in the list; customers may read an earlier version of them.")
        raise InvalidInput(())
    return 3 if any(one.is_wrong(at) for one in signs) else 0


def standing(site: Site) -> list[IncidentState]:
    """What somebody has to look after: what is late, what is open, planned work to confirm, and planned work."""
    since = site.now - _STILL_OF_INTEREST
    unconfirmed = [state for state in site.past if state.unconfirmed and state.changed > since]
    return [*site.overdue, *(state for state in site.open if not state.overdue), *unconfirmed, *site.upcoming]


def _owed(root: Path, site: Site) -> tuple[list[Debt], list[str]]:
    """What is owed to customers, and how that is said; a ledger that cannot be read hides no incident."""
    try:
        debts = find_debts(root, site)
    except Refused as error:
        return [], [bad(str(error))]
    return debts, list(debt_lines(debts, site.now))


def state_data(state: IncidentState) -> dict[str, Any]:
    """How an incident stands, for programs."""
    return {
        "id": state.incident.id,
        "title": state.incident.title,
        "kind": str(state.incident.kind),
        "impact": str(state.incident.impact),
        "status": str(state.status),
        "began": state.began.isoformat(),
        "ends": state.incident.ends.isoformat() if state.incident.ends else None,
        "next_update": state.next_update.isoformat() if state.next_update else None,
        "overdue": state.overdue,
        "unconfirmed": state.unconfirmed,
        "components": {key: str(value) for key, value in state.components.items()},
        "settled": {"done": state.settled.done, "total": state.settled.total} if state.settled else None,
        "path": state.incident.path,
    }


def _print_states(site: Site, states: list[IncidentState], now: datetime, is_sure: bool) -> None:
    if not site.open:
        say(good("No open incident.") if is_sure else bad("No open incident in the files that can be read."))
    for state in states:
        say(f"{bold(state.incident.title)}  {state.incident.impact} · {state.status}")
        say(f"  {_timing(state, now)}")
        say(faint(f"  {state.incident.path}"))


def _timing(state: IncidentState, now: datetime) -> str:
    if state.is_upcoming:
        return f"begins {state.began:%Y-%m-%d %H:%M} UTC, in {span_words(state.began - now)}"
    if state.unconfirmed and state.ended:
        ended = f"the window ended at {state.ended:%Y-%m-%d %H:%M} UTC"
        return f"{ended}; {bad('nobody has said that the work is done')}: meaculpa resolve {state.incident.id}"
    since = f"since {state.began:%Y-%m-%d %H:%M} UTC ({span_words(now - state.began)})"
    if state.is_maintenance:
        return since
    promise = promise_words(state.next_update, now) if state.next_update else bad("no next update promised")
    return f"{since} · {promise}"
