"""Trials of publishing: readers during deploys, kills, races, faults, the way back."""

import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from multiprocessing import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import unquote

from tests.conftest import make_bucket
from tests.faulty import Fault, Faulty, faulty
from tests.test_kills import missing
from tests.test_targets import s3_settings

from meaculpa.build.composition import Build
from meaculpa.build.memory import Memory
from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.published import Standing
from meaculpa.publish.s3 import S3Target
from reliability.figures import NOW, Figure, build_of, s3_target, say, share, write_shop

_NAMED = re.compile(r'(?:href|src)="(?:\./)?((?:assets|incidents)/[^"#]+)"')
# Far more often than anybody edits; without a pause every look would fall into a deploy.
_BETWEEN = 1.0
_BUCKETS, _SHARE_OF_BAD = 6, 0.15
_BAD = (Fault.DELAY, Fault.SLOW_DOWN, Fault.RESET, Fault.RESET_IN_BODY, Fault.LOST_REPLY)
MEACULPA = [sys.executable, "-m", "meaculpa"]


@dataclass
class _Sight:
    """What one visitor saw."""

    views: int = 0
    broken: int = 0
    differing: list[float] = field(default_factory=list)


def _visit(settings: S3Settings, is_over: Event, seen: "Queue[_Sight]") -> None:
    """Open the status page again and again, with everything it names, and the banner's data; a process of its own."""
    target, sight, since = S3Target(settings), _Sight(), 0.0
    while not is_over.is_set():
        page, banner = target.read("index.html"), target.read("banner.json")
        if page is None or banner is None:
            continue
        text, now = page.body.decode(), time.perf_counter()
        said = next((one["text"]["en"] for one in json.loads(banner.body)["items"] if "text" in one), "")
        if said in text and since:
            sight.differing.append(now - since)
        since = 0.0 if said in text else since or now
        sight.broken += any(target.read(unquote(path)) is None for path in set(_NAMED.findall(text)))
        sight.views += 1
    seen.put(sight)


