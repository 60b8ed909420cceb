"""Measures what the browser's side costs: banner, status page, splash page.

Real Chromium, a real nginx as the shop under the strictest policy, medians of several cold loads. With --lighthouse
it also audits the pages. `make bench-frontend` fetches Lighthouse into .tools/ and runs it.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.conftest import NOW, Server
from tests.browser.shop import Shop, install_line, open_shop
from tests.conftest import find_browser

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project, read_scaffold
from meaculpa.render.scaffold import sample_shop
from sizes import large_shop, sizes, written

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
RUNS = 15
SHIFT_RUNS = 50
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
PAGES = ("index.html", "incidents/2026-11-22-card-payments.html", "history.html", "splash.html", "splash.tiny.html")
WATCH = """
window.shifts = 0;
window.long = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) shifts += one.value })
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => { long += list.getEntries().length }).observe({type: "longtask", buffered: true});
new MutationObserver(() => {
  const banner = document.querySelector("meaculpa-banner");
  if (banner && !window.appeared) window.appeared = performance.now();
}).observe(document, {childList: true, subtree: true});
"""


def row(name: str, value: object, goal: str) -> None:
    print(f"{name:<62} {value!s:>14}   {goal}")


@contextmanager
def cold_page(browser: Browser, width: int = 390, slow: bool = False) -> Iterator[Page]:
    """A page of somebody who has never been here, at the moment of the sample."""
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    # Not by Playwright's clock, which would replace the timings as well.
    page.add_init_script(f"Date.now = () => {NOW.timestamp() * 1000:.0f};{WATCH}")
    if slow:
        session = context.new_cdp_session(page)
        session.send("Network.emulateNetworkConditions", SLOW)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield page
    context.close()


def timings(page: Page) -> dict[str, float]:
    found = page.evaluate(
        "() => { const one = performance.getEntriesByType('navigation')[0];"
        " return { load: one.loadEventEnd, ready: one.domContentLoadedEventEnd,"
        " paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime || 0 } }"
    )
    return {name: float(value) for name, value in found.items()}


def banner_costs(browser: Browser, shop: Shop, status: Server) -> None:
    line = install_line(status.url)
    plain = shop.install("", "plain")
    with_banner = shop.install(line)
    shifts, long_tasks = [], []
    for width in (390, 1366):
        for _ in range(SHIFT_RUNS):
            with cold_page(browser, width) as page:
                page.goto(with_banner)
                page.locator("meaculpa-banner").wait_for()
                page.wait_for_timeout(100)
                shifts.append(page.evaluate("shifts"))
                long_tasks.append(page.evaluate("long"))
    row(f"layout shift, worst of {len(shifts)} cold loads at 390 and 1366 px", max(shifts), "0")
    row("long tasks, median of the same loads", round(statistics.median(long_tasks)), "0")
    after = []
    for _ in range(RUNS):
        with cold_page(browser, slow=True) as page:
            page.goto(with_banner)
            page.locator("meaculpa-banner").wait_for()
            after.append(page.evaluate("appeared") - timings(page)["paint"])
    row("banner after first paint, ms (150 ms, 1.6 Mbit/s, CPU / 4)", round(statistics.median(after)), "<= 200")
    costs: dict[str, list[float]] = {"load": [], "ready": [], "paint": []}
    status.hanging = {"*"}
    for _ in range(RUNS):
        both = []
        for address in (plain, with_banner):
            with cold_page(browser) as page:
                page.goto(address)
                page.wait_for_timeout(50)
                both.append(timings(page))
        for name, values in costs.items():
            values.append(both[1][name] - both[0][name])
    status.hanging = set()
    row("status host hangs: load event later by, ms (paired)", round(statistics.median(costs["load"]), 1), "<= 50")
    row("status host hangs: first paint later by, ms (paired)", round(statistics.median(costs["paint"]), 1), "<= 20")
    row("status host hangs: DOM ready later by, ms (paired)", round(statistics.median(costs["ready"]), 1), "<= 20")
    row("requests before the first display", requests_before_display(browser, with_banner, status), "1")


def requests_before_display(browser: Browser, address: str, status: Server) -> int:
    """How many requests to the status host began before the banner was there."""
    with cold_page(browser) as page:
        page.goto(address)
        page.locator("meaculpa-banner").wait_for()
        began = "url => performance.getEntriesByType('resource')"
        ours = ".filter((one) => one.name.startsWith(url) && one.startTime < appeared).length"
        return int(page.evaluate(began + ours, status.url))


def evaluation(browser: Browser, status: Server, code: str) -> float:
    """Milliseconds to run the banner's code and draw, at a quarter of the speed."""
    status.answers["checkout"] = (200, {"Content-Type": "text/html"}, b"<!doctype html><title>x</title><h1>x</h1>")
    script = "code => { const begin = performance.now(); (0, eval)(code); return performance.now() - begin }"
    times = []
    for _ in range(RUNS):
        with cold_page(browser, slow=True) as page:
            page.goto(f"{status.url}/checkout")
            times.append(page.evaluate(script, code))
            assert page.locator("meaculpa-banner").count() == 1
    return float(statistics.median(times))


