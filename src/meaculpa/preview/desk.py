"""What the desk shows: the newest good build, what stands around it, and the moment that it shows it as of."""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.model import OutputFile

# A reader who has missed more than this gets everything anew.
_MOST_NAMED = 500


class Shown(Struct, frozen=True):
    """What is shown at one moment; replaced as a whole, so that whoever reads it while that happens sees no mixture.

    `build` names the build and the process that made it, `before` the one before, and `changed` the files in which
    they differ (None: it might be any). `facts` is what the desk says beside the pages (JSON).
    """

    build: str
    before: str
    files: Mapping[str, OutputFile]
    changed: tuple[str, ...] | None
    facts: Mapping[str, Any]


class Desk:
    """Shared by the thread that builds, which alone changes what is shown, and the one that serves.

    `shift` is how far ahead of the real time the site is shown.
    """

    def __init__(self, facts: Mapping[str, Any], shift: timedelta = timedelta(0)) -> None:
        self.shift, self.closed = shift, False
        self._start, self._number = secrets.token_hex(4), 0
        self._listeners = set[Callable[[], None]]()
        self.shown = Shown(f"{self._start}-0", "", {}, None, facts)

    def now(self) -> datetime:
        """The moment as of which everything is shown; it goes on like any clock."""
        return datetime.now(UTC) + self.shift

    def show(self, files: Mapping[str, OutputFile] | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """Show a new build, or with None keep the old one, and new facts; gives the paths that differ."""
        before, changed = self.shown, tuple[str, ...]()
        if files is not None:
            paths = {**before.files, **files}
            changed = tuple(path for path in paths if _digest(before.files, path) != _digest(files, path))
        shown = replace(before, facts={**before.facts, **facts})
        if files is not None and changed:
            self._number += 1
            named = changed if len(changed) <= _MOST_NAMED else None
            build = f"{self._start}-{self._number}"
            shown = replace(shown, build=build, before=before.build, files=files, changed=named)
        self.shown = shown
        self._tell()
        return changed

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
        shown = self.shown
        told = {"build": shown.build, "before": shown.before, "changed": shown.changed}
        return json.dumps({**told, "shift": self.shift.total_seconds(), **shown.facts}, ensure_ascii=False)

    def _tell(self) -> None:
        for wake in tuple(self._listeners):
            # Whoever has gone in this moment needs no news.
            with suppress(RuntimeError):
                wake()


def _digest(files: Mapping[str, OutputFile], path: str) -> str | None:
    return files[path].digest if path in files else None