def deploys(folder: Path, url: str, count: int) -> list[Figure]:
    """Publish again and again while two visitors look, each time with other texts and another picture."""
    make_bucket(url, "deploys")
    settings = s3_settings(url, "deploys")
    target, shop, memory = S3Target(settings), write_shop(folder / "deploys"), Memory()
    (shop / "assets").mkdir()
    standing, apart = Standing(), multiprocessing.get_context("spawn")
    is_over, seen = apart.Event(), apart.Queue()
    readers = [apart.Process(target=_visit, args=(settings, is_over, seen)) for _ in range(2)]
    for number in range(count + 1):
        say(shop, f"Deploy {number}")
        (shop / "assets" / "queue.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg"><title>{number}</title></svg>'
        )
        done = build_of(shop, memory)
        publish(done.files, done.known, target, Options(now=NOW, force=True), standing)
        if number == 0:
            for reader in readers:
                reader.start()
        time.sleep(_BETWEEN)
    is_over.set()
    sights = [seen.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()
    memory.pool.close()
    views, broken = sum(one.views for one in sights), sum(one.broken for one in sights)
    differing = [seconds for one in sights for seconds in one.differing]
    longest, part = max(differing, default=0.0), len(differing) / max(1, views)
    return [
        Figure(
            f"views that miss something, in {count} deploys a second apart under two readers",
            "0",
            f"{broken} of {views:,}",
            broken == 0 and views > count,
        ),
        Figure(
            "status page and banner of different builds",
            "<= 0.5 % of views, <= 1 s",
            f"{part:.2%} of views, longest {longest:.3f} s",
            part <= 0.005 and longest <= 1,
        ),
    ]


def kills(folder: Path, url: str) -> list[Figure]:
    """Kill -9 a real process as its k-th write passes, for every k; then look, and let the next run complete it."""
    make_bucket(url, "kills")
    tried = broken = unfinished = 0
    with faulty(url) as proxy:
        shop = write_shop(folder / "kills", s3_target("primary", "kills", proxy.url))
        target = S3Target(s3_settings(url, "kills"))
        _publish_process(shop)
        while True:
            say(shop, f"Killed at write {tried + 1}")
            if not _killed_at(shop, proxy, tried + 1):
                break
            tried += 1
            broken += bool(missing(_everything(target)))
            _publish_process(shop)
            page = target.read("index.html")
            found = target.read(MANIFEST_PATH)
            whole = page and f"Killed at write {tried}".encode() in page.body
            unfinished += not (whole and found and not read_index(found.body).pending)
    return [
        Figure(
            f"killed at each of {tried} writes: site left broken; not completed by the next run",
            "0; 0",
            f"{broken}; {unfinished}",
            tried > 10 and broken == unfinished == 0,
        )
    ]


def _publish_process(shop: Path) -> None:
    subprocess.run([*MEACULPA, "-C", str(shop), "publish"], check=True, capture_output=True)


def _killed_at(shop: Path, proxy: Faulty, number: int) -> bool:
    """Run a publish and kill it as its write of this number passes; gives whether it came so far."""
    left, lock = [number], threading.Lock()
    command = [*MEACULPA, "-C", str(shop), "publish"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def choose(method: str, path: str) -> Fault | None:
        if method in ("PUT", "DELETE"):
            with lock:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(process.pid, signal.SIGKILL)
        return None

    proxy.choose = choose
    process.wait()
    proxy.choose = lambda method, path: None
    return left[0] <= 0


def _everything(target: S3Target) -> dict[str, OutputFile]:
    """All that a bucket holds."""
    found = {path: target.read(path) for path in target.names("")}
    return {path: OutputFile(path, one.body, "", "", "") for path, one in found.items() if one}


def races(folder: Path, url: str, rounds: int) -> list[Figure]:
    """Sixteen publishers at once, each with a build of its own."""
    make_bucket(url, "races")
    memory, shop = Memory(), write_shop(folder / "races")
    builds = []
    for number in range(16):
        say(shop, f"Publisher {number}")
        builds.append(build_of(shop, memory))
    memory.pool.close()
    target, mixed, last, changed, times = S3Target(s3_settings(url, "races")), 0, 0, 0, []
    for _ in range(rounds):
        begin = time.perf_counter()
        with ThreadPoolExecutor(16) as threads:
            changed += sum(threads.map(lambda one: _publish_once(url, one), builds))
        times.append(time.perf_counter() - begin)
        found = target.read(MANIFEST_PATH)
        last = read_index(found.body).number if found else 0
        bodies = [target.read(path) for path in ("index.html", "splash.html", "banner.js")]
        said = {match for one in bodies if one for match in re.findall(r"Publisher \d+", one.body.decode())}
        mixed += len(said) != 1
    lost = changed - last
    return [
        Figure(
            f"{rounds} x 16 publishers at once: mixed sites; builds without a number of their own",
            "0; 0",
            f"{mixed}; {lost} (a round takes {share(times, 0.5):.1f} s)",
            mixed == lost == 0,
        )
    ]


def _publish_once(url: str, done: Build) -> bool:
    """Publish; gives whether there was anything to do."""
    target = S3Target(s3_settings(url, "races"))
    return not publish(done.files, done.known, target, Options(now=NOW, force=True)).plan.is_empty


@dataclass
class _Luck:
    """What became of the publishes of one bucket that has bad days."""

    publishes: int = 0
    broken: int = 0
    wrong: int = 0
    conflicts: int = 0
    gave_up: int = 0


def faults(folder: Path, url: str, count: int) -> list[Figure]:
    """Publish to several buckets through servers with bad days until so many requests have gone wrong."""
    with ThreadPoolExecutor(_BUCKETS) as threads:
        every = list(threads.map(lambda number: _bad_days(folder, url, number, count // _BUCKETS), range(_BUCKETS)))
    total = _Luck(*(sum(values) for values in zip(*map(astuple, every), strict=True)))
    return [
        Figure(
            f"{total.broken:,} bad requests in {total.publishes:,} publishes: wrong in the end; false conflicts",
            "0; 0",
            f"{total.wrong}; {total.conflicts} ({total.gave_up} runs gave up and were run again)",
            total.wrong == total.conflicts == 0,
        )
    ]


def _bad_days(folder: Path, url: str, number: int, count: int) -> _Luck:
    name, luck, chance, lock = f"faults-{number}", _Luck(), random.Random(number), threading.Lock()
    make_bucket(url, name)
    memory, shop, clean = Memory(), write_shop(folder / name), S3Target(s3_settings(url, name))
    with faulty(url) as proxy:
        settings = s3_settings(url, name).model_copy(update={"endpoint_url": proxy.url})
        target, standing = S3Target(settings), Standing()

        def choose(method: str, path: str) -> Fault | None:
            with lock:
                fault = chance.choice(_BAD) if chance.random() < _SHARE_OF_BAD else None
                luck.broken += fault is not None
            return fault

        proxy.choose = choose
        while luck.broken < count:
            luck.publishes += 1
            say(shop, f"Bad day {luck.publishes}")
            _publish_until_it_works(build_of(shop, memory), target, standing, luck)
            page = clean.read("index.html")
            luck.wrong += not (page and f"Bad day {luck.publishes}".encode() in page.body)
            proxy.log.clear()
    memory.pool.close()
    return luck


def _publish_until_it_works(done: Build, target: S3Target, standing: Standing, luck: _Luck) -> None:
    for _ in range(20):
        try:
            publish(done.files, done.known, target, Options(now=NOW, force=True, patience=0), standing)
            return
        except TargetError as error:
            luck.conflicts += "changed by another" in str(error)
            luck.gave_up += 1


def way_back(folder: Path, url: str) -> list[Figure]:
    """A rollback over fifty builds, as a command, process and all."""
    make_bucket(url, "way-back")
    memory, shop = Memory(), write_shop(folder / "way-back", s3_target("primary", "way-back", url))
    target = S3Target(s3_settings(url, "way-back"))
    for number in range(55):
        say(shop, f"Build {number}")
        done = build_of(shop, memory)
        publish(done.files, done.known, target, Options(now=NOW, force=True))
    memory.pool.close()
    found = target.read(MANIFEST_PATH)
    oldest = read_index(found.body).builds[0].build if found else ""
    begin = time.perf_counter()
    subprocess.run([*MEACULPA, "-C", str(shop), "rollback", oldest], check=True, capture_output=True)
    took, page = time.perf_counter() - begin, target.read("index.html")
    right = bool(page and b"Build 4<" in page.body)
    return [Figure("rollback over 50 builds, one command", "<= 2 s", f"{took:.2f} s", right and took <= 2)]
