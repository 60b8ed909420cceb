"""Trials of reading: through a cache, without an origin, and with nobody left who answers for what is said."""

import itertools
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tests.browser.conftest import Server
from tests.browser.shop import install_line, open_shop
from tests.conftest import find_browser, make_bucket
from tests.faulty import Fault, faulty
from tests.live import eventually, running
from tests.making import CONFIG, incident_text, write_project
from tests.programs import free_port
from tests.test_cdn import SURFACES, cdn, get, origin, says

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from reliability.figures import NOW, Figure, s3_target, say, write_shop

_FRESH_SECONDS = 11
_EDITS = 6


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def through_a_cache(folder: Path, url: str) -> list[Figure]:
    """Save, and look at the edge until it is there, while every request to CloudFront's control plane fails."""
    make_bucket(url, "behind-an-edge")
    bucket = s3_target("primary", "behind-an-edge", url).replace(
        "region", "cloudfront_distribution: E2EX4MPLE, region"
    )
    shop = write_shop(folder / "edge", f"{bucket}  - {{name: local, type: directory, path: public}}\n")
    (shop / "public").mkdir()
    first, times, text = free_port(), [], ""
    with faulty(url) as control:
        control.choose = lambda method, path: Fault.SLOW_DOWN
        with (
            _environment(AWS_ENDPOINT_URL_CLOUDFRONT=control.url),
            origin(shop, "public", first),
            cdn(folder / "edge-cdn", first, free_port()) as edge,
            running(shop, "watch"),
        ):
            eventually((shop / "public" / "index.html").exists, "the first build")
            for number in range(_EDITS):
                say(shop, text := f"Edge {number}")
                begin = time.perf_counter()
                for path in ("index.html", "banner.json", "splash.html"):
                    eventually(partial(says, f"{edge}/{path}", text), path)
                times.append(time.perf_counter() - begin)
                time.sleep(2)
            eventually(lambda: control.log, "a failed invalidation")
    return [
        Figure(
            f"saved -> read through a cache, {_EDITS} edits, each of {len(control.log)} invalidations failing",
            "<= 15 s",
            f"longest {max(times):.1f} s",
            max(times) <= 15,
        )
    ]


def without_an_origin(folder: Path) -> list[Figure]:
    """Take the origin away and let everything run out; then a cache that is empty, and the second origin alone."""
    second = "  - {name: second, type: directory, path: public-b}\n"
    local = "targets:\n  - {name: local, type: directory, path: public}\n"
    shop, ports = write_shop(folder / "gone", local + second), (free_port(), free_port())
    subprocess.run([sys.executable, "-m", "meaculpa", "-C", str(shop), "publish"], check=True, capture_output=True)
    with cdn(folder / "gone-cdn", *ports) as edge:
        with origin(shop, "public", ports[0]):
            for path in SURFACES:
                get(f"{edge}/{path}")
        time.sleep(_FRESH_SECONDS)
        kept = sum(bool(_answer(f"{edge}/{path}")[0]) for path in SURFACES)
    with origin(shop, "public-b", ports[1]), cdn(folder / "cold-cdn", *ports) as edge:
        cold = [_answer(f"{edge}/{path}") for path in SURFACES]
    served, longest = sum(bool(text) for text, _ in cold), max(took for _, took in cold)
    return [
        Figure(
            f"origin gone, all copies past their time: of {len(SURFACES)} surfaces still served; "
            "from an empty cache by the second origin",
            "all; all, <= 1 s",
            f"{kept}; {served}, longest {longest:.3f} s",
            kept == served == len(SURFACES) and longest <= 1,
        )
    ]


def _answer(address: str) -> tuple[str, float]:
    begin = time.perf_counter()
    try:
        return get(address), time.perf_counter() - begin
    except (urllib.error.URLError, TimeoutError):
        return "", time.perf_counter() - begin


