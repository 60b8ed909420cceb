"""Points in time and spans of it, read from what people write and written back."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[ ]+|T)(?P<clock>\d{1,2}:\d{2})(?::(?P<seconds>\d{2}))?"
    r"[ ]*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z][A-Za-z0-9_+/-]*)?"
)
_SPAN = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m?)?")
_YEARS = range(1970, 2200)
_NOT_ZONES = ("localtime", "posixrules", "Factory")
_EXAMPLE = "write it like 2026-11-22 09:20, with a zone such as UTC, +01:00 or Europe/London if it is not the site's"


class TimeMistake(ValueError):
    """A text that is no point in time; `hint` says what would be right."""

    def __init__(self, message: str, hint: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.hint = hint


def parse_zone(name: str) -> ZoneInfo:
    """Find an IANA time zone by name; raises TimeMistake."""
    try:
        if name in _NOT_ZONES:
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TimeMistake(
            f'unknown time zone "{name}"',
            "an IANA name such as Europe/London or UTC, or an offset such as +01:00",
        ) from None


def parse_time(text: str, zone: ZoneInfo) -> datetime:
    """Read a point in time, in `zone` unless it names its own, as aware UTC; raises TimeMistake."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise TimeMistake(f'"{text.strip()}" is not a time')
    if match["seconds"] not in (None, "00"):
        raise TimeMistake(f'"{text.strip()}" has seconds', "times are in whole minutes")
    naive = _wall_clock(match["date"], match["clock"])
    return _resolve(naive, match["zone"], zone).astimezone(UTC)


def _wall_clock(day: str, clock: str) -> datetime:
    try:
        hour, minute = map(int, clock.split(":"))
        if int(day[:4]) not in _YEARS:
            raise ValueError(day)
        return datetime.combine(date.fromisoformat(day), datetime.min.time()).replace(hour=hour, minute=minute)
    except ValueError:
        raise TimeMistake(f'"{day} {clock}" is not a day and time of the calendar') from None


def _resolve(naive: datetime, named: str | None, default: ZoneInfo) -> datetime:
    if named is None:
        return _local(naive, default)
    if named in ("Z", "UTC", "GMT"):
        return naive.replace(tzinfo=UTC)
    if named[0] in "+-":
        return _offset(naive, named)
    return _local(naive, parse_zone(named))


def _offset(naive: datetime, text: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{naive:%Y-%m-%dT%H:%M}{text}")
    except ValueError:
        raise TimeMistake(f'"{text}" is not an offset from UTC', "write it like +01:00 or -05:30") from None


def _local(naive: datetime, zone: ZoneInfo) -> datetime:
    """Refuse wall-clock times that a clock change skips or repeats: nobody may guess which was meant."""
    first, second = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    readings = " or ".join(f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for at in (first, second))
    clock = f"{naive:%Y-%m-%d %H:%M}"
    happened = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
    what = "happened twice" if happened else "did not happen"
    raise TimeMistake(
        f"{clock} {what} in {zone.key} (the clocks changed)",
        f"write the one you mean with its zone: {readings}",
    )


def format_time(at: datetime) -> str:
    """Write a point in time as incident files hold it: `2026-11-22 09:20 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso_minute(at: datetime) -> str:
    """Write a point in time as `2026-11-22T09:20Z` (ISO 8601)."""
    return f"{at.astimezone(UTC).isoformat()[:16]}Z"


def iso_second(at: datetime) -> str:
    """Write a point in time as `2026-11-22T09:20:00Z` (RFC 3339)."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


def parse_span(text: str) -> timedelta:
    """Read a span such as `30m`, `2h`, `1h30m` or `2d`; a bare number is minutes; raises TimeMistake."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise TimeMistake(f'"{text}" is not a span of time', "write it like 30m, 2h, 1h30m or 2d")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def utc_midnight(at: datetime) -> datetime:
    """The beginning of the UTC day in which a moment lies."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
