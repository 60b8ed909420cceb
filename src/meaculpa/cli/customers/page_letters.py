"""Letters on the page, for the commands that lay them out and withdraw them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from meaculpa.cli.customers.common import PRIVATE, has_ledger, only_sender, project_ledger
from meaculpa.cli.output import at_every_target
from meaculpa.cli.wording import bad, count
from meaculpa.config import Config
from meaculpa.customers.folder import Plan, read_letters
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.sealing import campaign_of, fragment_of, token_of
from meaculpa.customers.shelf import FOLDER, Shelf, find_shelves, is_laid, lay, read_secret, seal_letters, withdraw
from meaculpa.errors import Refused, TargetError
from meaculpa.model import OutputFile
from meaculpa.publish import open_target

_SECRET = PRIVATE / "letters.key"


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of the shelves at one target."""

    target: str
    error: str | None = None


def page_link(root: Path, config: Config, incident: str, stage: str) -> Any:
    """Give what makes a recipient's link, or None where letters do not stand on the page."""
    if config.letters is None:
        return None
    secret = read_secret(root / _SECRET)
    campaign = campaign_of(secret, incident, stage)
    start = f"{config.site.url}/{FOLDER}/index.html#"
    return lambda recipient: start + fragment_of(campaign, token_of(secret, incident, stage, recipient))


def last_day(config: Config, today: date) -> date | None:
    """Until when letters of today stand on the page."""
    return today + timedelta(days=config.letters.days) if config.letters else None


def lay_out(plan: Plan, root: Path, config: Config, ledger: Ledger) -> list[Laid]:
    """Seal the letters of a plan and lay them out at every target, before their links are sent."""
    if config.letters is None:
        return []
    until = last_day(config, date.fromisoformat(plan.basis.day))
    assert until is not None  # noqa: S101
    letters = ((one["recipient"], _shown(one, until)) for one in read_letters(plan.folder))
    seal_letters(ledger, plan.basis.incident, plan.basis.stage, letters, read_secret(root / _SECRET), until)
    return bring_up(root, config, ledger)


def _shown(letter: dict[str, Any], until: date) -> dict[str, Any]:
    """What the page shows of a letter."""
    names = ("locale", "direction", "subject", "blocks", "answer")
    return {**{name: letter[name] for name in names}, "until": until.isoformat()}


def bring_up(root: Path, config: Config, ledger: Ledger) -> list[Laid]:
    """Lay out whatever a target does not have as it is now."""
    shelves = find_shelves(ledger)
    return at_every_target(config.targets, lambda settings: _bring_up_one(settings, root, ledger, shelves))


def _bring_up_one(settings: Any, root: Path, ledger: Ledger, shelves: list[Shelf]) -> Laid:
    missing = [shelf for shelf in shelves if not is_laid(ledger, shelf, settings.name)]
    if not missing:
        return Laid(settings.name)
    try:
        target = open_target(settings, root)

        def write_all(files: Iterable[OutputFile]) -> None:
            with ThreadPoolExecutor(target.writers) as writers:
                for _ in writers.map(target.write, files):
                    pass

        for shelf in missing:
            lay(ledger, shelf, read_secret(root / _SECRET), settings.name, write_all)
    except (TargetError, Refused) as error:
        return Laid(settings.name, str(error))
    return Laid(settings.name)


def withdraw_due(root: Path, config: Config, now: datetime, incident: str | None = None) -> list[str]:
    """Withdraw what has stood long enough, or everything of an incident; gives what is to be said of it.

    What a target missed is brought to it, too. Raises Refused where another command is at work on the ledger.
    """
    if not has_ledger(root):
        return []
    with only_sender(root), project_ledger(root) as ledger:
        number = withdraw(ledger, now.astimezone(config.site.timezone).date(), incident)
        failed = [f"{bad(one.target)}: {one.error}" for one in bring_up(root, config, ledger) if one.error]
    done = [f"{count(number, 'letter')} withdrawn from the page."] if number else []
    return [*done, *failed]


def withdraw_if_due(root: Path, config: Config, now: datetime) -> list[str]:
    """The same, left for the next time where another command is at work."""
    try:
        return withdraw_due(root, config, now)
    except Refused:
        return []
