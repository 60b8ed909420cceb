"""Something changed in the project, or a moment came -> act. Events are hints; looking is the truth.

Whatever the operating system forgets to tell (network mounts, replaced folders, full queues), a look at all
files each second finds.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from meaculpa.errors import MeaculpaError
from meaculpa.project import ProjectFiles, read_project

RESCAN_SECONDS = 1.0
_SETTLE_SECONDS = 0.015
_LONGEST_SETTLING = 1.0
_WATCHED = ("incidents", "assets", "site_templates")

Clock = Callable[[], datetime]


@dataclass
class Signal:
    """Wakes the loop: because files may have changed, or because it is time to stop."""

    wake: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False

    def stop(self, *_: object) -> None:
        """Ask the loop to end after what it is doing; fits as a signal handler."""
        self.stopped = True
        self.wake.set()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why the project is looked at: its files, None when they cannot be read, and the moment."""

    files: ProjectFiles | None
    now: datetime
    failure: MeaculpaError | None = None


def watch(
    root: Path,
    act: Callable[[Occasion], datetime],
    signal: Signal,
    degraded: Callable[[str], None],
    clock: Clock = lambda: datetime.now(UTC),
) -> None:
    """Act at once, then whenever a file changed or the moment came that `act` named last; until stopped.

    `degraded` is told when the operating system gives no events and only the look each second is left.
    """
    with _observing(root, signal, degraded):
        files, seen, moment = None, None, None
        while not signal.stopped:
            signal.wake.clear()
            files, failure = _look(root, files)
            state = _state(files, failure)
            now = clock()
            if state != seen or moment is None or now >= moment:
                moment = act(Occasion(files if failure is None else None, now, failure))
                seen = state
            if not signal.stopped:
                signal.wake.wait(min(RESCAN_SECONDS, max(0.0, (moment - clock()).total_seconds())))


def _look(root: Path, before: ProjectFiles | None) -> tuple[ProjectFiles | None, MeaculpaError | None]:
    """Read the project until two looks agree, so that half-written files are not acted upon."""
    limit = time.monotonic() + _LONGEST_SETTLING
    try:
        files = read_project(root, before)
        while before is not None and files.readings != before.readings and time.monotonic() < limit:
            time.sleep(_SETTLE_SECONDS)
            before, files = files, read_project(root, files)
    except MeaculpaError as error:
        return before, error
    return files, None


def _state(files: ProjectFiles | None, failure: MeaculpaError | None) -> object:
    if failure or files is None:
        return str(failure)
    sources = (files.config, *files.incidents.values(), *files.templates.values(), *files.assets.values())
    return [(source.path, source.digest) for source in sources], files.problems


class _Waker(FileSystemEventHandler):
    """Does nothing but wake the loop: an exception here would end the observer for good."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            self._signal.wake.set()


@contextlib.contextmanager
def _observing(root: Path, signal: Signal, degraded: Callable[[str], None]) -> Iterator[None]:
    observer = Observer()
    try:
        observer.schedule(_Waker(signal), str(root), recursive=False)
        for name in _WATCHED:
            if (root / name).is_dir():
                observer.schedule(_Waker(signal), str(root / name), recursive=True)
        observer.start()
    except OSError as error:
        degraded(f"the system gives no file events ({error.strerror}); looking each second instead")
        yield
        return
    try:
        yield
    finally:
        observer.stop()
        observer.join()
