"""The server of the live desk: what it answers, to whom, and what it keeps for itself."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from meaculpa.customers.folder import Plan, read_plan
from meaculpa.preview.letters import PlansFolder
from tests.live import Running, eventually, running
from tests.making import incident_text, write_project

CARD = "2026-11-22-card"
WORK = "2026-11-22-work"
WINDOW = """\
kind: maintenance
starts: 2026-11-22 13:00 UTC
ends: 2026-11-22 14:00 UTC
components: {payments: under_maintenance}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    planned = incident_text(WINDOW, "## 2026-11-20 09:00 UTC scheduled\n\nWe renew a server.\n", "We renew a server")
    return write_project(tmp_path / "shop", **{CARD: incident_text("impact: critical\n"), WORK: planned})


@pytest.fixture
def desk(project: Path) -> Iterator[tuple[Running, str]]:
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as command:
        yield command, address(command)


def address(command: Running) -> str:
    eventually(lambda: "Status page" in command.said, "the address")
    url = re.search(r"http://127.0.0.1:\d+", command.said)
    assert url
    eventually(lambda: "nothing to show yet" not in get(url[0]), "a page")
    return url[0]


def get(url: str, **headers: str) -> str:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def status_of(url: str, body: bytes | None = None, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, named), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def facts(url: str) -> dict[str, object]:
    """What open pages are told at the moment."""
    with urllib.request.urlopen(f"{url}/__desk/events", timeout=10) as stream:
        told = json.loads(stream.readline().removeprefix(b"data: "))
        assert isinstance(told, dict)
        return told


def plans_of(url: str) -> list[dict[str, Any]]:
    """The plans of letters that the desk tells of."""
    found = facts(url)["plans"]
    assert isinstance(found, list)
    return found


def travel(url: str, at: str | None) -> int:
    return status_of(f"{url}/__desk/clock", json.dumps({"at": at}).encode(), Content_Type="application/json")


def test_an_edit_changes_page_banner_and_splash_page(project: Path, desk: tuple[Running, str]) -> None:
    command, url = desk
    (project / "incidents" / f"{CARD}.md").write_text(
        incident_text("impact: critical\n", title="You cannot reach us")
    )
    eventually(lambda: "You cannot reach us" in get(url), "the status page")
    assert "You cannot reach us" in get(f"{url}/banner.json")
    assert "You cannot reach us" in get(f"{url}/banner.js")
    assert "You cannot reach us" in get(f"{url}/splash.html")
    assert not (project / "public").exists(), "serve publishes nothing"
    assert command.stop() == 0


def test_it_ends_at_once_although_pages_are_open(desk: tuple[Running, str]) -> None:
    command, url = desk
    with urllib.request.urlopen(f"{url}/__desk/events", timeout=10) as stream:
        assert stream.readline()
        assert command.stop() == 0
        assert "Stopped." in command.said


def test_addresses_lead_to_the_desk_itself(desk: tuple[Running, str]) -> None:
    _, url = desk
    assert json.loads(get(f"{url}/banner.json"))["site"] == url
    assert get(f"{url}/de/") == get(f"{url}/de/index.html")
    assert "Live desk" in get(f"{url}/__desk")


@pytest.mark.parametrize("path", ["nothing.html", "__desk/nothing.html", "__desk/shop/nothing.html"])
def test_a_missing_page_is_a_404(desk: tuple[Running, str], path: str) -> None:
    assert status_of(f"{desk[1]}/{path}") == 404


