"""Letters on the page: opened in a browser with the mailed link, with the store down, and by nobody else."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from meaculpa.model import OutputFile
from tests.browser.conftest import Server
from tests.mailserver import MailServer, mail_server
from tests.making import CONFIG, incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_customers import NOW, OFFERS, THROWS, customer, orders

TYPES = {"html": "text/html; charset=utf-8", "bin": "application/octet-stream", "svg": "image/svg+xml"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a customer in Britain, in which nothing may go wrong."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    assert wrong == []
    context.close()


class Shop:
    """A project whose status site a browser can visit, and whose customers have got their mail."""

    def __init__(self, root: Path, host: Server, mail: MailServer) -> None:
        self.root, self.host, self.mail = root, host, mail

    def send(self, *rows: dict[str, str]) -> None:
        file = orders(self.root, *rows)
        plan = ("customers", "plan", "throws", "--stage", "delay", "--orders", file, *NOW)
        for command in (("publish", *NOW), plan, ("customers", "send", f"private/plans/{THROWS}-delay", *NOW)):
            done = meaculpa(*command, cwd=self.root)
            assert done.returncode == 0, done.stderr
        self.serve()

    def serve(self) -> None:
        """Show what lies in the published folder, as a static host would."""
        public = self.root / "public"
        self.host.files = {
            path.relative_to(public).as_posix(): OutputFile(
                "", path.read_bytes(), TYPES.get(path.suffix[1:], "text/plain"), "", ""
            )
            for path in public.rglob("*")
            if path.is_file()
        }

    def link(self, address: str) -> str:
        text = self.mail.message(address).get_body(("plain",))
        assert text is not None
        found = re.search(r"https?://\S+/letters/index\.html#\S+", text.get_content())
        assert found
        return found[0]


@pytest.fixture
def northwind(tmp_path: Path, status_host: Server, server: MailServer) -> Shop:
    root = write_project(tmp_path / "shop", **{THROWS: incident_text(OFFERS)})
    (root / "incidents" / f"{THROWS}.de.md").write_text(
        "---\ntitle: Zu spät\nreason: Wir haben doppelt gezählt.\n---\n"
    )
    config = CONFIG.decode().replace("https://status.northwind.example", status_host.url)
    mail = (
        "mail:\n  from: Northwind <orders@northwind.example>\n  signed_by: Anna Berg\n  per_second: 5000\n"
        f"  transport: {{type: smtp, host: localhost, port: {server.port}, security: none}}\nletters: {{days: 30}}\n"
    )
    (root / "meaculpa.yml").write_text(config + mail, encoding="utf-8")
    codes = root / "private" / "codes"
    codes.mkdir(parents=True)
    (codes / "gift-20.txt").write_text("NW-1\nNW-2\nNW-3\n")
    return Shop(root, status_host, server)


def test_the_mailed_link_opens_the_letter_and_nothing_else_is_asked(page: Page, northwind: Shop) -> None:
    northwind.send(customer(1, item="Zigzag <throw> & co", new_ship_on=""), customer(2))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    link = northwind.link("c1@example.com")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Order 1: it does not ship on 24 November 2026")
    expect(page.get_by_text("Dear Customer 1,")).to_be_visible()
    expect(page.get_by_text("Zigzag <throw> & co", exact=True)).to_be_visible()
    keep = page.get_by_role("link", name="KEEP")
    assert keep.get_attribute("href") == "mailto:orders@northwind.example?subject=KEEP%201"
    expect(
        page.get_by_text("Only this link opens this letter. It stands here until 22 December 2026.")
    ).to_be_visible()
    assert page.title() == "Order 1: it does not ship on 24 November 2026"
    ours = [url.removeprefix(northwind.host.url) for url in asked]
    assert ours[0].partition("#")[0] == "/letters/index.html"
    assert re.fullmatch(r"/letters/[0-9a-f]{12}/[0-9a-f]{3}\.bin", ours[1])
    assert len(ours) == 2
    # What stands behind the # never goes over the line, and what goes is neither the token nor a part of it.
    token = link.partition("#")[2][12:]
    assert all(token[:6] not in path for path in northwind.host.asked)


def test_every_letter_opens_and_only_with_its_own_link(page: Page, northwind: Shop) -> None:
    northwind.send(*(customer(number, price="5.00") for number in range(12)))
    links = [northwind.link(f"c{number}@example.com") for number in range(12)]
    assert len(set(links)) == 12
    for number, link in enumerate(links):
        page.goto("about:blank")
        page.goto(link)
        expect(page.get_by_text(f"Dear Customer {number},")).to_be_visible()


def shortened(link: str) -> str:
    return link[:-3]


def without_fragment(link: str) -> str:
    return link.partition("#")[0]


def with_another_token(link: str) -> str:
    return link[:-4] + ("AAAA" if link[-4:] != "AAAA" else "BBBB")


def of_another_campaign(link: str) -> str:
    start, _, fragment = link.partition("#")
    return f"{start}#{'0' * 12}{fragment[12:]}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shortened, "This link is not complete"),
        (without_fragment, "This link is not complete"),
        (with_another_token, "This letter is not here any more"),
        (of_another_campaign, "This letter is not here any more"),
    ],
)
def test_a_link_that_is_not_whole_opens_nothing(
    page: Page, northwind: Shop, change: Callable[[str], str], said: str
) -> None:
    northwind.send(customer(1))
    page.goto(change(northwind.link("c1@example.com")))
    expect(page.get_by_text(said)).to_be_visible()
    assert "Customer" not in page.content()


def test_a_letter_is_in_its_own_language_whatever_the_browser_speaks(page: Page, northwind: Shop) -> None:
    northwind.send(customer(1, locale="de", new_ship_on=""))
    page.goto(northwind.link("c1@example.com"))
    expect(page.get_by_text("Guten Tag Customer 1,")).to_be_visible()
    expect(
        page.get_by_text("Nur dieser Link öffnet diesen Brief. Er steht hier bis zum 22. Dezember 2026.")
    ).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "de"


def test_a_host_that_is_down_is_said(page: Page, northwind: Shop) -> None:
    northwind.send(customer(1))
    link = northwind.link("c1@example.com")
    page.goto(link.partition("#")[0])
    northwind.host.answers["*"] = (503, {}, b"")
    page.evaluate("link => { location.hash = new URL(link).hash }", link)
    expect(page.get_by_text("Your letter could not be fetched.")).to_be_visible()
    northwind.host.answers.clear()
    page.reload()
    expect(page.get_by_text("Dear Customer 1,")).to_be_visible()


def test_withdrawn_letters_are_gone_from_the_host(page: Page, northwind: Shop) -> None:
    northwind.send(customer(1))
    link = northwind.link("c1@example.com")
    before = {path: path.read_bytes() for path in (northwind.root / "public" / "letters").rglob("*.bin")}
    assert (
        "on the page: 1 letter of stage delay, until 2026-12-22"
        in meaculpa("customers", "status", "throws", cwd=northwind.root).stdout
    )
    done = meaculpa("publish", "--now", "2026-12-22 12:00", cwd=northwind.root)
    assert "withdrawn" not in done.stderr
    done = meaculpa("publish", "--now", "2026-12-23 12:00", cwd=northwind.root)
    assert "1 letter withdrawn from the page." in done.stderr
    changed = [path for path, body in before.items() if path.read_bytes() != body]
    assert len(changed) == 1, "only what held a letter looks different"
    northwind.serve()
    page.goto(link)
    expect(page.get_by_text("This letter is not here any more")).to_be_visible()
    assert "withdrawn" not in meaculpa("publish", "--now", "2026-12-24 12:00", cwd=northwind.root).stderr


def test_retracting_an_incident_takes_its_letters_off(northwind: Shop) -> None:
    northwind.send(customer(1))
    folder = northwind.root / "public" / "letters"
    before = {path: path.read_bytes() for path in folder.rglob("*.bin")}
    done = meaculpa("retract", THROWS, "--yes", *NOW, cwd=northwind.root)
    assert "1 letter withdrawn from the page." in done.stdout
    assert sum(path.read_bytes() != body for path, body in before.items()) == 1


def test_what_lies_on_the_host_tells_nothing(northwind: Shop) -> None:
    northwind.send(customer(10432, name="Jane Doe"), customer(2))
    shards = {path: path.read_bytes() for path in (northwind.root / "public" / "letters").rglob("*.bin")}
    assert len(shards) == 1024
    assert len({len(body) for body in shards.values()}) == 1
    everything = b"".join(shards.values())
    for secret in (b"Jane", b"10432", b"Zigzag", b"example.com", b"NW-1"):
        assert secret not in everything
    token = northwind.link("c10432@example.com").partition("#")[2]
    assert not any(
        token.encode() in path.read_bytes() for path in (northwind.root / "public").rglob("*") if path.is_file()
    )
    key = northwind.root / "private" / "letters.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_planned_again_a_letter_has_the_same_link(northwind: Shop) -> None:
    def links() -> list[str]:
        file = northwind.root / "private" / "plans" / f"{THROWS}-delay" / "letters.jsonl"
        letters = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [re.findall(r"#\S+", letter["text"])[0] for letter in letters]

    found = []
    for _ in range(2):
        file = orders(northwind.root, customer(1), customer(2))
        plan = ("customers", "plan", "throws", "--stage", "delay", "--orders", file, *NOW)
        assert meaculpa(*plan, cwd=northwind.root).returncode == 0
        found.append(links())
    assert found[0] == found[1]


def test_before_the_page_is_there_no_link_to_it_is_sent(northwind: Shop) -> None:
    file = orders(northwind.root, customer(1))
    meaculpa("customers", "plan", "throws", "--stage", "delay", "--orders", file, *NOW, cwd=northwind.root)
    done = meaculpa("customers", "send", f"private/plans/{THROWS}-delay", *NOW, cwd=northwind.root)
    assert (done.returncode, northwind.mail.count) == (3, 0)
    assert "the page that opens letters is not there yet: meaculpa publish" in done.stderr


def test_a_letter_that_comes_late_never_takes_the_place_of_another(page: Page, northwind: Shop) -> None:
    northwind.send(customer(1), customer(2))
    links = [northwind.link(f"c{number}@example.com") for number in (1, 2)]
    page.goto(links[0])
    expect(page.get_by_text("Dear Customer 1,")).to_be_visible()
    shard = next(path for path in northwind.host.asked if path.endswith(".bin"))
    page.goto(links[0].partition("#")[0])
    northwind.host.hanging = {shard}
    for link in links:
        page.evaluate("link => { location.hash = new URL(link).hash }", link)
        page.wait_for_timeout(200)
    expect(page.get_by_text("Dear Customer 2,")).to_be_visible()
    northwind.host.hanging = set()
    page.wait_for_timeout(1000)
    expect(page.get_by_text("Dear Customer 2,")).to_be_visible()
    assert page.title().startswith("Order 2:")


def test_what_is_printed_opens_no_letter(northwind: Shop) -> None:
    file = orders(northwind.root, customer(1))
    done = meaculpa("customers", "plan", "throws", "--stage", "delay", "--orders", file, *NOW, cwd=northwind.root)
    assert re.search(r"index\.html#[0-9a-f]{12}…", done.stdout)
    assert not re.search(r"#[0-9a-f]{12}[\w-]{22}", done.stdout)


def test_where_no_page_takes_the_letters_none_is_sent(northwind: Shop) -> None:
    file = orders(northwind.root, customer(1))
    meaculpa("customers", "plan", "throws", "--stage", "delay", "--orders", file, *NOW, cwd=northwind.root)
    (northwind.root / "public").write_text("a file where the folder ought to be")
    done = meaculpa("customers", "send", f"private/plans/{THROWS}-delay", *NOW, cwd=northwind.root)
    assert (done.returncode, northwind.mail.count) == (3, 0)
    assert "nothing was sent: the letters could be put on no page" in done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Page, northwind: Shop, scheme: Any) -> None:
    northwind.send(customer(1, new_ship_on=""))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(northwind.link("c1@example.com"))
    expect(page.get_by_text("Dear Customer 1,")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_page_says_where_the_letter_is(northwind: Shop, browser: Any) -> None:
    northwind.send(customer(1))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(northwind.link("c1@example.com"))
    expect(page.get_by_text("Your letter is locked")).to_be_visible()
    context.close()
