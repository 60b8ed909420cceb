"""What our own builds and edits cost."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from corpus import NOW, write_project
from speed.measuring import Cost, Line, in_turns, put_aside, timed, wait_until

Turns = dict[str, Callable[[], tuple[float, float]]]
MEACULPA = [sys.executable, "-m", "meaculpa"]
EDITS = 20
COLD = {1_000: "<= 1.3 s", 10_000: "<= 9 s, <= 200 MiB"}


def build_command(project: Path, out: str = "public") -> list[str]:
    return [*MEACULPA, "-C", str(project), "build", "--now", f"{NOW:%Y-%m-%d %H:%M}", "--out", str(project / out)]


def forget(project: Path) -> None:
    """Have the next build begin from nothing."""
    put_aside(project.parent, project / "public", project / ".meaculpa")


def cold(project: Path) -> tuple[float, float]:
    """Build from nothing."""
    return anew(project, build_command(project))


def anew(project: Path, command: list[str]) -> tuple[float, float]:
    forget(project)
    return timed(command)


def edited(path: Path, number: int) -> str:
    """The text of an incident with another title."""
    lines = path.read_text().split("\n")
    return "\n".join([lines[0], f"title: Edit number {number} of this title", *lines[2:]])


def newest(project: Path) -> Path:
    return max((project / "incidents").iterdir())


def builds(folder: Path, count: int, runs: int) -> Iterator[Line]:
    """Builds by new processes: everything, after one edit, and after none."""
    project = folder / f"project-{count}"
    write_project(project, count)
    found = in_turns({"cold": partial(cold, project)}, runs)["cold"]
    yield Line("cold build, all outputs", count, str(found), COLD.get(count, ""))
    timed(build_command(project))
    numbers = iter(range(1_000))

    def after_an_edit() -> tuple[float, float]:
        path = newest(project)
        path.write_text(edited(path, next(numbers)))
        return timed(build_command(project))

    found = in_turns({"edit": after_an_edit}, 2 * runs + 1)["edit"]
    yield Line("new process, one edit", count, str(found), {1_000: "<= 0.35 s", 10_000: "<= 0.5 s"}.get(count, ""))
    before = written(project / "public")
    same = nothing_changed(project, build_command(project), 2 * runs + 1)
    touched = len(written(project / "public").items() - before.items())
    goal = "<= 0.4 s, 0 files" if count == 10_000 else ""
    yield Line("new process, nothing changed, the first time", count, str(same["first"]), goal)
    yield Line("new process, nothing changed, again", count, f"{same['again']}; {touched} files written", goal)


def nothing_changed(project: Path, command: list[str], runs: int, beside: Turns | None = None) -> dict[str, Cost]:
    """A command that finds nothing changed: the first time, when it looks at everything, and again.

    What is to be measured `beside` it takes its turns.
    """

    def first() -> tuple[float, float]:
        shutil.rmtree(project / ".meaculpa" / "seals", ignore_errors=True)
        return timed(command)

    # Who has just saved something may save it again.
    time.sleep(3)
    return in_turns({"first": first, "again": lambda: timed(command), **(beside or {})}, runs)


def written(folder: Path) -> dict[str, int]:
    """When each file of a site was written."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in paths}


def watched(folder: Path, count: int) -> Iterator[Line]:
    """Edits in a running watcher: each from its save until page and status page have changed."""
    project = folder / f"project-{count}"
    log = (folder / f"watch-{count}.log").open("wb")
    process = subprocess.Popen([*MEACULPA, "-C", str(project), "watch"], stdout=log, stderr=log)
    path = newest(project)
    page, index = project / "public" / "incidents" / f"{path.stem}.html", project / "public" / "index.html"
    try:
        # Until the watcher answers, however long its first build takes.
        path.write_text(edited(path, 0))
        wait_until(lambda: page.exists() and says("Edit number 0", (page, index)))
        time.sleep(3)
        seconds = []
        for number in range(1, EDITS + 1):
            text = edited(path, number)
            begin = time.perf_counter()
            path.write_text(text)
            wait_until(partial(says, f"Edit number {number} of", (page, index)))
            seconds.append(time.perf_counter() - begin)
            time.sleep(1.5)
        before = written(project / "public")
        path.write_text(edited(path, 999))
        wait_until(partial(says, "Edit number 999 of", (page, index)))
        time.sleep(3)
        after = written(project / "public")
        resident = resident_memory(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    yield Line("running watcher, one edit", count, str(Cost(seconds)), "<= 0.06 s each, flat")
    touched = [name for name, _ in after.items() - before.items()]
    size = sum((project / "public" / name).stat().st_size for name in touched)
    objects = [name for name in touched if not name.startswith(".meaculpa/")]
    found = f"{len(objects)} files and {len(touched) - len(objects)} of the manifest, {size / 1000:.0f} kB"
    yield Line("written by one edit of a title", count, found, "<= 28 files, <= 250 kB")
    yield Line(
        "memory of the watcher, at most",
        count,
        f"{resident:.0f} MiB",
        "<= 300 MiB" if count == 50_000 else "",
    )


def says(text: str, files: tuple[Path, ...]) -> bool:
    return all(text in file.read_text() for file in files)


def resident_memory(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def starts(folder: Path, runs: int) -> Iterator[Line]:
    """What has no archive to wait for."""
    sample = folder / "sample"
    subprocess.run([*MEACULPA, "init", str(sample), "--sample"], check=True, stdout=subprocess.DEVNULL)
    command = [*MEACULPA, "-C", str(sample), "build", "--out", str(sample / "public")]
    bare = [sys.executable, "-c", "pass"]
    every: Turns = {
        "bare": lambda: timed(bare),
        "help": lambda: timed([*MEACULPA, "--help"]),
        "first": partial(anew, sample, command),
        "again": lambda: timed(command),
    }
    time.sleep(3)
    found = in_turns(every, 2 * runs + 1)
    yield Line("Python itself, for comparison", 0, str(found["bare"]))
    yield Line("`meaculpa --help`", 0, str(found["help"]), "<= 0.15 s")
    yield Line("`meaculpa build` of the sample shop, for the first time", 0, str(found["first"]), "<= 0.45 s")
    yield Line("`meaculpa build` of the sample shop, again", 0, str(found["again"]), "<= 0.45 s")
