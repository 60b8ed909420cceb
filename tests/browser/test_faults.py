"""The banner on a shop's page while everything around it goes wrong: never an error, never a shop that is held up."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from meaculpa.build.composition import Build
from meaculpa.render.headers import output_file
from tests.browser.conftest import NOW, Server, stop_clock
from tests.browser.shop import PAGE, Shop, install_line, open_shop
from tests.live import eventually
from tests.making import CONFIG, at, incident_text

QUICK = CONFIG + b"banner: {poll_seconds: 10}\n"
CARD = incident_text("components:\n  checkout: major_outage\nsummary: Card payments fail. Your basket is saved.\n")
WINDOW = incident_text(
    "kind: maintenance\nstarts: 2026-11-22 11:00 UTC\nends: 2026-11-22 12:00 UTC\n"
    'summary: "No orders from {start} to {end}."\ncomponents: {checkout: under_maintenance}\n',
    "## 2026-11-20 09:00 scheduled\n\nx\n",
    title="You cannot check out",
)
Builder = Callable[..., Build]
Watched = tuple[Page, list[str]]


@pytest.fixture
def shop(tmp_path: Path, status_host: Server) -> Iterator[Shop]:
    with open_shop(tmp_path / "storefront", status_host.url) as running:
        yield running


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page of somebody in Britain with a clock of ours, and all that goes wrong in it: it must be nothing."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    stop_clock(page, NOW)
    yield page, wrong
    assert wrong == []
    context.close()


@pytest.fixture
def state(status_host: Server, build_site: Builder) -> dict[str, Any]:
    """The state of a site with one incident, which is published; tests may publish it changed."""
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, QUICK).files)
    value = json.loads(status_host.files["banner.json"].body)
    assert isinstance(value, dict)
    return value


def tell(status_host: Server, state: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    """Publish a state as `banner.json`."""
    sent = {"Content-Type": "application/json", **(headers or {})}
    status_host.answers["banner.json"] = (200, sent, json.dumps(state).encode())


def with_item(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**state, "items": [{**state["items"][0], **changes}]}


def banner(page: Page) -> Any:
    return page.locator("meaculpa-banner")


def assert_usable(page: Page) -> None:
    """The shop's own buttons work, and its page has finished loading."""
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_role("button", name="Bought")).to_be_visible()
    assert page.evaluate("document.readyState") == "complete"


def visit(watched: Watched, shop: Shop, status_host: Server) -> Page:
    page, _ = watched
    page.goto(shop.install(install_line(status_host.url)))
    if not {"banner.js", "*"} & status_host.hanging:
        knows(page)
        settles(page, status_host)
    return page


def settles(page: Page, status_host: Server) -> None:
    """Wait until what is baked in has been confirmed: a banner with news asks at once, one without does not."""
    limit = time.monotonic() + 1
    while "banner.json" not in status_host.sent and time.monotonic() < limit:
        page.wait_for_timeout(20)
    page.wait_for_timeout(150)


def see(page: Page, text: str = "Card payments fail. Your basket is saved.") -> None:
    expect(banner(page)).to_contain_text(text)


def knows(page: Page) -> None:
    """Wait until the shop has been told something; the policy forbids Playwright's own way of waiting."""
    for _ in range(200):
        if page.evaluate("!!window.meaculpa && !!meaculpa.state && !!meaculpa.state.at"):
            return
        page.wait_for_timeout(20)
    raise AssertionError("the shop was told nothing")


def look_again(page: Page, status_host: Server, seconds: int = 13) -> None:
    """Let the time pass after which the banner has asked for news, in steps that leave an answer time to arrive."""
    asked = status_host.asked.count("banner.json")
    underway: set[Request] = set()
    page.on("request", lambda one: underway.add(one))
    page.on("requestfinished", lambda one: underway.discard(one))
    page.on("requestfailed", lambda one: underway.discard(one))
    for _ in range(0, seconds, 4):
        page.clock.run_for(4_000)
        page.wait_for_timeout(100)
        # Its patience is measured by our clock, the time a busy machine takes is not.
        limit = time.monotonic() + 2
        while underway and time.monotonic() < limit:
            page.wait_for_timeout(40)
        if status_host.asked.count("banner.json") > asked:
            break
    page.wait_for_timeout(150)


# ---- The twelve faults