def test_a_missing_page_of_the_site_is_its_own_404(desk: tuple[Running, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{desk[1]}/nothing.html")
    assert "This page does not exist" in caught.value.read().decode()


def test_a_taken_port_is_told(desk: tuple[Running, str], tmp_path: Path) -> None:
    port = desk[1].rsplit(":", 1)[1]
    with running(write_project(tmp_path / "other" / "shop"), "serve", "--port", port) as second:
        assert second.process.wait(timeout=20) == 2
        assert f"port {port} cannot be used" in second.said


# ---- To whom


def test_only_this_machine_is_answered(desk: tuple[Running, str]) -> None:
    port = int(desk[1].rsplit(":", 1)[1])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=5):
        pass


@pytest.mark.parametrize("path", ["/", "/__desk/", "/__desk/events", "/banner.json"])
def test_a_name_that_is_not_ours_is_answered_nothing(desk: tuple[Running, str], path: str) -> None:
    assert status_of(f"{desk[1]}{path}", Host="evil.example") == 400


def test_only_pages_of_this_machine_may_read_what_is_shown(desk: tuple[Running, str]) -> None:
    def allowed(origin: str) -> str | None:
        request = urllib.request.Request(f"{desk[1]}/banner.json", headers={"Origin": origin})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: str | None = answer.headers["Access-Control-Allow-Origin"]
            return found

    assert allowed("http://localhost:3000") == "http://localhost:3000"
    assert allowed("https://evil.example") is None
    assert allowed("http://localhost:3000.evil.example") is None
    assert allowed("null") is None


# ---- The moment that is shown


def test_the_site_is_shown_as_of_another_moment(desk: tuple[Running, str]) -> None:
    _, url = desk
    assert json.loads(get(f"{url}/api/v2/summary.json"))["scheduled_maintenances"][0]["status"] == "scheduled"
    assert travel(url, "2026-11-22T13:10:00Z") == 204
    eventually(
        lambda: json.loads(get(f"{url}/api/v2/summary.json"))["scheduled_maintenances"][0]["status"] == "in_progress",
        "maintenance under way",
    )
    with urllib.request.urlopen(f"{url}/banner.json", timeout=10) as answer:
        assert "22 Nov 2026 13:1" in answer.headers["Date"], "scripts take the time from the server"
    assert travel(url, None) == 204
    eventually(lambda: facts(url)["shift"] == 0, "the present")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"at": 7}',
        b'{"at": "soon"}',
        b'{"at": "2026-11-22T09:00"}',
        b'{"at": "2999-01-01T00:00:00Z"}',
        b'{"at": "' + b"9" * 5000 + b'"}',
        b"\xff" * 10,
        b"[" * 990,
    ],
)
def test_what_is_no_moment_changes_nothing(desk: tuple[Running, str], body: bytes) -> None:
    before = facts(desk[1])["shift"]
    assert status_of(f"{desk[1]}/__desk/clock", body, Content_Type="application/json") == 400
    assert facts(desk[1])["shift"] == before


def test_a_form_of_another_page_cannot_move_the_clock(desk: tuple[Running, str]) -> None:
    body = b'{"at": "2026-11-22T13:10:00Z"}'
    assert status_of(f"{desk[1]}/__desk/clock", body, Content_Type="text/plain") == 415
    assert status_of(f"{desk[1]}/__desk/clock", body) == 415


# ---- Findings and promises


def test_what_is_wrong_is_told_with_its_line(project: Path, desk: tuple[Running, str]) -> None:
    _, url = desk
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(incident_text(updates="## 2026-11-22 09:20 UTC investigating\n\nSorry for any inconvenience.\n"))

    def problems() -> list[dict[str, object]]:
        found = facts(url)["problems"]
        assert isinstance(found, list)
        return [one for one in found if one["rule"] == "MC101"]

    eventually(problems, "the finding")
    told = problems()[0]
    assert (told["path"], told["line"]) == (f"incidents/{CARD}.md", 8)
    assert told["text"] == "Sorry for any inconvenience."
    assert not facts(url)["consequence"], "it goes out all the same"
    path.write_text(incident_text("impact: majr\n"))
    eventually(lambda: facts(url)["consequence"], "the consequence of a mistake")
    assert "You cannot pay by card" in get(url), "the last good version stays"


def test_promises_are_told_as_of_the_moment_that_is_shown(project: Path, desk: tuple[Running, str]) -> None:
    _, url = desk
    update = "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 12:30 UTC\n\nYou cannot pay by card.\n"
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(updates=update))

    def card() -> dict[str, object]:
        incidents = facts(url)["incidents"]
        assert isinstance(incidents, list)
        return next(one for one in incidents if one["id"] == CARD)

    eventually(lambda: card()["next_update"] == "2026-11-22T12:30:00+00:00", "the promise")
    assert not card()["overdue"]
    travel(url, "2026-11-22T12:30:00Z")
    eventually(lambda: card()["overdue"], "the promise to be late")


# ---- Letters

MAIL = """
mail:
  from: "Northwind <orders@northwind.example>"
  signed_by: Anna Berg
  transport: {type: smtp, host: localhost, port: 1025, security: none}
"""
ORDERS = """\
order_id,email,name,item,price,currency,charge_state
10432,anna@example.com,Anna Berg,Zigzag throw,54.00,GBP,charged
10433,jonas@example.com,Jonas Keil,Skiddaw fleece,79.00,GBP,charged
"""


