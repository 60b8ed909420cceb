"""The live desk in a browser: it follows every save and choice, and nobody loses the place they read at."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, FrameLocator, Page, Route, expect

from tests.live import Running, eventually, running
from tests.making import incident_text, write_project
from tests.test_serve import CARD, WINDOW, WORK, address, plan_letters

LATE = """\
## 2026-11-22 09:20 UTC investigating
next_update: 2026-11-22 12:30 UTC

You cannot pay by card.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    planned = incident_text(WINDOW, "## 2026-11-20 09:00 UTC scheduled\n\nWe renew a server.\n", "We renew a server")
    past = {
        f"2026-10-{day:02}-old": incident_text(
            "components: {payments: partial_outage}\n",
            f"## 2026-10-{day:02} 09:20 UTC investigating\n\nNo.\n\n## 2026-10-{day:02} 10:20 UTC resolved\n\nYes.\n",
            title=f"Old {day}",
        )
        for day in range(1, 20)
    }
    text = incident_text("impact: critical\n", LATE)
    return write_project(tmp_path / "shop", **{CARD: text, WORK: planned}, **past)


@pytest.fixture
def command(project: Path) -> Iterator[Running]:
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as command:
        yield command


@pytest.fixture
def page(command: Running, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1366, "height": 860}, color_scheme="light")
    wrong = list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    url = address(command)
    key = re.search(r"__desk/(#\S+)", command.said)
    assert key
    page.goto(f"{url}/__desk/{key[1]}")
    shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
    yield page
    page.close()
    assert wrong == []


def shown(page: Page, pane: str) -> FrameLocator:
    return page.frame_locator(f"#{pane} iframe:not(.coming)")


def save(project: Path, **changes: str) -> None:
    text = incident_text("impact: critical\n", changes.get("updates", LATE), changes.get("title", "You cannot pay"))
    (project / "incidents" / f"{CARD}.md").write_text(text)


def scrolled(page: Page) -> float:
    return float(page.evaluate("document.querySelector('#status iframe:not(.coming)').contentWindow.scrollY"))


def test_everything_stands_side_by_side_and_follows_a_save(project: Path, page: Page) -> None:
    save(project, title="You cannot reach our tills")
    for pane in ("status", "splash"):
        shown(page, pane).get_by_text("You cannot reach our tills").first.wait_for()
    shown(page, "storefront").locator("meaculpa-banner").get_by_text("You cannot reach our tills").first.wait_for()


def test_nobody_loses_the_place_they_read_at(project: Path, page: Page) -> None:
    frame = shown(page, "status")
    frame.locator("summary").first.evaluate("one => { one.parentNode.open = true; scrollTo(0, 600) }")
    assert scrolled(page) == 600
    save(project, title="You cannot reach our tills")
    frame.get_by_text("You cannot reach our tills").first.wait_for()
    assert scrolled(page) == 600
    assert frame.locator("details").first.get_attribute("open") is not None


def test_somebody_who_went_on_to_another_page_stays_there(project: Path, page: Page) -> None:
    frame = shown(page, "status")
    frame.get_by_role("link", name="You cannot pay by card", exact=True).click()
    frame.locator("h1", has_text="You cannot pay by card").wait_for()
    save(project, title="You cannot reach our tills")
    frame.locator("h1", has_text="You cannot reach our tills").wait_for()


def test_a_page_that_says_nothing_new_is_left_alone(project: Path, page: Page) -> None:
    page.evaluate("document.querySelector('#splash iframe').contentWindow.mark = 1")
    (project / "incidents" / "2026-10-01-old.md").unlink()
    expect(page.locator("#status")).to_have_attribute("data-build", re.compile("-2$"))
    assert page.evaluate("document.querySelector('#splash iframe').contentWindow.mark") == 1


