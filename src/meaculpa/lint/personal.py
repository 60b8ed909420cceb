"""What must not stand in a public text because it belongs to somebody: addresses, card numbers, names, orders."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from meaculpa.lint.phrases import Hit
from meaculpa.lint.rules import Rule

_ADDRESS = re.compile(r"[\w.+'%-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS = re.compile(r"(?<![\w+])(?:\d[ -]?){12,18}\d(?!\w)")
_MANY_DIGITS = re.compile(r"\d{4}")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ORDER = re.compile(r"(?<![\w.:/-])#?([A-Za-z0-9][A-Za-z0-9._/#:-]*[A-Za-z0-9])")
_ORDER_AHEAD = re.compile(
    r"(?:\b(?:orders?|number|no\.|nr\.|bestell\w*|auftrag\w*)\s*(?:number |no\.? |nr\.? |nummer )?|#)$", re.IGNORECASE
)
# A shorter number may be anything: a count, a year, a price.
_SURE_DIGITS = 6
_LONGEST_NAME = 5


@dataclass(frozen=True, slots=True)
class People:
    """Who must not be named: full names in small letters, and the numbers of their orders."""

    names: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()


NOBODY = People()


def name_key(name: str) -> str:
    """A name as it is looked for: its words, in small letters."""
    return " ".join(match[0].casefold() for match in _WORD.finditer(name))


def find_personal(text: str, people: People, allowed: Collection[str]) -> Iterator[Hit]:
    """Find personal data; `allowed` are addresses and hosts, in small letters, that are the shop's own."""
    for match in _ADDRESS.finditer(text) if "@" in text else ():
        address = match[0].casefold()
        host = address.partition("@")[2]
        if address not in allowed and not any(host == one or host.endswith(f".{one}") for one in allowed):
            yield Hit(
                Rule.PERSONAL_DATA,
                match.start(),
                match[0],
                "whose is it? what is the shop's own: lint: {allow: [...]}",
            )
    for match in _DIGITS.finditer(text) if _MANY_DIGITS.search(text) else ():
        if _is_card(re.sub(r"\D", "", match[0])):
            shown = f"{match[0][:4]}…"
            yield Hit(Rule.PERSONAL_DATA, match.start(), shown, "this is a card's number; take it out")
    yield from _names(text, people)
    yield from _orders(text, people)


def _is_card(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1), and a first digit that cards have."""
    if digits[0] not in "23456" or len(set(digits)) < 2:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _names(text: str, people: People) -> Iterator[Hit]:
    if not people.names:
        return
    words = [(match.start(), match[0].casefold()) for match in _WORD.finditer(text)]
    for first, (start, _) in enumerate(words):
        for count in range(2, _LONGEST_NAME + 1):
            name = " ".join(word for _, word in words[first : first + count])
            if name in people.names:
                yield Hit(Rule.PERSONAL_DATA, start, text[start : start + 2] + "…", "a customer's name; take it out")


def _orders(text: str, people: People) -> Iterator[Hit]:
    if not people.orders:
        return
    for match in _ORDER.finditer(text):
        number = match[1]
        is_sure = sum(map(str.isdigit, number)) >= _SURE_DIGITS or bool(_ORDER_AHEAD.search(text, 0, match.start(1)))
        if number in people.orders and is_sure:
            yield Hit(Rule.PERSONAL_DATA, match.start(1), number, "a customer's order; take it out")
