"""How many of the newest a file lists: an edit writes all of it anew, so long texts are listed in smaller numbers."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# However long they are.
_LEAST = 10
Listed = TypeVar("Listed")


def while_short(newest: Iterable[Listed], length: Callable[[Listed], int], longest: int) -> Iterator[Listed]:
    """Give from the front as long as all together are no longer than that, and ten in any case."""
    total = 0
    for place, one in enumerate(newest):
        total += length(one)
        if place >= _LEAST and total > longest:
            return
        yield one
