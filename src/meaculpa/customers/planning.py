"""Orders + incident -> a plan: every letter as it will be sent, in a folder that only its owner may read.

Nothing is sent here. A row that is wrong, a letter that breaks a rule, an empty pool of codes, a budget that is used
up: any of them and there is no plan, unless bad rows are skipped on purpose; then they are listed.
"""

import hashlib
import json
import re
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from msgspec import Struct, field

from meaculpa.customers.delay_law import Silence
from meaculpa.customers.letters import Campaign, Letter, answer_address, compose, compose_alert, overcharge, rule_of
from meaculpa.customers.make_good import (
    ENTITLEMENTS,
    OF_THE_ORDER,
    BudgetState,
    Gift,
    MakeGood,
    Purse,
    Refusal,
    budget_state,
    make_good,
    take_back,
)
from meaculpa.customers.order import Asked, ChargeState, Order, Stage, recipient_of
from meaculpa.customers.orders import cells_of
from meaculpa.errors import Problem, Severity
from meaculpa.lint.letters import Checked, Finding, inspect_letter
from meaculpa.model import Kind

_GOES_BACK = {ChargeState.CHARGED: "refund", ChargeState.HELD: "release"}
_SAMPLES, _MOST_PROBLEMS = 3, 1_000


class Refused(Struct, frozen=True):
    """An order that gets no letter: its row, and why."""

    line: int
    order_id: str
    reasons: tuple[str, ...]


class Totals(Struct):
    """What a plan comes to, counted while it is made; `forced` are the orders that silence will cancel, by day."""

    letters: int = 0
    gifts: Counter[Gift] = field(default_factory=Counter)
    withheld: Counter[Refusal] = field(default_factory=Counter)
    forced: Counter[date] = field(default_factory=Counter)
    cancelled: int = 0
    refunds: dict[str, Decimal] = field(default_factory=dict)
    worst: dict[str, Decimal] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    to_call: list[str] = field(default_factory=list)
    in_another_language: int = 0
    to_decide: list[str] = field(default_factory=list)


class Outcome(Struct, frozen=True):
    """A plan: its digest and totals, some letters to look at, and what is wrong: with problems there is no plan."""

    digest: str
    totals: Totals
    purse: Purse
    samples: tuple[Letter, ...]
    problems: tuple[Problem, ...]
    skipped: tuple[Refused, ...]


def plan(
    rows: Iterable[Order | Asked | Problem],
    campaign: Campaign,
    purse: Purse,
    stream: IO[str],
    path: str,
    skip_bad_rows: bool = False,
) -> Outcome:
    """Write every letter into a stream, a line of JSON each, and say what it comes to."""
    digest, totals = hashlib.sha256(), Totals()
    problems, skipped, samples = list[Problem](), list[Refused](), dict[tuple[object, ...], Letter]()
    with closing(_Seen()) as seen:
        for row in rows:
            found = _one(row, campaign, purse, seen, path)
            if isinstance(found, list):
                told = [problem for problem in found if problem.severity is Severity.ERROR]
                if skip_bad_rows and _is_of_a_row(row, told):
                    order_id = row.order_id if isinstance(row, Order) else ""
                    skipped.append(Refused(told[0].line, order_id, tuple(problem.message for problem in told)))
                else:
                    problems += told
                if len(problems) >= _MOST_PROBLEMS:
                    hint = f"these are the first {_MOST_PROBLEMS:,}"
                    problems.append(Problem(path, 0, "there may be more mistakes; the rest was not read", hint))
                    break
                continue
            letter, made, warnings = found
            line = json.dumps(_record(letter, made, campaign), ensure_ascii=False, sort_keys=True) + "\n"
            digest.update(line.encode())
            stream.write(line)
            _count(letter, made, warnings, campaign, totals)
            samples.setdefault((letter.locale, letter.rule and letter.rule.case, len(made.grants)), letter)
    problems += _plan_problems(totals, purse, campaign)
    if not totals.letters and not problems:
        problems.append(Problem(path, 0, "not one order gets a letter", "are there rows below the header?"))
    return Outcome(
        digest.hexdigest(), totals, purse, tuple(samples.values())[:_SAMPLES], tuple(sorted(problems)), tuple(skipped)
    )


def _is_of_a_row(row: Order | Asked | Problem, told: list[Problem]) -> bool:
    """A header that is wrong is no bad row."""
    return not isinstance(row, Problem) or all(problem.line > 1 for problem in told)


