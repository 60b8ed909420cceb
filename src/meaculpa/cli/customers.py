"""`meaculpa customers`: a letter for each affected order, planned before anything is sent."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from meaculpa.build.composition import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path, the_incident
from meaculpa.cli.wording import bad, bold, count, faint, good, say, say_json, say_problems
from meaculpa.config import CONFIG_FILE, Config
from meaculpa.customers.folder import (
    LETTERS,
    PREVIEW,
    SKIPPED,
    Basis,
    digest_of,
    new_folder,
    private_file,
    write_plan,
    write_previews,
    write_skipped,
)
from meaculpa.customers.letters import NEEDS_REASON, STAGES, Campaign, Sender, letter_templates
from meaculpa.customers.make_good import BudgetState, Condition, Purse, Refusal, budget_state, check_offers
from meaculpa.customers.orders import Order, Stage, read_orders
from meaculpa.customers.planning import Outcome, plan, read_codes
from meaculpa.errors import InvalidInput, Problem, Refused
from meaculpa.model import Incident, Status
from meaculpa.project import ProjectFiles, read_letter_templates
from meaculpa.render.environment import make_theme
from meaculpa.render.words import Words

_OFTEN = 500
_CODES = Path("private") / "codes"
_WITHHELD = {
    Refusal.CUSTOMER_CAP: "the customer has had as much as the cap allows",
    Refusal.REPEATED: "a gift within the last 90 days: a person decides",
    Refusal.ONE_CODE_A_CUSTOMER: "the customer has a code already",
    Refusal.NO_COMPARABLE_ITEM: "the row names no comparable item",
}


@click.group("customers")
def customers_command() -> None:
    """A letter to each customer whose order is affected, from the order's own facts."""


