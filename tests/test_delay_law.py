"""Every case of the delay law and every boundary: dates, weekends, first and renewed notices, late ones."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.customers.delay_law import (
    Delay,
    DelayCase,
    Jurisdiction,
    Silence,
    add_working_days,
    deadline,
    judge_delay,
)

SHORT, LONG, RENEWED = DelayCase.FIRST_SHORT, DelayCase.FIRST_LONG, DelayCase.RENEWED
LATE, NO_RULE = DelayCase.TOO_LATE, DelayCase.NO_SILENCE_RULE
KEEPS, CANCELS, CANCELLED = Silence.KEEPS, Silence.CANCELS, Silence.CANCELLED
US, EU, UK = Jurisdiction.US, Jurisdiction.EU, Jurisdiction.UK


def day(text: str | None) -> date | None:
    return date.fromisoformat(f"2026-{text}") if text else None


@pytest.mark.parametrize(
    ("promised", "new", "number", "jurisdiction", "today", "case", "silence", "until", "refund_by"),
    [
        # The first notice: thirty days more are kept by silence, thirty-one are not.
        ("11-20", "11-27", 1, US, "11-18", SHORT, KEEPS, "11-27", None),
        ("11-20", "12-20", 1, US, "11-18", SHORT, KEEPS, "12-20", None),
        ("11-20", "12-21", 1, US, "11-18", LONG, CANCELS, "12-20", "12-29"),
        ("11-20", None, 1, US, "11-18", LONG, CANCELS, "12-20", "12-29"),
        # On the promised day the notice is in time, the day after it is not.
        ("11-20", "11-27", 1, US, "11-20", SHORT, KEEPS, "11-27", None),
        ("11-20", None, 1, US, "11-20", LONG, CANCELS, "12-20", "12-29"),
        ("11-20", "11-27", 1, US, "11-21", LATE, CANCELLED, None, "12-01"),
        ("11-20", None, 1, US, "11-21", LATE, CANCELLED, None, "12-01"),
        # A renewed notice: silence cancels at the last promise, however short the new one is.
        ("11-27", "11-28", 2, US, "11-25", RENEWED, CANCELS, "11-27", "12-08"),
        ("11-27", None, 2, US, "11-27", RENEWED, CANCELS, "11-27", "12-08"),
        ("11-27", "12-04", 3, US, "11-27", RENEWED, CANCELS, "11-27", "12-08"),
        ("11-27", "12-04", 2, US, "11-28", LATE, CANCELLED, None, "12-08"),
        # Nobody knows where the customer lives: the stricter text.
        ("11-20", "11-27", 1, None, "11-18", SHORT, KEEPS, "11-27", None),
        ("11-20", None, 1, None, "11-18", LONG, CANCELS, "12-20", "12-29"),
        ("11-20", "11-27", 1, None, "11-21", LATE, CANCELLED, None, "12-01"),
        # The European Union and the United Kingdom know no rule of silence.
        ("11-20", "11-27", 1, EU, "11-18", NO_RULE, KEEPS, "11-27", None),
        ("11-20", None, 1, UK, "11-18", NO_RULE, KEEPS, None, None),
        ("11-20", "12-30", 2, UK, "11-25", NO_RULE, KEEPS, "12-30", None),
    ],
)
def test_what_silence_means(
    promised: str,
    new: str | None,
    number: int,
    jurisdiction: Jurisdiction | None,
    today: str,
    case: DelayCase,
    silence: Silence,
    until: str | None,
    refund_by: str | None,
) -> None:
    delay = Delay(day("10-01"), day(promised), day(new), number, jurisdiction)
    now = day(today)
    assert now
    rule = judge_delay(delay, now)
    assert (rule.case, rule.silence, rule.until, rule.refund_by) == (case, silence, day(until), day(refund_by))
    assert rule.is_late == (today > promised)


def test_without_a_promised_date_it_is_thirty_days_after_the_order() -> None:
    delay = Delay(date(2026, 10, 21), None, date(2026, 12, 20))
    assert deadline(delay) == date(2026, 11, 20)
    assert judge_delay(delay, date(2026, 11, 20)).case is SHORT
    assert judge_delay(delay, date(2026, 11, 21)).case is LATE


@pytest.mark.parametrize("jurisdiction", [US, EU, None])
@pytest.mark.parametrize("new", ["12-21", None])
def test_who_agreed_to_wait_without_a_date_is_not_asked_again(
    new: str | None, jurisdiction: Jurisdiction | None
) -> None:
    delay = Delay(day("10-01"), None, day(new), 2, jurisdiction, day("12-20"), kept_on=day("11-20"))
    rule = judge_delay(delay, date(2026, 12, 15))
    assert (rule.case, rule.silence, rule.until) == (DelayCase.CONSENTED, KEEPS, day(new))
    assert (rule.refund_by, rule.is_late, rule.misses_essential_date) == (None, False, True)


@pytest.mark.parametrize("delay", [Delay(None, None, None), Delay(date(2026, 10, 21), None, None, notice_number=2)])
def test_without_any_promise_there_is_no_deadline(delay: Delay) -> None:
    with pytest.raises(ValueError, match="no deadline"):
        deadline(delay)


@pytest.mark.parametrize(
    ("new", "essential", "misses"),
    [
        ("11-27", None, False),
        ("11-27", "11-28", False),
        ("11-27", "11-27", True),
        ("11-27", "11-26", True),
        (None, "12-24", True),
    ],
)
def test_what_ships_on_the_day_itself_comes_too_late_for_it(
    new: str | None, essential: str | None, misses: bool
) -> None:
    for jurisdiction in (US, UK, None):
        delay = Delay(None, day("11-20"), day(new), 1, jurisdiction, day(essential))
        assert judge_delay(delay, date(2026, 11, 18)).misses_essential_date is misses


@pytest.mark.parametrize(
    ("begin", "count", "end"),
    [
        ("11-20", 0, "11-20"),
        ("11-20", 1, "11-23"),
        ("11-21", 1, "11-23"),
        ("11-22", 1, "11-23"),
        ("11-23", 5, "11-30"),
        ("11-20", 7, "12-01"),
    ],
)
def test_saturdays_and_sundays_are_no_working_days(begin: str, count: int, end: str) -> None:
    first = day(begin)
    assert first
    assert add_working_days(first, count) == day(end)


DATES = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(DATES, st.none() | DATES, st.integers(1, 4), st.sampled_from([None, *Jurisdiction]), DATES)
def test_silence_never_keeps_an_order_where_the_law_wants_a_yes(
    promised: date, new: date | None, number: int, jurisdiction: Jurisdiction | None, today: date
) -> None:
    rule = judge_delay(Delay(None, promised, new, number, jurisdiction), today)
    if jurisdiction in (None, US) and (number > 1 or new is None or (new - promised).days > 30 or today > promised):
        assert rule.silence is not KEEPS
        assert rule.refund_by
        assert rule.refund_by.weekday() < 5
    else:
        assert rule.silence is KEEPS
    if rule.silence is CANCELS:
        assert rule.until
        assert rule.until >= today
