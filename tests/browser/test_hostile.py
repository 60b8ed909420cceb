"""Nothing that an incident can contain runs or restyles: a real browser is the judge, with no policy to help."""

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from meaculpa.render.markup import render_markup
from tests.browser.conftest import Server
from tests.hostile import FIRING, WAITING, payload
from tests.making import at, incident_text, write_project

A_PAGE = 200
_SHELL = "<!doctype html><meta charset=utf-8><script>window.hits=[];window.hit=n=>hits.push(n)</script><main>"
# What no text of an incident may become: elements and attributes that run, restyle or stand in for ours.
_WRONG = """() => {
  const allowed = new Set(["http:", "https:", "mailto:", "tel:", ":"]);  // ":" leads nowhere
  const elements = "script style svg math iframe form object embed input link meta base title textarea noscript";
  const every = (elements + " template [style] [id] [class] [name]").split(" ").map((one) => "main section " + one);
  const bad = document.querySelectorAll(every.join(","));
  const links = [...document.querySelectorAll("main section a[href]")].filter((link) => !allowed.has(link.protocol));
  const handlers = [...document.querySelectorAll("main section *")]
    .filter((one) => [...one.attributes].some((attribute) => /^on/i.test(attribute.name)));
  return [...bad, ...links, ...handlers].map((one) => one.outerHTML);
}"""


def judge(page: Page, fragments: Iterable[str]) -> tuple[list[int], list[str]]:
    """Show fragments of HTML; gives the numbers of those that ran, and what should not be there."""
    sections = "".join(f"<section>{fragment}</section>" for fragment in fragments)
    page.set_content(f"{_SHELL}{sections}</main>", wait_until="load")
    page.wait_for_timeout(50)
    return page.evaluate("() => hits"), page.evaluate(_WRONG)


@pytest.fixture
def page(browser: Browser, status_host: Server) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(status_host.url)
    yield page
    context.close()


def test_the_judge_bites(page: Page) -> None:
    raw = [text.format(n=number) for number, text in enumerate(FIRING)]
    ran = {number for number, text in enumerate(raw) if judge(page, [text])[0]}
    assert len(ran) >= 0.9 * len(FIRING), [text for number, text in enumerate(raw) if number not in ran]
    assert judge(page, ["<p style=color:red>x</p>", '<a href="javascript:1">x</a>', "<b onclick=x>x</b>"])[1]


def test_every_known_trick_is_text(page: Page) -> None:
    ran, wrong = judge(page, [render_markup(text.format(n=n)).html for n, text in enumerate(FIRING + WAITING)])
    assert (ran, wrong) == ([], [])


@pytest.mark.timeout(3600)
def test_tricks_that_nobody_has_thought_of_are_text(page: Page, request: pytest.FixtureRequest) -> None:
    count = 100_000 if request.config.getoption("--soak") else 2_000
    chance = random.Random(20261122)
    for begin in range(0, count, A_PAGE):
        texts = [payload(number, chance) for number in range(begin, begin + A_PAGE)]
        ran, wrong = judge(page, [render_markup(text).html for text in texts])
        assert not ran, [text for number, text in enumerate(texts, begin) if number in ran]
        assert not wrong, wrong


def test_titles_summaries_and_texts_are_text_on_every_page(
    browser: Browser, status_host: Server, tmp_path: Path
) -> None:
    incidents = {}
    for number, trick in enumerate(FIRING + WAITING):
        line = " ".join(trick.format(n=number).split())
        line = "".join(sign for sign in line if sign.isprintable())[:110]
        front = f"summary: {json.dumps(line)}\nworks: {json.dumps(line)}\nmoney: {json.dumps(line)}\nshow: splash\n"
        text = f"## 2026-11-22 09:20 UTC investigating\n\n{line}\n"
        incidents[f"x{number}"] = incident_text(f"impact: critical\n{front}", text, title=json.dumps(line))
    memory = Memory()
    try:
        done = build(
            read_project(write_project(tmp_path / "shop", **incidents)),
            at("2026-11-22 10:00"),
            memory,
            keep_going=True,
        )
    finally:
        memory.pool.close()
    status_host.files = dict(done.files)
    context = browser.new_context(bypass_csp=True)
    context.add_init_script("window.hits = []; window.hit = (number) => window.hits.push(number)")
    page = context.new_page()
    pages = ["index.html", "history.html", "history/2026-11.html", "splash.html", "splash.tiny.html", "404.html"]
    pages += [f"incidents/x{number}.html" for number in range(0, len(incidents), 7)]
    for path in pages:
        page.goto(f"{status_host.url}/{path}")
        page.wait_for_timeout(30)
        assert page.evaluate("() => hits") == [], path
        assert (
            page.evaluate("() => [...document.links].filter((link) => link.protocol === 'javascript:').length") == 0
        )
    context.close()
