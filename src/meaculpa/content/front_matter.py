"""The front matter of an incident: its shape, and the rules that hold between its keys."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from meaculpa.config import Config
from meaculpa.content.text import Halves
from meaculpa.errors import Problem, did_you_mean
from meaculpa.model import ComponentStatus, Impact, Kind, Surface
from meaculpa.schema import (
    Amount,
    AudiencePath,
    Date,
    Line,
    LocaleCode,
    Region,
    Shape,
    ShortLine,
    Time,
    check,
    matching,
    word_of,
)
from meaculpa.strict_yaml import Document, YamlMistake, load

_WRITTEN_IMPACTS = (Impact.NONE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL)
_GIFTS = Literal[
    "refund",
    "honour_price",
    "source_elsewhere",
    "comparable_item",
    "gift_certificate",
    "coupon",
    "discount",
    "free_delivery",
    "courier_upgrade",
    "call",
    "card",
]


_Sentences = Annotated[Line, StringConstraints(max_length=400)]


class AudienceShape(Shape):
    """Whom the banner addresses."""

    paths: tuple[AudiencePath, ...] = ()
    regions: tuple[Region, ...] = ()
    locales: tuple[LocaleCode, ...] = ()


class PreventionShape(Shape):
    """One thing that will be changed, by whom, until when."""

    what: Line
    owner: Line
    due: Date


class OfferShape(Shape):
    """One way of making good."""

    when: Line
    give: _GIFTS
    amount: Amount | None = None
    cost: Amount | None = None
    expires: Date | None = None
    codes: (
        Annotated[
            str, matching(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a file's name in private/codes/, such as gift-20.txt")
        ]
        | None
    ) = None
    also: bool = False


class BudgetShape(Shape):
    """What making good may cost."""

    currency: Annotated[str, matching("[A-Z]{3}", "a code such as EUR")]
    incident: Amount | None = None
    per_customer: Amount | None = None
    approved_by: Line | None = None


class FrontMatter(Shape):
    """The keys that may stand between the two `---` lines of an incident."""

    title: ShortLine
    kind: Annotated[Kind, word_of(Kind, "kind")] = Kind.OUTAGE
    impact: Annotated[Impact, word_of(_WRITTEN_IMPACTS, "impact")] | None = None
    components: dict[str, Annotated[ComponentStatus, word_of(ComponentStatus, "component status")]] = Field(
        default_factory=dict
    )
    summary: ShortLine | None = None
    works: Line | None = None
    money: Line | None = None
    reason: _Sentences | None = None
    starts: Time | None = None
    ends: Time | None = None
    started: Time | None = None
    show: Annotated[Surface, word_of(Surface, "surface")] | None = None
    audience: AudienceShape = AudienceShape()
    prevention: tuple[PreventionShape, ...] = ()
    offers: tuple[OfferShape, ...] = ()
    budget: BudgetShape | None = None
    pin: bool = False
    draft: bool = False


class TranslationMatter(Shape):
    """The keys that a translation may have."""

    title: ShortLine | None = None
    summary: ShortLine | None = None
    works: Line | None = None
    money: Line | None = None
    reason: _Sentences | None = None


def read_front_matter(halves: Halves, path: str, config: Config) -> FrontMatter | list[Problem]:
    """Check an incident's front matter; gives its values, or every problem with its line."""
    document = _load(halves, path)
    if isinstance(document, list):
        return document
    values = check(FrontMatter, document, path, {"zone": config.site.timezone})
    problems = _unknown_components(document, path, config)
    if isinstance(values, list):
        return [*values, *problems]
    problems += _contradictions(values, document, path)
    problems += [
        Problem(
            path,
            document.line_of(("audience", "locales")),
            f'"{locale}" is not a language of this site',
            f"site.locales in meaculpa.yml has: {', '.join(config.site.locales)}",
        )
        for locale in values.audience.locales
        if locale not in config.site.locales
    ]
    return problems or values


def read_translation_matter(halves: Halves, path: str, zone: ZoneInfo) -> TranslationMatter | list[Problem]:
    """Check a translation's front matter."""
    document = _load(halves, path)
    if isinstance(document, list):
        return document
    return check(TranslationMatter, document, path, {"zone": zone})


def _load(halves: Halves, path: str) -> Document | list[Problem]:
    try:
        return load(halves.front, halves.front_line)
    except YamlMistake as error:
        return [Problem(path, error.line, error.message, error.hint)]


def _unknown_components(document: Document, path: str, config: Config) -> list[Problem]:
    named = document.values.get("components")
    known = list(config.component_names)
    return [
        Problem(
            path,
            document.line_of(("components", key)),
            f'unknown component "{key}"',
            did_you_mean(key, known),
        )
        for key in (named if isinstance(named, dict) else ())
        if key not in known
    ]


def _contradictions(values: FrontMatter, document: Document, path: str) -> list[Problem]:
    maintenance = values.kind is Kind.MAINTENANCE
    rules = _maintenance_rules(values) if maintenance else _incident_rules(values)
    return [Problem(path, document.line_of((key,)), message, hint) for broken, key, message, hint in rules if broken]


def _incident_rules(values: FrontMatter) -> Iterable[tuple[Any, str, str, str]]:
    only = "only kind maintenance has it; `started` says when customers first felt it"
    yield (
        values.kind is Kind.OUTAGE and values.impact is None,
        "title",
        '"impact" is missing',
        "one of: none, minor, major, critical",
    )
    yield values.starts, "starts", '"starts" does not belong here', only
    yield values.ends, "ends", '"ends" does not belong here', only
    for key in ("title", "summary", "works", "money"):
        text = getattr(values, key) or ""
        hint = "write the time itself; {start} and {end} are those of a maintenance window"
        yield "{start}" in text or "{end}" in text, key, "only maintenance has a {start} and an {end}", hint


def _maintenance_rules(values: FrontMatter) -> Iterable[tuple[Any, str, str, str]]:
    yield (
        values.starts is None,
        "kind",
        'maintenance needs "starts"',
        "write it like starts: 2026-11-22 02:00",
    )
    yield values.ends is None, "kind", 'maintenance needs "ends"', "write it like ends: 2026-11-22 04:00"
    yield (
        values.starts and values.ends and values.ends <= values.starts,
        "ends",
        "the maintenance ends before it starts",
        "check day and time zone",
    )
    yield values.impact, "impact", "maintenance has no impact of its own", "leave the line out"
    yield values.started, "started", '"started" does not belong here', 'maintenance has "starts"'