@pytest.mark.parametrize("answer", [None, (404, {}, b""), (503, {}, b""), (200, {}, b"")], ids=str)
def test_1_the_status_host_is_gone(
    watched: Watched, shop: Shop, status_host: Server, answer: tuple[int, dict[str, str], bytes] | None
) -> None:
    page, _ = watched
    host = status_host.url if answer else "http://127.0.0.1:9"
    if answer:
        status_host.answers["banner.js"] = answer
    page.goto(shop.install(install_line(host)))
    page.wait_for_timeout(200)
    expect(banner(page)).to_have_count(0)
    assert_usable(page)


def test_2_the_status_host_hangs(watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]) -> None:
    status_host.hanging = {"banner.js"}
    page = visit(watched, shop, status_host)
    assert_usable(page)
    expect(banner(page)).to_have_count(0)
    status_host.hanging = set()
    page = visit(watched, shop, status_host)
    see(page)
    status_host.hanging = {"banner.json"}
    look_again(page, status_host)
    before = len(status_host.asked)
    page.clock.run_for(7_000)
    page.wait_for_timeout(200)
    assert len(status_host.asked) == before, "it waits eight seconds for one answer"
    status_host.hanging = set()
    look_again(page, status_host, 60)
    see(page)
    assert_usable(page)


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b"busy"), (200, b"<!doctype html>Please log in to this network"), (200, b"null")],
    ids=["3 server error", "4 garbage", "4 null"],
)
def test_3_and_4_bad_answers_take_nothing_away(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], status: int, body: bytes
) -> None:
    page = visit(watched, shop, status_host)
    status_host.answers["banner.json"] = (status, {"Content-Type": "application/json"}, body)
    look_again(page, status_host, 13)
    see(page)
    # Twice as long after each failure.
    asked = status_host.asked.count("banner.json")
    page.clock.run_for(10_000)
    page.wait_for_timeout(200)
    assert status_host.asked.count("banner.json") == asked
    look_again(page, status_host, 16)
    see(page)
    assert_usable(page)


@pytest.mark.parametrize("body", [b"[1]", b"{}", b'{"v": 2, "items": []}', b'{"v": 1}'])
def test_4_what_is_not_ours_is_ignored(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], body: bytes
) -> None:
    page = visit(watched, shop, status_host)
    status_host.answers["banner.json"] = (200, {"Content-Type": "application/json"}, body)
    look_again(page, status_host)
    see(page)


def test_5_a_huge_answer_is_not_even_read(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    huge = json.dumps({**with_item(state, text={"en": "x"}), "padding": "x" * 30_000_000}).encode()
    status_host.answers["banner.json"] = (200, {"Content-Type": "application/json"}, huge)
    look_again(page, status_host)
    page.wait_for_timeout(500)
    see(page)
    assert status_host.sent["banner.json"] < 20_000_000, "the transfer was cut"
    assert_usable(page)


def test_6_without_cors_the_baked_state_stays(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "items": []}, {"Access-Control-Allow-Origin": "https://elsewhere.example"})
    look_again(page, status_host)
    see(page)
    assert_usable(page)