@customers_command.command("plan")
@click.argument("incident_id", metavar="ID")
@click.option("--stage", type=click.Choice([str(stage) for stage in Stage]), required=True, help="What it is for.")
@click.option(
    "--orders",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The affected orders, a row each (CSV, UTF-8).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to; private/plan in the project without it.",
)
@click.option(
    "--skip-bad-rows", is_flag=True, help="Leave out orders that get no letter as they stand, and list them."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def plan_command(
    context: click.Context,
    incident_id: str,
    stage: str,
    orders: Path,
    out: Path | None,
    skip_bad_rows: bool,
    as_json: bool,
    now: datetime | None,
) -> None:
    """Write every letter as it will be read, and say what it comes to. Nothing is sent.

    ID is the incident's name or a part of it. The plan holds personal data; only you may read its files.
    """
    root = project_root(context)
    files, config = read_all(root, Memory())
    incident = the_incident(root, incident_id)
    place = (out or root / "private" / "plan").absolute()
    _refuse_public(place, root, config)
    sources = read_letter_templates(root)
    campaign = _campaign(incident, Stage(stage), config, files, sources, clock(now))
    purse = Purse(incident.budget, _codes(root, campaign.offers))
    with new_folder(place) as folder:
        outcome = _write_letters(folder, campaign, purse, orders, skip_bad_rows)
        if outcome.problems:
            say_problems(outcome.problems, "There is no plan, and nothing was sent.")
            raise InvalidInput(())
        title = f"{incident.title}: {stage}"
        write_previews(folder, campaign.templates, title)
        write_skipped(folder, outcome.skipped)
        basis = Basis(
            incident.id,
            incident.text_digest,
            stage,
            str(orders.absolute()),
            digest_of(orders),
            _digest(content for _, content in sorted(sources.items())),
            config.digest,
        )
        write_plan(folder, basis, outcome.digest, _summary(outcome))
    if as_json:
        say_json({"plan": str(place), "digest": outcome.digest, **_summary(outcome)})
    else:
        _print(outcome, campaign, place)


def _write_letters(folder: Path, campaign: Campaign, purse: Purse, orders: Path, skip_bad_rows: bool) -> Outcome:
    with private_file(folder / LETTERS) as stream, orders.open("rb") as source:
        rows = _told(_rows(source, shown_path(orders.absolute()), campaign.stage))
        return plan(rows, campaign, purse, stream, shown_path(orders.absolute()), skip_bad_rows)


def _told(rows: Iterator[Order | Problem]) -> Iterator[Order | Problem]:
    """Pass rows on, and show on a terminal how far it is."""
    is_shown = sys.stderr.isatty()
    for number, row in enumerate(rows, start=1):
        if is_shown and number % _OFTEN == 0:
            click.echo(f"\r{number:,} rows ", nl=False, err=True)
        yield row
    if is_shown:
        click.echo("\r\033[K", nl=False, err=True)


def _rows(source: Iterable[bytes], path: str, stage: Stage) -> Iterator[Order | Problem]:
    """Read rows of UTF-8 text; a line that is none ends the file, for what comes next cannot be trusted either."""
    wrong: list[Problem] = []

    def lines() -> Iterator[str]:
        for number, line in enumerate(source, start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                hint = 'save it as "CSV UTF-8"; what is below it was not read'
                wrong.append(Problem(path, number, "this is not UTF-8 text", hint))
                return
            if "\0" in text:
                wrong.append(Problem(path, number, "this is not a CSV file", "export it as CSV, in UTF-8"))
                return
            yield text

    found = read_orders(lines(), path, stage)
    first = next(found, None)
    if not (wrong and isinstance(first, Problem) and first.line == 1) and first is not None:
        yield first
    yield from found
    yield from wrong


def _campaign(
    incident: Incident,
    stage: Stage,
    config: Config,
    files: ProjectFiles,
    sources: dict[str, bytes],
    now: datetime,
) -> Campaign:
    """Collect what all letters have in common; raises Refused and InvalidInput with what is missing for them."""
    if stage not in STAGES[incident.kind]:
        known = ", ".join(STAGES[incident.kind]) or "none: its customers have no affected orders"
        raise Refused(f"an incident of kind {incident.kind} has no stage {stage} (it has: {known})")
    problems = []
    if stage in NEEDS_REASON and not incident.reason:
        hint = "one or two sentences of your own: what you did wrong; it stands in each letter"
        problems.append(Problem(incident.path, 2, '"reason" is missing', hint))
    if stage is Stage.RESTORED and not any(update.status is Status.RESOLVED for update in incident.updates):
        problems.append(Problem(incident.path, 2, "it is not resolved yet", f"meaculpa resolve {incident.id}"))
    offers = check_offers(incident.offers, incident.budget, incident.path)
    problems += [one for one in offers if isinstance(one, Problem)]
    sender = _sender(config, incident, problems)
    words = _words(files, config)
    if problems or sender is None:
        say_problems(problems, "There is no plan, and nothing was sent.")
        raise InvalidInput(())
    ready = tuple(one for one in offers if isinstance(one, Condition))
    host = urlsplit(config.site.store_url).hostname or ""
    today = now.astimezone(config.site.timezone).date()
    return Campaign(incident, stage, today, sender, words, letter_templates(sources), ready, host)


def _words(files: ProjectFiles, config: Config) -> tuple[Words, ...]:
    theme = make_theme(files.templates, config.site.locales)
    if isinstance(theme, list):
        raise InvalidInput(theme)
    return theme.words


def _sender(config: Config, incident: Incident, problems: list[Problem]) -> Sender | None:
    if config.mail is None:
        hint = 'mail: {from: "Shop <orders@shop.example>", signed_by: Anna Berg, transport: {type: smtp, host: ...}}'
        problems.append(Problem(CONFIG_FILE, 0, '"mail" is missing', hint))
        return None
    if config.mail.signed_by is None:
        problems.append(Problem(CONFIG_FILE, 0, '"signed_by" is missing in "mail"', "the person who signs letters"))
        return None
    support = config.site.support
    address = config.mail.sender.rpartition("<")[2].rstrip(">")
    return Sender(
        shop=config.site.name,
        person=config.mail.signed_by,
        reply_to=config.mail.reply_to or support.email or address,
        page=f"{config.site.url}/incidents/{incident.id}.html",
        phone=support.phone,
        hours=support.hours,
    )


def _codes(root: Path, offers: Iterable[Condition]) -> Any:
    pools = read_codes(root / _CODES, [one.offer.codes for one in offers if one.offer.codes])
    if isinstance(pools, list):
        say_problems(pools, "There is no plan, and nothing was sent.")
        raise InvalidInput(())
    return pools


def _refuse_public(place: Path, root: Path, config: Config) -> None:
    """Letters hold personal data: they never lie where they would be published."""
    published = [root / target.path for target in config.targets if target.type == "directory"]
    for folder in (*published, root / "public", root / "incidents", root / "assets", root / "site_templates"):
        if place.resolve().is_relative_to(folder.resolve()):
            raise Refused(f"{place} is published; letters hold personal data: choose a folder below private/")


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _summary(outcome: Outcome) -> dict[str, Any]:
    """What a plan comes to, for programs."""
    totals = outcome.totals
    return {
        "letters": totals.letters,
        "skipped": len(outcome.skipped),
        "gifts": {str(gift): number for gift, number in sorted(totals.gifts.items())},
        "withheld": {str(why): number for why, number in sorted(totals.withheld.items())},
        "goodwill": str(outcome.purse.face),
        "refunds": _sums(totals.refunds),
        "refunds_at_worst": _sums(totals.worst),
        "forced_cancellations": {day.isoformat(): number for day, number in sorted(totals.forced.items())},
        "cancelled_already": totals.cancelled,
        "to_call": totals.to_call,
        "to_decide": totals.to_decide,
        "warnings": dict(sorted(totals.warnings.items())),
    }


def _sums(sums: dict[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(sums.items())}


def _print(outcome: Outcome, campaign: Campaign, place: Path) -> None:
    totals = outcome.totals
    for letter in outcome.samples:
        say(faint(f"---- {letter.locale} · to the customer of order {letter.order.order_id}"))
        say(f"{bold(letter.subject)}\n\n{letter.text}")
    say(faint("----"))
    say(f"{good('Planned')} {count(totals.letters, 'letter')} for {campaign.incident.id}, stage {campaign.stage}.")
    for line in (*_money_lines(outcome, campaign), *_law_lines(outcome), *_person_lines(outcome, place)):
        say(line)
    say(f"Leaf through them: {shown_path(place / PREVIEW)}. Nothing has been sent.")


def _money_lines(outcome: Outcome, campaign: Campaign) -> Iterator[str]:
    totals, budget = outcome.totals, campaign.incident.budget
    for gift, number in sorted(totals.gifts.items()):
        yield f"  {number:>7,} × {str(gift).replace('_', ' ')}"
    if outcome.purse.face:
        of = f" of {budget.incident}" if budget and budget.incident else ""
        state = {BudgetState.NEARLY_USED: bad(" nearly used up"), BudgetState.APPROVED: bad(" above it, approved")}
        note = state.get(budget_state(outcome.purse), "")
        yield f"  goodwill, face value: {outcome.purse.face}{of} {budget.currency if budget else ''}{note}".rstrip()
    for name, sums in (("refunds", totals.refunds), ("refunds if everybody asks", totals.worst)):
        for currency, amount in sorted(sums.items()):
            yield f"  {name}: {amount} {currency}"


def _law_lines(outcome: Outcome) -> Iterator[str]:
    for day, number in sorted(outcome.totals.forced.items()):
        orders = count(number, "order")
        text = f"silence cancels {orders} on {day}: buy elsewhere, ship a part, or call before that day"
        yield f"  {bad(text)}"
    if outcome.totals.cancelled:
        late = count(outcome.totals.cancelled, "order")
        yield f"  {bad(f'the notice is too late for {late}')}: cancelled; refund now"


def _person_lines(outcome: Outcome, place: Path) -> Iterator[str]:
    totals = outcome.totals
    if totals.to_call:
        yield f"  {count(totals.to_call, 'customer')} to call"
    for why, number in sorted(totals.withheld.items()):
        yield f"  {number:,} × not given: {_WITHHELD[why]}"
    if outcome.skipped:
        yield f"  {bad(f'{len(outcome.skipped):,} left out')}, see {shown_path(place / SKIPPED)}"
    for rule, number in sorted(totals.warnings.items()):
        yield f"  {number:,} × warning {rule}"
