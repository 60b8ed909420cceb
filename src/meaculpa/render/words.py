"""What is said in one language: interface strings, dates, spans of time, shares."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from string import Formatter
from typing import Any, Literal, cast

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_timedelta, get_timezone_name
from babel.lists import format_list
from msgspec import Struct

from meaculpa.errors import Problem, did_you_mean
from meaculpa.strict_yaml import YamlMistake, load

_LANGUAGE_NAME_LENGTH = 40
# A telephone number, a span of hours, a date: digits in several parts. Addresses keep their order by themselves.
_NUMBER = re.compile(r"https?://\S+|(\+?\d+(?:[ .:()/-]{1,2}\d+)+)")


class Words(Struct, frozen=True):
    """One language: its code, its strings by key, and Babel's rules for it."""

    locale: str
    strings: Mapping[str, str]
    rules: Locale

    def say(self, key: str, **facts: object) -> str:
        """Say something, with facts filled in; `count` chooses the plural."""
        if "count" in facts:
            form = self.rules.plural_form(int(str(facts["count"])))
            key = next((name for name in (f"{key}.{form}", f"{key}.other") if name in self.strings), key)
        return self.strings[key].format(**facts)

    @property
    def direction(self) -> str:
        """`rtl` for languages that run from right to left, else `ltr`."""
        return _direction(self.locale)

    def together(self, text: str) -> str:
        """Keep a text of Latin letters and numbers as it is written, whatever stands around it."""
        return f"\u2066{text}\u2069" if self.direction == "rtl" else text

    def in_order(self, text: str) -> str:
        """Keep the parts of numbers in their order: from right to left `+44 800 555` would end in +44 (UAX 9)."""
        if self.direction != "rtl":
            return text
        return _NUMBER.sub(lambda match: self.together(match[0]) if match[1] else match[0], text)

    @property
    def own_name(self) -> str:
        """What speakers of the language call it."""
        return _own_name(self.locale)

    def moment(self, at: datetime) -> str:
        """`22 Nov 2026, 09:20 UTC`."""
        return _format_moment(self.locale, at.astimezone(UTC), "yMMMd")

    def brief_moment(self, at: datetime) -> str:
        """`22 Nov, 09:20 UTC`, where the year is known."""
        return _format_moment(self.locale, at.astimezone(UTC), "MMMd")

    def local_moment(self, at: datetime, zone: tzinfo) -> str:
        """`22 Nov 2026, 10:20 CET`, for readers who all live by one clock."""
        return _on_day(self.rules, self.local_day(at, zone), self.local_clock(at, zone))

    def local_day(self, at: datetime, zone: tzinfo) -> str:
        """`22 Nov 2026`, the day that it is in a zone."""
        return _format_day(self.locale, at.astimezone(zone).date(), "yMMMd")

    def local_clock(self, at: datetime, zone: tzinfo) -> str:
        """`10:20 CET`."""
        local = at.astimezone(zone)
        return f"{local:%H:%M} {_zone_name(self.rules, local)}"

    def clock(self, at: datetime) -> str:
        """`09:20 UTC`."""
        return f"{at.astimezone(UTC):%H:%M} UTC"

    def day(self, day: date) -> str:
        """`22 November 2026`."""
        return _format_day(self.locale, day, "yMMMMd")

    def month(self, day: date) -> str:
        """`November 2026`."""
        return _format_day(self.locale, day, "yMMMM")

    def duration(self, span: timedelta) -> str:
        """`2 hours, 45 minutes`; days and hours are enough when it lasted days."""
        return _format_minutes(self.locale, max(1, round(span.total_seconds() / 60)))

    def share(self, share: float) -> str:
        """`99.98%`, never rounded up: only what never failed is 100%."""
        hundredths = int(share * 10_000 + 1e-6)
        text = f"{hundredths / 100:.2f}" if hundredths < 10_000 else "100"
        mark = self.rules.number_symbols["latn"]["decimal"]
        space = "\u00a0" if " %" in self.rules.percent_formats[None].pattern.replace("\u00a0", " ") else ""
        return f"{text.replace('.', mark)}{space}%"


def _zone_name(rules: Locale, local: datetime) -> str:
    """What people call the zone at that time: CET, MESZ, UTC."""
    if not local.utcoffset():
        return "UTC" if str(local.tzinfo) == "UTC" else local.tzname() or "UTC"
    name = get_timezone_name(local, width="short", locale=rules)
    known = local.tzname() or ""
    # Not every language has a word for every zone; a bare offset needs to be told as one.
    if not name.startswith(("+", "-", "GMT")):
        return name
    return known if known[:1].isalpha() else f"UTC{local:%z}"


@lru_cache(maxsize=256)
def _direction(locale: str) -> str:
    return babel_locale(locale).text_direction


