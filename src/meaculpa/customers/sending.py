"""A plan -> its letters sent, each once: over some connections, at a bearable pace, to be gone on with at any time.

What a server refuses for now is tried again with growing pauses; what it refuses for good is never tried again; and
where nobody can know whether a message was taken, a person decides.
"""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from meaculpa.customers.folder import Plan
from meaculpa.customers.ledger import Entry, Ledger, NotOurs, State, customer_of
from meaculpa.customers.mail import message_id_of
from meaculpa.customers.outbox import Dispatch, Queue, Taken, Ticks
from meaculpa.customers.transport import Answer, Connection, NotNow, TakesNothing

# An answer that is about the address alone (RFC 3463: 5.1, addressing; 5.2, mailbox).
_OF_THE_ADDRESS = re.compile(
    r"\b5\.[12]\.\d{1,3}\b|no such (user|mailbox|recipient|account)|(user|recipient|mailbox) (is )?unknown"
    r"|unknown (user|recipient|mailbox)|does not exist|(mailbox|account) (not found|disabled|full|unavailable)",
    re.IGNORECASE,
)


class Pace(Struct, frozen=True):
    """How fast and how long: letters a second in all, connections, and in seconds how pauses grow and end.

    A letter that is put off is tried `tries` times in a run; a server that does not answer, as often in a row.
    `most_refused` refusals in a row are not about addresses, `most_unknown` unknown ones are about the line; after
    `most_put_off` that were put off the server is given time.
    """

    per_second: float = 14.0
    connections: int = 1
    first_pause: float = 5.0
    longest_pause: float = 300.0
    tries: int = 6
    most_refused: int = 20
    most_unknown: int = 5
    most_put_off: int = 10


class Teller(Struct, frozen=True):
    """Who hears how far it is (letters by state), and what is in the way (and for how many seconds it is waited)."""

    progress: Callable[[Mapping[State, int]], None] = lambda _: None
    trouble: Callable[[str, float], None] = lambda *_: None


class Tally(Struct):
    """What a run came to; `stopped` says why it ended before everybody had been tried."""

    states: Counter[State] = field(default_factory=Counter)
    stopped: str | None = None


class Halt:
    """Asks a run to end between two letters; may be used as a handler of signals."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def stop(self, *_: object) -> None:
        """Ask it."""
        self._event.set()

    @property
    def is_asked(self) -> bool:
        """Whether somebody did."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait, unless somebody asks; says whether somebody did."""
        return self._event.wait(max(0.0, seconds))