def violations(browser: Browser, status: Server) -> int:
    count = 0
    for path in PAGES:
        for scheme, forced in (("light", "none"), ("dark", "none"), ("light", "active")):
            page = browser.new_context(color_scheme=scheme, forced_colors=forced).new_page()  # type: ignore[arg-type]
            page.goto(f"{status.url}/{path}")
            count += len(Axe().run(page).response["violations"])
            page.context.close()
    return count


def lighthouse(url: str) -> str:
    """The four scores of a page on a phone: performance, accessibility, best practices, SEO."""
    tool = Path(__file__).parents[1] / ".tools" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
    command = [str(tool), url, "--quiet", "--output=json", f"--chrome-flags=--headless=new {' '.join(FLAGS)}"]
    environment = {
        "CHROME_PATH": str(find_browser()),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": tempfile.gettempdir(),
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:40]
    return " ".join(str(round(100 * (one["score"] or 0))) for one in json.loads(done.stdout)["categories"].values())


def built(root: Path, files: dict[str, bytes], url: str, memory: Memory) -> Build:
    written(root, files)
    return build(read_project(root), NOW, memory, site_url=url)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lighthouse", action="store_true", help="audit the pages as well")
    wanted = arguments.parse_args()
    for size in sizes():
        row(size.name, f"{size.measured:,}", f"<= {size.limit:,} {size.unit}")
    status = Server()
    memory = Memory()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        Path(folder).chmod(0o755)
        sample = built(Path(folder) / "sample", sample_shop(read_scaffold("sample"), b"", NOW), status.url, memory)
        status.files = {**sample.files}
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=[*FLAGS, "--disable-component-update"]
        )
        with open_shop(Path(folder) / "shop", status.url) as shop:
            banner_costs(browser, shop, status)
            if wanted.lighthouse:
                row(
                    "Lighthouse: a shop page with the banner",
                    lighthouse(shop.install(install_line(status.url))),
                    "100 x 4",
                )
        row(
            "banner code, run and drawn, ms (CPU / 4)",
            round(evaluation(browser, status, sample.files["banner.js"].body.decode()), 1),
            "<= 10",
        )
        row("axe: findings on 5 pages, light, dark, forced colours", violations(browser, status), "0")
        browser.close()
        if wanted.lighthouse:
            large = built(Path(folder) / "large", large_shop(), status.url, memory)
            for path in PAGES:
                row(f"Lighthouse: {path}", lighthouse(f"{status.url}/{path}"), "100 x 4")
            status.files = {**large.files}
            row("Lighthouse: the large status page", lighthouse(f"{status.url}/index.html"), "100 x 4")
    memory.pool.close()
    status.close()


if __name__ == "__main__":
    main()
