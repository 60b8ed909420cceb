"""Atlassian's own status widget, unmodified, on a page that knows nothing of us: it reads our JSON."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from meaculpa.build.composition import Build
from tests.browser.conftest import Server
from tests.making import incident_text
from tests.programs import tool

OPEN = "## 2026-11-22 09:20 UTC investigating\n\nYou cannot pay by card.\n"
OVER = f"{OPEN}\n## 2026-11-22 09:30 UTC resolved\n\nYou could not pay by card from 09:20 to 09:30 UTC.\n"


def planned(starts: str, ends: str) -> str:
    front = f"kind: maintenance\nstarts: 2026-11-22 {starts} UTC\nends: 2026-11-22 {ends} UTC\n"
    front += "components:\n  checkout: under_maintenance\n"
    return incident_text(front, "## 2026-11-20 09:20 UTC scheduled\n\nYou cannot order.\n")


@pytest.mark.parametrize(
    ("text", "indicator", "words"),
    [
        (incident_text(updates=OVER), "none", "All Systems Operational"),
        (incident_text("impact: minor\n", OPEN), "minor", "Minor Service Outage"),
        (incident_text("impact: major\n", OPEN), "major", "Partial System Outage"),
        (incident_text("impact: critical\n", OPEN), "critical", "Major Service Outage"),
        (planned("15:00", "17:00"), "none", "All Systems Operational"),
        (planned("09:00", "17:00"), "maintenance", "Service Under Maintenance"),
        (planned("06:00", "08:00"), "none", "All Systems Operational"),
    ],
)
def test_the_widget_shows_every_state(
    browser: Browser,
    shop: Server,
    status_host: Server,
    build_site: Callable[..., Build],
    text: str,
    indicator: str,
    words: str,
) -> None:
    status_host.files = dict(build_site(status_host.url, {"card": text}).files)
    script = tool("status-widget") / "node_modules" / "@statuspage" / "status-widget" / "dist" / "index.js"
    shop.answers["widget.js"] = (200, {"Content-Type": "text/javascript"}, script.read_bytes())
    html = f'<statuspage-widget src="{status_host.url}"></statuspage-widget><script src="/widget.js"></script>'
    shop.answers["checkout"] = (200, {"Content-Type": "text/html"}, html.encode())
    page = browser.new_page()
    page.goto(f"{shop.url}/checkout")
    widget = page.locator("statuspage-widget")
    expect(widget).to_contain_text(words)
    expect(widget.locator(f".status-indicator.{indicator}")).to_have_count(1)
    page.close()