def claims(folder: Path, count: int) -> list[Figure]:
    """Visit a shop around the end of a watcher's promise, with clocks that are wrong by up to five minutes."""
    chance, wrong, past = random.Random(9), 0, 0
    host = Server()
    host.files = dict(_site(folder, host.url))
    state = json.loads(host.files["banner.json"].body)
    with open_shop(folder / "claims-shop", host.url) as shop, sync_playwright() as playwright:
        address = shop.install(install_line(host.url))
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(timezone_id="Europe/London").new_page()
        page.clock.install(time=NOW)
        for _ in range(count):
            at = NOW + timedelta(seconds=chance.randint(-1_200, 1_200))
            skew = timedelta(seconds=chance.randint(-300, 300))
            is_past = at >= NOW
            past += is_past
            wrong += is_past is not _is_doubted(page, host, address, state, at, skew)
        browser.close()
    host.close()
    return [
        Figure(
            f"{count:,} visits around the end of a watcher's promise, clocks wrong by up to 5 minutes: "
            "claimed past it, or doubted before it",
            "0",
            f"{wrong} ({past} visits were past it)",
            wrong == 0 and 0 < past < count,
        )
    ]


def _site(folder: Path, url: str) -> dict[str, Any]:
    text = incident_text("components:\n  checkout: major_outage\nsummary: Card payments fail.\n")
    root = write_project(folder / "claims", **{"2026-11-22-card": text})
    (root / "meaculpa.yml").write_bytes(CONFIG + b"banner: {poll_seconds: 10}\n")
    memory = Memory()
    done = build(read_project(root), NOW - timedelta(hours=1), memory, site_url=url)
    memory.pool.close()
    return dict(done.files)


def _is_doubted(page: Page, host: Server, address: str, state: dict[str, Any], at: datetime, skew: timedelta) -> bool:
    """Whether a visitor who comes at this moment, with a clock that is wrong, is told that it may be out of date."""
    told = {**state, "at": _stamp(at - timedelta(minutes=30)), "valid_until": _stamp(NOW)}
    date = f"{at.astimezone(UTC):%a, %d %b %Y %H:%M:%S} GMT"
    headers = {"Content-Type": "application/json", "Date": date, "Access-Control-Expose-Headers": "Date, Age"}
    host.answers["banner.json"] = (200, headers, json.dumps(told).encode())
    page.clock.set_fixed_time(at + skew)
    page.goto(address)
    _until_shown(page, lambda: "meaculpa.state.at === " + json.dumps(told["at"]))
    doubt = page.get_by_text("This may be out of date.").count() == 1
    claimed = bool(page.evaluate("Object.keys(meaculpa.state.components).length"))
    return doubt and not claimed


def _until_shown(page: Page, question: Callable[[], str]) -> None:
    for _ in itertools.repeat(None, 200):
        if page.evaluate(f"!!window.meaculpa && !!meaculpa.state && {question()}"):
            return
        page.wait_for_timeout(10)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def told_failures(folder: Path, url: str) -> list[Figure]:
    """Publish to targets that fail in every way that a command can end with; each says where, why and what next."""
    make_bucket(url, "told")
    nobody = f"http://127.0.0.1:{free_port()}"
    places = {
        "nobody answers": s3_target("primary", "told", nobody),
        "no such bucket": s3_target("primary", "not-there", url),
        "a folder that is a file": "targets:\n  - {name: primary, type: directory, path: taken}\n",
    }
    slowest, silent = 0.0, []
    for name, target in places.items():
        shop = write_shop(folder / f"told-{name.replace(' ', '-')}", target)
        (shop / "taken").write_text("a file")
        command = [sys.executable, "-m", "meaculpa", "-C", str(shop), "publish"]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        slowest = max(slowest, time.perf_counter() - begin)
        if done.returncode != 3 or "primary: " not in done.stderr or "Traceback" in done.stderr:
            silent.append(name)
    return [
        Figure(
            f"{len(places)} targets that fail: not said, or not by exit code 3",
            "none, <= 5 s",
            f"{', '.join(silent) or 'none'}, longest {slowest:.1f} s",
            not silent and slowest <= 5,
        )
    ]
