"""A target's own thread: brings it to the newest build, again and again until that works, and renews its stamp.

No target waits for another one, and what failed is tried again for ever, with the newest state only.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.errors import Held, Refused, TargetError, TooManyRemovals
from meaculpa.model import OutputFile
from meaculpa.plan import Checkout
from meaculpa.publish import Options, Report, find_lost, publish
from meaculpa.publish.heartbeat import Finding, renew_stamp
from meaculpa.publish.published import Standing
from meaculpa.publish.stamp import STAMPED
from meaculpa.publish.target import Target

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_ASK_AGAIN = 30.0


class Parcel(Struct, frozen=True):
    """A build on its way: its files, the versions in it, and what is known of what it was made from.

    `enclosed` is the sender's own, and comes back with the delivery.
    """

    files: Mapping[str, OutputFile]
    known: Mapping[str, str]
    checkout: Checkout = field(default_factory=Checkout)
    enclosed: object = None


class Delivery(Struct, frozen=True):
    """What became of a parcel: a report, or what stopped it; `held_back` says why removals have to wait.

    Neither of both: a target whose stamp could not be renewed can be reached again.
    """

    target: str
    report: Report | None = None
    error: Exception | None = None
    held_back: str = ""
    enclosed: object = None


class Pulse(Struct, frozen=True):
    """How often a stamp is renewed, and for how long it holds."""

    every: timedelta
    valid_for: timedelta


class Courier:
    """Serves one target. `tell` is called from the courier's own thread."""

    def __init__(self, open_target: Callable[[], Target], name: str, pulse: Pulse, tell: Callable[[Delivery], None]):
        self.name, self._open, self._pulse, self._tell = name, open_target, pulse, tell
        self._target: Target | None = None
        self._standing = Standing()
        self._parcel: Parcel | None = None
        self._delivered: Parcel | None = None
        self._changed = threading.Condition()
        self._stopped = False
        self._is_sure = False
        self._is_beating = True
        self._failures = 0
        self._lost = frozenset[str]()
        self._next_try = self._next_beat = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"publish to {name}")
        self._thread.start()

    def bring(self, parcel: Parcel) -> None:
        """Hand over the newest build; an older one that is still here is dropped."""
        with self._changed:
            self._parcel, self._is_sure, self._next_try = parcel, True, 0.0
            self._changed.notify()

    def doubt(self) -> None:
        """The files cannot be understood: what is published may be out of date, and nobody answers for it."""
        self._is_sure = False

    def stop(self, seconds: float) -> None:
        """End between two writes, or at the latest after so many seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (pause := self._pause()) > 0:
                    self._changed.wait(pause)
                if self._stopped:
                    return
                parcel = self._parcel
            try:
                if parcel is not None and parcel is not self._delivered:
                    self._deliver(parcel)
                elif parcel is not None:
                    self._beat()
            except Exception as error:
                # Whatever it is, a thread that has ended would publish nothing for ever and say nothing.
                self._tell(Delivery(self.name, error=error))
                self._next_beat = time.monotonic() + _LONGEST_PAUSE
                self._put_off(error)

    def _pause(self) -> float:
        """Seconds until there is something to do; nothing at all before the first parcel."""
        if self._parcel is None:
            return _LONGEST_PAUSE
        now = time.monotonic()
        if self._parcel is not self._delivered:
            return self._next_try - now
        return (self._next_beat if self._is_sure else now + _LONGEST_PAUSE) - now

    def _deliver(self, parcel: Parcel) -> None:
        try:
            delivery = self._publish(parcel)
        except (TargetError, Refused) as error:
            self._put_off(error)
            if not self._stopped:
                self._tell(Delivery(self.name, error=error))
            return
        self._delivered, self._failures, self._lost = parcel, 0, frozenset()
        self._tell(delivery)
        uploads = delivery.report.plan.uploads if delivery.report else ()
        is_stamped = any(upload.file.path == STAMPED for upload in uploads)
        self._next_beat = time.monotonic() + (self._pulse.every.total_seconds() if is_stamped else 0)
        self._look_after(parcel)

    def _look_after(self, parcel: Parcel) -> None:
        """Publish again what somebody has taken away meanwhile; nobody waits for a look at tens of thousands."""
        lost = find_lost(parcel.files, self._opened(), self._standing)
        if lost:
            self._lost, self._delivered, self._next_try = lost, None, 0.0

    def _publish(self, parcel: Parcel) -> Delivery:
        """Publish; what would take too much away stays there, and everything else goes out."""
        target = self._opened()
        options = Options(
            checkout=parcel.checkout,
            valid_for=self._pulse.valid_for if self._is_sure else None,
            stopping=lambda: self._stopped,
            lost=self._lost,
            looks_after=True,
        )
        try:
            report = publish(parcel.files, parcel.known, target, options, self._standing)
            return Delivery(self.name, report, enclosed=parcel.enclosed)
        except TooManyRemovals as error:
            held = replace(options, hold_removals=True)
            report = publish(parcel.files, parcel.known, target, held, self._standing)
            return Delivery(self.name, report, held_back=str(error), enclosed=parcel.enclosed)

    def _opened(self) -> Target:
        if self._target is None:
            self._target = self._open()
        return self._target

    def _put_off(self, error: Exception) -> None:
        """Choose when to try again: soon and then ever later, and at a time that nobody else chooses."""
        if isinstance(error, Held) and time.monotonic() >= self._next_beat:
            self._beat()
        longest = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(self._failures + 1, 10))
        self._failures += 1
        pause = random.uniform(_SHORTEST_PAUSE, longest)  # noqa: S311 (only to come apart)
        self._next_try = time.monotonic() + (_ASK_AGAIN if isinstance(error, Refused) else pause)

    def _beat(self) -> None:
        """Renew the stamp; a failure is told and tried again, and what is not as it should be is published again."""
        pause = self._pulse.every.total_seconds()
        banner = self._parcel.files.get(STAMPED) if self._parcel else None
        try:
            finding = renew_stamp(
                self._opened(),
                self._standing,
                datetime.now(UTC),
                self._pulse.valid_for,
                banner.body if banner else None,
            )
            if finding in (Finding.UNFINISHED, Finding.CHANGED, Finding.DAMAGED) and self._parcel is self._delivered:
                self._delivered, self._next_try = None, 0.0
                self._standing.looked = None
                self._lost = frozenset({STAMPED} if finding is Finding.DAMAGED else ())
            if not self._is_beating:
                self._tell(Delivery(self.name))
            self._is_beating = True
        except (TargetError, Refused) as error:
            self._is_beating = False
            self._tell(Delivery(self.name, error=error))
            pause = min(pause, _LONGEST_PAUSE)
        self._next_beat = time.monotonic() + pause
