"""Names from elsewhere -> names and ids of ours."""

import re
from collections.abc import Container

LONGEST_ID = 64
LONGEST_NAME = 120
_ROOM_FOR_NUMBER = 4
# What no line of plain text holds, and what no file can.
_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_NOT_IN_FILES = re.compile(r"[\ud800-\udfff]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def slug(text: str) -> str:
    """Make small letters, digits and hyphens of a name; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


def unique(wanted: str, taken: Container[str]) -> str:
    """Number a name that is taken: `card`, `card-2`, `card-3`."""
    number, name = 2, wanted[:LONGEST_ID].rstrip("-")
    while name in taken:
        name = f"{wanted[: LONGEST_ID - _ROOM_FOR_NUMBER].rstrip('-')}-{number}"
        number += 1
    return name


def in_one_line(text: str) -> str:
    """Write a name as one line of plain text; empty where nothing is left."""
    return " ".join(_NOT_PLAIN.sub(" ", text).split())


def fit_for_file(text: str) -> str:
    """Replace what no text file can hold: halves of signs, control characters."""
    return _NOT_IN_FILES.sub("\ufffd", text)


def component_name(name: object) -> str:
    """The name that a part of another page has here; empty where it has none."""
    return in_one_line(name)[:LONGEST_NAME].rstrip() if isinstance(name, str) else ""