def send_letters(
    letters: Iterable[Dispatch],
    ledger: Ledger,
    connect: Callable[[], Connection],
    pace: Pace,
    clock: Callable[[], datetime],
    halt: Halt,
    teller: Teller,
) -> Tally:
    """Send every letter once; says what came of it. Ends early when it is asked to, or the server takes nothing."""
    run = _Run(letters, ledger, connect, pace, clock, halt, teller)
    threads = [threading.Thread(target=run.work, daemon=True) for _ in range(pace.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if run.failure is not None:
        raise run.failure
    run.finish()
    return run.tally


class _Run:
    """What the threads of one run share."""

    def __init__(
        self,
        letters: Iterable[Dispatch],
        ledger: Ledger,
        connect: Callable[[], Connection],
        pace: Pace,
        clock: Callable[[], datetime],
        halt: Halt,
        teller: Teller,
    ) -> None:
        self._queue = Queue(letters)
        self._ledger, self._connect, self._pace, self._clock, self._teller = ledger, connect, pace, clock, teller
        self._halt, self._lock = halt, threading.Lock()
        self._ticks = Ticks(pace.per_second)
        self._doubtful: list[tuple[Entry, str]] = []
        self._unknown_in_a_row = 0
        self._put_off_in_a_row = 0
        self._lines = pace.connections
        self.tally = Tally()
        self.failure: Exception | None = None

    @property
    def _is_over(self) -> bool:
        return self._halt.is_asked or self.tally.stopped is not None or self.failure is not None

    def work(self) -> None:
        """Send letters over one connection, and over a new one when it breaks, until there are none."""
        line = _Line(self._connect)
        try:
            while not self._is_over:
                taken = self._queue.take()
                if taken is None:
                    self._leave()
                    return
                if self._halt.wait(taken.due - time.monotonic()) or self._is_over:
                    self._queue.put_back(taken)
                    return
                self._one(taken, line)
                if line.is_retired:
                    return
        except Exception as error:  # a full disk, say: the other threads end too, and the run says so
            self.failure = error
        finally:
            line.close()

    def _one(self, taken: Taken, line: "_Line") -> None:
        entry, is_marked = taken.dispatch.entry, False

        def on_sending() -> None:
            nonlocal is_marked
            self._ledger.mark_sending(entry, self._clock(), taken.dispatch.promise)
            is_marked = True

        try:
            connection = line.open()
            if self._halt.wait(self._ticks.next()):
                self._queue.put_back(taken)
                return
            answer = connection.deliver(taken.dispatch.write(), on_sending)
        except NotOurs:
            line.close()
            return
        except (NotNow, TakesNothing) as error:
            if is_marked:
                self._ledger.mark(entry, State.PLANNED, str(error), self._clock())
            self._not_delivered(taken, line, error)
            return
        line.failures = 0
        self._delivered(taken, line, answer)

    def _not_delivered(self, taken: Taken, line: "_Line", error: Exception) -> None:
        """The server takes nothing, or nothing now: a pause that grows, and in the end no further try."""
        self._queue.put_back(taken)
        line.close()
        line.failures += 1
        if isinstance(error, TakesNothing):
            self._stop(str(error))
        elif line.failures >= self._pace.tries:
            self._retire(line, str(error))
        elif line.failures > 1:
            # The first time it may just be that it closes each connection after some messages.
            pause = self._pause(line.failures - 2)
            self._teller.trouble(str(error), pause)
            self._halt.wait(pause)

    def _retire(self, line: "_Line", why: str) -> None:
        """A server may allow fewer connections than we would like: it is over only when the last one fails."""
        line.is_retired = True
        if not self._leave():
            self._stop(why)

    def _leave(self) -> int:
        """Take a line out of the run; gives how many are left."""
        with self._lock:
            self._lines -= 1
            return self._lines

    def _delivered(self, taken: Taken, line: "_Line", answer: Answer) -> None:
        entry = taken.dispatch.entry
        if answer.state is State.UNKNOWN:
            line.close()
        if answer.state is State.REFUSED and not _OF_THE_ADDRESS.search(answer.text):
            self._doubt(entry, answer)
            return
        self._ledger.mark(entry, answer.state, answer.text, self._clock())
        if answer.state is State.PLANNED and taken.tries + 1 < self._pace.tries:
            pause = self._pause(taken.tries)
            self._queue.put_back(Taken(time.monotonic() + pause, taken.number, taken.dispatch, taken.tries + 1))
            self._be_patient(answer, pause)
            return
        self._put_off_in_a_row = 0
        with self._lock:
            if answer.state is State.SENT:
                self._believe_refusals()
            self._count(answer.state)
            self._doubt_the_line(answer)

    def _be_patient(self, answer: Answer, pause: float) -> None:
        """A server that puts off one after the other wants to be left alone for a while."""
        with self._lock:
            self._put_off_in_a_row += 1
            is_too_much = self._put_off_in_a_row >= self._pace.most_put_off
        if is_too_much:
            self._teller.trouble(answer.text, pause)
            self._halt.wait(pause)

    def _count(self, state: State, number: int = 1) -> None:
        self.tally.states[state] += number
        self._teller.progress(self.tally.states)

    def _doubt(self, entry: Entry, answer: Answer) -> None:
        """Wait with a refusal that names no address: many of them in a row are about us, and then none counts.

        Until then the letter is what it is, not sent; a run that is killed here tries it once more.
        """
        self._ledger.mark(entry, State.PLANNED, answer.text, self._clock())
        with self._lock:
            self._doubtful.append((entry, answer.text))
            if len(self._doubtful) >= self._pace.most_refused:
                self._give_up_on_refusals()

    def _give_up_on_refusals(self) -> None:
        number, said = len(self._doubtful), self._doubtful[-1][1]
        self._doubtful = []
        self._count(State.PLANNED, number)
        self._stop(
            f"{number} in a row were refused; it says: {said}. Nobody was given up for it; if these addresses are "
            "wrong all the same, take their rows out"
        )

    def _believe_refusals(self) -> None:
        """The server takes others: what it refused, it refused for good."""
        for entry, text in self._doubtful:
            self._ledger.mark(entry, State.REFUSED, text, self._clock())
        self._count(State.REFUSED, len(self._doubtful))
        self._doubtful = []

    def finish(self) -> None:
        """Judge what is left when everybody has been tried: where nobody was taken, it is not about addresses."""
        if self._is_over or not self._doubtful:
            return
        if self.tally.states[State.SENT]:
            self._believe_refusals()
        else:
            self._give_up_on_refusals()

    def _doubt_the_line(self, answer: Answer) -> None:
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if answer.state is State.UNKNOWN else 0
        if self._unknown_in_a_row >= self._pace.most_unknown:
            self._stop(f"of {self._unknown_in_a_row} in a row nobody knows whether they arrived: {answer.text}")

    def _stop(self, why: str) -> None:
        if self.tally.stopped is None:
            self.tally.stopped = why

    def _pause(self, tries: int) -> float:
        """Full jitter: many who wait do not come back together."""
        longest = min(self._pace.longest_pause, self._pace.first_pause * 2**tries)
        return random.uniform(longest / 2, longest)  # noqa: S311


class _Line:
    """A connection that is made when it is needed, and anew after it broke."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self.failures = 0
        self.is_retired = False

    def open(self) -> Connection:
        """The connection; raises NotNow and TakesNothing where none can be made."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """End it, if there is one."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
        self._connection = None


def entry_of(record: Mapping[str, Any], plan: Plan, sender: str, secret: bytes) -> Entry:
    """What the ledger keeps of a letter, a record of a plan."""
    basis, grants = plan.basis, record["grants"]
    return Entry(
        incident=basis.incident,
        stage=basis.stage,
        recipient=record["recipient"],
        customer=customer_of(record["email"]),
        message_id=message_id_of(secret, basis.incident, basis.stage, record["recipient"], record["email"], sender),
        plan=plan.digest,
        goodwill=record["goodwill"],
        currency=grants[0]["currency"] if grants else "",
        codes=" ".join(one["code"] for one in grants if one["code"]),
        due=record["due"],
    )
