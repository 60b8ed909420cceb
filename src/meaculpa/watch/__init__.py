"""Something changed in the project, or a moment came -> act. Events are hints; looking is the truth.

Whatever the operating system forgets to tell (network mounts, replaced folders, full queues), a look at all
files each second finds.
"""

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, field
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from meaculpa.config import CONFIG_FILE
from meaculpa.content.files import is_incident_name
from meaculpa.errors import MeaculpaError
from meaculpa.files import identity
from meaculpa.project import ProjectFiles, Reading, read_again, read_project
from meaculpa.watch.lookout import Lookout

RESCAN_SECONDS = 1.0
_SETTLE_SECONDS = 0.015
_LONGEST_SETTLING, _LONGEST_ABSENCE, _LONGEST_UNSURE = 1.0, 0.25, 3.0
_MOST_HINTS = 64
_RARELY = 20
_WATCHED = ("incidents", "assets", "site_templates", "metrics")
# Events may be late on a busy machine; that they are missing shows when they are missing again and again.
_UNANNOUNCED = 2

# What watchdog says of threads that end is not for operators; what matters to them is said by `degraded`.
logging.getLogger("watchdog").addHandler(logging.NullHandler())

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
    ears, lookout = _Ears(root, signal, follower.degraded), Lookout(root)
    ears.open()
    try:
        _follow(root, follower, signal, clock, ears, lookout)
    finally:
        ears.close()


def _follow(root: Path, follower: Follower, signal: Signal, clock: Clock, ears: "_Ears", lookout: Lookout) -> None:
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
            state, now = _state(files, failure), clock()
            if seen is not None and state != seen:
                ears.found_change(is_told or bool(signal.hints))
            if state != seen or is_asked or now >= moment:
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
    while before is not None and files.readings != before.readings and time.monotonic() < limit:
        time.sleep(_SETTLE_SECONDS)
        before, files = files, read_project(root, files, heed=heed)
    return files


def _state(files: ProjectFiles | None, failure: MeaculpaError | None) -> object:
    """What a project says; of files that were not read again, equality is seen at once."""
    if failure or files is None:
        return str(failure)
    mappings = (files.incidents, files.templates, files.assets, files.metrics)
    return files.config, *mappings, files.redirects, files.problems


def _hints_in(event: FileSystemEvent) -> list[str | None]:
    """The files that an event is about; None where it may be about more. A folder changes with its files."""
    if event.is_directory:
        return [] if event.event_type == "modified" else [None]
    return [str(path) for path in (event.src_path, event.dest_path) if path]


class _Waker(FileSystemEventHandler):
    """Does nothing but wake the loop: an exception here would end the observer for good.

    With `only`, what happens to other paths is none of its business.
    """

    def __init__(self, signal: Signal, only: str | None = None) -> None:
        self._signal, self._only = signal, only

    def on_any_event(self, event: FileSystemEvent) -> None:
        is_ours = self._only is None or self._only in (event.src_path, event.dest_path)
        if is_ours and event.event_type not in ("opened", "closed_no_write"):
            hints = [None] if self._only else _hints_in(event)
            if hints:
                self._signal.hint(hints)


class _Ears:
    """The operating system's file events, as long as they come; opened anew when they do not."""

    def __init__(self, root: Path, signal: Signal, degraded: Callable[[str | None], None]) -> None:
        self._root, self._signal, self._degraded = root, signal, degraded
        self._observer: BaseObserver | None = None
        self._folders: tuple[object, ...] = ()
        self._unannounced = 0
        self._is_told = False

    def open(self) -> None:
        """Ask for events; where there are none to be had, says so once."""
        self._folders = self._identities()
        observer = Observer()
        try:
            # A project that is replaced as a whole is an event in the folder above it.
            observer.schedule(_Waker(self._signal, str(self._root)), str(self._root.parent), recursive=False)
            for folder in (self._root, *(self._root / name for name in _WATCHED)):
                if folder.is_dir():
                    observer.schedule(_Waker(self._signal), str(folder), recursive=folder != self._root)
            observer.start()
        except OSError as error:
            # Those that were started already would stay for ever.
            observer.unschedule_all()
            is_full = error.errno in (errno.ENOSPC, errno.EMFILE)
            reason = "its limit of watched files is reached" if is_full else str(error.strerror)
            self._tell(f"the system gives no file events ({reason})")
            return
        self._observer = observer

    def follow(self) -> None:
        """Ask anew when a folder has been replaced: the old one's events tell nothing of the new one."""
        if self._identities() != self._folders:
            self.close()
            self.open()

    def _identities(self) -> tuple[object, ...]:
        return tuple(identity(folder) for folder in (self._root, *(self._root / name for name in _WATCHED)))

    def close(self) -> None:
        """Ask for no more events."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()

    def found_change(self, was_announced: bool) -> None:
        """Count changes of which no event told; when there are several, the ears are deaf."""
        if was_announced:
            self._unannounced = 0
            if self._is_told:
                self._is_told = False
                self._degraded(None)
            return
        self._unannounced += 1
        if self._unannounced >= _UNANNOUNCED:
            self._tell("files change and the system sends no events (a network folder, or a limit is reached)")
        # A folder that was replaced sends its events to whoever asks anew.
        self.close()
        self.open()

    def _tell(self, reason: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._degraded(reason)