def test_7_it_is_styled_under_the_strictest_policy(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    assert page.evaluate("getComputedStyle(document.querySelector('meaculpa-banner')).position") == "fixed"
    colour = "getComputedStyle(document.querySelector('meaculpa-banner').shadowRoot.querySelector('div')).color"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    assert page.evaluate("document.querySelector('meaculpa-banner').shadowRoot.querySelector('style')") is None
    assert_usable(page)


def test_8_without_storage_dismissing_holds_for_the_page(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    watched[0].add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied'); }})"
    )
    page = visit(watched, shop, status_host)
    see(page)
    page.get_by_role("button", name="Dismiss this notice").click()
    expect(banner(page)).to_have_count(0)
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    assert_usable(page)


@pytest.mark.parametrize("wrong_by", [-26, 26])
@pytest.mark.parametrize(("moment", "shown"), [("10:59", False), ("11:01", True), ("11:59", True), ("12:01", False)])
def test_9_a_wrong_clock_shows_the_right_window(
    browser: Browser,
    shop: Shop,
    status_host: Server,
    build_site: Builder,
    wrong_by: int,
    moment: str,
    shown: bool,
) -> None:
    status_host.files = dict(build_site(status_host.url, {"window": WINDOW}).files)
    date = f"Sun, 22 Nov 2026 {moment}:00 GMT"
    exposed = {"Date": date, "Access-Control-Expose-Headers": "Date, Age"}
    tell(status_host, json.loads(status_host.files["banner.json"].body), exposed)
    page = browser.new_page()
    hours, minutes = map(int, moment.split(":"))
    day, hour = divmod(22 * 24 + hours + wrong_by, 24)
    stop_clock(page, at(f"2026-11-{day:02d} {hour:02d}:{minutes:02d}"))
    page.goto(shop.install(install_line(status_host.url)))
    knows(page)
    page.wait_for_timeout(400)
    assert banner(page).count() == shown
    page.close()


def test_10_an_older_copy_never_replaces_a_newer_one(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**with_item(state, text={"en": "Yesterday's words."}), "at": "2026-11-21T09:00Z"})
    look_again(page, status_host)
    see(page)
    tell(status_host, {**with_item(state, text={"en": "Newer words."}, revision="2"), "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    see(page, "Newer words.")
    page.clock.fast_forward(49 * 3600 * 1000)
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    assert_usable(page)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "JaVaScript:alert(1)"])
def test_11_hostile_text_is_text_and_a_hostile_link_is_none(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], link: str
) -> None:
    page = visit(watched, shop, status_host)
    hostile = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    worse = "{}*{background:url(https://evil.example)}"
    tell(
        status_host,
        {
            **with_item(state, text={"en": hostile}, link={"en": link}, impact=f'major" onclick="x {worse}'),
            "at": "2026-11-22T09:35Z",
            "position": "bottom:0}body{display:none",
        },
    )
    look_again(page, status_host)
    see(page, hostile)
    assert banner(page).locator("a, img, script").count() == 0
    assert page.locator("h1").is_visible()
    assert_usable(page)


