"""What is still to be sent, in which order, and when the next letter may go."""

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from meaculpa.customers.ledger import Entry, Promise
from meaculpa.customers.mail import Mail


class Dispatch(Struct, frozen=True):
    """One letter on its way: what the ledger knows of it, what it promises, and how its message is written."""

    entry: Entry
    write: Callable[[], Mail]
    promise: Promise | None = None


class Taken(Struct, frozen=True, order=True):
    """A letter in the queue: when it is due (by the monotonic clock), and how often it has been tried."""

    due: float
    number: int
    dispatch: Dispatch
    tries: int = 0


class Queue:
    """Letters to be sent, in their order; those that are put off come back when they are due."""

    def __init__(self, letters: Iterable[Dispatch]) -> None:
        self._fresh: Iterator[tuple[int, Dispatch]] = iter(enumerate(letters))
        self._later: list[Taken] = []
        self._lock = threading.Lock()

    def take(self) -> Taken | None:
        """The next letter: one that was put off if it is due, else a fresh one, else whatever is due next."""
        with self._lock:
            if self._later and self._later[0].due <= time.monotonic():
                return heapq.heappop(self._later)
            for number, dispatch in self._fresh:
                return Taken(0.0, number, dispatch)
            return heapq.heappop(self._later) if self._later else None

    def put_back(self, taken: Taken) -> None:
        """Keep a letter for later."""
        with self._lock:
            heapq.heappush(self._later, taken)


class Ticks:
    """Hands out moments at a steady rate, whoever asks."""

    def __init__(self, per_second: float) -> None:
        self._step, self._next, self._lock = 1 / per_second, 0.0, threading.Lock()

    def next(self) -> float:
        """How many seconds to wait until one's turn."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next + self._step, now)
            return self._next - now
