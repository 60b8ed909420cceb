"""Times as people write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.times import TimeMistake, format_time, parse_span, parse_time
from tests.making import at

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22 09:20", "2026-11-22 09:20"),
        ("2026-07-01 09:20", "2026-07-01 08:20"),
        ("2026-07-01T9:20", "2026-07-01 08:20"),
        ("2026-07-01 09:20 UTC", "2026-07-01 09:20"),
        ("2026-07-01T09:20Z", "2026-07-01 09:20"),
        ("2026-07-01 09:20+05:30", "2026-07-01 03:50"),
        ("2026-07-01 09:20 -0300", "2026-07-01 12:20"),
        ("2026-07-01 09:20 America/New_York", "2026-07-01 13:20"),
        ("2026-10-25 01:30 UTC", "2026-10-25 01:30"),
        ("2026-10-25 01:30 +01:00", "2026-10-25 00:30"),
    ],
)
def test_a_time_is_read_in_its_own_zone_or_the_sites(text: str, expected: str) -> None:
    assert parse_time(text, LONDON) == at(expected)


@pytest.mark.parametrize(
    ("text", "zone", "readings"),
    [
        ("2026-03-29 01:30", "Europe/London", "2026-03-29 01:30 UTC or 2026-03-29 00:30 UTC"),
        ("2026-10-25 02:30", "Europe/Berlin", "2026-10-25 00:30 UTC or 2026-10-25 01:30 UTC"),
        ("2026-11-01 01:30", "America/New_York", "2026-11-01 05:30 UTC or 2026-11-01 06:30 UTC"),
        ("2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03 15:45 UTC or 2026-10-03 15:15 UTC"),
    ],
)
def test_a_time_that_the_clock_change_skips_or_repeats_is_refused_with_both_readings(
    text: str, zone: str, readings: str
) -> None:
    with pytest.raises(TimeMistake) as caught:
        parse_time(text, ZoneInfo(zone))
    assert readings in caught.value.hint


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1980, 1, 1), max_value=datetime(2199, 12, 30)))
def test_what_is_written_is_read_again(moment: object) -> None:
    whole = moment.replace(second=0, microsecond=0)  # type: ignore[attr-defined]
    assert parse_time(format_time(whole), LONDON) == whole


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("30", 30), ("2h", 120), ("1h30m", 90), ("2d", 2880), ("1d2h3m", 1563)]
)
def test_a_span_is_read(text: str, minutes: int) -> None:
    assert parse_span(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "soon", "-5m", "1w", "99999999999d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(TimeMistake):
        parse_span(text)
