"""What the desk shows: the newest good build, what stands around it, and the moment that it shows it as of."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from meaculpa.model import OutputFile

# A reader who has missed more than this gets everything anew.
_MOST_NAMED = 500


@dataclass
class Desk:
    """Shared by the thread that builds and the one that serves.

    `facts` is what the desk says beside the pages (JSON), `changed` names the files that differ from the build before
    (None: it might be any), `shift` is how far ahead of the real time it shows the site.
    """

    shift: timedelta = timedelta(0)
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    changed: tuple[str, ...] | None = None
    closed: bool = False
    _listeners: set[Callable[[], None]] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def now(self) -> datetime:
        """The moment as of which everything is shown; it goes on like any clock."""
        return datetime.now(UTC) + self.shift

    def show(self, files: Mapping[str, OutputFile] | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """Show a new build, or with None keep the old one, and new facts; gives the paths that differ."""
        changed: tuple[str, ...] = ()
        if files is not None:
            paths = {**self.files, **files}
            changed = tuple(path for path in paths if _digest(self.files, path) != _digest(files, path))
        with self._lock:
            if files is not None and changed:
                self.files, self.number = files, self.number + 1
                self.changed = changed if len(changed) <= _MOST_NAMED else None
            self.facts = facts
        self._tell()
        return changed

    def tell_facts(self, **facts: Any) -> None:
        """Replace some of what is said beside the pages; nobody is told where nothing is new."""
        if any(self.facts.get(name) != value for name, value in facts.items()):
            with self._lock:
                self.facts = {**self.facts, **facts}
            self._tell()

    def close(self) -> None:
        """Let everybody who waits for news go."""
        self.closed = True
        self._tell()

    def listen(self, wake: Callable[[], None]) -> None:
        """Have somebody called, from any thread, whenever there is news."""
        self._listeners.add(wake)

    def leave(self, wake: Callable[[], None]) -> None:
        """Call somebody no longer."""
        self._listeners.discard(wake)

    @property
    def news(self) -> str:
        """What open pages are told, in one line of JSON."""
        with self._lock:
            told = {"build": self.number, "changed": self.changed, "shift": self.shift.total_seconds(), **self.facts}
        return json.dumps(told, ensure_ascii=False)

    def _tell(self) -> None:
        for wake in tuple(self._listeners):
            # Whoever has gone in this moment needs no news.
            with suppress(RuntimeError):
                wake()


def _digest(files: Mapping[str, OutputFile], path: str) -> str | None:
    return files[path].digest if path in files else None
