"""The pages in a real browser: readable without scripts, by everybody, in light and dark, on a phone."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from tests.browser.conftest import Server, storefront
from tests.making import CONFIG, at, incident_text, write_project

PATHS = [
    "index.html",
    "de/index.html",
    "incidents/2026-11-22-card-payments.html",
    "incidents/2026-11-01-shop-did-not-open.html",
    "history.html",
    "follow.html",
    "de/follow.html",
    "history/2026-11.html",
    "404.html",
    "splash.html",
]


def open_page(browser: Browser, url: str, **context: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(**context).new_page()
    page.route("https://status.northwind.example/**", lambda route: route.fulfill(status=404))
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if message.type == "error" and "404" not in message.text else None
        ),
    )
    page.goto(url)
    return page, problems


@pytest.fixture(autouse=True)
def served(status_host: Server, sample_build: Build) -> Server:
    status_host.files = dict(sample_build.files)
    return status_host


@pytest.fixture(scope="module")
def many_languages(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> Build:
    root = write_project(
        tmp_path_factory.mktemp("shop"), card=incident_text("components:\n  checkout: partial_outage\n")
    )
    config = CONFIG.replace(b"locales: [en, de]", b"locales: [en, ar, he, ja, pl]")
    (root / "meaculpa.yml").write_bytes(config)
    return build(read_project(root), at("2026-11-22 12:00"), memory)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_and_nothing_is_logged(browser: Browser, served: Server, path: str, scheme: str) -> None:
    page, problems = open_page(browser, f"{served.url}/{path}", color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
    assert problems == []
    page.context.close()


@pytest.mark.parametrize(
    "path", ["index.html", "incidents/2026-11-22-card-payments.html", "history.html", "splash.html"]
)
@pytest.mark.parametrize("way", ["forced colours", "right to left", "tiny"])
def test_axe_finds_nothing_however_it_is_seen(browser: Browser, served: Server, path: str, way: str) -> None:
    if way == "tiny":
        path = "splash.tiny.html"
    page, problems = open_page(browser, f"{served.url}/{path}", forced_colors="active" if way[0] == "f" else "none")
    if way == "right to left":
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
    assert problems == []
    page.context.close()


@pytest.mark.parametrize("locale", ["ar", "he", "ja", "pl"])
@pytest.mark.parametrize("width", [390, 1366])
def test_axe_finds_nothing_in_other_languages(
    browser: Browser, status_host: Server, many_languages: Build, locale: str, width: int
) -> None:
    status_host.files = dict(many_languages.files)
    for name in ("index.html", "follow.html", "history.html", "incidents/card.html"):
        url = f"{status_host.url}/{locale}/{name}"
        page, problems = open_page(browser, url, viewport={"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
        assert problems == []
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_page_of_the_shop_with_a_banner(
    browser: Browser, served: Server, shop: Server, scheme: str
) -> None:
    served.answers["banner.js"] = (200, {"Content-Type": "text/javascript"}, served.files["banner.js"].body)
    status, headers, body = storefront(served.url)
    shop.answers["checkout"] = (
        status,
        headers,
        body.replace(b"<h1>", b"<main><h1>").replace(b"</button>", b"</button></main>"),
    )
    page = browser.new_context(color_scheme="dark" if scheme == "dark" else "light").new_page()
    page.clock.set_fixed_time("2026-11-22T09:36:00Z")
    page.goto(f"{shop.url}/checkout")
    page.locator("meaculpa-banner").wait_for()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
    page.context.close()


@pytest.mark.parametrize("width", [320, 390, 1366])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_wider_than_the_screen(browser: Browser, served: Server, path: str, width: int) -> None:
    page, _ = open_page(browser, f"{served.url}/{path}", viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_the_status_page_is_one_request(browser: Browser, served: Server) -> None:
    page, _ = open_page(browser, f"{served.url}/index.html")
    page.wait_for_load_state("networkidle")
    assert served.asked == ["index.html"]
    page.context.close()


def test_times_are_utc_without_scripts_and_local_with_them(browser: Browser, served: Server) -> None:
    url = f"{served.url}/index.html"
    plain, _ = open_page(browser, url, java_script_enabled=False)
    assert plain.locator("dd time").first.inner_text() == "22 Nov 2026, 09:02 UTC"
    plain.context.close()
    tokyo, problems = open_page(browser, url, timezone_id="Asia/Tokyo", locale="en-GB")
    assert tokyo.locator("dd time").first.inner_text().startswith("22 Nov 2026, 18:02 ")
    assert problems == []
    tokyo.context.close()


def test_a_promise_that_is_broken_while_nobody_publishes_is_said(browser: Browser, served: Server) -> None:
    page = browser.new_page()
    for clock, is_late in (("09:40", False), ("10:30", True)):
        page.clock.set_fixed_time(f"2026-11-22T{clock}:00Z")
        page.goto(f"{served.url}/incidents/2026-11-22-card-payments.html")
        assert page.get_by_text("We promised an update by").is_visible() is is_late
        assert page.get_by_text("Next update by").is_visible() is not is_late
    page.close()


def test_without_scripts_everything_is_there(browser: Browser, served: Server) -> None:
    page, _ = open_page(browser, f"{served.url}/index.html", java_script_enabled=False)
    for text in ("You cannot pay by card", "Next update by", "Card payments", "The last 14 days"):
        assert page.get_by_text(text).first.is_visible()
    page.context.close()


def test_in_print_links_show_their_address(browser: Browser, served: Server) -> None:
    page, _ = open_page(browser, f"{served.url}/index.html")
    page.emulate_media(media="print")
    assert not page.locator(".shop").is_visible()
    page.context.close()


@pytest.mark.parametrize(
    ("locale", "heading"), [("de-AT", "Es tut uns leid"), ("en-US", "We are sorry"), ("fr", "We are sorry")]
)
def test_the_splash_page_speaks_the_visitors_language(
    browser: Browser, served: Server, locale: str, heading: str
) -> None:
    page, problems = open_page(browser, f"{served.url}/splash.html", locale=locale)
    assert page.locator("h1:visible").inner_text().startswith(heading)
    assert page.locator("h1:visible").count() == 1
    assert problems == []
    page.context.close()


def test_a_shop_whose_address_begins_like_the_status_hosts_is_tried_again(
    browser: Browser, served: Server, shop: Server
) -> None:
    file = served.files["splash.html"]
    body = file.body.replace(b"data-retry=120 data-spread=180", b"data-retry=0.05 data-spread=0")
    body = re.sub(rb'data-status="[^"]*"', f'data-status="{shop.url}@status.example"'.encode(), body)
    shop.answers["basket"] = (503, {"Content-Type": "text/html"}, body)
    page = browser.new_page()
    page.goto(f"{shop.url}/basket")
    page.wait_for_timeout(500)
    assert shop.asked.count("basket") > 1
    page.close()


def test_the_splash_page_brings_the_shop_back_with_a_get(browser: Browser, served: Server, shop: Server) -> None:
    """It answered a POST; what it tries again is the address, never the order."""
    file = served.files["splash.html"]
    body = file.body.replace(b"data-retry=120 data-spread=180", b"data-retry=0.05 data-spread=0")
    assert body != file.body
    shop.answers["order"] = (200, {"Content-Type": "text/html"}, b"<!doctype html><h1>Shop</h1>")
    page = browser.new_page()
    methods: list[str] = []
    page.on("request", lambda request: methods.append(request.method))
    page.route(
        "**/order",
        lambda route: (
            route.fulfill(status=503, content_type="text/html", body=body)
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.goto(f"{shop.url}/nothing#fragment")
    page.evaluate(
        "url => { const f = document.createElement('form'); f.method = 'post'; f.action = url;"
        " document.body.append(f); f.submit(); }",
        f"{shop.url}/order",
    )
    page.get_by_role("heading", name="Shop", exact=True).wait_for()
    assert methods.count("POST") == 1
    page.close()