def test_11_a_hostile_pattern_costs_no_time(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    pattern = "/" + "*c" * 4000 + "*z"
    tell(status_host, {**with_item(state, paths=[pattern]), "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    assert_usable(page)


@pytest.mark.parametrize("poll", ["60s", "abc", {}, [1, 2], -5, 0, 3e6, 1e300, None])
def test_11_no_number_makes_it_a_flood(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], poll: object
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "poll": poll, "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    asked = status_host.asked.count("banner.json")
    page.clock.run_for(7_000)
    page.wait_for_timeout(150)
    assert status_host.asked.count("banner.json") == asked
    see(page)


def test_11_a_time_far_ahead_does_not_shut_out_the_truth(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "items": [], "at": "9999-01-01T00:00Z"})
    look_again(page, status_host)
    see(page)
    tell(status_host, {**with_item(state, text={"en": "The truth."}, revision="2"), "at": "2026-11-22T09:35Z"})
    look_again(page, status_host, 70)
    see(page, "The truth.")


def test_11_what_could_not_be_shown_later_is_not_taken_now(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    later = {**state["items"][0], "id": "later", "starts": "2026-11-22T10:00Z", "text": None}
    tell(status_host, {**state, "items": [*state["items"], later], "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    page.clock.run_for(40 * 60_000)
    see(page)


def test_11_there_is_an_end_to_how_much_is_shown(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    item = state["items"][0]
    many = [{**item, "id": f"i{number}", "text": {"en": f"{number} " + "long " * 300}} for number in range(9)]
    tell(status_host, {**state, "items": many, "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    texts = banner(page).locator("section p").all_inner_texts()
    assert len(texts) == 3
    assert all(len(text) <= 400 + len("Status page") + 1 for text in texts)
    box, size = banner(page).bounding_box(), page.viewport_size
    assert box and size
    assert box["height"] <= size["height"] * 0.4 + 1
    assert_usable(page)


SWAPS = {
    "emptied": "document.body.textContent = ''; document.body.append(...parts)",
    "replaced": "const one = document.createElement('body'); one.append(...parts); document.body.replaceWith(one)",
    "copy": "const body = document.body.cloneNode(true); document.body.replaceWith(body)",
}


@pytest.mark.parametrize("swap", SWAPS)
def test_12_a_shop_that_swaps_its_body_keeps_one_banner(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], swap: str
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    for _ in range(6):
        page.evaluate(
            f"() => {{ const parts = [...document.body.children].filter(one => one.localName !== 'meaculpa-banner');"
            f"{SWAPS[swap]} }}"
        )
        expect(banner(page)).to_have_count(1)
        see(page)
        page.clock.run_for(6_000)
    page.evaluate("url => import(url).catch(() => {})", f"{status_host.url}/banner.js?again")
    page.wait_for_timeout(200)
    expect(banner(page)).to_have_count(1)


def test_12_a_shop_that_throws_it_out_for_good_is_obeyed(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    page.evaluate(
        "() => { window.fights = 0; new MutationObserver(() => {"
        " const one = document.querySelector('meaculpa-banner');"
        " if (one) { window.fights++; one.remove(); } }).observe(document.body, {childList: true});"
        " document.querySelector('meaculpa-banner').remove(); }"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.fights") <= 3
    expect(banner(page)).to_have_count(0)


# ---- Not faults, and just as certain


@pytest.mark.parametrize(
    "switch",
    ["window.meaculpa = false", "window.meaculpa = {off: true}", "?meaculpa=off", "attribute"],
)
def test_a_shop_can_switch_it_off(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], switch: str
) -> None:
    page, _ = watched
    if switch.startswith("window"):
        page.add_init_script(switch)
    address = shop.install(install_line(status_host.url))
    if switch == "attribute":
        file = shop.folder / "checkout.html"
        file.write_text(file.read_text().replace("<html ", "<html data-meaculpa-off "))
    page.goto(address + (switch if switch.startswith("?") else ""))
    page.wait_for_timeout(300)
    expect(banner(page)).to_have_count(0)
    assert status_host.asked.count("banner.json") == 0
    assert_usable(page)


@pytest.mark.parametrize("kill", ["off", "404", "410"])
def test_the_status_host_can_switch_it_off_in_open_pages(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any], kill: str
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    if kill == "off":
        tell(status_host, {**state, "off": True})
    else:
        status_host.answers["banner.json"] = (int(kill), {}, b"")
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    asked = len(status_host.asked)
    page.clock.run_for(3_600_000)
    page.wait_for_timeout(200)
    assert len(status_host.asked) == asked, "and it asks no more"


def test_switched_off_it_claims_nothing_either(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    assert page.evaluate("meaculpa.state.mode") == "banner"
    tell(status_host, {**state, "off": True})
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    assert page.evaluate("[meaculpa.state.mode, meaculpa.state.components]") == ["none", {}]


def test_a_slot_that_comes_later_is_moved_into(
    watched: Watched, shop: Shop, status_host: Server, build_site: Builder
) -> None:
    config = CONFIG + b"banner: {position: slot}\n"
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, config).files)
    page = visit(watched, shop, status_host)
    see(page)
    page.evaluate(
        "() => { const slot = document.createElement('div'); slot.dataset.meaculpaSlot = '';"
        " document.body.prepend(slot); history.pushState(null, '', '/checkout/2') }"
    )
    expect(page.locator("[data-meaculpa-slot] > meaculpa-banner")).to_have_count(1)


def test_a_quiet_page_asks_five_times_as_rarely_and_no_more_often_when_that_fails(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "items": [], "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    for status in (200, 503):
        if status == 503:
            status_host.answers["banner.json"] = (503, {}, b"")
        asked = status_host.asked.count("banner.json")
        page.clock.run_for(33_000)
        page.wait_for_timeout(100)
        assert status_host.asked.count("banner.json") == asked
        look_again(page, status_host, 40)
        assert status_host.asked.count("banner.json") == asked + 1


def test_the_status_host_is_not_told_where_the_visitor_is(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page, _ = watched
    seen: list[dict[str, str]] = []
    page.on("request", lambda one: seen.append(one.all_headers()) if "banner.json" in one.url else None)
    page = visit(watched, shop, status_host)
    look_again(page, status_host)
    assert seen
    assert not [one for one in seen if "referer" in one or "cookie" in one]


def test_configured_off_there_is_none(watched: Watched, shop: Shop, status_host: Server, build_site: Builder) -> None:
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, CONFIG + b"banner: {off: true}\n").files)
    page, _ = watched
    page.goto(shop.install(install_line(status_host.url)))
    page.wait_for_timeout(300)
    expect(banner(page)).to_have_count(0)
    assert json.loads(status_host.files["banner.json"].body)["items"] == []


def test_planned_work_comes_and_goes_with_no_republish(
    watched: Watched, shop: Shop, status_host: Server, build_site: Builder
) -> None:
    status_host.files = dict(build_site(status_host.url, {"window": WINDOW}).files)
    page = visit(watched, shop, status_host)
    knows(page)
    expect(banner(page)).to_have_count(0)
    page.clock.run_for(84 * 60 * 1000 + 2_000)
    see(page, "No orders from 22 Nov, 11:00 GMT to 22 Nov, 12:00 GMT.")
    page.clock.run_for(60 * 60 * 1000)
    expect(banner(page)).to_have_count(0)


def test_times_are_the_visitors_own(browser: Browser, shop: Shop, status_host: Server, build_site: Builder) -> None:
    status_host.files = dict(build_site(status_host.url, {"window": WINDOW}).files)
    page = browser.new_context(locale="en-GB", timezone_id="Asia/Tokyo").new_page()
    stop_clock(page, at("2026-11-22 11:30"))
    page.goto(shop.install(install_line(status_host.url)))
    see(page, "No orders from 22 Nov, 20:00 GMT+9 to 22 Nov, 21:00 GMT+9.")
    page.context.close()


def test_past_its_promise_it_says_that_it_may_be_old(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "at": "2026-11-22T09:35Z", "valid_until": "2026-11-22T09:40Z"})
    look_again(page, status_host)
    assert page.evaluate("meaculpa.state.components.checkout.status") == "major_outage"
    expect(banner(page)).not_to_contain_text("out of date")
    status_host.answers["banner.json"] = (503, {}, b"")
    page.clock.run_for(5 * 60 * 1000)
    see(page, "This may be out of date.")
    assert page.evaluate("[meaculpa.state.mode, meaculpa.state.stale, meaculpa.state.components]") == [
        "none",
        True,
        {},
    ]


def test_who_comes_when_nobody_answers_for_it_any_more_is_told_so_at_once(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    """What is baked into the banner knows nothing of a watcher that has died since."""
    tell(status_host, {**state, "at": "2026-11-22T09:25Z", "valid_until": "2026-11-22T09:30Z"})
    page = visit(watched, shop, status_host)
    see(page, "This may be out of date.")
    assert page.evaluate("[meaculpa.state.stale, Object.keys(meaculpa.state.components)]") == [True, []]


def test_an_older_copy_in_a_cache_takes_nothing_away_at_first(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    """A heartbeat has stamped the state before, after the time that the new one's update names."""
    tell(status_host, {**state, "at": "2026-11-22T09:30Z", "valid_until": "2026-11-22T09:45Z", "items": []})
    page = visit(watched, shop, status_host)
    eventually(lambda: "banner.json" in status_host.asked, "it asks at once")
    page.wait_for_timeout(300)
    see(page)
    tell(status_host, {**state, "at": "2026-11-22T09:37Z", "items": []})
    look_again(page, status_host)
    assert banner(page).count() == 0


def test_a_hidden_page_asks_nothing_and_a_shown_one_at_once(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    watched[0].add_init_script(
        "window.isHidden = false; Object.defineProperty(Document.prototype, 'hidden', {get: () => window.isHidden})"
    )
    page = visit(watched, shop, status_host)
    see(page)
    assert status_host.asked.count("banner.json") == 1
    page.evaluate("window.isHidden = true")
    page.clock.run_for(600_000)
    page.wait_for_timeout(200)
    assert status_host.asked.count("banner.json") == 1
    page.evaluate("() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(300)
    assert status_host.asked.count("banner.json") == 2


def test_looks_are_never_in_step(browser: Browser, shop: Shop, status_host: Server, state: dict[str, Any]) -> None:
    """The pause is chosen by chance within a fifth either way, and is five times as long when nothing is wrong."""
    address = shop.install(install_line(status_host.url))
    pauses = []
    for chance in (0, 0.5, 0.999):
        status_host.sent.clear()
        page = browser.new_page()
        page.add_init_script(f"Math.random = () => {chance}")
        # Counted where they begin: how long a request takes to arrive is up to the machine.
        page.add_init_script("window.asked = 0; const go = fetch; fetch = (...all) => (asked += 1, go(...all))")
        stop_clock(page, NOW)
        page.goto(address)
        see(page)
        settles(page, status_host)
        before = page.evaluate("asked")
        for second in range(7, 15):
            page.clock.run_for(1000 if second > 7 else 7000)
            if page.evaluate("asked") > before:
                pauses.append(second)
                break
        page.close()
    assert pauses == [8, 10, 12]


def test_other_tabs_follow_a_dismissal(
    browser: Browser, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    context = browser.new_context()
    address = shop.install(install_line(status_host.url))
    pages = [context.new_page() for _ in range(2)]
    for page in pages:
        page.clock.set_fixed_time(NOW)
        page.goto(address)
        see(page)
    pages[0].get_by_role("button", name="Dismiss this notice").click()
    for page in pages:
        expect(banner(page)).to_have_count(0)
    tell(status_host, with_item(state, revision="2"))
    context.close()


def test_the_next_notice_gets_the_focus_that_the_dismissed_one_had(
    watched: Watched, shop: Shop, status_host: Server, build_site: Builder
) -> None:
    two = {"card": CARD, "slow": incident_text("components: {checkout: degraded_performance}\n", title="It is slow")}
    status_host.files = dict(build_site(status_host.url, two).files)
    page = visit(watched, shop, status_host)
    buttons = banner(page).get_by_role("button", name="Dismiss this notice")
    expect(buttons).to_have_count(2)
    buttons.first.focus()
    page.keyboard.press("Enter")
    expect(buttons).to_have_count(1)
    expect(buttons).to_be_focused()
    page.keyboard.press("Enter")
    expect(banner(page)).to_have_count(0)


def test_news_leave_the_focus_where_it_is(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    item = state["items"][0]
    three = [{**item, "id": name, "text": {"en": f"Notice {name}."}} for name in "abc"]
    page = visit(watched, shop, status_host)
    tell(status_host, {**state, "items": three, "at": "2026-11-22T09:34Z"})
    look_again(page, status_host)
    banner(page).get_by_role("button", name="Dismiss this notice").nth(2).focus()
    three[0] = {**three[0], "text": {"en": "News."}}
    tell(status_host, {**state, "items": three, "at": "2026-11-22T09:35Z"})
    look_again(page, status_host)
    see(page, "News.")
    expect(banner(page).get_by_role("button", name="Dismiss this notice").nth(2)).to_be_focused()


def test_news_are_announced_once_and_politely(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    live = banner(page).get_by_role("status")
    expect(live).to_have_text("")
    page.clock.run_for(600)
    expect(live).to_have_text("Card payments fail. Your basket is saved.")
    page.clock.run_for(5_000)
    expect(live).to_have_text("")
    look_again(page, status_host)
    page.clock.run_for(600)
    expect(live).to_have_text("")


def test_the_page_knows_how_high_it_is_and_nothing_stays_behind_it(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    height = "getComputedStyle(document.documentElement).getPropertyValue('--meaculpa-height')"
    box = banner(page).bounding_box()
    assert box
    assert page.evaluate(height) == f"{round(box['height'])}px"
    page.evaluate("scrollTo(0, document.body.scrollHeight * 2)")
    footer, top = page.locator("footer").bounding_box(), banner(page).bounding_box()
    assert footer and top
    assert footer["y"] + footer["height"] <= top["y"] + 1
    page.get_by_role("button", name="Dismiss this notice").click()
    assert page.evaluate(height) == ""
    assert page.evaluate("document.documentElement.getAttribute('style')") is None, "nothing is written into the page"


@pytest.mark.parametrize("position", ["top", "slot", "slot without a slot"])
def test_it_stands_where_the_shop_wants_it(
    watched: Watched, shop: Shop, status_host: Server, build_site: Builder, position: str
) -> None:
    config = CONFIG + f"banner: {{position: {position.split()[0]}}}\n".encode()
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, config).files)
    page, _ = watched
    address = shop.install(install_line(status_host.url))
    if position == "slot":
        file = shop.folder / "checkout.html"
        file.write_text(file.read_text().replace("<h1>", "<div data-meaculpa-slot></div><h1>"))
    page.goto(address)
    see(page)
    box, size = banner(page).bounding_box(), page.viewport_size
    assert box and size
    if position == "top":
        assert box["y"] == 0
    elif position == "slot":
        assert banner(page).evaluate("one => one.parentElement.hasAttribute('data-meaculpa-slot')")
        assert 0 < box["y"] < 200
    else:
        assert round(box["y"] + box["height"]) == size["height"]


def test_a_route_that_changes_with_no_reload_is_followed(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    page.evaluate("history.pushState(null, '', '/blog')")
    expect(banner(page)).to_have_count(0)
    page.go_back()
    see(page)


@pytest.mark.parametrize(
    ("region", "audience", "shown"),
    [
        ("GB", "{regions: [GB]}", True),
        ("GB-SCT", "{regions: [GB]}", True),
        ("GBX", "{regions: [GB]}", False),
        ("DE", "{regions: [GB, US]}", False),
        (None, "{regions: [GB]}", True),
        (None, "{locales: [de]}", False),
        (None, '{paths: ["/*", "!/checkout*"]}', False),
        (None, '{paths: ["!/blog*"]}', True),
        (None, '{paths: ["/*eck*.html"]}', True),
        (None, '{paths: ["/checkout"]}', False),
        (None, '{paths: ["/checkout*out.html"]}', False),
    ],
)
def test_it_addresses_whom_it_is_for(
    watched: Watched,
    shop: Shop,
    status_host: Server,
    build_site: Builder,
    region: str | None,
    audience: str,
    shown: bool,
) -> None:
    status_host.files = dict(build_site(status_host.url, {"card": incident_text(f"audience: {audience}\n")}).files)
    if region:
        watched[0].add_init_script(f"window.meaculpa = {{region: '{region}'}}")
    page = visit(watched, shop, status_host)
    knows(page)
    assert banner(page).count() == shown


def test_right_to_left_and_the_language_of_each_text(
    browser: Browser, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    arabic = {"dir": "rtl", "label": "حالة المتجر", "more": "المزيد", "dismiss": "إغلاق", "stale": ""}
    labels = {"ar": arabic, **state["labels"]}
    item = state["items"][0]
    english = {**item, "id": "other", "text": {"en": "Only in English."}}
    translated = {
        **item,
        "text": {"ar": "PayPal يعمل", **item["text"]},
        "link": {"ar": "https://x.example/", **item["link"]},
    }
    page = browser.new_context(locale="ar-EG").new_page()
    stop_clock(page, NOW)
    address = shop.install(
        install_line(status_host.url),
        body=PAGE.format(
            head=f'<script nonce="x">window.meaculpa = {{lang: "ar"}};{install_line(status_host.url)}</script>',
            filler="",
        ),
    )
    page.goto(address)
    eventually(lambda: "banner.json" in status_host.asked, "it asks at once")
    page.wait_for_timeout(200)
    tell(status_host, {**state, "at": "2026-11-22T09:35Z", "labels": labels, "items": [translated, english]})
    look_again(page, status_host)
    lines = banner(page).locator("section > div")
    expect(lines).to_have_count(2)
    assert [(one.get_attribute("lang"), one.get_attribute("dir")) for one in lines.all()] == [
        ("ar", "rtl"),
        ("en", "ltr"),
    ]
    text, button = lines.first.locator("p").bounding_box(), lines.first.locator("button").bounding_box()
    assert text and button
    assert button["x"] < text["x"], "the button stands at the end of the line, which is on the left"
    page.context.close()


def test_printed_it_is_not_there_and_in_forced_colours_it_has_an_edge(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    page = visit(watched, shop, status_host)
    see(page)
    page.emulate_media(media="print")
    expect(banner(page)).to_be_hidden()
    page.emulate_media(media="screen", forced_colors="active")
    border = (
        "getComputedStyle(document.querySelector('meaculpa-banner').shadowRoot.querySelector('div')).borderTopWidth"
    )
    assert page.evaluate(border) == "3px"


# ---- What the shop is told


def test_the_shop_is_told_what_does_not_work(
    watched: Watched, shop: Shop, status_host: Server, build_site: Builder
) -> None:
    incidents = {
        "card": incident_text("show: splash\ncomponents: {checkout: major_outage}\n"),
        "slow": incident_text(
            "impact: minor\ncomponents: {checkout: degraded_performance, storefront: degraded_performance}\n",
            title="It is slow",
        ),
    }
    status_host.files = dict(build_site(status_host.url, incidents).files)
    page, _ = watched
    page.add_init_script(
        "window.told = []; addEventListener('meaculpa:state', (event) => told.push(event.detail.mode))"
    )
    page.goto(shop.install(install_line(status_host.url)))
    knows(page)
    state = page.evaluate("JSON.parse(JSON.stringify(meaculpa.state))")
    assert state["v"] == 1
    assert (state["mode"], state["stale"]) == ("splash", False)
    assert state["components"] == {
        "checkout": {"status": "major_outage", "mode": "splash"},
        "storefront": {"status": "degraded_performance", "mode": "notice"},
    }
    assert page.evaluate("[meaculpa.state.modeAt('/checkout/pay'), meaculpa.state.modeAt('/blog')]") == [
        "splash",
        "notice",
    ]
    page.get_by_role("button", name="Dismiss this notice").click()
    assert page.evaluate("meaculpa.state.mode") == "splash", "what is dismissed is as broken as before"
    assert page.evaluate("told") == ["splash"]


def test_the_shop_hears_when_it_works_again(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    watched[0].add_init_script(
        "window.told = []; addEventListener('meaculpa:state', (event) => told.push(event.detail.mode))"
    )
    page = visit(watched, shop, status_host)
    see(page)
    tell(status_host, {**state, "at": "2026-11-22T09:35Z", "items": []})
    look_again(page, status_host)
    expect(banner(page)).to_have_count(0)
    assert page.evaluate("told") == ["banner", "none"]


# ---- The flavour that a payment page can pin


def core_of(status_host: Server) -> tuple[str, str]:
    from meaculpa.render.banner import integrity

    path = next(path for path in status_host.files if path.startswith("banner.core."))
    return path, integrity(status_host.files[path].body.decode())


@pytest.mark.parametrize("tampered", [False, True])
def test_pinned_code_runs_only_unchanged(
    browser: Browser, tmp_path: Path, status_host: Server, state: dict[str, Any], tampered: bool
) -> None:
    from meaculpa.config import parse_config
    from meaculpa.render.edge import pinned_line

    path, digest = core_of(status_host)
    if tampered:
        status_host.files[path] = output_file(path, status_host.files[path].body + b"\n")
    config = parse_config(QUICK.replace(b"https://status.northwind.example", status_host.url.encode()))
    assert not isinstance(config, list)
    policy = "default-src 'none'; script-src 'nonce-x' {host}; connect-src {host}; style-src 'self'; img-src data:"
    with open_shop(tmp_path / "payment", status_host.url, policy) as shop:
        page = browser.new_page()
        stop_clock(page, NOW)
        page.goto(shop.install(pinned_line(config, path, digest)))
        page.wait_for_timeout(500)
        assert banner(page).count() == (not tampered)
        assert status_host.asked.count("banner.js") == 0
        assert_usable(page)
        page.close()


def test_code_alone_says_nothing_until_it_knows(
    watched: Watched, shop: Shop, status_host: Server, state: dict[str, Any]
) -> None:
    path, _ = core_of(status_host)
    (shop.folder / "core.js").write_bytes(status_host.files[path].body)
    status_host.answers["banner.json"] = (503, {}, b"")
    page, _ = watched
    page.goto(shop.install(f"import('{shop.url}/core.js').catch(() => {{}})"))
    page.wait_for_timeout(300)
    expect(banner(page)).to_have_count(0)
    assert page.evaluate("meaculpa.state.mode") == "none"
    del status_host.answers["banner.json"]
    look_again(page, status_host, 145)
    see(page)


# ---- What it costs


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("position", ["bottom", "top"])
def test_nothing_moves_when_it_appears(
    browser: Browser, shop: Shop, status_host: Server, build_site: Builder, width: int, position: str
) -> None:
    config = CONFIG + f"banner: {{position: {position}}}\n".encode()
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, config).files)
    address = shop.install(install_line(status_host.url))
    for _ in range(5):
        context = browser.new_context(viewport={"width": width, "height": 800})
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        page.add_init_script(
            "window.shifts = 0; new PerformanceObserver((list) => {"
            " for (const one of list.getEntries()) shifts += one.value })"
            ".observe({type: 'layout-shift', buffered: true})"
        )
        page.goto(address)
        see(page)
        page.wait_for_timeout(150)
        assert page.evaluate("shifts") == 0
        context.close()


def test_a_status_host_that_hangs_holds_up_nothing(browser: Browser, shop: Shop, status_host: Server) -> None:
    """The load event does not wait for it: with a script tag it would, for as long as it hangs."""
    status_host.hanging = {"*"}
    page = browser.new_page()
    page.goto(shop.install(install_line(status_host.url)), wait_until="load", timeout=5_000)
    eventually(lambda: status_host.asked == ["banner.js"], "it is asked, and hangs")
    assert_usable(page)
    page.close()


def test_no_page_of_ours_needs_more_than_text(status_host: Server, state: dict[str, Any]) -> None:
    code = status_host.files["banner.js"].body.decode()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", code)
