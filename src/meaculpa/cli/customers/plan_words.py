"""How a plan of letters is told: some letters, what they come to, whom to call, and what the law makes of silence."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from meaculpa.cli.common import shown_path
from meaculpa.cli.wording import bad, bold, count, faint, good, say
from meaculpa.customers.folder import PREVIEW, SKIPPED
from meaculpa.customers.ledger import State
from meaculpa.customers.letters import Campaign
from meaculpa.customers.make_good import BudgetState, Refusal, budget_state
from meaculpa.customers.order import Order
from meaculpa.customers.planning import Outcome

_MOST_NAMED = 8
_TOKEN = re.compile(r"(#[0-9a-f]{12})[\w-]{22}")
_SHORT = timedelta(days=1)
_WITHHELD = {
    Refusal.CUSTOMER_CAP: "the customer has had as much as the cap allows",
    Refusal.REPEATED: "a gift within the last 90 days: a person decides",
    Refusal.ONE_CODE_A_CUSTOMER: "the customer has a code already",
    Refusal.NO_COMPARABLE_ITEM: "the row names no comparable item",
}


def plan_data(outcome: Outcome) -> dict[str, Any]:
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
        "in_another_language": totals.in_another_language,
        "to_decide": totals.to_decide,
        "warnings": dict(sorted(totals.warnings.items())),
    }


def _sums(sums: dict[str, Decimal]) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(sums.items())}


def print_plan(outcome: Outcome, campaign: Campaign, place: Path, had: Mapping[State, int], earlier: Decimal) -> None:
    """Tell what a plan comes to, with some letters to look at; `earlier` is the goodwill of letters sent before."""
    totals = outcome.totals
    for letter in outcome.samples:
        reader = letter.reader
        to = f"the customer of order {reader.order_id}" if isinstance(reader, Order) else "those who asked to be told"
        say(faint(f"---- {letter.locale} · to {to}"))
        # The end of a link is the key to the letter; what stands on a terminal ends in logs.
        text = _TOKEN.sub(r"\1…", letter.text)
        say(f"{bold(letter.subject)}\n\n{text}")
    say(faint("----"))
    say(f"{good('Planned')} {count(totals.letters, 'letter')} for {campaign.incident.id}, stage {campaign.stage}.")
    if had:
        states = ", ".join(f"{number:,} {state}" for state, number in sorted(had.items()))
        say(f"  {count(sum(had.values()), 'letter')} of an earlier plan not again: {states}")
    for line in (
        *_money_lines(outcome, campaign, earlier),
        *_law_lines(outcome, campaign),
        *_person_lines(outcome, place),
    ):
        say(line)
    say(f"Leaf through them: {shown_path(place / PREVIEW)}. Nothing has been sent.")
    say(f"When they are right: meaculpa customers send {shown_path(place)}")


def _money_lines(outcome: Outcome, campaign: Campaign, earlier: Decimal) -> Iterator[str]:
    totals, budget = outcome.totals, campaign.incident.budget
    for gift, number in sorted(totals.gifts.items()):
        yield f"  {number:>7,} × {str(gift).replace('_', ' ')}"
    if outcome.purse.face:
        of = f" of {budget.incident}" if budget and budget.incident else ""
        approved = f", above it, approved by {budget.approved_by}" if budget else ""
        state = {BudgetState.NEARLY_USED: bad(", nearly used up"), BudgetState.APPROVED: bad(approved)}
        note = state.get(budget_state(outcome.purse), "")
        note += f" ({earlier} of it in letters that were sent before)" if earlier else ""
        yield f"  goodwill, face value: {outcome.purse.face}{of} {budget.currency if budget else ''}{note}".rstrip()
    for name, sums in (("refunds", totals.refunds), ("refunds if everybody asks", totals.worst)):
        for currency, amount in sorted(sums.items()):
            yield f"  {name}: {amount} {currency}"


def _law_lines(outcome: Outcome, campaign: Campaign) -> Iterator[str]:
    for day, number in sorted(outcome.totals.forced.items()):
        orders = count(number, "order")
        if day <= campaign.today + _SHORT:
            text = f"silence cancels {orders} on {day}: a mail may come too late for that, so call now"
        else:
            text = f"silence cancels {orders} on {day}: buy elsewhere, ship a part, or call before that day"
        yield f"  {bad(text)}"
    if outcome.totals.cancelled:
        late = count(outcome.totals.cancelled, "order")
        yield f"  {bad(f'the notice is too late for {late}')}: cancelled; refund now"


def _person_lines(outcome: Outcome, place: Path) -> Iterator[str]:
    totals = outcome.totals
    if totals.to_call:
        orders = ", ".join(totals.to_call[:_MOST_NAMED]) + (" …" if totals.to_call[_MOST_NAMED:] else "")
        yield f"  {count(len(totals.to_call), 'customer')} to call: {orders}"
    if totals.in_another_language:
        others = count(totals.in_another_language, "letter")
        yield f"  {bad(f'{others} not in the customer’s language')}: is the translation whole, its reason too?"
    for why, number in sorted(totals.withheld.items()):
        yield f"  {number:,} × not given: {_WITHHELD[why]}"
    if totals.to_decide:
        named = ", ".join(totals.to_decide[:_MOST_NAMED]) + (" …" if totals.to_decide[_MOST_NAMED:] else "")
        yield f"  for a person to decide, and to give by hand: {named}"
    if outcome.skipped:
        yield f"  {bad(f'{len(outcome.skipped):,} left out')}, see {shown_path(place / SKIPPED)}"
    for rule, number in sorted(totals.warnings.items()):
        yield f"  {number:,} × warning {rule}"
