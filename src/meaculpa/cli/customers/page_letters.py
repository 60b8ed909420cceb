"""Letters on the page, for the commands that lay them out and withdraw them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from meaculpa.cli.customers.common import PRIVATE, only_sender, project_ledger
from meaculpa.cli.outcomes import at_every_target
from meaculpa.cli.wording import bad, count
from meaculpa.config import Config
from meaculpa.customers.folder import Plan, read_letters
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.sealing import campaign_of, fragment_of, token_of
from meaculpa.customers.shelf import (
    FOLDER,
    Shelf,
    find_shelves,
    has_expired,
    is_laid,
    lay,
    read_secret,
    seal_letters,
    withdraw,
)
from meaculpa.errors import Refused, TargetError
from meaculpa.folders import has_ledger
from meaculpa.model import OutputFile
from meaculpa.publish import open_target

_SECRET = PRIVATE / "letters.key"


class Laid(Struct, frozen=True):
    """What became of the shelves at one target."""

    target: str
    error: str | None = None


def page_link(root: Path, config: Config, incident: str, stage: str) -> Any:
    """Give what makes a recipient's link, or None where letters do not stand on the page."""
    if config.letters is None:
        return None
    with project_ledger(root) as ledger:
        secret = read_secret(root / _SECRET, ledger)
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
    seal_letters(ledger, plan.basis.incident, plan.basis.stage, letters, read_secret(root / _SECRET, ledger), until)
    return bring_up(root, config, ledger, needs_page=True)


def _shown(letter: dict[str, Any], until: date) -> dict[str, Any]:
    """What the page shows of a letter."""
    names = ("locale", "direction", "subject", "blocks", "answer")
    return {**{name: letter[name] for name in names}, "until": until.isoformat()}


def bring_up(root: Path, config: Config, ledger: Ledger, needs_page: bool = False) -> list[Laid]:
    """Lay out whatever a target does not have as it is now; with `needs_page` it needs the page, too."""
    shelves = find_shelves(ledger)
    found = at_every_target(config.targets, lambda settings: _bring_up_one(settings, root, ledger, shelves))
    return [_with_page(one, root, config) if needs_page and not one.error else one for one in found]


def _with_page(laid: Laid, root: Path, config: Config) -> Laid:
    """Look whether the page that opens letters is at a target."""
    settings = next(one for one in config.targets if one.name == laid.target)
    try:
        if open_target(settings, root).read(f"{FOLDER}/index.html") is None:
            return Laid(laid.target, "the page that opens letters is not there yet: meaculpa publish")
    except (TargetError, Refused) as error:
        return Laid(laid.target, str(error))
    return laid


def _bring_up_one(settings: Any, root: Path, ledger: Ledger, shelves: list[Shelf]) -> Laid:
    missing = [shelf for shelf in shelves if not is_laid(ledger, shelf, settings.name)]
    if not missing:
        return Laid(settings.name)
    try:
        target, secret = open_target(settings, root), read_secret(root / _SECRET, ledger)

        def write_all(files: Iterable[OutputFile]) -> None:
            with ThreadPoolExecutor(target.writers) as writers:
                for _ in writers.map(target.write, files):
                    pass

        for shelf in missing:
            lay(ledger, shelf, secret, settings.name, write_all)
    except (TargetError, Refused) as error:
        return Laid(settings.name, str(error))
    return Laid(settings.name)


def _is_due(ledger: Ledger, config: Config, today: date, incident: str | None) -> bool:
    """Whether anything is to be done; where nothing is, no command that holds the ledger is in the way."""
    shelves = find_shelves(ledger)
    if incident is not None:
        return any(shelf.incident == incident for shelf in shelves)
    missing = (not is_laid(ledger, shelf, target.name) for shelf in shelves for target in config.targets)
    return has_expired(ledger, today) or any(missing)


def withdraw_due(root: Path, config: Config, now: datetime, incident: str | None = None) -> tuple[list[str], bool]:
    """Withdraw what has stood long enough, or everything of an incident.

    Gives what is to be said of it, and whether all targets have it so; what one missed is brought to it, too. Where
    another command is at work on the ledger nothing is done, and that is said.
    """
    if not has_ledger(root):
        return [], True
    today = now.astimezone(config.site.timezone).date()
    try:
        with project_ledger(root, patience=0.2) as ledger:
            if not _is_due(ledger, config, today, incident):
                return [], True
        with only_sender(root), project_ledger(root) as ledger:
            number = withdraw(ledger, today, incident)
            failed = [f"{bad(one.target)}: {one.error}" for one in bring_up(root, config, ledger) if one.error]
    except Refused as error:
        return [bad(f"letters on the page were not looked after: {error}")], False
    told = "are to be withdrawn, and still stand where it says so below" if failed else "withdrawn from the page."
    return [*([f"{count(number, 'letter')} {told}"] if number else []), *failed], not failed