@lru_cache(maxsize=256)
def _own_name(locale: str) -> str:
    name = babel_locale(locale).get_language_name(locale.replace("-", "_")) or locale
    return name[:1].upper() + name[1:_LANGUAGE_NAME_LENGTH]


# An update's time stands on the page of its incident, of its month, in feeds and in its twin.
@lru_cache(maxsize=8_192)
def _format_moment(locale: str, at: datetime, skeleton: str) -> str:
    return _on_day(babel_locale(locale), _format_day(locale, at.date(), skeleton), f"{at:%H:%M} UTC")


def _on_day(rules: Locale, day: str, clock: str) -> str:
    """Put day and time together as the language does: not all have a comma between them, nor the same one."""
    return str(rules.datetime_formats["medium"]).format(clock, day)


@lru_cache(maxsize=4096)
def _format_minutes(locale: str, minutes: int) -> str:
    rules = babel_locale(locale)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts: list[tuple[Literal["day", "hour", "minute"], timedelta]] = [
        ("day", timedelta(days=days)),
        ("hour", timedelta(hours=hours)),
        ("minute", timedelta(minutes=0 if days else rest)),
    ]
    # Without a threshold that is never reached, 30 days would become a month.
    named = [
        format_timedelta(span, granularity=unit, threshold=math.inf, locale=rules) for unit, span in parts if span
    ]
    # Not every language has each of these patterns whole in the locale data; two things are joined at most.
    styles = (style for style in ("unit", "unit-short", "standard") if "2" in rules.list_patterns.get(style, ()))
    return format_list(named, style=cast("Any", next(styles)), locale=rules)


@lru_cache(maxsize=4096)
def _format_day(locale: str, day: date, skeleton: str) -> str:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return format_skeleton(skeleton, noon, locale=babel_locale(locale))


def read_words(
    texts: Mapping[str, bytes], locales: tuple[str, ...], reference_text: bytes
) -> tuple[Words, ...] | list[Problem]:
    """Read the strings of each locale, given by code; gives them in order, or every problem.

    `reference_text` holds the packaged English strings: every locale must have the same, with the same facts in them.
    """
    available = sorted(name for name in texts)
    problems: list[Problem] = []
    reference = _strings(reference_text, "site_templates/locales/en.yml", [])
    words = []
    for locale in locales:
        # What is said in Brazil or Austria is said in the words of the language, with dates of the region.
        known = locale if locale in texts else locale.split("-")[0]
        if known not in texts:
            problems.append(
                Problem(
                    "meaculpa.yml",
                    0,
                    f'there are no strings for the locale "{locale}"',
                    f"{did_you_mean(locale, available)}, or write site_templates/locales/{locale}.yml",
                )
            )
            continue
        path = f"site_templates/locales/{known}.yml"
        strings = _strings(texts[known], path, problems)
        problems += _differences(strings, reference, path) if strings else []
        try:
            words.append(Words(locale, strings, babel_locale(locale)))
        except (UnknownLocaleError, ValueError):
            problems.append(
                Problem(
                    "meaculpa.yml",
                    0,
                    f'the locale "{locale}" is not known to the calendar library',
                    "use a code such as en, de or pt-BR",
                )
            )
    return problems or tuple(words)


@lru_cache(maxsize=256)
def babel_locale(code: str) -> Locale:
    """Find Babel's rules for a locale; bare `en` is read as world English, with the day before the month."""
    return Locale.parse("en_001" if code == "en" else code, sep="-" if "-" in code else "_")


def _strings(content: bytes, path: str, problems: list[Problem]) -> dict[str, str]:
    try:
        document = load(content.decode("utf-8-sig"))
    except (YamlMistake, UnicodeDecodeError) as error:
        problems.append(Problem(path, getattr(error, "line", 0), str(error)))
        return {}
    problems += document.problems(path)
    return {key: value for key, value in document.values.items() if isinstance(value, str)}


def _facts_in(text: str) -> set[str] | None:
    """The names in braces; a plural's own count may be left to words. None for braces that do not fit."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None} - {"count"}
    except ValueError:
        return None


def _differences(strings: Mapping[str, Any], reference: Mapping[str, Any], path: str) -> list[Problem]:
    def is_plural(key: str) -> bool:
        return f"{key.rsplit('.', 1)[0]}.other" in reference

    missing = [key for key in reference if key not in strings and not (is_plural(key) and not key.endswith(".other"))]
    unknown = [key for key in strings if key not in reference and not is_plural(key)]
    wrong = [key for key in strings if key in reference and _facts_in(strings[key]) != _facts_in(reference[key])]
    return [
        *(
            Problem(path, 0, f'the string "{key}" must name what the English one names in braces', reference[key])
            for key in wrong
        ),
        *(Problem(path, 0, f'the string "{key}" is missing', f'in English: "{reference[key]}"') for key in missing),
        *(Problem(path, 0, f'unknown string "{key}"', did_you_mean(key, reference).split("?")[0]) for key in unknown),
    ]
