"""What an order gets to make it good: entitlements whole and always, goodwill within caps and a budget.

An entitlement is what the customer has a right to: never capped, never tiered. Goodwill comes on top of it and never
instead of it: a gift card is no refund.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.customers.order import Order
from meaculpa.errors import Problem
from meaculpa.model import Budget, Offer

REPEAT = timedelta(days=90)
_WARN_AT = Decimal("0.8")
_NOTHING = Decimal(0)


class Gift(StrEnum):
    """The ways of making good."""

    REFUND = "refund"
    HONOUR_PRICE = "honour_price"
    SOURCE_ELSEWHERE = "source_elsewhere"
    COMPARABLE_ITEM = "comparable_item"
    GIFT_CERTIFICATE = "gift_certificate"
    COUPON = "coupon"
    DISCOUNT = "discount"
    FREE_DELIVERY = "free_delivery"
    COURIER_UPGRADE = "courier_upgrade"
    CALL = "call"
    CARD = "card"


ENTITLEMENTS = frozenset({Gift.REFUND, Gift.HONOUR_PRICE, Gift.SOURCE_ELSEWHERE, Gift.COMPARABLE_ITEM})
WITH_CODE = frozenset({Gift.GIFT_CERTIFICATE, Gift.COUPON})
# Attention costs time and no money, so no cap counts it.
_ATTENTION = frozenset({Gift.CALL, Gift.CARD})
# What only makes sense for an order that goes on.
OF_THE_ORDER = frozenset({Gift.DISCOUNT, Gift.FREE_DELIVERY, Gift.COURIER_UPGRADE})
_NEEDS = {
    Gift.GIFT_CERTIFICATE: ("amount", "codes"),
    Gift.COUPON: ("amount", "codes"),
    Gift.DISCOUNT: ("amount",),
    Gift.FREE_DELIVERY: ("cost",),
    Gift.COURIER_UPGRADE: ("cost",),
}


class Grant(Struct, frozen=True):
    """One thing that an order gets; `value` is what it costs the shop at most, `pool` is where its code came from."""

    gift: Gift
    value: Decimal
    code: str | None = None
    expires: date | None = None
    pool: str | None = None

    @property
    def is_goodwill(self) -> bool:
        """Whether caps and budget count it: it is neither a right nor mere attention."""
        return self.gift not in ENTITLEMENTS and self.gift not in _ATTENTION


class Refusal(StrEnum):
    """Why an order does not get a gift that an offer would give it; a person may decide otherwise."""

    CUSTOMER_CAP = "customer_cap"
    REPEATED = "repeated"
    ONE_CODE_A_CUSTOMER = "one_code_a_customer"
    NO_CODE_LEFT = "no_code_left"
    NO_COMPARABLE_ITEM = "no_comparable_item"


class MakeGood(Struct, frozen=True):
    """What one order gets, entitlements first, and what of the offers it does not."""

    grants: tuple[Grant, ...] = ()
    withheld: tuple[tuple[Gift, Refusal], ...] = ()


class Condition(Struct, frozen=True):
    """An offer and its condition, ready to be asked of an order; raises ValueError where that cannot be decided."""

    offer: Offer
    holds: Callable[[Order], bool]


class Purse(Struct):
    """What may still be given while a plan is made, and what has been.

    `codes` are the unused ones by pool. `last_gift` says when a customer (by address) last got goodwill for another
    incident, `before` how much for this one in earlier plans.
    """

    budget: Budget | None = None
    codes: Mapping[str, deque[str]] = field(default_factory=dict)
    last_gift: Callable[[str], date | None] = lambda _: None
    before: Callable[[str], Decimal] = lambda _: _NOTHING
    face: Decimal = _NOTHING
    given: dict[str, Decimal] = field(default_factory=dict)
    coded: set[tuple[str, Gift]] = field(default_factory=set)


def check_offers(offers: Iterable[Offer], budget: Budget | None, path: str) -> list[Condition] | list[Problem]:
    """Compile the conditions of an incident's offers; gives them, or every problem."""
    conditions, problems = list[Condition](), list[Problem]()
    for offer in offers:
        problems += [
            Problem(path, 0, f"the offer {offer.give} {what}", hint) for what, hint in _mistakes(offer, budget)
        ]
        try:
            conditions.append(Condition(offer, _compiled(offer.when)))
        except (TemplateError, RecursionError) as error:
            message = f'the condition "{offer.when[:60]}" cannot be read: {error}'
            problems.append(Problem(path, 0, message, "write it like: order.total >= 100"))
    return problems or conditions


def make_good(order: Order, offers: Iterable[Condition], purse: Purse, today: date) -> MakeGood:
    """Choose what an order gets: the first offer whose condition holds, and those that hold and say `also`.

    Counts into the purse and takes codes out of it. Raises ValueError for a condition that cannot be decided, a
    comparable item that is dearer than what was ordered, and goodwill in another currency than the budget's.
    """
    grants, withheld, is_served = list[Grant](), list[tuple[Gift, Refusal]](), False
    try:
        for condition in offers:
            offer = condition.offer
            if (is_served and not offer.also) or not condition.holds(order):
                continue
            is_served = is_served or not offer.also
            given = _give(order, offer, purse, today)
            if isinstance(given, Refusal):
                withheld.append((Gift(offer.give), given))
            else:
                grants.append(given)
    except ValueError:
        take_back(order, MakeGood(tuple(grants)), purse)
        raise
    return MakeGood(tuple(sorted(grants, key=lambda one: one.is_goodwill)), tuple(withheld))


