"""A status page that stays open is renewed in place: nobody loses their place, no failure takes it away."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from meaculpa.build.composition import Build
from meaculpa.publish.stamp import Stamp, with_stamp
from tests.browser.conftest import NOW, Server, stop_clock
from tests.live import eventually
from tests.making import CONFIG, at, incident_text

Builder = Callable[..., Build]
PARTS = "components: {checkout: partial_outage}\n"
PAST = incident_text(
    PARTS,
    "## 2026-11-20 09:20 UTC investigating\n\nx\n\n## 2026-11-20 11:20 UTC resolved\n\nx\n",
    title="It was slow",
)
CARD = incident_text(PARTS)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    stop_clock(page, NOW)
    yield page
    assert wrong == []
    context.close()


@pytest.fixture
def publish(status_host: Server, build_site: Builder) -> Callable[..., None]:
    def make(config: bytes = CONFIG, **incidents: str) -> None:
        status_host.files = dict(build_site(status_host.url, incidents, config).files)

    return make


def renew(page: Page, status_host: Server, path: str = "index.html") -> None:
    """Let a minute pass, and what is fetched then arrive."""
    asked = status_host.asked.count(path)
    page.clock.run_for(75_000)
    eventually(lambda: status_host.asked.count(path) > asked, "the page looks again")
    page.wait_for_timeout(300)


def test_what_has_the_focus_keeps_it_and_what_is_open_stays_open(
    page: Page, status_host: Server, publish: Callable[..., None]
) -> None:
    publish(past=PAST, card=CARD)
    page.goto(f"{status_host.url}/index.html")
    page.wait_for_load_state("networkidle")
    assert status_host.asked == ["index.html"], "nobody pays for it who does not stay"
    page.locator("details summary").first.click()
    page.locator("#recent a", has_text="It was slow").focus()
    page.evaluate("window.kept = document.activeElement")
    page.evaluate("window.list = document.querySelector('details')")
    page.evaluate("scrollTo(0, 300)")
    worse = incident_text(PARTS.replace("partial", "major") + "impact: critical\n", title="Nobody can order")
    publish(past=PAST, card=CARD + "\n## 2026-11-22 09:35 UTC identified\n\nWe know why.\n", worse=worse)
    renew(page, status_host)
    expect(page.get_by_role("heading", name="Nobody can order")).to_be_visible()
    expect(page.get_by_text("We know why.")).to_be_visible()
    assert page.evaluate("document.activeElement === kept && kept.isConnected")
    assert page.evaluate("document.querySelector('details') === list && list.open")
    assert page.title().startswith("An essential part of the shop is not working")
    assert "%23c0271d" in str(page.locator("link[rel=icon]").get_attribute("href")), (
        "the icon is that of the new state"
    )
    times = page.locator("time").all_inner_texts()
    assert all("UTC" in text or "GMT" in text for text in times)
    publish(
        past=PAST,
        card=CARD + "\n## 2026-11-22 09:36 UTC resolved\n\nIt works.\n",
        worse=worse.replace("---\n\n", "draft: true\n---\n\n", 1),
    )
    renew(page, status_host)
    expect(page.locator("article")).to_have_count(0)
    expect(page.get_by_role("heading", name="Everything in the shop works")).to_be_visible()


def test_a_page_with_no_news_is_not_touched(page: Page, status_host: Server, publish: Callable[..., None]) -> None:
    publish(past=PAST, card=CARD)
    page.goto(f"{status_host.url}/index.html")
    page.evaluate(
        "() => { window.changes = 0; new MutationObserver((list) => (changes += list.length))"
        ".observe(document.querySelector('main'), {childList: true, subtree: true, attributes: true,"
        " characterData: true}) }"
    )
    renew(page, status_host)
    assert page.evaluate("changes") == 0


@pytest.mark.parametrize(
    "answer",
    [
        (503, {"Content-Type": "text/html"}, b"<!doctype html><main>busy</main>"),
        (200, {"Content-Type": "text/html"}, b"<!doctype html><p>Please log in to this network"),
        (0, {}, b""),
    ],
    ids=["error", "portal", "cut"],
)
def test_an_answer_that_is_not_the_page_takes_nothing_away(
    page: Page, status_host: Server, publish: Callable[..., None], answer: tuple[int, dict[str, str], bytes]
) -> None:
    publish(card=CARD)
    page.goto(f"{status_host.url}/index.html")
    status_host.answers["index.html"] = answer
    renew(page, status_host)
    expect(page.get_by_role("heading", name="You cannot pay by card")).to_be_visible()
    asked = status_host.asked.count("index.html")
    page.clock.run_for(80_000)
    page.wait_for_timeout(200)
    assert status_host.asked.count("index.html") == asked, "it looks again after a longer pause"


def test_a_page_of_an_open_incident_is_renewed_and_one_that_is_over_is_not(
    page: Page, status_host: Server, publish: Callable[..., None]
) -> None:
    publish(past=PAST, card=CARD)
    page.goto(f"{status_host.url}/incidents/card.html")
    publish(past=PAST, card=CARD + "\n## 2026-11-22 09:35 UTC identified\n\nWe know why.\n")
    renew(page, status_host, "incidents/card.html")
    expect(page.get_by_text("We know why.")).to_be_visible()
    page.goto(f"{status_host.url}/incidents/past.html")
    page.wait_for_load_state("networkidle")
    asked = len(status_host.asked)
    page.clock.run_for(600_000)
    page.wait_for_timeout(200)
    assert len(status_host.asked) == asked


def test_a_new_look_is_loaded_whole(page: Page, status_host: Server, publish: Callable[..., None]) -> None:
    publish(card=CARD)
    page.goto(f"{status_host.url}/index.html")
    page.evaluate("window.old = true")
    publish(CONFIG + b'brand: {accent: "#ff0000"}\n', card=CARD)
    renew(page, status_host)
    page.wait_for_function("!window.old")


def test_a_style_that_an_extension_put_first_is_no_new_look(
    browser: Browser, status_host: Server, publish: Callable[..., None]
) -> None:
    """Extensions stand above a page's policy."""
    publish(card=CARD)
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    stop_clock(page, NOW)
    page.goto(f"{status_host.url}/index.html")
    page.evaluate("() => { window.old = true; document.head.prepend(document.createElement('style')) }")
    renew(page, status_host)
    assert page.evaluate("window.old")
    context.close()


