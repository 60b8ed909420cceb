"""Word for whoever comes after a watcher: copies of what is good, and the record of what was made."""

import time
from collections.abc import Callable, Sequence

from meaculpa.build.last_good import keep_good
from meaculpa.build.memory import Memory
from meaculpa.errors import Problem, has_errors
from meaculpa.project import ProjectFiles

# By then a build has been published, which takes the same processor.
_A_MOMENT, _LONGEST_COPYING = 0.3, 0.1


class Keeper:
    """Keeps what the last build was made of, bit by bit, as far as nobody waits for anything else (`is_wanted`)."""

    def __init__(self, memory: Memory, is_wanted: Callable[[], bool]) -> None:
        self._memory, self._is_wanted = memory, is_wanted
        self._last: tuple[ProjectFiles, Sequence[Problem]] | None = None
        self._next = 0.0
        self._has_more = False

    def take(self, files: ProjectFiles, problems: Sequence[Problem]) -> None:
        """Take over the files of a build; the record is written after the first one, and again at the end."""
        if has_errors(problems):
            # What is broken now was good a moment ago, and that is what has to be there after a restart.
            self._copy_some(lambda: True)
        is_first, self._last = self._last is None, (files, problems)
        if not self._has_more:
            # Whoever saves all the time must not put it off for ever.
            self._next, self._has_more = time.monotonic() + _A_MOMENT, True
        if is_first:
            self._memory.keep(files)

    def go_on(self) -> None:
        """Copy what has changed, or some of it: the first watcher of a long history has thousands to copy."""
        if time.monotonic() >= self._next:
            self._copy_some(lambda: not self._is_wanted())

    def finish(self) -> None:
        """Keep everything."""
        self._copy(lambda: True)
        if self._last:
            self._memory.keep(self._last[0])

    def _copy_some(self, may_go_on: Callable[[], bool]) -> None:
        limit = time.monotonic() + _LONGEST_COPYING
        if self._has_more:
            self._copy(lambda: time.monotonic() < limit and may_go_on())
            self._has_more = self._memory.copied.is_cut_short

    def _copy(self, has_time: Callable[[], bool]) -> None:
        if self._last:
            files, problems = self._last
            keep_good(files, problems, self._memory.copied, self._memory.record, has_time)