def plan_letters(project: Path) -> None:
    config = project / "meaculpa.yml"
    if "mail:" not in config.read_text():
        support = "{email: help@northwind.example}"
        text = config.read_text().replace("timezone: Europe/London", f"support: {support}, timezone: Europe/London")
        config.write_text(text.replace("locales: [en, de]", "locales: [en]") + MAIL)
    (project / "incidents" / f"{CARD}.md").write_text(
        incident_text(
            "works: You can pay with PayPal.\nmoney: We charged no card for a failed payment.\n"
            "reason: We changed our payment page without trying it with a card first.\n"
        )
    )
    (project / "private").mkdir(exist_ok=True)
    (project / "private" / "orders.csv").write_text(ORDERS)
    command = ("customers", "plan", CARD, "--stage", "patience", "--orders", str(project / "private" / "orders.csv"))
    planning = [sys.executable, "-m", "meaculpa", "-C", str(project), *command, "--now", "2026-11-22 12:00"]
    subprocess.run(planning, check=True, capture_output=True)


def test_letters_are_shown_to_who_knows_the_key_alone(project: Path, desk: tuple[Running, str]) -> None:
    command, url = desk
    plan_letters(project)
    eventually(lambda: facts(url)["plans"], "the plan")
    plan = plans_of(url)[0]
    assert (plan["count"], plan["changes"], plan["trouble"]) == (2, [], "")
    assert "anna@example.com" not in json.dumps(facts(url))
    letter = f"{url}/__desk/letters/{plan['name']}/1"
    key = re.search(r"__desk/#(\S+)", command.said)
    assert key
    assert status_of(letter) == 403
    assert status_of(letter, X_Desk_Key="guess") == 403
    assert json.loads(get(letter, X_Desk_Key=key[1]))["email"] == "jonas@example.com"
    assert status_of(f"{url}/__desk/letters/{plan['name']}/2", X_Desk_Key=key[1]) == 404
    assert status_of(f"{url}/__desk/letters/..%2f..%2fincidents/0", X_Desk_Key=key[1]) == 404
    with (project / "private" / "orders.csv").open("a") as orders:
        orders.write("10434,mia@example.com,Mia Hall,Tent,99.00,GBP,charged\n")
    eventually(lambda: plans_of(url)[0]["changes"], "that the orders have changed")
    assert "customers plan" in plans_of(url)[0]["again"]


def damaged(plan: dict[str, Any], damage: bytes) -> bytes:
    """A plan with something in it that nobody has planned, or something else altogether."""
    basis = plan["basis"]
    odd = {
        b"letters": {**plan, "letters": "<b>many"},
        b"orders": {**plan, "basis": {**basis, "orders": 5}},
        b"zero": {**plan, "basis": {**basis, "orders": "\0"}},
    }
    return json.dumps(odd[damage]).encode() if damage in odd else damage


@pytest.mark.parametrize(
    "damage",
    [b"", b"[]", b"[" * 100_000, b'{"format": 2}', b"letters", b"orders", b"zero", b"fifo", b"folder"],
    ids=lambda damage: damage[:10].decode(),
)
def test_a_damaged_plan_is_told_and_everything_else_goes_on(
    project: Path, desk: tuple[Running, str], damage: bytes
) -> None:
    command, url = desk
    plan_letters(project)
    path = next((project / "private" / "plans").glob("*/plan.json"))
    whole = json.loads(path.read_text())
    path.unlink()
    if damage == b"fifo":
        os.mkfifo(path)
    elif damage == b"folder":
        path.mkdir()
    else:
        path.write_bytes(damaged(whole, damage))
    eventually(lambda: any(plan["trouble"] for plan in plans_of(url)), "the trouble")
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot reach us"))
    eventually(lambda: "You cannot reach us" in get(url), "the next save")
    assert command.stop() == 0
    assert "Traceback" not in command.said


def test_a_plan_that_changes_while_it_is_read_is_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan_letters(project)
    plans = PlansFolder(project / "private" / "plans", project / "private" / "ledger")
    path = next((project / "private" / "plans").glob("*/plan.json"))

    def damaging(folder: Path) -> Plan:
        found = read_plan(folder)
        path.write_bytes(b"damaged")
        return found

    monkeypatch.setattr("meaculpa.preview.letters.read_plan", damaging)
    assert plans.look()[0].plan
    monkeypatch.setattr("meaculpa.preview.letters.read_plan", read_plan)
    assert plans.sees_change()
    assert plans.look()[0].trouble
    assert not plans.sees_change()


