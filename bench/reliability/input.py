"""Trials of hostile input: what a file may cost, and what a text may do."""

import os
import random
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.browser.test_hostile import A_PAGE, judge
from tests.conftest import find_browser
from tests.hostile import FILES, FIRING, payload
from tests.making import CONFIG, incident_text, write_project

from meaculpa.render.markup import render_markup
from reliability.figures import Figure

_MISTAKES = Path(__file__).parents[2] / "tests" / "mistakes"


def hostile_files(folder: Path) -> list[Figure]:
    """Check a project with one hostile file beside a good one, for each kind: seconds and memory of the process."""
    worst, memory, held_up = ("", 0.0), 0.0, []
    # What it takes without a hostile file differs by more than it should be compared with.
    shops = [write_project(folder / f"bare-{number}", good=incident_text()) for number in range(5)]
    bare = statistics.median(_cost(shop)[0] for shop in shops)
    for number, (name, text) in enumerate(FILES.items()):
        shop = write_project(folder / f"hostile-{number}", good=incident_text(), bad=text)
        took, peak = _cost(shop)
        memory = max(memory, peak)
        worst = max(worst, (name, took - bare), key=lambda one: one[1])
        if not (shop / "public" / "incidents" / "good.html").exists():
            held_up.append(name)
    return [
        Figure(
            f"{len(FILES)} hostile files of up to 64 KB: longest, most memory of a process, others held up",
            "refused after 2 s, <= 300 MB, none",
            f"{worst[1]:.2f} s more than without it ({worst[0]}), {memory:.0f} MiB, {', '.join(held_up) or 'none'}",
            # To the budget comes what it takes to end the process.
            worst[1] <= 2.5 and memory <= 300 and not held_up,
        )
    ]


def _cost(shop: Path) -> tuple[float, float]:
    begin = time.perf_counter()
    command = [sys.executable, "-m", "meaculpa", "-C", str(shop), "publish", "--keep-going"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return time.perf_counter() - begin, max(usage.ru_maxrss, children) / 1024


def fuzzed(folder: Path, seconds: int) -> list[Figure]:
    """Let a coverage-guided fuzzer look for an input that breaks whatever reads files of others."""
    corpus = folder / "corpus"
    corpus.mkdir()
    incidents = [path.read_bytes() for path in sorted(_MISTAKES.glob("*.md"))]
    seeds = [
        *(bytes([0]) + text.format(n=0).encode() for text in FIRING),
        *(b"\1" + one for one in incidents),
    ]
    seeds += [b"\3" + CONFIG, b"\4/old.html: index.html\n", b"\0052026-11-22 09:20,1.5\n"]
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    command = [sys.executable, "-m", "reliability.fuzz", str(seconds), str(corpus)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    runs = re.search(r"Done (\d+) runs", done.stderr)
    if done.returncode:
        print(done.stderr[-4_000:], file=sys.stderr)
    return [
        Figure(
            f"{seconds / 60:.0f} minutes of coverage-guided fuzzing of whatever reads files of others: findings",
            "0",
            f"{int(done.returncode != 0)} ({int(runs[1]) if runs else 0:,} inputs)",
            done.returncode == 0 and runs is not None,
        )
    ]


def hostile_texts(count: int) -> list[Figure]:
    """Show generated and mutated texts to a real browser that no policy helps, rendered and raw."""
    chance, ran, wrong, raw = random.Random(22), 0, 0, 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(bypass_csp=True).new_page()
        # Links lead somewhere only from a page that has an address.
        page.route("**", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto("http://status.northwind.example/")
        for begin in range(0, count, A_PAGE):
            texts = [payload(number, chance) for number in range(begin, begin + A_PAGE)]
            hits, bad = judge(page, [render_markup(text).html for text in texts])
            ran, wrong = ran + len(set(hits)), wrong + len(bad)
        for number in range(500):
            hits, _ = judge(page, [FIRING[number % len(FIRING)].format(n=number)])
            raw += bool(hits)
        browser.close()
    return [
        Figure(
            f"{count:,} hostile texts in Chromium without a policy: run, restyled; the same kinds raw, of 500: run",
            "0, 0; most",
            f"{ran}, {wrong}; {raw}",
            ran == wrong == 0 and raw > 400,
        )
    ]
