"""The live desk on localhost."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.live import Running, eventually, running
from tests.making import incident_text, write_project

CARD = "2026-11-22-card"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{CARD: incident_text("impact: critical\n")})


@pytest.fixture
def desk(project: Path) -> Iterator[tuple[Running, str]]:
    with running(project, "serve", "--port", "0", "--now", "2026-11-22 12:00") as command:
        eventually(lambda: "Status page" in command.said, "the address")
        url = re.search(r"http://localhost:\d+", command.said)
        assert url
        eventually(
            lambda: get(url[0]).startswith("<!doctype html>") and "Nothing to show" not in get(url[0]), "a page"
        )
        yield command, url[0]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


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


def test_addresses_lead_to_the_desk_itself(desk: tuple[Running, str]) -> None:
    _, url = desk
    assert json.loads(get(f"{url}/banner.json"))["site"] == url
    assert get(f"{url}/de/") == get(f"{url}/de/index.html")


def test_a_missing_page_is_a_404(desk: tuple[Running, str]) -> None:
    _, url = desk
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{url}/nothing.html")
    assert caught.value.code == 404
    assert "This page does not exist" in caught.value.read().decode()


def test_a_taken_port_is_told(desk: tuple[Running, str], tmp_path: Path) -> None:
    port = desk[1].rsplit(":", 1)[1]
    with running(write_project(tmp_path / "other" / "shop"), "serve", "--port", port) as second:
        assert second.process.wait(timeout=20) == 2
        assert f"port {port} cannot be used" in second.said


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
    page.goto(f"{desk[1]}/__preview/checkout")
    page.locator("meaculpa-banner").get_by_text("You cannot pay by card").wait_for()
    page.close()
