"""What a delay notice must say and what the customer's silence means: facts, not advice.

United States: 16 CFR 435.2 (Mail, Internet, or Telephone Order Merchandise Rule). European Union and United Kingdom:
Consumer Rights Directive 2011/83/EU art. 18, Consumer Rights Act 2015 s. 28.
"""

from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

_DAYS = timedelta(days=30)
WORKING_DAYS_TO_REFUND = 7
_SATURDAY = 5


class Jurisdiction(StrEnum):
    """Whose law an order falls under."""

    US = "us"
    EU = "eu"
    UK = "uk"


class DelayCase(StrEnum):
    """Which rule a delay falls under."""

    FIRST_SHORT = "first_short"
    FIRST_LONG = "first_long"
    RENEWED = "renewed"
    CONSENTED = "consented"
    TOO_LATE = "too_late"
    NO_SILENCE_RULE = "no_silence_rule"


class Silence(StrEnum):
    """What it means that a customer does not answer."""

    KEEPS = "keeps"
    CANCELS = "cancels"
    CANCELLED = "cancelled"


class Delay(Struct, frozen=True):
    """The dates of a delayed order.

    `promised_ship_on` is what the customer was promised last: at the order, or in the notice before this one.
    `new_ship_on` is what this notice promises; None while nobody knows. `kept_on` is when the customer agreed to a
    delay without a date, after which nothing is promised. Without a `jurisdiction` the strictest holds.
    """

    ordered_on: date | None
    promised_ship_on: date | None
    new_ship_on: date | None
    notice_number: int = 1
    jurisdiction: Jurisdiction | None = None
    essential_date: date | None = None
    kept_on: date | None = None


class DelayRule(Struct, frozen=True):
    """What holds for one delayed order.

    `until` is how long silence keeps the order, or the day on which silence cancels it; None where an order stays
    until its customer says otherwise, or is cancelled already. `refund_by` is the last day for the money of a
    cancelled order to be on its way; of an order that is kept, it is as many working days after the customer cancels.
    `is_late` says that the notice itself comes after its deadline, `misses_essential_date` that the order comes too
    late for what it was bought for.
    """

    case: DelayCase
    silence: Silence
    until: date | None
    refund_by: date | None
    is_late: bool
    misses_essential_date: bool


def deadline(delay: Delay) -> date:
    """The last day for this notice: the ship date promised last, or 30 days after the order (16 CFR 435.2(a)(1)).

    Raises ValueError where neither is known, or where a renewed notice does not know the last promise.
    """
    if delay.promised_ship_on:
        return delay.promised_ship_on
    if delay.ordered_on is None or delay.notice_number > 1:
        raise ValueError("without the date promised last there is no deadline")
    return delay.ordered_on + _DAYS


def judge_delay(delay: Delay, today: date) -> DelayRule:
    """Say what silence means for a delayed order whose notice goes out today; raises ValueError (`deadline`).

    Who agreed to a delay without a date keeps the order until they take that back (16 CFR 435.2(b)(1)(ii)).
    """
    misses = _misses_essential_date(delay)
    if delay.kept_on:
        return DelayRule(DelayCase.CONSENTED, Silence.KEEPS, delay.new_ship_on, None, False, misses)
    promised = deadline(delay)
    case = _case(delay, promised, today)
    silence, until = _SILENCE[case], delay.new_ship_on
    if case is DelayCase.FIRST_LONG:
        until = promised + _DAYS
    elif case is DelayCase.RENEWED:
        until = promised
    elif case is DelayCase.TOO_LATE:
        until = None
    cancelled_on = {Silence.KEEPS: None, Silence.CANCELS: until, Silence.CANCELLED: today}[silence]
    refund_by = add_working_days(cancelled_on, WORKING_DAYS_TO_REFUND) if cancelled_on else None
    return DelayRule(case, silence, until, refund_by, today > promised, misses)


_SILENCE = {
    DelayCase.FIRST_SHORT: Silence.KEEPS,
    DelayCase.FIRST_LONG: Silence.CANCELS,
    DelayCase.RENEWED: Silence.CANCELS,
    DelayCase.TOO_LATE: Silence.CANCELLED,
    DelayCase.NO_SILENCE_RULE: Silence.KEEPS,
}


def _case(delay: Delay, promised: date, today: date) -> DelayCase:
    if delay.jurisdiction in (Jurisdiction.EU, Jurisdiction.UK):
        return DelayCase.NO_SILENCE_RULE
    if today > promised:
        return DelayCase.TOO_LATE
    if delay.notice_number > 1:
        return DelayCase.RENEWED
    is_short = delay.new_ship_on is not None and delay.new_ship_on <= promised + _DAYS
    return DelayCase.FIRST_SHORT if is_short else DelayCase.FIRST_LONG


def add_working_days(day: date, count: int) -> date:
    """The day so many working days later; Saturdays and Sundays are none, holidays are not known here."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < _SATURDAY
    return day


def _misses_essential_date(delay: Delay) -> bool:
    if delay.essential_date is None:
        return False
    return delay.new_ship_on is None or delay.new_ship_on >= delay.essential_date
