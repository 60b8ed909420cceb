"""Word for whoever comes after a watcher: copies of what is good, and the record of what was made."""

from collections.abc import Sequence

from meaculpa.build.last_good import keep_good
from meaculpa.build.memory import Memory
from meaculpa.errors import Problem
from meaculpa.project import ProjectFiles

_LONGEST_COPYING = 0.1


class Keeper:
    """Keeps what the last build was made of: at once as far as nobody waits for it, the rest bit by bit."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._last: tuple[ProjectFiles, Sequence[Problem]] | None = None

    def take(self, files: ProjectFiles, problems: Sequence[Problem]) -> None:
        """Take over the files of a build; the record is written after the first one, and again at the end."""
        is_first, self._last = self._last is None, (files, problems)
        self._copy(_LONGEST_COPYING)
        if is_first:
            self._memory.keep(files)

    def go_on(self) -> None:
        """Copy some more if there was no time for all: the first watcher of a long history has thousands to copy."""
        if self._memory.copied.is_cut_short:
            self._copy(_LONGEST_COPYING)

    def finish(self) -> None:
        """Keep everything."""
        self._copy()
        if self._last:
            self._memory.keep(self._last[0])

    def _copy(self, *seconds: float) -> None:
        if self._last:
            files, problems = self._last
            keep_good(files, problems, self._memory.copied, self._memory.record, *seconds)
