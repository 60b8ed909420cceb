"""Names from elsewhere -> ids of ours."""

import re
from collections.abc import Container

LONGEST_ID = 64


def slug(text: str) -> str:
    """Make small letters, digits and hyphens of a name; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")


def unique(wanted: str, taken: Container[str]) -> str:
    """Number a name that is taken: `card`, `card-2`, `card-3`."""
    number, name = 2, wanted
    while name in taken:
        name = f"{wanted[: LONGEST_ID - 4]}-{number}"
        number += 1
    return name