def test_a_promise_that_is_broken_while_nobody_publishes_is_told(
    page: Page, status_host: Server, publish: Callable[..., None]
) -> None:
    publish(card=CARD.replace("investigating\n", "investigating\nnext_update: 2026-11-22 10:00 UTC\n"))
    page.goto(f"{status_host.url}/index.html")
    late = page.get_by_text("We promised an update by")
    expect(late).to_be_hidden()
    status_host.answers["index.html"] = (0, {}, b"")
    page.clock.run_for(26 * 60_000)
    expect(late).to_be_visible()


STALE = "This may be out of date."


def stamped(status_host: Server, until: str) -> None:
    """Give the published state a stamp, as a watcher does."""
    file = status_host.files["banner.json"]
    stamp = Stamp(at("2026-11-22 09:30"), at(until))
    status_host.files = {**status_host.files, "banner.json": with_stamp(file, stamp)}


@pytest.fixture
def promised(page: Page, status_host: Server, publish: Callable[..., None]) -> Iterator[None]:
    """A page that has been open for a minute, with a promise until 09:40 by the server's clock, at 09:36."""
    publish(card=CARD)
    stamped(status_host, "2026-11-22 09:40")
    status_host.headers = {"Date": "Sun, 22 Nov 2026 09:36:00 GMT"}
    page.goto(f"{status_host.url}/index.html")
    renew(page, status_host)
    yield
    status_host.headers = {}


def test_a_page_that_nobody_answers_for_any_more_says_so_and_takes_it_back(
    page: Page, status_host: Server, promised: None
) -> None:
    assert page.get_by_text(STALE).count() == 0
    status_host.headers = {"Date": "Sun, 22 Nov 2026 09:45:00 GMT"}
    for _ in range(2):
        renew(page, status_host)
        expect(page.get_by_text(STALE)).to_have_count(1)
    stamped(status_host, "2026-11-22 10:40")
    renew(page, status_host)
    expect(page.get_by_text(STALE)).to_have_count(0)


def test_a_page_that_hears_nothing_more_says_so_when_the_promise_ends(
    page: Page, status_host: Server, promised: None
) -> None:
    status_host.answers["*"] = (503, {}, b"")
    page.clock.run_for(900_000)
    expect(page.get_by_text(STALE)).to_have_count(1)
    del status_host.answers["*"]
