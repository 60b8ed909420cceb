"""Measures how long after a save the live desk shows it, in real Chromium: `python bench/desk.py`.

Each save changes a title of the sample shop, or of a made-up archive with -n; the time ends when status page, banner
and splash page on the desk all say the new one.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.conftest import find_browser
from tests.live import running
from tests.test_serve import address

from corpus import NOW, write_project
from frontend import FLAGS
from meaculpa.project import read_scaffold
from meaculpa.render.scaffold import sample_shop

SAVES = 40
PAUSE = 0.5
# Looks in the page itself, so that looking costs little; `shown` is the moment by the clock that Python has, too.
LOOK = """(text) => {
  const says = (pane) => {
    const page = document.querySelector(`#${pane} iframe:not(.coming)`)?.contentDocument;
    const place = pane === "storefront" ? page?.querySelector("meaculpa-banner")?.shadowRoot : page?.body;
    return place?.textContent.includes(text);
  };
  const look = () => {
    if (["status", "storefront", "splash"].every(says)) window.shown = Date.now() / 1e3;
    else setTimeout(look, 5);
  };
  window.shown = 0;
  look();
}"""


def write_sample(folder: Path) -> Path:
    """Write the sample shop; gives the incident that is edited."""
    gitignore = read_scaffold("project")["gitignore"]
    for path, content in sample_shop(read_scaffold("sample"), gitignore, NOW).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for translation in folder.glob("incidents/*.de.md"):
        translation.unlink()
    return next(folder.glob("incidents/*-card-payments.md"))


def write_archive(folder: Path, count: int) -> Path:
    """Write an archive, and in it a grave incident that is open; gives that one."""
    write_project(folder, count)
    path = folder / "incidents" / f"{NOW:%Y-%m-%d}-edited.md"
    begun = f"{NOW:%Y-%m-%d} 09:00 UTC"
    text = f"---\ntitle: You cannot pay\nimpact: critical\n---\n\n## {begun} investigating\n\nYou cannot pay.\n"
    path.write_text(text, encoding="utf-8")
    return path


def seconds_until_shown(page: Page, path: Path, number: int) -> float:
    """Save another title; gives the seconds until all of the desk says it."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    title = f"You cannot pay since save {number}"
    # The summary would stand in the title's place on the banner.
    kept = [line for line in lines if not line.startswith("summary:")]
    text = "".join(f"title: {title}\n" if line.startswith("title:") else line for line in kept)
    page.evaluate(LOOK, title)
    begin = time.time()
    path.write_text(text, encoding="utf-8")
    while not page.evaluate("window.shown"):
        time.sleep(PAUSE)
    return float(page.evaluate("window.shown")) - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=0, help="incidents of a made-up archive; without it the sample shop")
    count = parser.parse_args().n
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        project = Path(place) / "shop"
        path = write_archive(project, count) if count else write_sample(project)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        with running(project, "serve", "--port", "0", "--now", f"{NOW:%Y-%m-%d %H:%M}") as command:
            page = browser.new_page(viewport={"width": 1366, "height": 860})
            page.goto(f"{address(command)}/__desk/")
            page.locator("#splash iframe:not(.coming)").wait_for()
            measured = []
            for number in range(SAVES):
                measured.append(seconds_until_shown(page, path, number))
        browser.close()
    measured.sort()
    of = f"{count:,} incidents" if count else "the sample shop"
    print(f"saved -> shown on the live desk, {of}: median {statistics.median(measured):.3f} s,", end=" ")
    print(f"longest {measured[-1]:.3f} s of {SAVES}")


if __name__ == "__main__":
    main()
