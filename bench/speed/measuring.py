"""How a thing is measured: a whole process, several times, in turns with whatever it is compared to."""

import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What runs took: seconds each, and the most memory of any process, in MiB (0: not looked at)."""

    seconds: Sequence[float]
    memory: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        spread = f"{min(self.seconds):.3f}–{max(self.seconds):.3f}, {len(self.seconds)}"
        memory = f"; {self.memory:.0f} MiB" if self.memory else ""
        return f"{self.median:.3f} s ({spread}{memory})"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: what was measured, at how many incidents, what was found, and the goal."""

    what: str
    count: int
    found: str
    goal: str = ""


def timed(command: Sequence[str], folder: Path | None = None) -> tuple[float, float]:
    """Run a command; gives seconds and the peak memory of it and all it started, in MiB; 0 if it took less than us.

    The system counts the memory of whoever starts a process as its own, until it has taken more.
    """
    moved = ["/usr/bin/env", "-C", str(folder), *command] if folder else list(command)
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    pid = os.posix_spawn(moved[0], moved, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, usage.ru_maxrss / 1024 if usage.ru_maxrss > own + 1024 else 0.0


def put_aside(folder: Path, *made: Path) -> None:
    """Move what an earlier run has made out of the way, into a folder beside all others.

    It is not deleted: for minutes after that, ext4 without a journal takes many times as long for new files (it looks
    whether each number was in use lately: `recently_deleted` in fs/ext4/ialloc.c of Linux).
    """
    aside = folder / "aside"
    aside.mkdir(exist_ok=True)
    for path in filter(Path.exists, made):
        path.rename(aside / str(len(list(aside.iterdir()))))


def in_turns(every: Mapping[str, Callable[[], tuple[float, float]]], runs: int) -> dict[str, Cost]:
    """Measure several things so many times, one after the other each time: a busy minute hits them all."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    for _ in range(runs):
        for name, measure in every.items():
            found[name].append(measure())
    return {name: Cost([one for one, _ in some], max(memory for _, memory in some)) for name, some in found.items()}


def wait_until(question: Callable[[], object]) -> None:
    """Wait for something; there are limits to patience."""
    limit = time.perf_counter() + PATIENCE
    while not question():
        if time.perf_counter() > limit:
            raise SystemExit(f"nothing happened within {PATIENCE:.0f} s")
        time.sleep(0.001)