def take_back(order: Order, made: MakeGood, purse: Purse) -> None:
    """Put back into the purse what an order was to get that in the end gets no letter."""
    customer = order.email.casefold()
    for grant in made.grants:
        if grant.is_goodwill:
            purse.face -= grant.value
            purse.given[customer] -= grant.value
        if grant.code and grant.pool:
            purse.codes[grant.pool].appendleft(grant.code)
            purse.coded.discard((customer, grant.gift))


class BudgetState(StrEnum):
    """How a plan stands to the budget of its incident."""

    WITHIN = "within"
    NEARLY_USED = "nearly_used"
    APPROVED = "approved"
    OVER = "over"


def budget_state(purse: Purse) -> BudgetState:
    """Say whether what was given is within the budget; above it, somebody must have approved it."""
    limit = purse.budget.incident if purse.budget else None
    if purse.budget is None or limit is None or purse.face < Decimal(limit) * _WARN_AT:
        return BudgetState.WITHIN
    if purse.face <= Decimal(limit):
        return BudgetState.NEARLY_USED
    return BudgetState.APPROVED if purse.budget.approved_by else BudgetState.OVER


def _mistakes(offer: Offer, budget: Budget | None) -> Iterable[tuple[str, str]]:
    is_goodwill = Grant(Gift(offer.give), _NOTHING).is_goodwill
    if is_goodwill and budget is None:
        yield 'needs a "budget"', "budget: {currency: EUR, incident: 4000, per_customer: 25}"
    for name in _NEEDS.get(Gift(offer.give), ()):
        if getattr(offer, name) is None:
            yield f'has no "{name}"', {"codes": "the file in private/codes/, one code a line"}.get(name, "such as 20")
    value = Decimal(offer.amount or offer.cost or 0)
    cap = budget.per_customer if budget and not budget.approved_by else None
    if is_goodwill and cap is not None and value > Decimal(cap):
        yield (
            f"is worth {value}, above the cap of {cap} for one customer",
            "lower it, or have it approved: approved_by",
        )


def _give(order: Order, offer: Offer, purse: Purse, today: date) -> Grant | Refusal:
    grant = Grant(Gift(offer.give), _value(order, offer), expires=offer.expires)
    if grant.gift is Gift.COMPARABLE_ITEM and order.comparable_price is None:
        return Refusal.NO_COMPARABLE_ITEM
    if not grant.is_goodwill:
        return grant
    customer = order.email.casefold()
    refusal = _refusal(order, grant, purse, customer, today)
    if refusal:
        return refusal
    if grant.gift in WITH_CODE:
        pool = purse.codes.get(offer.codes or "")
        if not pool:
            return Refusal.NO_CODE_LEFT
        grant = replace(grant, code=pool.popleft(), pool=offer.codes)
        purse.coded.add((customer, grant.gift))
    purse.face += grant.value
    purse.given[customer] = purse.given.get(customer, _NOTHING) + grant.value
    return grant


def _refusal(order: Order, grant: Grant, purse: Purse, customer: str, today: date) -> Refusal | None:
    budget, last = purse.budget, purse.last_gift(customer)
    if budget and order.currency != budget.currency:
        raise ValueError(f"the order is in {order.currency}, and the budget in {budget.currency}")
    if last is not None and today - last < REPEAT:
        return Refusal.REPEATED
    if (customer, grant.gift) in purse.coded:
        return Refusal.ONE_CODE_A_CUSTOMER
    cap = budget.per_customer if budget and not budget.approved_by else None
    so_far = purse.before(customer) + purse.given.get(customer, _NOTHING)
    return Refusal.CUSTOMER_CAP if cap is not None and so_far + grant.value > Decimal(cap) else None


def _value(order: Order, offer: Offer) -> Decimal:
    """What a gift costs the shop at most; raises ValueError for a comparable item that is dearer."""
    gift = Gift(offer.give)
    if gift is Gift.REFUND:
        return order.paid
    if gift is Gift.HONOUR_PRICE:
        return max(_NOTHING, (order.right_price or order.price) - order.price)
    if gift is Gift.COMPARABLE_ITEM and order.comparable_price is not None and order.comparable_price > order.price:
        raise ValueError(f"the comparable item costs {order.comparable_price}, more than {order.price}")
    value = Decimal(offer.amount or offer.cost or 0)
    return min(value, order.paid) if gift is Gift.DISCOUNT else value


# ---- Conditions


_METHODS = frozenset({"startswith", "endswith", "lower", "upper", "strip", "casefold", "isdigit", "split"})
_FILTERS = frozenset({"lower", "upper", "length", "int", "float", "default", "trim", "round", "abs"})


class _Sandbox(ImmutableSandboxedEnvironment):
    """Expressions over an order: no loops, no calls into Python, and no texts that grow."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        del value
        return isinstance(obj, str) and attr in _METHODS

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or isinstance(left, str) or isinstance(right, str):
            raise SecurityError(f"{operator} is not possible here")
        return super().call_binop(context, operator, left, right)


_SANDBOX = _Sandbox(undefined=StrictUndefined)
_SANDBOX.globals.clear()
_SANDBOX.filters = {name: one for name, one in _SANDBOX.filters.items() if name in _FILTERS}
_FIELDS = tuple(name for name in Order.__struct_fields__ if name != "more")


def _compiled(when: str) -> Callable[[Order], bool]:
    expression = _SANDBOX.compile_expression(when, undefined_to_none=False)

    def holds(order: Order) -> bool:
        facts = {**(order.more or {}), **{name: getattr(order, name) for name in _FIELDS}, "total": order.paid}
        try:
            return bool(expression(order=facts))
        except Exception as error:
            # Whatever somebody has written there, it is about this row.
            raise ValueError(f'the condition "{when[:60]}" cannot be decided: {error}') from error

    return holds
