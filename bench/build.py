"""Measures builds and edits on a made-up archive and prints a table: medians of several runs, whole processes.

python bench/build.py            1,000 incidents
python bench/build.py -n 10000   more of them
"""

import argparse
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpus import NOW, write_project

MEACULPA = [sys.executable, "-m", "meaculpa"]
RUNS = 5
EDITS = 20


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command; gives seconds and the peak memory of it and all it started, in MiB."""
    begin = time.perf_counter()
    pid = os.posix_spawn(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, usage.ru_maxrss / 1024


def build(project: Path, out: Path) -> list[str]:
    return [*MEACULPA, "-C", str(project), "build", "--now", f"{NOW:%Y-%m-%d %H:%M}", "--out", str(out)]


def repeat(measure: Callable[[int], tuple[float, float]], runs: int) -> tuple[list[float], float]:
    results = [measure(number) for number in range(runs)]
    return [seconds for seconds, _ in results], max(memory for _, memory in results)


def edits_in_a_watcher(project: Path, count: int) -> tuple[list[float], float]:
    """Edit the newest incident; seconds from each save until its page and the status page have changed."""
    process = subprocess.Popen([*MEACULPA, "-C", str(project), "watch"], stdout=subprocess.DEVNULL)
    newest = max((project / "incidents").iterdir())
    text = newest.read_text()
    page, index = project / "public" / "incidents" / f"{newest.stem}.html", project / "public" / "index.html"
    wait_until(lambda: page.exists() and index.exists() and (project / "public/.meaculpa/manifest.json").exists())
    time.sleep(2)
    seconds = []
    for number in range(count):
        title = f"Edit number {number} of this title"
        changed = text.replace(text.split("\n")[1], f"title: {title}")
        begin = time.perf_counter()
        newest.write_text(changed)
        wait_until(partial(says, title, (page, index)))
        seconds.append(time.perf_counter() - begin)
        time.sleep(0.3)
    memory = int(Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    process.send_signal(signal.SIGTERM)
    process.wait()
    return seconds, memory


def says(text: str, files: tuple[Path, ...]) -> bool:
    return all(text in file.read_text() for file in files)


def wait_until(question: Callable[[], bool]) -> None:
    limit = time.perf_counter() + 120
    while not question():
        if time.perf_counter() > limit:
            raise SystemExit("nothing changed within two minutes")
        time.sleep(0.001)


def row(name: str, seconds: list[float], memory: float | None, goal: str) -> None:
    peak = f"{memory:.0f} MiB" if memory else ""
    spread = f"{min(seconds):.3f}–{max(seconds):.3f}"
    print(
        f"| {name} | {statistics.median(seconds):.3f} s | {spread} | {len(seconds)} | {peak} | {goal} |", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=1000, help="incidents")
    count = parser.parse_args().n
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "project"
        write_project(project, count)
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {count:,} incidents\n"
        )
        print("| what | median | min–max | runs | peak memory | goal |\n|---|---|---|---|---|---|")
        timed(build(project, folder / "warm-up"))
        cold, memory = repeat(lambda number: timed(build(project, folder / f"cold-{number}")), RUNS)
        row("cold build", cold, memory, "<= 1.5 s, <= 200 MB" if count == 1000 else "")
        same, memory = repeat(lambda _: timed(build(project, folder / "cold-0")), RUNS)
        row("build again, nothing changed", same, memory, "")
        seconds, memory = edits_in_a_watcher(project, EDITS)
        row("one edit in a running watcher", seconds, memory, "<= 0.1 s" if count == 1000 else "")
        bare, _ = repeat(lambda _: timed([*MEACULPA, "--help"]), RUNS)
        row("meaculpa --help", bare, None, "")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nThe largest single process of all runs: {children:.0f} MiB.")


if __name__ == "__main__":
    main()