def test_a_jump_ahead_shows_maintenance_begin_and_a_promise_broken(page: Page) -> None:
    page.get_by_role("listitem").filter(has_text="We renew a server").get_by_role(
        "button", name="See it then"
    ).click()
    shown(page, "status").get_by_text("Under way").first.wait_for()
    page.locator("#promises li.late").filter(has_text="You cannot pay by card").wait_for()
    expect(page.locator("#promises")).to_contain_text("30 min late")
    expect(page.locator("#promises")).to_contain_text("Ends 14:00 UTC, in 1 h")
    expect(page.locator("#time")).to_contain_text("22 Nov 2026, 13:00")
    assert page.evaluate(
        "new Date(document.querySelector('#status iframe').contentWindow.Date.now()).toISOString()"
    ).startswith("2026-11-22T13:00")


def test_buttons_and_a_date_lead_to_other_moments_and_back(page: Page) -> None:
    page.get_by_role("button", name="+1 h").click()
    expect(page.locator("#time")).to_contain_text("13:00")
    page.locator("#at").fill("2026-11-22T13:30")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#time")).to_contain_text("13:30")
    page.get_by_role("button", name="Next change").click()
    expect(page.locator("#time")).to_contain_text("14:00")
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("button", name="Back to now")).to_be_hidden()


def test_findings_stand_with_their_lines(project: Path, page: Page) -> None:
    save(project, updates=LATE.replace("You cannot", "Sorry for any inconvenience. You cannot"))
    item = page.locator("#findings li", has_text="MC101")
    item.wait_for()
    expect(item).to_contain_text(f"incidents/{CARD}.md:9")
    expect(item).to_contain_text("Sorry for any inconvenience. You cannot pay by card.")
    expect(page.locator("#trouble")).to_be_hidden()
    (project / "incidents" / f"{CARD}.md").write_text(incident_text("impact: majr\n"))
    page.locator("#findings li.error", has_text='unknown impact "majr"').wait_for()
    expect(page.locator("#trouble")).to_contain_text("Broken files keep their last good version")


def test_hostile_words_are_text_on_the_desk(project: Path, page: Page) -> None:
    save(project, title="'<img src=x onerror=document.title=1><b id=bold>'")
    shown(page, "status").get_by_text("<b id=bold>").first.wait_for()
    page.locator("#promises").get_by_text("<b id=bold>").wait_for()
    assert page.locator("#bold").count() == 0


def test_colours_and_languages_are_those_of_the_visitor_that_is_chosen(project: Path, page: Page) -> None:
    def wait_for(colour: str) -> None:
        # A page that is being replaced answers nothing.
        expect(shown(page, "status").locator("body")).to_have_css("background-color", colour, timeout=20_000)

    wait_for("rgb(246, 246, 243)")
    updates = "## 2026-11-22 09:20 UTC investigating\n\nEs geht nicht.\n"
    german = f"---\ntitle: Sie können nicht mit Karte bezahlen\n---\n\n{updates}"
    (project / "incidents" / f"{CARD}.de.md").write_text(german)
    page.get_by_label("Dark").check(force=True)
    page.get_by_label("Language").select_option("de")
    shown(page, "status").locator("html[lang=de]").wait_for()
    shown(page, "splash").locator("html[lang=de]").wait_for()
    shown(page, "storefront").locator("meaculpa-banner").get_by_text("Sie können nicht").first.wait_for()
    wait_for("rgb(19, 20, 23)")
    page.get_by_label("Light").check(force=True)
    wait_for("rgb(246, 246, 243)")
    page.reload()
    shown(page, "status").locator("html[lang=de]").wait_for()


def test_phones_and_desktops_have_their_own_width(page: Page) -> None:
    def width() -> object:
        return page.evaluate("document.querySelector('#status iframe:not(.coming)').contentWindow.innerWidth")

    assert width() == 390
    page.get_by_label("Desktop").check(force=True)
    assert width() == 1366
    page.locator("#status").get_by_role("button", name="Enlarge").click()
    box = page.locator("#status .stage").bounding_box()
    assert box
    assert box["width"] > 950


def test_the_banner_shows_where_in_the_shop_somebody_is(project: Path, page: Page) -> None:
    front = "impact: critical\ncomponents: {checkout: major_outage}\n"
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(front, LATE))
    banner = shown(page, "storefront").locator("meaculpa-banner section")
    expect(banner).to_have_count(0)
    page.get_by_label("Path in the shop").fill("https://shop.example/checkout/pay")
    page.get_by_label("Path in the shop").press("Enter")
    banner.get_by_text("You cannot pay by card").first.wait_for()
    expect(page.get_by_label("Path in the shop")).to_have_value("/checkout/pay")


