"""A watcher's own thread for channels: tells what was published, again and again until it is taken."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from meaculpa.channels import Outcome
from meaculpa.channels.news import News
from meaculpa.channels.telling import Own, Telling, tell
from meaculpa.publish.target import Target

_SHORTEST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0
_IDLE = 3600.0


class Herald:
    """Tells the newest news. `report` and `open_targets`, which opens those that work, are called from its thread."""

    def __init__(self, open_targets: Callable[[], Sequence[Target]], report: Callable[[Telling], None]) -> None:
        self._open, self._report = open_targets, report
        self._news: News | None = None
        self._told = set[str]()
        self._known, self._own = frozenset[str](), Own()
        self._failures = 0
        self._next_try = 0.0
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True, name="tell channels")
        self._thread.start()

    def bring(self, news: News) -> None:
        """Hand over what has been published."""
        with self._changed:
            self._news, self._next_try = news, 0.0
            self._changed.notify()

    def stop(self, seconds: float) -> None:
        """End between two messages, or at the latest after so many seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (self._news is None or self._next_try > time.monotonic()):
                    self._changed.wait(max(0.0, self._next_try - time.monotonic()) if self._news else _IDLE)
                if self._stopped:
                    return
                news, self._news = self._news, None
            if news is not None and not self._has_told(news):
                self._tell(news)

    def _has_told(self, news: News) -> bool:
        return news.channels <= self._known and all(notice.key in self._told for notice in news.notices)

    def _tell(self, news: News) -> None:
        fresh = replace(news, notices=tuple(one for one in news.notices if one.key not in self._told))
        try:
            done = tell(fresh, self._open(), lambda: self._stopped, own=self._own)
        except Exception as error:
            # Whatever it is, a thread that has ended would tell nobody anything, and say nothing of that.
            done = Telling((), str(error) or type(error).__name__, True)
        # Whoever hears of it may be gone; that must not end this thread either.
        with contextlib.suppress(Exception):
            self._report(done)
        # Whatever happens to the record: what this process has told, it does not tell again.
        self._told |= {one.notice.key for one in done.attempts if one.answer.outcome is not Outcome.WAITING}
        if done.is_done:
            self._failures, self._known = 0, news.channels
            self._told = {notice.key for notice in news.notices}
            return
        self._failures += 1
        longest = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(self._failures, 10))
        with self._changed:
            # What came meanwhile is newer, and is tried at once.
            if self._news is None:
                self._news = news
                self._next_try = time.monotonic() + random.uniform(_SHORTEST_PAUSE, longest)  # noqa: S311
