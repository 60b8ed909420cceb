"""`meaculpa customers plan`: a letter for each affected order, written before anything is sent."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from jinja2 import TemplateError
from msgspec.structs import replace

from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_content
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path, the_incident
from meaculpa.cli.customers.common import (
    CODES,
    PLANS,
    basis_of,
    may_be_committed,
    project_ledger,
    refuse_handed_over,
    refuse_public,
    refuse_published,
    reply_address,
)
from meaculpa.cli.customers.page_letters import last_day, page_link
from meaculpa.cli.customers.plan_words import plan_data, print_plan
from meaculpa.cli.wording import bad, say, say_json, say_problems
from meaculpa.config import Config
from meaculpa.customers.delay_law import Jurisdiction
from meaculpa.customers.folder import (
    new_folder,
    private_file,
    write_plan,
    write_previews,
    write_skipped,
)
from meaculpa.customers.ledger import Ledger, State, customer_of, needs_letter
from meaculpa.customers.letters import NEEDS_REASON, STAGES, Campaign, Sender, gifts_of, letter_templates
from meaculpa.customers.make_good import Condition, Gift, Purse, check_offers
from meaculpa.customers.order import Asked, Order, Stage, recipient_of
from meaculpa.customers.orders import read_orders
from meaculpa.customers.other_plans import apologised_in_plans, codes_in_plans
from meaculpa.customers.planning import Outcome, plan, read_codes
from meaculpa.customers.promises import promised_readers
from meaculpa.errors import InvalidInput, Problem, Refused, Severity
from meaculpa.model import Incident, Status
from meaculpa.names import CONFIG_FILE, LETTERS
from meaculpa.project import ProjectFiles, read_letter_templates
from meaculpa.render.environment import make_theme
from meaculpa.render.words import Words

_OFTEN = 500


@click.command("plan")
@click.argument("incident_id", metavar="ID")
@click.option("--stage", type=click.Choice([str(stage) for stage in Stage]), required=True, help="What it is for.")
@click.option(
    "--orders",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The affected orders, a row each (CSV, UTF-8). Without it, `restored` goes to whom it was promised.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to; a folder in private/plans/ without it.",
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
    orders: Path | None,
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
    _refuse_broken(incident, root)
    place = (out or root / PLANS / f"{incident.id}-{stage}").resolve()
    refuse_public(place, root, config)
    _refuse_odd_file(orders, stage, place, root, config)
    sources = read_letter_templates(root)
    campaign = _campaign(incident, Stage(stage), config, files, sources, clock(now))
    # What restored letters were made from is forgotten with them.
    is_kept = stage != Stage.RESTORED
    with (
        project_ledger(root) as ledger,
        new_folder(place, incident.id, stage, lambda digest: is_kept and ledger.has_sent(digest)) as folder,
    ):
        refuse_handed_over(incident.id, ledger)
        campaign = replace(campaign, heard_sorry=_heard_sorry(incident, stage, ledger, root, place))
        purse = _purse(campaign, ledger, root, place)
        earlier = purse.face
        outcome, had = _write_letters(folder, campaign, purse, ledger, orders, skip_bad_rows)
        if outcome.problems:
            say_problems(outcome.problems, "There is no plan, and nothing was sent.")
            raise InvalidInput(())
        given = ledger.goodwill_digest(incident.id, stage)
        write_previews(folder, campaign.templates, f"{incident.title}: {stage}")
        write_skipped(folder, outcome.skipped)
        basis = basis_of(incident, stage, campaign.today.isoformat(), orders, sources, config, given)
        write_plan(folder, basis, outcome.digest, plan_data(outcome))
    if as_json:
        had_data = {str(state): number for state, number in sorted(had.items())}
        say_json({"plan": str(place), "digest": outcome.digest, "had": had_data, **plan_data(outcome)})
    else:
        print_plan(outcome, campaign, place, had, earlier)


def _heard_sorry(incident: Incident, stage: str, ledger: Ledger, root: Path, place: Path) -> frozenset[str]:
    """Whom another letter of the incident has reached that apologises, as far as its plan is still there."""
    found = set[str]()
    for other, addresses in apologised_in_plans(root / PLANS, incident.id, place).items():
        reached = ledger.reached(incident.id, other) if other != stage else set[str]()
        found |= {address for address in addresses if customer_of(address) in reached}
    return frozenset(found)


def _purse(campaign: Campaign, ledger: Ledger, root: Path, place: Path) -> Purse:
    """What may be given: the budget less what earlier letters gave, and the codes that nobody has."""
    incident = campaign.incident
    given, last = ledger.goodwill(incident.id)
    return Purse(
        incident.budget,
        _codes(root, campaign.offers, codes_in_plans(root / PLANS, place) | ledger.codes()),
        last_gift=lambda address: last.get(customer_of(address)),
        before=lambda address: given.get(customer_of(address), Decimal(0)),
        face=sum(given.values(), Decimal(0)),
    )


def _write_letters(
    folder: Path, campaign: Campaign, purse: Purse, ledger: Ledger, orders: Path | None, skip_bad_rows: bool
) -> tuple[Outcome, Counter[State]]:
    incident, stage, had = campaign.incident, campaign.stage, Counter[State]()
    path = shown_path(orders.absolute()) if orders else incident.path
    with private_file(folder / LETTERS) as stream, ExitStack() as opened:
        readers: Iterable[Order | Asked | Problem]
        if orders:
            readers = _told(_rows(opened.enter_context(orders.open("rb")), path, stage))
        else:
            readers = promised_readers(ledger, incident.id)
        known = _with_law(readers, campaign.jurisdiction)
        rows = _who_needs_it(known, ledger.final(incident.id, str(stage)), had)
        try:
            outcome = plan(rows, campaign, purse, stream, path, skip_bad_rows)
        except TemplateError as error:
            place = f"{getattr(error, 'name', None) or ''}:{getattr(error, 'lineno', None) or 0}"
            raise Refused(f"site_templates/letters/{place}: {error.message}") from error
    if not outcome.totals.letters and (had or not orders):
        _refuse_empty(incident, stage, had, outcome)
    return outcome, had


def _with_law(
    readers: Iterable[Order | Asked | Problem], jurisdiction: Jurisdiction | None
) -> Iterator[Order | Asked | Problem]:
    """Give orders whose row names no law the one of the shop."""
    for one in readers:
        is_open = isinstance(one, Order) and one.jurisdiction is None
        yield replace(one, jurisdiction=jurisdiction) if is_open and isinstance(one, Order) else one


def _who_needs_it(
    readers: Iterable[Order | Asked | Problem], final: Mapping[str, tuple[State, str]], had: Counter[State]
) -> Iterator[Order | Asked | Problem]:
    """Leave out, and count, whoever has had the letter."""
    for one in readers:
        if isinstance(one, Problem) or needs_letter(recipient_of(one), one.email, final):
            yield one
        else:
            had[final[recipient_of(one)][0]] += 1


def _refuse_empty(incident: Incident, stage: Stage, had: Counter[State], outcome: Outcome) -> None:
    """Say why there is nobody to write to, where that is no mistake in a file."""
    if any(problem.line for problem in outcome.problems) or outcome.skipped:
        return
    if had:
        words = ", ".join(f"{number:,} {state}" for state, number in sorted(had.items()))
        raise Refused(f"nobody is left to write to ({words}): meaculpa customers status {incident.id}")
    raise Refused(
        f"nobody is promised a mail for {incident.id}: a patience letter promises one, and so does "
        f"`meaculpa customers promise`; to write to others, name them with --orders (stage {stage})"
    )


def _told(rows: Iterable[Order | Problem]) -> Iterator[Order | Problem]:
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
    is_over = _status(incident, now) is Status.RESOLVED
    if stage is Stage.RESTORED and not is_over:
        problems.append(Problem(incident.path, 2, "it is not resolved yet", f"meaculpa resolve {incident.id}"))
    if stage is Stage.PATIENCE and is_over:
        problems.append(Problem(incident.path, 2, "it is resolved already", "--stage restored"))
    today = now.astimezone(config.site.timezone).date()
    problems += _offers_out_of_place(incident, stage, today)
    offers = check_offers(incident.offers, incident.budget, incident.path)
    problems += [one for one in offers if isinstance(one, Problem)]
    sender = _sender(config, incident, problems)
    words = tuple(one for one in _words(files, config) if f"{one.locale}/{stage}.txt.j2" in sources)
    if config.default_locale not in [one.locale for one in words]:
        hint = f"write site_templates/letters/{config.default_locale}/{stage}.txt.j2, as there is one for en"
        problems.append(Problem(CONFIG_FILE, 0, f"there are no letters in {config.default_locale}", hint))
    if problems or sender is None:
        say_problems(problems, "There is no plan, and nothing was sent.")
        raise InvalidInput(())
    ready = tuple(one for one in offers if isinstance(one, Condition))
    host = urlsplit(config.site.store_url).hostname or ""
    link, until = page_link(files.root, config, incident.id, str(stage)), last_day(config, today)
    return Campaign(
        incident=incident,
        stage=stage,
        today=today,
        sender=sender,
        words=words,
        templates=letter_templates(sources),
        offers=ready,
        store_host=host,
        link=link,
        link_until=until,
        zone=config.site.timezone,
        jurisdiction=Jurisdiction(config.site.jurisdiction) if config.site.jurisdiction else None,
    )


def _status(incident: Incident, now: datetime) -> Status:
    """Where it stands: what was said last, whatever was learned from it afterwards."""
    said = [one for one in incident.updates if one.at <= now and one.status is not Status.POSTMORTEM]
    return (said or incident.updates)[-1].status


def _offers_out_of_place(incident: Incident, stage: Stage, today: date) -> Iterator[Problem]:
    """Tell of offers that a letter of this stage cannot speak of, or that are over."""
    for offer in incident.offers:
        if Gift(offer.give) not in gifts_of(incident.kind, stage):
            hint = "take it out for this stage; a right that is not told is none"
            message = f"the offer {offer.give} has no place in a letter of stage {stage}"
            yield Problem(incident.path, 0, message, hint)
        if offer.expires and offer.expires < today:
            yield Problem(incident.path, 0, f"the offer {offer.give} expired on {offer.expires}", "a later day")


def _refuse_broken(incident: Incident, root: Path) -> None:
    """A translation with a mistake would silently become a letter in another language."""
    memory = Memory()
    files, config = read_all(root, memory)
    folder, own = incident.path.rpartition("/")[0], incident.id
    wrong = [
        problem
        for problem in read_content(files, config, memory).problems
        if problem.severity is Severity.ERROR and problem.path.startswith(f"{folder}/{own}.")
    ]
    if wrong:
        say_problems(wrong, "There is no plan, and nothing was sent.")
        raise InvalidInput(())


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
    return Sender(
        shop=config.site.name,
        person=config.mail.signed_by,
        reply_to=reply_address(config),
        page=f"{config.site.url}/incidents/{incident.id}.html",
        phone=support.phone,
        hours=support.hours,
    )


def _codes(root: Path, offers: Iterable[Condition], used: set[str]) -> Any:
    pools = read_codes(root / CODES, [one.offer.codes for one in offers if one.offer.codes], used)
    if isinstance(pools, list):
        say_problems(pools, "There is no plan, and nothing was sent.")
        raise InvalidInput(())
    return pools


def _refuse_odd_file(orders: Path | None, stage: str, place: Path, root: Path, config: Config) -> None:
    if orders is None:
        if stage != Stage.RESTORED:
            raise click.UsageError("which orders? --orders FILE")
        return
    if not orders.is_file():
        raise Refused(f"{orders} is no file that can be read twice; write the orders into one")
    if orders.resolve().is_relative_to(place):
        raise Refused(f"{orders} lies in the folder that the plan replaces; put it somewhere else below private/")
    refuse_published(orders.resolve(), root, config)
    if may_be_committed(orders.resolve(), root):
        shown = bad(shown_path(orders.absolute()))
        say(f"{shown} may be committed with the project: put it into private/", to_errors=True)