def test_the_banner_is_shown_first_where_there_is_one(project: Path, browser: Browser) -> None:
    front = "impact: critical\ncomponents: {checkout: major_outage}\n"
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(front, LATE))
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as command:
        page = browser.new_page()
        page.goto(f"{address(command)}/__desk/")
        shown(page, "storefront").locator("meaculpa-banner").get_by_text("You cannot pay by card").first.wait_for()
        expect(page.get_by_label("Path in the shop")).to_have_value("/checkout")
        page.close()


def test_letters_are_read_one_by_one_and_as_they_will_be(project: Path, page: Page) -> None:
    expect(page.locator("#letters")).to_contain_text("No letters are planned.")
    plan_letters(project)
    expect(page.locator("#facts")).to_contain_text("Anna Berg, anna@example.com")
    shown(page, "letters").get_by_text("Dear Anna Berg").wait_for()
    page.get_by_role("button", name="Next letter").click()
    shown(page, "letters").get_by_text("Dear Jonas Keil").wait_for()
    expect(page.get_by_role("button", name="Next letter")).to_be_disabled()
    expect(page.locator("#outdated")).to_be_hidden()
    save(project)
    expect(page.locator("#outdated")).to_contain_text(f"incidents/{CARD}.md has changed. Plan it again: meaculpa")


def test_without_the_key_no_letter_is_shown(project: Path, command: Running, browser: Browser) -> None:
    plan_letters(project)
    page = browser.new_page()
    page.goto(f"{address(command)}/__desk/")
    expect(page.locator("#letters")).to_contain_text("open the desk at the address that the terminal shows")
    page.close()