def test_a_plan_of_which_nothing_can_be_said_says_so(project: Path, desk: tuple[Running, str]) -> None:
    _, url = desk
    plan_letters(project)

    def plan() -> dict[str, object]:
        return next(iter(plans_of(url)), {})

    eventually(lambda: plan() and not plan()["changes"] and not plan()["unsure"], "the plan")
    good = (project / "meaculpa.yml").read_bytes()
    (project / "meaculpa.yml").write_bytes(good + b"oops: [\n")
    eventually(lambda: plan()["unsure"], "that the configuration is broken")
    assert (plan()["changes"], plan()["again"]) == ([], "")
    (project / "meaculpa.yml").write_bytes(good)
    eventually(lambda: not plan()["unsure"], "that it is mended")
    (project / "private" / "ledger.db").rename(project / "private" / "aside.db")
    eventually(lambda: plan()["unsure"] == "its ledger is gone", "that the ledger is gone")


# ---- The shop's own page

SAVED = """<!DOCTYPE html>
<html lang="en"><!-- saved from url=(0034)https://www.northwind.example/ --><head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<META HTTP-EQUIV='refresh' content="0; url=https://www.northwind.example/">
<base href="https://www.northwind.example/">
<title>Northwind</title></head>
<body><p id="said">A shop</p><img src="x" onerror="said.textContent='ran'">
<script>document.getElementById("said").textContent = "ran";</script>
<script src="shop_files/app.js"></script>
</body></html>
"""


def test_the_shops_own_page_is_shown_with_the_banner_and_runs_nothing_else(
    project: Path, tmp_path: Path, browser: Browser
) -> None:
    saved = tmp_path / "saved" / "shop.html"
    (saved.parent / "shop_files").mkdir(parents=True)
    saved.write_text(SAVED)
    (saved.parent / "shop_files" / "app.js").write_text('document.getElementById("said").textContent = "ran";')
    (saved.parent / "secret.txt").write_text("secret")
    (saved.parent / "other").mkdir()
    (saved.parent / "other" / "secret.txt").write_text("secret")
    (saved.parent / "shop_files" / "way-out").symlink_to(saved.parent / "other")
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00", "--storefront", str(saved)) as command:
        url = address(command)
        page = browser.new_page()
        page.route("https://**", lambda route: route.abort())
        page.goto(f"{url}/__desk/shop/?path=/checkout")
        page.locator("meaculpa-banner").get_by_text("You cannot pay by card").first.wait_for()
        assert page.locator("#said").inner_text() == "A shop"
        assert page.url.startswith(url)
        page.close()
        assert "ran" in get(f"{url}/__desk/shop/shop_files/app.js")
        for path in ("secret.txt", "shop.html", "other/secret.txt", "shop_files/way-out/secret.txt"):
            assert status_of(f"{url}/__desk/shop/{path}") == 404, path
        assert raw_status(url, "/__desk/shop/shop_files/../secret.txt") == 404
        assert raw_status(url, "/__desk/shop/..%2fshop%2fmeaculpa.yml") == 404


