"""The banner in a real shop page: it shows what is said, and it can never hurt its host."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from meaculpa.build.composition import Build
from meaculpa.render.headers import output_file
from tests.browser.conftest import NOW, STRICT_POLICY, Server, stop_clock, storefront
from tests.live import eventually
from tests.making import CONFIG, incident_text

CARD = incident_text("components:\n  checkout: major_outage\nsummary: Card payments fail. Your basket is saved.\n")
GERMAN = "---\nsummary: Kartenzahlung geht nicht.\n---\n"
Builder = Callable[..., Build]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose clock stands at the moment of the build, and which must never see an uncaught error."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.clock.set_fixed_time("2026-11-22T09:36:00Z")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert errors == []
    context.close()


@pytest.fixture
def published(status_host: Server, build_site: Builder) -> Callable[..., None]:
    def publish(incidents: dict[str, str], config: bytes = CONFIG) -> None:
        status_host.files = dict(build_site(status_host.url, incidents, config).files)

    return publish


def visit(page: Page, shop: Server, status_host: Server, path: str = "checkout", policy: str | None = None) -> None:
    shop.answers[path] = storefront(status_host.url, policy)
    page.goto(f"{shop.url}/{path}")
    page.wait_for_load_state("networkidle")


def test_it_shows_what_is_open(page: Page, shop: Server, status_host: Server, published: Callable[..., None]) -> None:
    published({"card": CARD})
    visit(page, shop, status_host)
    shown = page.locator("meaculpa-banner section")
    expect(shown).to_contain_text("Card payments fail. Your basket is saved.")
    assert shown.get_attribute("aria-label") == "Shop status"
    assert (
        page.get_by_role("link", name="Status page").get_attribute("href") == f"{status_host.url}/incidents/card.html"
    )
    box = page.locator("meaculpa-banner").bounding_box()
    size = page.viewport_size
    assert box and size
    assert round(box["y"] + box["height"]) == size["height"], "fixed at the foot of the window"
    assert page.evaluate("document.body.lastElementChild.localName") == "meaculpa-banner"


def test_it_costs_one_request(page: Page, shop: Server, status_host: Server, published: Callable[..., None]) -> None:
    published({})
    visit(page, shop, status_host)
    assert status_host.asked == ["banner.js"]


def test_what_it_says_needs_one_request_and_is_confirmed_by_another(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    status_host.hanging.add("banner.json")
    visit(page, shop, status_host)
    expect(page.locator("meaculpa-banner")).to_be_visible()
    eventually(lambda: status_host.asked == ["banner.js", "banner.json"], str(status_host.asked))


def test_of_what_is_planned_for_later_nobody_asks(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    updates = "## 2026-11-20 09:00 scheduled\n\nx\n"
    far = "kind: maintenance\nstarts: 2026-12-22 11:00 UTC\nends: 2026-12-22 12:00 UTC\n"
    published({"far": incident_text(far, updates)})
    visit(page, shop, status_host)
    assert status_host.asked == ["banner.js"]


def test_when_nothing_is_wrong_there_is_nothing(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published(
        {
            "card": incident_text(
                updates="## 2026-11-22 09:00 investigating\n\nx\n\n## 2026-11-22 09:30 resolved\n\nx\n"
            )
        }
    )
    visit(page, shop, status_host)
    assert page.locator("meaculpa-banner").count() == 0


def test_it_stays_away_where_its_components_are_not(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    visit(page, shop, status_host, "blog/post")
    assert page.locator("meaculpa-banner").count() == 0
    visit(page, shop, status_host, "checkout/step/2")
    expect(page.locator("meaculpa-banner")).to_be_visible()


def test_it_stands_and_is_styled_under_the_strictest_policy(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    visit(page, shop, status_host, policy=STRICT_POLICY)
    expect(page.locator("meaculpa-banner section")).to_contain_text("Card payments fail")
    style = "getComputedStyle(document.querySelector('meaculpa-banner')).position"
    assert page.evaluate(style) == "fixed"


def test_dismissed_it_stays_away_until_something_new_is_said(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    visit(page, shop, status_host)
    button = page.get_by_role("button", name="Dismiss this notice")
    box = button.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    button.click()
    assert page.locator("meaculpa-banner").count() == 0
    page.reload()
    page.wait_for_load_state("networkidle")
    assert page.locator("meaculpa-banner").count() == 0
    published({"card": CARD + "\n## 2026-11-22 09:30 identified\n\nWe know why.\n"})
    page.reload()
    expect(page.locator("meaculpa-banner")).to_be_visible()


def test_without_storage_dismissing_holds_for_the_page(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    published({"card": CARD})
    visit(page, shop, status_host)
    page.get_by_role("button", name="Dismiss this notice").click()
    assert page.locator("meaculpa-banner").count() == 0


def test_it_speaks_the_pages_language(
    browser: Browser, shop: Server, status_host: Server, build_site: Builder
) -> None:
    status_host.files = dict(build_site(status_host.url, {"card": CARD, "card.de": GERMAN}).files)
    status, headers, body = storefront(status_host.url)
    shop.answers["checkout"] = (status, headers, body.replace(b"lang='en'", b"lang='de-AT'"))
    page = browser.new_page()
    page.clock.set_fixed_time("2026-11-22T09:36:00Z")
    page.goto(f"{shop.url}/checkout")
    shown = page.locator("meaculpa-banner section")
    expect(shown).to_contain_text("Kartenzahlung geht nicht.")
    assert shown.locator("div").get_attribute("lang") == "de"
    assert page.get_by_role("button", name="Diesen Hinweis schließen").count() == 1
    page.close()


def test_planned_work_comes_and_goes_by_the_clock(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    window = "kind: maintenance\nstarts: 2026-11-22 11:00 UTC\nends: 2026-11-22 12:00 UTC\n"
    published({"window": incident_text(window, "## 2026-11-20 09:00 scheduled\n\nx\n", title="You cannot check out")})
    for clock, shown in (("10:59", 0), ("11:01", 1), ("11:59", 1), ("12:01", 0)):
        page.clock.set_fixed_time(f"2026-11-22T{clock}:00Z")
        visit(page, shop, status_host)
        assert page.locator("meaculpa-banner").count() == shown, clock


def test_what_nobody_has_ended_is_gone_after_two_days(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    for moment, shown in (("2026-11-24T09:00:00Z", 1), ("2026-11-24T09:30:00Z", 0)):
        page.clock.set_fixed_time(moment)
        visit(page, shop, status_host)
        assert page.locator("meaculpa-banner").count() == shown, moment


def test_hostile_text_is_text(page: Page, shop: Server, status_host: Server, published: Callable[..., None]) -> None:
    hostile = "</script><img src=x onerror=alert(1)>'\""
    published({"card": incident_text(f"summary: {json.dumps(hostile)}\n")})
    visit(page, shop, status_host)
    shown = page.locator("meaculpa-banner section p")
    expect(shown).to_contain_text("</script><img src=x onerror=alert(1)>")
    assert page.locator("meaculpa-banner img").count() == 0


@pytest.mark.parametrize(
    "answer",
    [
        (404, {}, b""),
        (503, {}, b"busy"),
        (200, {"Content-Type": "text/javascript"}, b"<!doctype html>captive portal"),
        (200, {"Content-Type": "text/html"}, b"<p>captive portal</p>"),
        (200, {"Content-Type": "text/javascript", "Access-Control-Allow-Origin": "https://elsewhere.example"}, b""),
    ],
    ids=["404", "503", "garbage", "portal", "no-cors"],
)
def test_a_broken_status_host_shows_nothing_and_the_shop_works(
    page: Page, shop: Server, status_host: Server, answer: tuple[int, dict[str, str], bytes]
) -> None:
    status_host.answers["banner.js"] = answer
    visit(page, shop, status_host)
    assert page.locator("meaculpa-banner").count() == 0
    page.get_by_role("button", name="Buy").click()


@pytest.mark.parametrize(
    "tampering", ["window.meaculpa = false", "delete window.fetch", "delete window.CSSStyleSheet"]
)
def test_a_shop_that_switches_it_off_or_has_odd_ways_is_not_hurt(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None], tampering: str
) -> None:
    page.add_init_script(tampering)
    published({"card": CARD})
    visit(page, shop, status_host)
    assert page.locator("meaculpa-banner").count() == (0 if "false" in tampering else 1)


def test_loaded_twice_there_is_one(
    page: Page, shop: Server, status_host: Server, published: Callable[..., None]
) -> None:
    published({"card": CARD})
    visit(page, shop, status_host)
    page.evaluate("url => import(url)", f"{status_host.url}/banner.js?again")
    assert page.locator("meaculpa-banner").count() == 1


def test_an_open_page_follows_the_status_page(
    browser: Browser, shop: Server, status_host: Server, build_site: Builder
) -> None:
    config = CONFIG + b"banner: {poll_seconds: 10}\n"
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, config).files)
    page = browser.new_page()
    stop_clock(page, NOW)
    shop.answers["checkout"] = storefront(status_host.url)
    page.goto(f"{shop.url}/checkout")
    expect(page.locator("meaculpa-banner section")).to_contain_text("Card payments fail.")
    over = CARD + "\n## 2026-11-22 09:36 resolved\n\nIt works.\n"
    status_host.files = dict(build_site(status_host.url, {"card": over}, config).files)
    page.clock.run_for(13_000)
    expect(page.locator("meaculpa-banner")).to_have_count(0)
    page.close()


# An item that is chosen, and fails only when it is drawn.
WITHOUT_TEXT = {"id": "x", "revision": "1", "paths": [], "regions": [], "locales": [], "updated": "2026-11-22T09:30Z"}
UNDRAWABLE = json.dumps({"v": 1, "site": "x", "labels": {"en": {}}, "items": [WITHOUT_TEXT]})


@pytest.mark.parametrize(
    "news",
    [UNDRAWABLE, "{}", '{"v":1,"site":"x","items":[null]}', '{"v":1,"site":"x","items":[{}]}', "<p>portal</p>"],
)
def test_news_that_cannot_be_read_takes_nothing_away(
    browser: Browser, shop: Server, status_host: Server, build_site: Builder, news: str
) -> None:
    config = CONFIG + b"banner: {poll_seconds: 10}\n"
    status_host.files = dict(build_site(status_host.url, {"card": CARD}, config).files)
    status_host.files["banner.json"] = output_file("banner.json", news)
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    stop_clock(page, NOW)
    shop.answers["checkout"] = storefront(status_host.url)
    page.goto(f"{shop.url}/checkout")
    expect(page.locator("meaculpa-banner section")).to_contain_text("Card payments fail.")
    page.clock.run_for(13_000)
    page.wait_for_timeout(300)
    assert "banner.json" in status_host.asked
    expect(page.locator("meaculpa-banner section")).to_contain_text("Card payments fail.")
    assert errors == []
    page.close()