def test_a_desk_whose_server_has_ended_says_so(command: Running, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{address(command)}/__desk/")
    page.get_by_text("Live", exact=True).wait_for()
    command.stop()
    page.get_by_text("The desk has stopped").wait_for()
    page.close()


def test_a_server_that_was_started_again_shows_what_is_new(project: Path, browser: Browser) -> None:
    page = browser.new_page()
    with running(project, "serve", "--port", "0") as first:
        url = address(first)
        page.goto(f"{url}/__desk/")
        shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
        alone = browser.new_page()
        alone.goto(url)
        alone.get_by_text("You cannot pay by card").first.wait_for()
        assert first.stop() == 0
    save(project, title="You cannot reach our tills")
    port = url.rsplit(":", 1)[1]
    with running(project, "serve", "--port", port):
        for pane in ("status", "splash"):
            shown(page, pane).get_by_text("You cannot reach our tills").first.wait_for()
        alone.get_by_text("You cannot reach our tills").first.wait_for()
    alone.close()
    page.close()


def test_what_was_chosen_while_the_server_was_away_is_made_up_for(project: Path, browser: Browser) -> None:
    page = browser.new_page()
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as first:
        url = address(first)
        page.goto(f"{url}/__desk/")
        shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
        assert first.stop() == 0
    page.get_by_text("The desk has stopped").wait_for()
    page.get_by_label("Language").select_option("de")
    # Longer than a page is waited for.
    page.wait_for_timeout(4000)
    shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
    with running(project, "serve", "--port", url.rsplit(":", 1)[1], "--now", "2026-11-22 12:00"):
        shown(page, "status").locator("html[lang=de]").wait_for()
    page.close()


def test_a_project_that_is_broken_from_the_start_says_what_is_wrong(project: Path, browser: Browser) -> None:
    good = (project / "meaculpa.yml").read_bytes()
    (project / "meaculpa.yml").write_text("format: 1\nsite: []\n")
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as command:
        eventually(lambda: "Status page" in command.said, "the address")
        url = re.search(r"http://127.0.0.1:\d+", command.said)
        assert url
        page = browser.new_page()
        page.goto(f"{url[0]}/__desk/")
        page.locator("#findings li.error", has_text="meaculpa.yml").first.wait_for()
        expect(page.locator("#trouble")).to_contain_text("The last good version stays")
        (project / "meaculpa.yml").write_bytes(good)
        shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
        expect(page.locator("#trouble")).to_be_hidden()
        page.close()


def test_a_tab_that_nobody_looks_at_holds_no_connection(command: Running, browser: Browser) -> None:
    """Browsers allow six to a host: the seventh page would never come."""
    hide = """
        const hidden = Object.getOwnPropertyDescriptor(Document.prototype, "hidden");
        window.show = (isShown) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => !isShown });
          document.dispatchEvent(new Event("visibilitychange"));
        };
    """
    context = browser.new_context()
    url = address(command)
    for path in ("/__desk/", *["/"] * 7):
        page = context.new_page()
        page.add_init_script(hide)
        page.goto(f"{url}{path}", timeout=15_000)
        page.get_by_text("You cannot pay by card").first.wait_for()
        page.evaluate("show(false)")
    context.close()


def test_where_somebody_is_going_is_not_forgotten_by_a_save(project: Path, page: Page) -> None:
    held = list[Route]()
    page.route(re.compile("path=%2Forders"), lambda route: held.append(route))
    page.get_by_label("Path in the shop").fill("/orders")
    page.get_by_label("Path in the shop").press("Enter")
    save(project, title="You cannot reach our tills")
    shown(page, "status").get_by_text("You cannot reach our tills").first.wait_for()
    page.unroute_all()
    for route in held:
        with contextlib.suppress(Error):
            route.continue_()
    shown(page, "storefront").locator("#path", has_text="/orders").wait_for()
    assert page.get_by_label("Path in the shop").input_value() == "/orders"


def test_a_keyboard_keeps_its_place(project: Path, page: Page) -> None:
    page.get_by_role("listitem").filter(has_text="We renew a server").get_by_role("button").focus()
    save(project, title="You cannot reach our tills")
    page.locator("#promises").get_by_text("You cannot reach our tills").wait_for()
    assert page.evaluate("document.activeElement.closest('li').id") == f"p-{WORK}"
    frame = shown(page, "status")
    frame.get_by_role("link", name="You cannot reach our tills", exact=True).focus()
    save(project, title="You cannot find our tills")
    frame.get_by_text("You cannot find our tills").first.wait_for()
    assert frame.get_by_role("link", name="You cannot find our tills", exact=True).evaluate(
        "one => one === one.ownerDocument.activeElement"
    )


def test_what_stands_around_a_pane_follows_its_links(page: Page) -> None:
    frame = shown(page, "status")
    frame.get_by_role("link", name="You cannot pay by card", exact=True).click()
    expect(page.locator("#status .alone")).to_have_attribute("href", f"/incidents/{CARD}.html")
    frame.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_label("Language")).to_have_value("de")
    shown(page, "splash").locator("html[lang=de]").wait_for()
    shown(page, "storefront").get_by_role("link", name="Basket").click()
    expect(page.get_by_label("Path in the shop")).to_have_value("/basket")


def test_a_moment_that_is_refused_is_told(command: Running, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{address(command)}/__desk/")
    page.locator("#at").fill("2095-01-01T00:00")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#refused")).to_contain_text("ten years at most")
    page.get_by_role("button", name="+1 h").click()
    expect(page.locator("#refused")).to_be_empty()
    page.close()


def test_a_link_in_a_letter_leaves_the_letter_where_it_is(project: Path, page: Page) -> None:
    plan_letters(project)
    letter = shown(page, "letters")
    link = letter.get_by_role("link").first
    link.wait_for()
    with page.expect_popup():
        link.click()
    letter.get_by_text("Dear Anna Berg").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, project: Path, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    save(project, updates=LATE.replace("You cannot", "Sorry for any inconvenience. You cannot"))
    page.locator("#findings li", has_text="MC101").wait_for()
    page.get_by_role("button", name="+1 h").click()
    page.locator("#promises li.late").first.wait_for()
    found = Axe().run(page, options={"iframes": False}, context={"exclude": [["iframe"]]})
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(command: Running, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address(command)}/__desk/")
    shown(page, "status").get_by_text("You cannot pay by card").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
