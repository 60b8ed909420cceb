"""The operating system's word on what happens in a project's folders, as long as it comes."""

import errno
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from meaculpa.files import identity

_WATCHED = ("incidents", "assets", "site_templates", "metrics")
# Events may be late on a busy machine; that they are missing shows when they are missing again and again.
_UNANNOUNCED = 2

# What watchdog says of threads that end is not for operators; what matters to them is said by `degraded`.
logging.getLogger("watchdog").addHandler(logging.NullHandler())

# Takes the files that an event is about, or None for whatever it may be.
Hint = Callable[[Iterable[str | None]], None]


def _hints_in(event: FileSystemEvent) -> list[str | None]:
    """The files that an event is about; None where it may be about more. A folder changes with its files."""
    if event.is_directory:
        return [] if event.event_type == "modified" else [None]
    return [str(path) for path in (event.src_path, event.dest_path) if path]


class Waker(FileSystemEventHandler):
    """Does nothing but tell the loop: an exception here would end the observer for good.

    With `only`, what happens to other paths is none of its business.
    """

    def __init__(self, hint: Hint, only: str | None = None) -> None:
        self._hint, self._only = hint, only

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Tell of what may have changed something."""
        is_ours = self._only is None or self._only in (event.src_path, event.dest_path)
        if is_ours and event.event_type not in ("opened", "closed_no_write"):
            hints = [None] if self._only else _hints_in(event)
            if hints:
                self._hint(hints)


class Ears:
    """The operating system's file events, as long as they come; opened anew when they do not."""

    def __init__(self, root: Path, hint: Hint, degraded: Callable[[str | None], None]) -> None:
        self._root, self._hint, self._degraded = root, hint, degraded
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
            observer.schedule(Waker(self._hint, str(self._root)), str(self._root.parent), recursive=False)
            for folder in (self._root, *(self._root / name for name in _WATCHED)):
                if folder.is_dir():
                    observer.schedule(Waker(self._hint), str(folder), recursive=folder != self._root)
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
