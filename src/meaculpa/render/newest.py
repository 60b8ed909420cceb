"""How many of the newest a file lists: an edit writes all of it anew, so long texts are listed in smaller numbers."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

# However long they are.
_LEAST = 10
Listed = TypeVar("Listed")


def while_short(newest: Sequence[Listed], length: Callable[[Listed], int], longest: int) -> list[Listed]:
    """Take from the front as long as all together are no longer than that, and ten in any case."""
    lengths = accumulate(map(length, newest))
    return [
        one
        for place, (one, total) in enumerate(zip(newest, lengths, strict=True))
        if place < _LEAST or total <= longest
    ]