def _one(
    row: Order | Asked | Problem, campaign: Campaign, purse: Purse, seen: "_Seen", path: str
) -> list[Problem] | tuple[Letter, MakeGood, list[Finding]]:
    if isinstance(row, Problem):
        return [row]
    if isinstance(row, Asked):
        letter, made = compose_alert(row, campaign), MakeGood()
        findings = inspect_letter(checked(letter, made, campaign))
        errors = [one for one in findings if one.severity is Severity.ERROR]
        return [Problem(path, 0, f"the letter to those who asked: {one}") for one in errors] or (
            letter,
            made,
            findings,
        )
    first = seen.first_line(row)
    if first != row.line:
        message = f'column "order_id": the order {row.order_id} stands in row {first} already'
        return [Problem(path, row.line, message, "one letter an order")]
    made = MakeGood()
    try:
        rule = rule_of(row, campaign)
        is_cancelled = rule is not None and rule.silence is Silence.CANCELLED
        offers = [one for one in campaign.offers if not (is_cancelled and Gift(one.offer.give) in OF_THE_ORDER)]
        made = make_good(row, offers, purse, campaign.today)
        letter = compose(row, made, campaign)
    except ValueError as error:
        take_back(row, made, purse)
        return [Problem(path, row.line, str(error))]
    findings = inspect_letter(checked(letter, made, campaign))
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        take_back(row, made, purse)
        return [Problem(path, row.line, f"the letter to {row.order_id}: {one}") for one in errors]
    return letter, made, findings


def checked(letter: Letter, made: MakeGood, campaign: Campaign) -> Checked:
    """Put a letter together with what the rules hold it against."""
    reader, rule = letter.reader, letter.rule
    facts = (reader.name, reader.order_id, reader.item) if isinstance(reader, Order) else ()
    words = next(words for words in campaign.words if words.locale == letter.locale)
    silence_days = [words.day(rule.until)] if rule and rule.until else []
    is_refund_due = any(one.gift is Gift.REFUND for one in made.grants) or campaign.stage is Stage.CHOICE
    return Checked(
        locale=letter.locale,
        subject=letter.subject,
        text=letter.text,
        facts=facts,
        person=campaign.sender.person,
        reply_to=campaign.sender.reply_to,
        store_host=campaign.store_host,
        stage=str(campaign.stage),
        may_cancel=rule is not None and rule.silence is not Silence.KEEPS,
        silence_days=silence_days,
        is_refund_due=is_refund_due or (rule is not None and rule.silence is Silence.CANCELLED),
        has_heard_sorry=reader.email.casefold() in campaign.heard_sorry,
    )


def _record(letter: Letter, made: MakeGood, campaign: Campaign) -> dict[str, Any]:
    """A letter as it is kept: what is sent, and the facts that are needed later: for the ledger, for calls."""
    reader = letter.reader
    is_order = isinstance(reader, Order)
    return {
        "recipient": recipient_of(reader),
        "email": reader.email,
        "name": reader.name if isinstance(reader, Order) else "",
        "locale": letter.locale,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "direction": letter.direction,
        "blocks": [[block.kind, block.lines] for block in letter.blocks],
        "answer": answer_address(campaign.sender.reply_to, recipient_of(reader)),
        "order": cells_of(reader) if isinstance(reader, Order) else None,
        "asked_in": None if is_order else reader.locale,
        "grants": [
            {"gift": str(one.gift), "value": str(one.value), "currency": reader.currency, "code": one.code}
            for one in made.grants
            if isinstance(reader, Order)
        ],
        "goodwill": str(sum((one.value for one in made.grants if one.is_goodwill), Decimal(0))),
        "withheld": [{"gift": str(gift), "why": str(why)} for gift, why in made.withheld],
        "due": _due(reader, made, letter, campaign) if isinstance(reader, Order) else "",
        "silence": str(letter.rule.silence) if letter.rule else None,
        "until": letter.rule.until.isoformat() if letter.rule and letter.rule.until else None,
        "misses_essential_date": letter.rule is not None and letter.rule.misses_essential_date,
    }


def _due(order: Order, made: MakeGood, letter: Letter, campaign: Campaign) -> str:
    """What has to happen before it is settled: `refund`, `release`, an end to the order, or nothing.

    `order` is an end to one whose money we have or hold, `swap` one that may be swapped for a cheaper item, whose
    difference goes back then, `end` any end.
    """
    if overcharge(order, campaign) or _is_cheaper_either_way(order, campaign):
        return "refund"
    if _is_refund_sure(made, letter):
        return _GOES_BACK.get(order.charge_state or ChargeState.REFUNDED, "")
    is_open = campaign.stage in (Stage.DELAY, Stage.CHOICE) or any(one.gift in ENTITLEMENTS for one in made.grants)
    if not is_open or campaign.stage in (Stage.PATIENCE, Stage.RESTORED):
        return ""
    if order.charge_state not in _GOES_BACK:
        return "end"
    return "swap" if _may_swap_for_less(order, made, campaign) else "order"


def _is_cheaper_either_way(order: Order, campaign: Campaign) -> bool:
    """Whether a charged customer gets money back whatever they choose: all of it, or what was too much."""
    is_choice = campaign.incident.kind is Kind.PRICING and campaign.stage is Stage.CHOICE
    is_charged = order.charge_state is ChargeState.CHARGED
    return is_choice and is_charged and order.right_price is not None and order.right_price < order.price


