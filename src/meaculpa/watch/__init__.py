"""Something changed in the project, or a moment came -> act. Events are hints; looking is the truth.

Whatever the operating system forgets to tell (network mounts, replaced folders, full queues), a look at all
files each second finds.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, field

from meaculpa.errors import MeaculpaError
from meaculpa.layers import is_equal
from meaculpa.names import CONFIG_FILE, is_incident_name
from meaculpa.project import ProjectFiles, Reading, read_again, read_project
from meaculpa.watch.ears import Ears
from meaculpa.watch.lookout import Lookout

RESCAN_SECONDS = 1.0
_SETTLE_SECONDS = 0.015
_LONGEST_SETTLING, _LONGEST_ABSENCE, _LONGEST_UNSURE = 1.0, 0.25, 3.0
_MOST_HINTS = 64
_RARELY = 20

Clock = Callable[[], datetime]


class Heard(Exception):
    """Events name files, while everything is being looked at."""


class Signal(Struct):
    """Wakes the loop: because files may have changed, because it was asked to act, or because it is time to stop.

    `hints` are the files that are said to have changed, or None among them where it may be anything.
    """

    wake: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False
    asked: bool = False
    hints: set[str | None] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self, *_: object) -> None:
        """Ask the loop to end after what it is doing, within a second; fits as a signal handler.

        It wakes nobody: the lock for that may be held by what the signal has interrupted.
        """
        self.stopped = True

    def hint(self, paths: Iterable[str | None]) -> None:
        """Tell of files that may have changed."""
        with self.lock:
            self.hints.update(paths)
        self.wake.set()

    def take_hints(self) -> set[str | None]:
        """Take what was told since the last time."""
        with self.lock:
            hints, self.hints = self.hints, set()
        return hints

    def names_more_than(self, hints: set[str | None]) -> bool:
        """Whether events have named other files meanwhile; what editors leave beside a file does not count."""
        with self.lock:
            further = self.hints - hints
        names = {path.rpartition(os.sep)[2] for path in further if path is not None}
        return None in further or any(name == CONFIG_FILE or is_incident_name(name) for name in names)

    def heed(self) -> None:
        """Raise Heard if events have named files since these were taken."""
        if self.hints:
            raise Heard

    def ask(self) -> None:
        """Have the loop act although no file has changed."""
        self.asked = True
        self.wake.set()


class Occasion(Struct, frozen=True):
    """Why the project is looked at: its files, None when they cannot be read, and the moment."""

    files: ProjectFiles | None
    now: datetime
    failure: MeaculpaError | None = None


class Follower(Struct, frozen=True):
    """Who follows a project: `act` gives the moment at which to act next whatever happens.

    `degraded` is told why only the look each second is left (or None: file events are back), `tick` is called at
    each turn. What is `known` of files from an earlier process need not be read at the first look.
    """

    act: Callable[[Occasion], datetime]
    degraded: Callable[[str | None], None]
    tick: Callable[[], None] = lambda: None
    known: Mapping[str, Reading] = field(default_factory=dict)


def watch(root: Path, follower: Follower, signal: Signal, clock: Clock = lambda: datetime.now(UTC)) -> None:
    """Act at once, then whenever a file changed or the moment came that was named last; until stopped."""
    ears, lookout = Ears(root, signal.hint, follower.degraded), Lookout(root)
    ears.open()
    try:
        _follow(root, follower, signal, clock, ears, lookout)
    finally:
        ears.close()


def _follow(root: Path, follower: Follower, signal: Signal, clock: Clock, ears: Ears, lookout: Lookout) -> None:
    files: ProjectFiles | None = None
    failure: MeaculpaError | None = None
    seen, moment, unsure_since, longest = None, clock(), None, _LONGEST_UNSURE
    while not signal.stopped:
        was_woken = signal.wake.is_set()
        signal.wake.clear()
        hints = signal.take_hints()
        is_told = was_woken or bool(hints)
        # Who asks from now on, while this turn's clock has been read, wakes the next turn.
        is_asked, signal.asked = signal.asked, False
        is_due = clock() >= moment or is_asked or failure is not None or files is None
        quick = _look_at(hints, files, signal) if is_told and files and not is_due else None
        is_looked_at = quick is not None
        if quick:
            # Events are hints: soon after acting on them, everything is looked at.
            files, unsure_since = quick, unsure_since or time.monotonic()
        elif is_told or is_due or unsure_since or lookout.sees_change():
            ears.follow()
            lookout.prepare()
            patience = _LONGEST_ABSENCE if failure is None else 0.0
            # What events told of was saved first, a configuration perhaps: what comes later must not overtake it.
            may_wait = not (is_due or is_told) and not _is_long_ago(unsure_since, longest)
            begin = time.monotonic()
            try:
                heed = signal.heed if may_wait else _go_on
                files, failure = _look(root, files and lookout.trusted(files), patience, heed, follower.known)
            except Heard:
                # Whoever saves a file does not wait until thousands of others have been looked at.
                unsure_since = unsure_since or time.monotonic()
                continue
            is_looked_at, unsure_since = True, None
            # Of those who save again and again, few are to wait for a look that takes long.
            longest = max(_LONGEST_UNSURE, _RARELY * (time.monotonic() - begin))
            if files:
                lookout.learn(files)
        if is_looked_at:
            state, now = files if files and not failure else str(failure), clock()
            is_new = not _is_same(seen, state)
            if seen is not None and is_new:
                ears.found_change(is_told or bool(signal.hints))
            if is_new or is_asked or now >= moment:
                moment = follower.act(Occasion(files if failure is None else None, now, failure))
            seen = state
        follower.tick()
        if not signal.stopped:
            signal.wake.wait(_pause(moment - clock(), _is_long_ago(unsure_since, longest)))


def _is_long_ago(unsure_since: float | None, longest: float) -> bool:
    """Whether everything has to be looked at now, whatever else there is to do."""
    return unsure_since is not None and time.monotonic() - unsure_since > longest


def _pause(until_due: timedelta, is_late: bool) -> float:
    """Seconds to wait for an event: until the next look at everything."""
    if is_late:
        return 0.0
    return min(RESCAN_SECONDS, max(0.0, until_due.total_seconds()))


def _look_at(hints: set[str | None], before: ProjectFiles, signal: Signal) -> ProjectFiles | None:
    """Read what events named, until two looks agree; None where that may not be all that has changed."""
    paths = [path for path in hints if path is not None]
    if not paths or len(paths) < len(hints) or len(paths) > _MOST_HINTS:
        return None
    limit = time.monotonic() + _LONGEST_SETTLING
    files = read_again(before, paths)
    while files and time.monotonic() < limit:
        time.sleep(_SETTLE_SECONDS)
        again = read_again(files, paths)
        if again and all(again.readings.get(path) == files.readings.get(path) for path in paths):
            break
        files = again
    return None if signal.names_more_than(hints) else files


def _go_on() -> None:
    """Heed nothing."""


def _look(
    root: Path,
    before: ProjectFiles | None,
    patience: float,
    heed: Callable[[], None],
    known: Mapping[str, Reading],
) -> tuple[ProjectFiles | None, MeaculpaError | None]:
    """Read the project; what cannot be read gets a moment: one that is being replaced is not there for an instant."""
    limit = time.monotonic() + patience
    while True:
        try:
            return _settle(root, before, heed, known), None
        except MeaculpaError as error:
            failure = error
        except OSError as error:
            failure = MeaculpaError(f"{root} cannot be read: {error.strerror}")
        if time.monotonic() >= limit:
            return before, failure
        time.sleep(_SETTLE_SECONDS)


def _settle(
    root: Path, before: ProjectFiles | None, heed: Callable[[], None], known: Mapping[str, Reading]
) -> ProjectFiles:
    """Read the project until two looks agree, so that half-written files are not acted upon."""
    limit = time.monotonic() + _LONGEST_SETTLING
    files = read_project(root, before, known, heed=heed)
    while before is not None and not is_equal(before.readings, files.readings) and time.monotonic() < limit:
        time.sleep(_SETTLE_SECONDS)
        before, files = files, read_project(root, files, heed=heed)
    return files


def _is_same(before: ProjectFiles | str | None, now: ProjectFiles | str) -> bool:
    """Whether a project says what it said before; of files that were not read again, that is seen at once."""
    if not isinstance(before, ProjectFiles) or not isinstance(now, ProjectFiles):
        return before == now
    return (
        (before.config, before.redirects, before.problems) == (now.config, now.redirects, now.problems)
        and is_equal(before.incidents, now.incidents)
        and is_equal(before.templates, now.templates)
        and is_equal(before.assets, now.assets)
        and is_equal(before.metrics, now.metrics)
    )
