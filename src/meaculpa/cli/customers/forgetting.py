"""Addresses that were given for one mail are deleted when it has gone out, with everything that holds them."""

import shutil
from contextlib import suppress
from pathlib import Path

from meaculpa.cli.customers.common import PLANS
from meaculpa.cli.wording import bad, say
from meaculpa.customers.folder import Plan, drop_plan, find_plans
from meaculpa.customers.ledger import Ledger, State
from meaculpa.customers.order import Stage
from meaculpa.customers.promises import count_promises


def forget_if_done(root: Path, plan: Plan, ledger: Ledger) -> None:
    """Delete a plan of alerts, wherever it lies, when all of it has gone out."""
    if plan.basis.stage == Stage.RESTORED and _is_done(plan.basis.incident, ledger):
        if plan.folder.is_dir():
            drop_plan(plan.folder)
        forget_alerts(root, plan.basis.incident, ledger)


def forget_alerts(root: Path, incident: str, ledger: Ledger) -> None:
    """Delete all plans of alerts about an incident, and what killed runs left of them, when all have gone out."""
    if not _is_done(incident, ledger):
        return
    found, _ = find_plans(root / PLANS, incident)
    for other in found:
        if other.basis.stage == Stage.RESTORED:
            drop_plan(other.folder)
    for remains in (root / PLANS).glob(f".{incident}-{Stage.RESTORED}*"):
        with suppress(OSError):
            shutil.rmtree(remains)
    ledger.forget()
    left = count_promises(ledger, incident).open
    if left:
        again = f"meaculpa customers plan {incident} --stage restored"
        say(f"{bad(f'{left:,} are promised this mail')} and were not in this plan: {again}")
    say("The addresses that this was promised to are deleted, and the plan with them.")


def _is_done(incident: str, ledger: Ledger) -> bool:
    numbers = (
        ledger.count(incident, Stage.RESTORED, state) for state in (State.PLANNED, State.SENDING, State.UNKNOWN)
    )
    return not any(numbers) and bool(ledger.final(incident, Stage.RESTORED))