def _may_swap_for_less(order: Order, made: MakeGood, campaign: Campaign) -> bool:
    is_offered = campaign.stage is Stage.CHOICE and any(one.gift is Gift.COMPARABLE_ITEM for one in made.grants)
    is_charged = order.charge_state is ChargeState.CHARGED
    return is_offered and is_charged and (order.comparable_price or order.price) < order.price


def _is_refund_sure(made: MakeGood, letter: Letter) -> bool:
    is_cancelled = letter.rule is not None and letter.rule.silence is Silence.CANCELLED
    return is_cancelled or any(one.gift is Gift.REFUND for one in made.grants)


def _count(letter: Letter, made: MakeGood, warnings: list[Finding], campaign: Campaign, totals: Totals) -> None:
    reader, rule = letter.reader, letter.rule
    totals.letters += 1
    totals.gifts.update(one.gift for one in made.grants)
    totals.withheld.update(why for _, why in made.withheld)
    totals.warnings.update(str(one.rule) for one in warnings)
    asked = (reader.locale or letter.locale).split("-")[0]
    totals.in_another_language += asked != letter.locale.split("-")[0]
    if not isinstance(reader, Order):
        return
    if any(one.gift is Gift.CALL for one in made.grants) or (rule and rule.misses_essential_date):
        totals.to_call.append(reader.order_id)
    if any(why is Refusal.REPEATED for _, why in made.withheld):
        totals.to_decide.append(reader.order_id)
    if rule and rule.silence is Silence.CANCELS and rule.until:
        totals.forced[rule.until] += 1
    totals.cancelled += rule is not None and rule.silence is Silence.CANCELLED
    _count_money(reader, made, letter, campaign, totals)


def _count_money(order: Order, made: MakeGood, letter: Letter, campaign: Campaign, totals: Totals) -> None:
    is_sure = _is_refund_sure(made, letter)
    may_refund = is_sure or campaign.stage in (Stage.DELAY, Stage.CHOICE)
    if order.charge_state is ChargeState.CHARGED:
        for is_counted, sums in ((is_sure, totals.refunds), (may_refund, totals.worst)):
            if is_counted:
                sums[order.currency] = sums.get(order.currency, Decimal(0)) + order.paid
    back = overcharge(order, campaign)
    if back:
        for sums in (totals.refunds, totals.worst):
            sums[order.currency] = sums.get(order.currency, Decimal(0)) + back


def _plan_problems(totals: Totals, purse: Purse, campaign: Campaign) -> Iterator[Problem]:
    source = campaign.incident.path
    if totals.withheld[Refusal.NO_CODE_LEFT]:
        missing = totals.withheld[Refusal.NO_CODE_LEFT]
        pools = ", ".join(sorted({f"private/codes/{one.offer.codes}" for one in campaign.offers if one.offer.codes}))
        yield Problem(source, 0, f"{missing} codes are missing", f"fill {pools}")
    if budget_state(purse) is BudgetState.OVER and purse.budget:
        limit = f"{purse.budget.incident} {purse.budget.currency}"
        yield Problem(
            source, 0, f"the offers come to {purse.face}, above the budget of {limit}", "approved_by, or less"
        )


class _Seen:
    """Which order stands in which row, in a file of its own: there may be a million."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._rows = sqlite3.connect(Path(self._folder.name) / "seen.db", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=OFF")
        self._rows.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._rows.execute("BEGIN")

    def first_line(self, order: Order) -> int:
        """The row in which an order stands first: this one, if it was not seen before."""
        found = self._rows.execute("SELECT line FROM orders WHERE id = ?", (order.order_id,)).fetchone()
        if found:
            return int(found[0])
        self._rows.execute("INSERT INTO orders VALUES (?, ?)", (order.order_id, order.line))
        return order.line

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()
        self._folder.cleanup()


def read_codes(
    folder: Path, names: Iterable[str], used: Collection[str] = ()
) -> Mapping[str, deque[str]] | list[Problem]:
    """Read pools of codes, a code a line; gives those not `used` by name, or every problem."""
    pools, problems, first = dict[str, deque[str]](), list[Problem](), dict[str, str]()
    for name in sorted(set(names)):
        path = folder / name
        try:
            codes = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            problems.append(
                Problem(f"private/codes/{name}", 0, "the pool of codes cannot be read", "one code a line")
            )
            continue
        for code in codes:
            if not re.fullmatch(r"[\w.-]{1,64}", code):
                problems.append(
                    Problem(f"private/codes/{name}", 0, f'"{code[:20]}" is no code', "letters, digits, . _ -")
                )
            if code in first:
                problems.append(
                    Problem(
                        f"private/codes/{name}",
                        0,
                        f"the code {code[:8]}… stands there twice",
                        f"the other is in {first[code]}",
                    )
                )
            first[code] = name
        pools[name] = deque(code for code in codes if code not in used)
    return problems or pools
