"""What must not stand in a public text because it belongs to somebody: addresses, card numbers, names, orders."""

import re
from collections.abc import Collection, Iterator

from meaculpa.lint.people import APOSTROPHES, WORD, People, name_key
from meaculpa.lint.phrases import Hit
from meaculpa.lint.rules import Rule

_ADDRESS = re.compile(r"(?<![\w.+'%-])[\w.+'%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# As cards are printed: four groups of four, or American Express; anything else is a parcel, an IBAN, an article.
_GAP = "[ .\u00a0\u2010\u2011-]?"
_DIGITS = re.compile(
    r"(?<![\w+])(?<!\d[ .-])(?<![A-Z]{2}\d\d )"
    rf"(?:[2456]\d{{3}}({_GAP})\d{{4}}\1\d{{4}}\1\d{{4}}|3[47]\d\d{_GAP}\d{{6}}{_GAP}\d{{5}})(?![ .-]?\d)(?!\w)"
)
_MANY_DIGITS = re.compile(r"\d{4}")
_ORDER = re.compile(r"(?<![\w.:/-])#?([A-Za-z0-9][A-Za-z0-9._/#:-]*[A-Za-z0-9])")
_ORDER_AHEAD = re.compile(
    r"(?:\b(?:order|bestellung|auftrag|bestellnummer)\s*(?:number |no\.? |nr\.? |nummer )?|#)$", re.IGNORECASE
)
_A_COUNT = re.compile(r"\s*(?:to|bis|%|–|-|days?|tage|customers?|orders?|parcels?)\b", re.IGNORECASE)
# A shorter number may be anything: a count, a year, a price.
_SURE_DIGITS = 8
_LONGEST_NAME = 5
# `Li Us` is nobody called Li U.
_SHORTEST_GENITIVE = 3


def find_personal(
    text: str, people: People, allowed: Collection[str], has_bare_genitive: bool = False
) -> Iterator[Hit]:
    """Find personal data; `allowed` are addresses and hosts, in small letters, that are the shop's own.

    `has_bare_genitive` says that the text's language writes `Jane Does` of what belongs to Jane Doe.
    """
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
    yield from _names(text.translate(APOSTROPHES), people, has_bare_genitive)
    yield from _orders(text, people)


def _is_card(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _names(text: str, people: People, has_bare_genitive: bool) -> Iterator[Hit]:
    """Full names, written as names are: with capitals, and nothing but a space between their words."""
    if not people.names:
        return
    words = list(WORD.finditer(text))
    for first, begin in enumerate(words):
        if not begin[0][0].isupper():
            continue
        for count in range(2, _LONGEST_NAME + 1):
            name = words[first : first + count]
            span = text[begin.start() : name[-1].end()]
            is_one = (
                len(name) == count
                and name[-1][0][0].isupper()
                and "".join(span.split()) == "".join(one[0] for one in name)
            )
            if is_one and not people.names.isdisjoint(_read_as(name_key(span), has_bare_genitive)):
                shown = " ".join(f"{one[0][:3]}…" for one in name)
                yield Hit(Rule.PERSONAL_DATA, begin.start(), shown, "a customer's name; take it out")


def _read_as(key: str, has_bare_genitive: bool) -> tuple[str, ...]:
    """What a name may stand for: `Jane Doe's`, and `Jane Does` in German, are of Jane Doe."""
    is_long = len(key.rpartition(" ")[2]) > _SHORTEST_GENITIVE
    return key, key.removesuffix("'s"), key.removesuffix("s") if has_bare_genitive and is_long else key


def _orders(text: str, people: People) -> Iterator[Hit]:
    if not people.orders:
        return
    for match in _ORDER.finditer(text):
        number = match[1]
        if number in people.orders and _is_order(number, text, match):
            yield Hit(Rule.PERSONAL_DATA, match.start(1), number, "a customer's order; take it out")


def _is_order(number: str, text: str, match: re.Match[str]) -> bool:
    if _ORDER_AHEAD.search(text, max(0, match.start(1) - 40), match.start(1)):
        return not _A_COUNT.match(text, match.end())
    if number.isdigit():
        return len(number) >= _SURE_DIGITS
    return len(number) >= 4 and any(map(str.isdigit, number))
