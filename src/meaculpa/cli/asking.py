"""The questions that `meaculpa new` asks on a terminal: what customers ask first, in that order."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import click

from meaculpa.cadence import ORDER_KINDS
from meaculpa.cli.wording import faint, say
from meaculpa.cli.writing import read_moment
from meaculpa.config import Config
from meaculpa.errors import Refused
from meaculpa.model import ComponentStatus, Impact, Kind

# Arrow keys mend an answer where the system has what it takes.
with contextlib.suppress(ImportError):
    import readline  # noqa: F401

_HOW_BAD = {
    Impact.CRITICAL: "nobody can buy",
    Impact.MAJOR: "many cannot do what they came for",
    Impact.MINOR: "annoying, but everything can be bought",
}
_STATUS = {
    Impact.CRITICAL: ComponentStatus.MAJOR_OUTAGE,
    Impact.MAJOR: ComponentStatus.PARTIAL_OUTAGE,
    Impact.MINOR: ComponentStatus.DEGRADED_PERFORMANCE,
}


_MATTER = {
    Kind.OUTAGE: "What can customers not do? (You cannot ...)",
    Kind.STOCK: "What did you sell and not have? (Your ... is not in stock)",
    Kind.PRICING: "Which price was wrong? (You saw a wrong price for ...)",
    Kind.ORDERS: "What is wrong with which orders? (Your order ...)",
    Kind.MAINTENANCE: "What will customers not be able to do? (You cannot ...)",
    Kind.NOTICE: "What should customers know? (You ...)",
}


# What stands in the way of a file, None where nothing does.
Objection = Callable[[dict[str, object]], str | None]


def ask_title(kind: Kind, object_to: Callable[[str], str | None]) -> str:
    """Ask what the matter is, in the words of the page's headline."""
    while True:
        title = _ask_text(_MATTER[kind], object_to)
        if title:
            return title


def ask_facts(
    kind: Kind, given: Mapping[str, object], at: datetime, config: Config, object_to: Objection
) -> dict[str, object]:
    """Ask for each fact that was not given; an empty answer leaves it out.

    Each answer is tried at once, so that none of them spoils the others in the end. Raises Refused where what was
    given is no file to begin with.
    """
    facts = dict(given)
    if objection := object_to(facts):
        raise Refused(objection)
    say(faint("Empty answers leave a fact out. Ctrl-C stops, and nothing is written."))

    if kind is Kind.OUTAGE and not facts["impact"]:
        facts["impact"] = _ask_impact()
    if kind is Kind.OUTAGE and not facts["components"]:
        facts["components"] = _ask_components(Impact(str(facts["impact"])), config)
    if kind is Kind.MAINTENANCE:
        facts["starts"] = facts["starts"] or _ask_window("starts", at, config)
        facts["ends"] = facts["ends"] or _ask_window("ends", at, config, facts["starts"])
    elif kind is not Kind.NOTICE and not facts["started"]:
        facts["started"] = _ask_begin(at, config)
    for name, question in _questions(kind):
        facts[name] = facts[name] or _ask_text(question, partial(_object_to_one, object_to, facts, name))
    return facts


def _object_to_one(object_to: Objection, facts: Mapping[str, object], name: str, answer: str) -> str | None:
    return object_to({**facts, name: answer})


def _questions(kind: Kind) -> Iterator[tuple[str, str]]:
    yield "works", "What still works, or how can they order meanwhile?"
    if kind in (Kind.OUTAGE, *ORDER_KINDS):
        yield "money", "What happened to money and baskets?"
    if kind in ORDER_KINDS:
        yield "reason", "What did we do wrong? (for the letters: We ...)"


def _ask_text(question: str, object_to: Callable[[str], str | None]) -> str | None:
    while True:
        answer = _ask(question)
        objection = object_to(answer) if answer else None
        if objection is None:
            return answer
        say(f"That is not possible: {objection}")


def _ask_begin(at: datetime, config: Config) -> datetime | None:
    """Ask since when it is so; a clock time is of today, and what lies ahead has not begun."""
    while True:
        found = _ask_moment("Since when? (09:05, or empty: known since now)", "started", at, config)
        if found is None or found <= at:
            return found
        yesterday = (found - timedelta(days=1)).astimezone(config.site.timezone)
        say(f"That lies ahead. For yesterday: {yesterday:%Y-%m-%d %H:%M}")


def _ask(question: str) -> str | None:
    return _read(question) or None


def _read(question: str) -> str:
    while True:
        try:
            return str(click.prompt(question, default="", show_default=False)).strip()
        except UnicodeDecodeError:
            say("That was not UTF-8 text; please type it again.")


def _ask_impact() -> str:
    for impact, words in _HOW_BAD.items():
        say(f"  {impact}: {words}")
    choices = click.Choice([str(impact) for impact in _HOW_BAD])
    return str(click.prompt("How bad is it?", type=choices, default=str(Impact.MAJOR)))


def _ask_components(impact: Impact, config: Config) -> tuple[str, ...]:
    """Ask which parts are hit; gives `ID=STATUS` as the option takes it."""
    known = list(config.component_names.items())
    for number, (_, name) in enumerate(known, start=1):
        say(f"  {number} {name}")
    while True:
        answer = _ask("Which parts? (numbers, such as 1 3)") or ""
        numbers = answer.replace(",", " ").split()
        if all(one.isdecimal() and 1 <= int(one) <= len(known) for one in numbers):
            return tuple(f"{known[int(one) - 1][0]}={_STATUS[impact]}" for one in dict.fromkeys(numbers))
        say(f"These are numbers from 1 to {len(known)}.")


def _ask_window(name: str, at: datetime, config: Config, after: object = None) -> datetime:
    question = {"starts": "When does the work begin?", "ends": "When does it end?"}[name]
    while True:
        found = _ask_moment(f"{question} (2026-11-26 02:00)", name, at, config)
        if found and not (isinstance(after, datetime) and found <= after):
            return found
        say("It ends after it begins." if found else "Planned work needs its window.")


def _ask_moment(question: str, name: str, at: datetime, config: Config) -> datetime | None:
    while True:
        try:
            return read_moment(_ask(question), f"--{name}", at, config)
        except click.UsageError as error:
            say(error.message.partition(": ")[2])
