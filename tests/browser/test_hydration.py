"""The banner in a storefront that React hydrates as a whole document: nothing is lost, nothing complained of."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from meaculpa.build.composition import Build
from tests.browser.conftest import Server
from tests.browser.shop import install_line
from tests.making import incident_text
from tests.programs import program, tool

SOURCES = Path(__file__).parent / "storefront"
CARD = incident_text("summary: Card payments fail.\n")


def bundle(react: Path, name: str, out: Path, platform: str) -> Path:
    """Bundle a file of the storefront with one version of React."""
    esbuild = react / "node_modules" / ".bin" / "esbuild"
    command = [str(esbuild), str(SOURCES / name), "--bundle", f"--platform={platform}", f"--outfile={out}"]
    environment = {"NODE_PATH": str(react / "node_modules"), "PATH": str(Path(program("node", "nodejs")).parent)}
    subprocess.run([*command, "--log-level=error"], check=True, env=environment)
    return out


@pytest.mark.parametrize("version", ["react-18", "react-19"])
@pytest.mark.parametrize("banner_first", [True, False])
def test_react_hydrates_as_if_it_were_not_there(
    browser: Browser,
    shop: Server,
    status_host: Server,
    build_site: Callable[..., Build],
    tmp_path: Path,
    version: str,
    banner_first: bool,
) -> None:
    react = tool(version)
    line = install_line(status_host.url)
    status_host.files = dict(build_site(status_host.url, {"card": CARD}).files)
    server = bundle(react, "server.mjs", tmp_path / "server.cjs", "node")
    client = bundle(react, "client.mjs", tmp_path / "client.js", "browser")
    html = subprocess.run(
        [program("node", "nodejs"), str(server), line], capture_output=True, check=True, text=True
    ).stdout
    shop.answers["checkout"] = (200, {"Content-Type": "text/html"}, html.encode())
    shop.answers["favicon.ico"] = (
        200,
        {"Content-Type": "image/svg+xml"},
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    )
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.clock.set_fixed_time("2026-11-22T09:36:00Z")
    if not banner_first:
        page.route(f"{status_host.url}/banner.js", lambda _: None)
    page.goto(f"{shop.url}/checkout", wait_until="commit" if not banner_first else "load")
    if banner_first:
        expect(page.locator("meaculpa-banner")).to_be_visible()
    page.add_script_tag(path=client)
    page.evaluate("line => { hydrate(line) }", line)
    page.wait_for_timeout(500)
    if not banner_first:
        page.evaluate("url => import(url)", f"{status_host.url}/banner.js?again")
    expect(page.locator("meaculpa-banner")).to_have_count(1)
    expect(page.locator("meaculpa-banner")).to_be_visible()
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_role("button", name="Bought")).to_be_visible()
    assert page.evaluate("recovered") == []
    assert problems == []
    page.close()
