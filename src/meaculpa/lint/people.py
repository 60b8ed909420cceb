"""Who must not be named, and how a name is looked for; by itself, for whoever names nobody needs no rules."""

import re

from msgspec import Struct

WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# What people write for an apostrophe; one sign for one, so that places stay what they are.
APOSTROPHES = str.maketrans("‘’ʼ´`′", "''''''")


class People(Struct, frozen=True):
    """Who must not be named: full names in small letters, and the numbers of their orders."""

    names: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()


NOBODY = People()


def name_key(name: str) -> str:
    """A name as it is looked for: its words, in small letters, with one sort of apostrophe."""
    return " ".join(match[0].casefold() for match in WORD.finditer(name.translate(APOSTROPHES)))
