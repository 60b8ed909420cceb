"""The splash page in the shop's place: it tells the newest, repeats nothing, and brings everybody back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project, read_scaffold
from tests.browser.conftest import NOW, Server, stop_clock
from tests.live import eventually
from tests.making import CONFIG, incident_text, write_project

Builder = Callable[..., Build]
SUPPORT = CONFIG.replace(
    b"locales: [en, de]",
    b'locales: [en, de], support: {phone: "+44 800 555 0100", email: help@northwind.example, hours: "08:00-20:00"}',
)
DEAD = incident_text("show: splash\nworks: Order by phone.\n", title="You cannot order")
GERMAN = "---\ntitle: Sie können nicht bestellen\n---\n"
SHOP = (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Shop</title><h1>The shop itself</h1>")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor in Britain, in which nothing may go wrong."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    assert wrong == []
    context.close()


@pytest.fixture
def splash(status_host: Server, shop: Server, build_site: Builder) -> Callable[..., bytes]:
    """Publish a site, and let the shop answer everything with its splash page; gives the page."""

    def publish(text: str = DEAD, config: bytes = SUPPORT, retry: float = 0.05, spread: float = 0) -> bytes:
        status_host.files = dict(build_site(status_host.url, {"dead": text, "dead.de": GERMAN}, config).files)
        body = status_host.files["splash.html"].body
        quick = body.replace(b"data-retry=120 data-spread=180", f"data-retry={retry} data-spread={spread}".encode())
        assert quick != body
        shop.answers["*"] = (503, {"Content-Type": "text/html; charset=utf-8", "Retry-After": "120"}, quick)
        return quick

    return publish


def see(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text)).to_be_visible()


def test_it_brings_the_customer_back_to_the_very_address(
    page: Page, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash()
    page.goto(f"{shop.url}/tents?colour=green#reviews")
    see(page, "We are sorry. You cannot order.")
    page.wait_for_timeout(300)
    see(page, "We are sorry. You cannot order.")
    shop.answers["*"] = SHOP
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/tents?colour=green#reviews"


def test_try_again_works_at_an_address_with_a_fragment(
    page: Page, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash(retry=600)
    page.goto(f"{shop.url}/tents#reviews")
    shop.answers["*"] = SHOP
    page.get_by_role("link", name="Try again").click()
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/tents#reviews"


def send_form(page: Page, address: str) -> None:
    page.evaluate(
        "url => { const form = document.createElement('form'); form.method = 'post'; form.action = url;"
        " document.body.append(form); form.submit(); }",
        address,
    )


def test_an_order_is_never_sent_twice(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash(retry=600)
    down = shop.answers.pop("*")
    shop.answers["basket"] = SHOP
    shop.answers["order"] = down
    methods: list[tuple[str, str]] = []
    page.on("request", lambda request: methods.append((request.method, request.url.removeprefix(shop.url))))
    page.goto(f"{shop.url}/basket")
    send_form(page, f"{shop.url}/order")
    see(page, "We are sorry. You cannot order.")
    # The shop is back, and knows no page at the address that forms are sent to.
    shop.answers["order"] = (405, {}, b"POST only")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate(
        "() => { const now = Date.now(); Date.now = () => now + 60000; dispatchEvent(new Event('pageshow')); }"
    )
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/basket", "back to where the form was filled in"
    assert [one for one in methods if one[0] == "POST"] == [("POST", "/order")]


def test_try_again_after_a_form_leads_back_to_the_form(
    page: Page, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash(retry=600)
    down = shop.answers.pop("*")
    shop.answers["basket"] = SHOP
    shop.answers["order"] = down
    page.goto(f"{shop.url}/basket")
    send_form(page, f"{shop.url}/order")
    see(page, "We are sorry. You cannot order.")
    shop.answers["order"] = (405, {}, b"POST only")
    page.get_by_role("link", name="Try again").click()
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/basket"


def test_the_newest_text_is_taken_from_the_status_host(
    page: Page, shop: Server, status_host: Server, splash: Callable[..., bytes], build_site: Builder
) -> None:
    splash(retry=600)
    page.goto(f"{shop.url}/tents")
    see(page, "We are sorry. You cannot order.")
    said = "## 2026-11-22 09:30 identified\nnext_update: 2026-11-22 10:30\n\nx\n"
    newer = DEAD.replace("title: You cannot order", "title: You cannot order before noon") + f"\n{said}"
    status_host.files = dict(build_site(status_host.url, {"dead": newer}, SUPPORT).files)
    page.reload()
    see(page, "We are sorry. You cannot order before noon.")
    expect(page.locator("section:visible time").last).to_have_text("22 Nov, 10:30 GMT")


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, b"<p>Please log in to this network"),
        (500, {}, b""),
        (
            200,
            {},
            b"<section lang=en><h1><img src=x onerror=alert(1)><script>alert(1)</script>Hi</h1>"
            b"<p class=text><dl></dl>",
        ),
        (200, {"Access-Control-Allow-Origin": "https://elsewhere.example"}, b"<section lang=en><h1>Hi"),
    ],
    ids=["portal", "error", "hostile", "no-cors"],
)
def test_a_bad_status_host_takes_nothing_away(
    page: Page,
    shop: Server,
    status_host: Server,
    splash: Callable[..., bytes],
    answer: tuple[int, dict[str, str], bytes],
) -> None:
    splash(retry=600)
    status_host.answers["splash.html"] = answer
    page.goto(f"{shop.url}/tents")
    eventually(lambda: "splash.html" in status_host.asked, "the status host is asked")
    page.wait_for_timeout(300)
    assert page.locator("img, main script").count() == 0
    if b"hostile" not in answer[2] and b"onerror" not in answer[2]:
        see(page, "We are sorry. You cannot order.")
    expect(page.get_by_role("link", name="Try again")).to_be_visible()


def test_with_the_status_host_gone_it_is_complete(
    page: Page, shop: Server, status_host: Server, splash: Callable[..., bytes]
) -> None:
    splash(retry=600)
    status_host.hanging = {"*"}
    page.goto(f"{shop.url}/tents")
    see(page, "We are sorry. You cannot order.")
    for text in ("Order by phone.", "Since", "22 Nov, 09:20 GMT", "Order or ask by phone: +44 800 555 0100"):
        assert page.get_by_text(text).first.is_visible(), text


def test_without_scripts_it_is_complete_in_every_language(
    browser: Browser, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{shop.url}/tents")
    for heading in ("We are sorry. You cannot order.", "Es tut uns leid. Sie können nicht bestellen."):
        see(page, heading)
    shop.answers["*"] = SHOP
    page.get_by_role("link", name="Try again").click()
    see(page, "The shop itself")
    page.context.close()


HIDEABLE = (
    "window.isHidden = false; Object.defineProperty(Document.prototype, 'hidden', {get: () => window.isHidden})"
)


def test_a_hidden_tab_says_so_in_its_title_and_waits(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash(retry=0.3)
    page.add_init_script(HIDEABLE)
    page.goto(f"{shop.url}/tents")
    see(page, "We are sorry. You cannot order.")
    before = page.locator("link[rel=icon]").get_attribute("href")
    page.evaluate("window.isHidden = true")
    shop.answers["*"] = SHOP
    eventually(
        lambda: page.title() == "✓ The shop answers again. We bring you back in a moment.", "the title says it"
    )
    assert page.locator("link[rel=icon]").get_attribute("href") != before
    asked = len(shop.asked)
    page.wait_for_timeout(400)
    assert len(shop.asked) == asked, "nobody looks: it asks nothing of the shop"
    page.evaluate("() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }")
    see(page, "The shop itself")


def test_returns_are_spread(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash(spread=180)
    page.add_init_script("Math.random = () => 0.5")
    stop_clock(page, NOW)
    page.goto(f"{shop.url}/tents")
    shop.answers["*"] = SHOP
    page.clock.run_for(1_000)
    expect(page.get_by_text("The shop answers again. We bring you back in a moment.").first).to_be_visible()
    page.clock.run_for(85_000)
    see(page, "We are sorry. You cannot order.")
    page.clock.run_for(6_000)
    see(page, "The shop itself")


def test_looks_become_rarer_and_are_never_in_step(
    browser: Browser, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash(retry=100)
    for chance, first in ((0, 50), (0.5, 100), (0.999, 150)):
        page = browser.new_page()
        page.add_init_script(f"Math.random = () => {chance}")
        stop_clock(page, NOW)
        page.goto(f"{shop.url}/tents")
        asked = shop.asked.count("tents")
        page.clock.run_for((first - 2) * 1000)
        page.wait_for_timeout(100)
        assert shop.asked.count("tents") == asked
        page.clock.run_for(3_000)
        eventually(lambda asked=asked: shop.asked.count("tents") == asked + 1, "it looks")  # type: ignore[misc]
        page.clock.run_for(round(first * 1.4) * 1000)
        page.wait_for_timeout(100)
        assert shop.asked.count("tents") == asked + 1, "half as long again until the next look"
        page.close()


def test_tell_me_when_it_works_writes_a_mail_with_the_address(
    page: Page, shop: Server, splash: Callable[..., bytes]
) -> None:
    splash(retry=600)
    page.goto(f"{shop.url}/tents?colour=green")
    link = page.get_by_role("link", name="Tell me when it works").get_attribute("href")
    assert link
    assert link.startswith("mailto:help@northwind.example?subject=Tell%20me%20when%20it%20works&body=")
    assert "tents%3Fcolour%3Dgreen" in link


def test_tell_me_when_it_works_can_be_a_form(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    body = splash(config=SUPPORT + f'splash: {{tell_me_url: "{shop.url}/tell-me"}}\n'.encode(), retry=600)
    assert b"mailto:help@northwind.example?subject" not in body
    sent: list[str | None] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data)
        route.fulfill(body="Thank you")

    page.route("**/tell-me", take)
    page.goto(f"{shop.url}/tents")
    page.get_by_label("Your e-mail address").first.fill("me@example.com")
    page.get_by_role("button", name="Tell me when it works").click()
    expect(page.get_by_text("Thank you")).to_be_visible()
    assert sent == ["email=me%40example.com&incident=dead&lang=en"]


def test_a_link_that_is_good_once_is_asked_for_once(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash()
    page.goto(f"{shop.url}/reset?token=abc")
    see(page, "We are sorry. You cannot order.")
    eventually(lambda: "index.html" in shop.asked, "it looks elsewhere")
    assert shop.asked.count("reset") == 1
    shop.answers["*"] = SHOP
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/reset?token=abc"
    assert shop.asked.count("reset") == 2


def test_looks_that_overlap_go_back_once(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash()
    page.goto(f"{shop.url}/reset?token=abc")
    shop.hanging = {"index.html"}
    eventually(lambda: shop.asked.count("index.html") > 2, "several looks are under way")
    shop.answers["*"] = SHOP
    shop.hanging = {"reset"}
    eventually(lambda: shop.asked.count("reset") == 2, "it goes back")
    page.wait_for_timeout(1000)
    shop.hanging = set()
    see(page, "The shop itself")
    assert shop.asked.count("reset") == 2


def test_a_shop_that_is_too_busy_is_not_back(page: Page, shop: Server, splash: Callable[..., bytes]) -> None:
    splash()
    page.goto(f"{shop.url}/tents")
    shop.answers["*"] = (429, {}, b"slow down")
    eventually(lambda: shop.asked.count("tents") > 3, "it looks again")
    see(page, "We are sorry. You cannot order.")


@pytest.mark.parametrize("path", ["/#top", "/?#top", "/?a=1#top"])
def test_it_comes_back_to_the_front_page_with_a_fragment(
    page: Page, shop: Server, splash: Callable[..., bytes], path: str
) -> None:
    splash()
    page.goto(shop.url + path)
    see(page, "We are sorry. You cannot order.")
    shop.answers["*"] = SHOP
    see(page, "The shop itself")
    assert page.url == shop.url + path


@pytest.fixture
def tiny(status_host: Server, shop: Server, splash: Callable[..., bytes]) -> bytes:
    """The tiny page, which the shop answers everything with."""
    splash()
    body = status_host.files["splash.tiny.html"].body
    shop.answers["*"] = (503, {"Content-Type": "text/html"}, body)
    return body


@pytest.mark.parametrize("path", ["/a?b=1#c", "//evil.example/x", "/?#c"])
@pytest.mark.usefixtures("tiny")
def test_the_tiny_page_goes_nowhere_else(page: Page, shop: Server, path: str) -> None:
    stop_clock(page, NOW)
    page.goto(shop.url + path)
    shop.answers["*"] = SHOP
    page.clock.run_for(300_000)
    see(page, "The shop itself")
    assert page.url == shop.url + path


@pytest.mark.parametrize(("chance", "seconds"), [(0, 120), (0.5, 210), (0.999, 300)])
def test_the_tiny_page_comes_back_by_itself(
    page: Page, shop: Server, tiny: bytes, chance: float, seconds: int
) -> None:
    assert len(tiny) <= 1024
    page.add_init_script(f"Math.random = () => {chance}")
    stop_clock(page, NOW)
    page.goto(f"{shop.url}/tents?colour=green")
    see(page, "We are sorry. You cannot order.")
    shop.answers["*"] = SHOP
    page.clock.run_for((seconds - 2) * 1000)
    page.wait_for_timeout(100)
    see(page, "We are sorry. You cannot order.")
    page.clock.run_for(3_000)
    see(page, "The shop itself")
    assert page.url == f"{shop.url}/tents?colour=green"


# ---- The worker that a shop may serve


@pytest.fixture
def visitor(
    browser: Browser, shop: Server, status_host: Server, splash: Callable[..., bytes]
) -> Iterator[tuple[BrowserContext, Page]]:
    """A visitor who has been to the shop before, and has its worker."""
    splash()
    worker = status_host.files["splash-worker.js"].body.replace(b"1e4", b"1500")
    shop.answers["*"] = SHOP
    shop.answers["splash-worker.js"] = (200, {"Content-Type": "text/javascript"}, worker)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{shop.url}/")
    page.evaluate("navigator.serviceWorker.register('/splash-worker.js').then(() => navigator.serviceWorker.ready)")
    eventually(
        lambda: page.evaluate("caches.match('STATUS/splash.html').then(Boolean)".replace("STATUS", status_host.url)),
        "kept",
    )
    page.reload()
    see(page, "The shop itself")
    yield context, page
    context.close()


def test_a_worker_shows_the_splash_page_when_a_page_does_not_come(
    visitor: tuple[BrowserContext, Page], shop: Server
) -> None:
    _, page = visitor
    for status in (500, 502, 503, 504):
        shop.answers["*"] = (status, {"Content-Type": "text/plain"}, b"broken")
        answer = page.goto(f"{shop.url}/tents")
        assert answer
        assert (answer.status, answer.headers["retry-after"]) == (503, "120")
        assert answer.headers["cache-control"] == "no-store"
        see(page, "We are sorry. You cannot order.")
    shop.answers["*"] = (404, {"Content-Type": "text/html"}, b"<h1>No such tent</h1>")
    page.goto(f"{shop.url}/tents")
    see(page, "No such tent")
    shop.answers["*"] = SHOP
    page.goto(f"{shop.url}/tents")
    see(page, "The shop itself")


@pytest.mark.parametrize("fault", ["refused", "hang"])
@pytest.mark.parametrize("is_status_host_down", [False, True])
def test_a_worker_needs_neither_the_shop_nor_the_status_host(
    visitor: tuple[BrowserContext, Page], shop: Server, status_host: Server, fault: str, is_status_host_down: bool
) -> None:
    _, page = visitor
    if is_status_host_down:
        status_host.hanging = {"*"}
    if fault == "hang":
        shop.hanging = {"tents"}
    else:
        shop.answers["tents"] = (0, {}, b"")
    page.goto(f"{shop.url}/tents")
    see(page, "We are sorry. You cannot order.")
    shop.hanging = set()
    shop.answers.pop("tents", None)
    page.goto(f"{shop.url}/tents")
    see(page, "The shop itself")


def test_a_worker_lives_where_nothing_is_loaded_ahead(
    visitor: tuple[BrowserContext, Page], shop: Server, status_host: Server
) -> None:
    """Browsers before 2022 know no navigation preload."""
    _, page = visitor
    old = b"delete FetchEvent.prototype.preloadResponse;" + status_host.files["splash-worker.js"].body
    shop.answers["splash-worker.js"] = (200, {"Content-Type": "text/javascript"}, old)
    page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update())")
    page.wait_for_timeout(500)
    page.goto(f"{shop.url}/tents")
    see(page, "The shop itself")


def test_a_worker_says_nothing_to_who_has_no_network(visitor: tuple[BrowserContext, Page], shop: Server) -> None:
    context, page = visitor
    context.set_offline(True)
    with pytest.raises(Error, match="ERR_"):
        page.goto(f"{shop.url}/tents")
    context.set_offline(False)
    page.goto(f"{shop.url}/tents")
    see(page, "The shop itself")


def test_a_worker_leaves_everything_else_alone(visitor: tuple[BrowserContext, Page], shop: Server) -> None:
    _, page = visitor
    shop.answers["api"] = (503, {"Content-Type": "application/json"}, b'{"error": "busy"}')
    assert page.evaluate("fetch('/api').then(answer => answer.text())") == '{"error": "busy"}'
    shop.answers["order"] = (502, {"Content-Type": "text/html"}, b"<h1>The shop's own error</h1>")
    send_form(page, f"{shop.url}/order")
    see(page, "The shop's own error")


def test_a_worker_keeps_no_old_outage(
    visitor: tuple[BrowserContext, Page], shop: Server, status_host: Server, build_site: Builder
) -> None:
    """Its copy is renewed while everything works, so that weeks later it does not tell of today."""
    context, page = visitor
    over = DEAD + "\n## 2026-11-22 09:30 resolved\n\nIt works.\n"
    status_host.files = dict(build_site(status_host.url, {"dead": over}, SUPPORT).files)
    session = context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    page.wait_for_timeout(300)
    asked = status_host.asked.count("splash.html")
    page.goto(f"{shop.url}/")
    eventually(lambda: status_host.asked.count("splash.html") > asked, "the copy is renewed")
    page.wait_for_timeout(500)
    status_host.hanging = {"*"}
    shop.answers["*"] = (502, {}, b"")
    page.goto(f"{shop.url}/tents")
    see(page, "Sorry, our shop does not answer at the moment")


def test_a_worker_can_be_taken_away(visitor: tuple[BrowserContext, Page], shop: Server, status_host: Server) -> None:
    _, page = visitor
    kill = status_host.files["splash-worker.off.js"].body
    shop.answers["splash-worker.js"] = (200, {"Content-Type": "text/javascript"}, kill)
    page.evaluate("navigator.serviceWorker.getRegistration().then(one => one.update())")
    eventually(
        lambda: page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") == 0, "gone"
    )
    assert page.evaluate("caches.keys()") == []
    shop.answers["*"] = (502, {"Content-Type": "text/html"}, b"<h1>The shop's own error</h1>")
    page.goto(f"{shop.url}/tents")
    see(page, "The shop's own error")


# ---- Its limits


def test_a_page_too_large_for_an_edge_speaks_the_first_language_alone(tmp_path: Path, memory: Memory) -> None:
    locales = ["en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "ja", "ar", "he"]
    long = json.dumps("Please call us, we are glad to help you. " * 100)
    root = write_project(tmp_path, dead=DEAD.replace("works: Order by phone.", f"works: {long}\nmoney: {long}"))
    (root / "meaculpa.yml").write_bytes(SUPPORT.replace(b"[en, de]", f"[{', '.join(locales)}]".encode()))
    folder = root / "site_templates" / "locales"
    folder.mkdir(parents=True)
    english = read_scaffold("locales")["en.yml"]
    for locale in locales[2:]:
        (folder / f"{locale}.yml").write_bytes(english)
    files = build(read_project(root), NOW, Memory(pool=memory.pool)).files
    page = files["splash.html"].body.decode()
    assert page.count("<section") == 1
    assert len(page.encode()) <= 14_000
    assert len(files["splash.tiny.html"].body) <= 1_024
    (root / "meaculpa.yml").write_bytes(SUPPORT.replace(b"[en, de]", b"[en, de, fr]"))
    fewer = build(read_project(root), NOW, Memory(pool=memory.pool)).files["splash.html"].body.decode()
    assert fewer.count("<section") == 3
