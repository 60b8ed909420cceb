"""Trials of watching: every save arrives, also when the system is deaf; memory and descriptors stay flat."""

import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from tests.conftest import make_bucket
from tests.making import incident_text
from tests.test_targets import s3_settings
from tests.test_watch import like_vim, rename_over, same_size_and_time, with_sed, write

from corpus import write_project
from meaculpa.project import read_project
from meaculpa.publish.s3 import S3Target
from meaculpa.watch import Follower, Occasion, Signal, watch
from meaculpa.watch.lookout import Lookout
from reliability.figures import CARD, Figure, s3_target, seconds, share, write_shop

MEACULPA = [sys.executable, "-m", "meaculpa"]
SAVES: tuple[Callable[[Path, str], None], ...] = (write, rename_over, like_vim, with_sed, same_size_and_time)
PATIENCE = 20.0


def replace_the_root(path: Path, text: str) -> None:
    """A new checkout in the place of the old one."""
    root = path.parents[1]
    fresh = root.with_name("fresh")
    subprocess.run(["cp", "-a", str(root), str(fresh)], check=True)
    (fresh / "incidents" / path.name).write_text(text)
    old = root.with_name("old")
    root.rename(old)
    fresh.rename(root)
    subprocess.run(["rm", "-rf", str(old)], check=True)


def saved_to_served(folder: Path, url: str, count: int) -> list[Figure]:
    """Saves of six styles in turn, each timed until S3 serves page and banner."""
    make_bucket(url, "watched")
    shop = write_shop(folder / "watched", s3_target("primary", "watched", url))
    target, times, missed = S3Target(s3_settings(url, "watched")), [], 0
    path = shop / "incidents" / f"{CARD}.md"
    with (folder / "watch.log").open("wb") as log:
        process = subprocess.Popen([*MEACULPA, "-C", str(shop), "watch"], stdout=log, stderr=log)
        _until(lambda: target.read("index.html"))
        styles = (*SAVES, replace_the_root)
        for number in range(count):
            save = styles[number % len(styles)]
            text = incident_text("show: splash\n", title=f"Edit {number:06d} of many")
            begin = time.perf_counter()
            save(path, text)
            arrived = _until(partial(_serves, target, f"Edit {number:06d} of many"))
            missed += not arrived
            times.append(time.perf_counter() - begin)
            time.sleep(0.05)
        process.terminate()
        process.wait()
    middle, end = statistics.median(times), share(times, 0.99)
    return [
        Figure(
            f"saved -> served by S3, {count} edits in six save styles",
            "p50 <= 0.2 s, p99 <= 0.5 s, 0 missed",
            f"{seconds(times)}, {missed} missed",
            missed == 0 and middle <= 0.2 and end <= 0.5,
        )
    ]


def _serves(target: S3Target, text: str) -> bool:
    return all((found := target.read(path)) and text.encode() in found.body for path in ("banner.json", "index.html"))


def _until(question: Callable[[], object]) -> bool:
    limit = time.perf_counter() + PATIENCE
    while time.perf_counter() < limit:
        if question():
            return True
        time.sleep(0.005)
    return False


def deaf(folder: Path, count: int) -> list[Figure]:
    """The same without a single event, and through a flood of files."""
    shop, seen, said, signal_ = write_shop(folder / "deaf"), list[Occasion](), list[str | None](), Signal()
    path = shop / "incidents" / f"{CARD}.md"
    silence = mock.patch("meaculpa.watch.ears.Waker.on_any_event", lambda self, event: None)
    silence.start()

    def act(occasion: Occasion) -> datetime:
        seen.append(occasion)
        return occasion.now + timedelta(hours=1)

    thread = threading.Thread(target=watch, args=(shop, Follower(act, said.append), signal_))
    thread.start()
    times, missed = [], 0
    for number in range(count):
        begin = time.perf_counter()
        SAVES[number % len(SAVES)](path, incident_text(title=f"Deaf {number:06d}"))
        missed += not _until(partial(_holds, seen, f"Deaf {number:06d}"))
        times.append(time.perf_counter() - begin)
    for number in range(20_000):
        (shop / "incidents" / f"2026-10-01-f{number:05d}.md").write_text("---\ntitle: x\nimpact: minor\n---\n")
    path.write_text(incident_text(title="After the flood"))
    missed += not _until(lambda: _holds(seen, "After the flood"))
    signal_.stop()
    thread.join()
    silence.stop()
    return [
        Figure(
            f"without file events: {count} edits, and one after a flood of 20,000 files",
            "<= 3 s, 0 missed, said",
            f"longest {max(times):.2f} s, {missed} missed, said {'yes' if said else 'no'}",
            missed == 0 and max(times) <= 3 and bool(said),
        )
    ]


def _says(page: Path, text: str) -> bool:
    return text in page.read_text()


def _holds(seen: list[Occasion], text: str) -> bool:
    files = seen[-1].files if seen else None
    return bool(files and text.encode() in files.incidents[f"incidents/{CARD}.md"].content)


def rescan(folder: Path) -> list[Figure]:
    """What the look each second costs at 10,000 files."""
    shop = folder / "rescan"
    write_project(shop, 10_000)
    files, lookout = read_project(shop), Lookout(shop)
    lookout.learn(files)
    time.sleep(61)
    lookout.prepare()
    costs = []
    for _ in range(30):
        begin = time.process_time()
        lookout.sees_change()
        costs.append(time.process_time() - begin)
    cost = statistics.median(costs)
    return [Figure("the look each second at 10,000 files", "<= 3 % of a core", f"{cost:.1%}", cost <= 0.03)]


def long_run(folder: Path, count: int) -> list[Figure]:
    """Many edits in one watcher: its memory and its descriptors after a tenth of them and at the end."""
    shop = write_shop(folder / "long-run")
    path, page = shop / "incidents" / f"{CARD}.md", shop / "public" / "index.html"
    missed, early = 0, (0, 0)
    with (folder / "long-run.log").open("wb") as log:
        process = subprocess.Popen([*MEACULPA, "-C", str(shop), "watch"], stdout=log, stderr=log)
        _until(page.exists)
        for number in range(count):
            write(path, incident_text(title=f"Edit {number:06d}"))
            missed += not _until(partial(_says, page, f"Edit {number:06d}"))
            if number == count // 10:
                early = _size(process.pid)
        late = _size(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait()
    growth, handles = (late[0] - early[0]) / 1024, late[1] - early[1]
    return [
        Figure(
            f"{count:,} edits in one watcher: growth of memory and descriptors, edits missed",
            "< 10 MiB, 0, 0",
            f"{growth:+.1f} MiB (to {late[0] / 1024:.0f} MiB), {handles:+d}, {missed}",
            growth < 10 and handles <= 0 and missed == 0,
        )
    ]


def _size(pid: int) -> tuple[int, int]:
    """Resident memory in KiB, and open descriptors: the least of several looks, for one may meet a write."""
    status = Path(f"/proc/{pid}/status").read_text()
    looks = []
    for _ in range(20):
        looks.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        time.sleep(0.05)
    return int(status.split("VmRSS:")[1].split()[0]), min(looks)