def test_a_project_beside_the_saved_page_is_not_served(project: Path) -> None:
    (project / "private").mkdir()
    (project / "private" / "secret.txt").write_text("secret")
    saved = project.parent / "shop.html"
    saved.write_text(SAVED)
    inside = project / "page.html"
    inside.write_text(SAVED)
    (project / "page_files").mkdir()
    (project / "page_files" / "secret.txt").write_text("secret")
    for page, path in (
        (saved, "shop/private/secret.txt"),
        (saved, "shop/meaculpa.yml"),
        (inside, "page_files/secret.txt"),
    ):
        with running(project, "serve", "--port", "0", "--storefront", str(page)) as command:
            url = address(command)
            assert status_of(f"{url}/__desk/shop/{path}") == 404, path
            assert status_of(f"{url}/__desk/shop/") == 200


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff<!doctype html><title>Bär</title>".encode(),
        b'<?xml version="1.0"?>\n<!doctype html><meta charset="utf-8"><title>B\xc3\xa4r</title>',
        "\ufeff<!doctype html><title>Bär</title>".encode("utf-16-le"),
        b'<!doctype html><meta charset="iso-8859-1"><title>B\xe4r</title>',
        b'<!doctype html><meta charset="idna"><title>B\xc3\xa4r</title>' + b"." * 80,
        "<!doctype html><title>Bär</title><p>x</p></body></html><!-- cached </body> -->".encode(),
        "<!doctype html><title>Bär</title><textarea>".encode(),
        """<!doctype html><title>Bär</title><meta content='0;url=/index.html#>' http-equiv=refresh>
        <meta http-equiv="&#114;efresh" content="0;url=/index.html">
        <meta http-equiv=" Content-Security-Policy " content="script-src 'none'">
        <base href="https://www.northwind.example/">""".encode(),
    ],
    ids=["mark", "xml", "utf-16", "latin-1", "odd", "comment", "open", "steering"],
)
def test_pages_are_saved_in_many_ways(project: Path, content: bytes, browser: Browser) -> None:
    saved = project.parent / "saved.html"
    saved.write_bytes(content)
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00", "--storefront", str(saved)) as command:
        url = address(command)
        page = browser.new_page()
        page.goto(f"{url}/__desk/shop/")
        page.locator("meaculpa-banner").get_by_text("You cannot pay by card").first.wait_for()
        assert (page.title(), page.evaluate("document.compatMode")) == ("Bär", "CSS1Compat")
        assert page.url == f"{url}/__desk/shop/"
        path = project / "incidents" / f"{CARD}.md"
        path.write_text(incident_text("impact: critical\n", title="You cannot reach us"))
        page.locator("meaculpa-banner").get_by_text("You cannot reach us").first.wait_for()
        page.close()


def test_a_storefront_that_is_gone_is_told(project: Path) -> None:
    saved = project.parent / "saved.html"
    saved.write_text(SAVED)
    with running(project, "serve", "--port", "0", "--storefront", str(saved)) as command:
        url = address(command)
        saved.unlink()
        assert status_of(f"{url}/__desk/shop/") == 404
        os.mkfifo(saved)
        assert status_of(f"{url}/__desk/shop/") == 404
        assert command.stop() == 0


def raw_status(url: str, path: str) -> int:
    """Ask for a path as it is written: other clients tidy it up first."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_page_that_is_no_html_is_refused(project: Path, tmp_path: Path) -> None:
    saved = tmp_path / "shop.mhtml"
    saved.write_text("MIME-Version: 1.0")
    with running(project, "serve", "--port", "0", "--storefront", str(saved)) as command:
        assert command.process.wait(timeout=20) == 2
        assert "shop.mhtml is no HTML; save the page as HTML" in command.said


# ---- Pages on their own


def test_an_open_page_follows_a_save_and_shows_problems(
    project: Path, desk: tuple[Running, str], browser: Browser
) -> None:
    _, url = desk
    page = browser.new_page()
    page.goto(url)
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(incident_text(title="You cannot follow this"))
    page.get_by_text("You cannot follow this").first.wait_for()
    path.write_text(incident_text("impact: majr\n"))
    page.get_by_text('unknown impact "majr"').wait_for()
    page.get_by_text("You cannot follow this").first.wait_for()
    path.write_text(incident_text(title="You can read this again"))
    page.get_by_text("You can read this again").first.wait_for()
    page.close()


def test_the_pretended_storefront_shows_the_banner(desk: tuple[Running, str], browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{desk[1]}/__desk/shop/?path=/checkout")
    page.locator("meaculpa-banner").get_by_text("You cannot pay by card").first.wait_for()
    page.close()


def test_a_project_that_never_was_good_says_so(tmp_path: Path, browser: Browser) -> None:
    project = write_project(tmp_path / "shop")
    good = (project / "meaculpa.yml").read_bytes()
    (project / "meaculpa.yml").write_text("format: 1\nsite: []\n")
    with running(project, "serve", "--port", "0") as command:
        eventually(lambda: "Status page" in command.said, "the address")
        url = re.search(r"http://127.0.0.1:\d+", command.said)
        assert url
        page = browser.new_page()
        page.goto(url[0])
        page.get_by_text("There is nothing to show yet").wait_for()
        page.get_by_text("meaculpa.yml").first.wait_for()
        (project / "meaculpa.yml").write_bytes(good)
        page.get_by_text("Status of Northwind").first.wait_for()
        page.close()
