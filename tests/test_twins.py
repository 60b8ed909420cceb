"""Markdown beside each page, `llms.txt`, and what search engines and previews of links read."""

import json
import os
import re
from pathlib import Path

import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.manifest import shard_of
from meaculpa.plan import Group, group_of
from meaculpa.project import read_project
from meaculpa.render.marked import escape_markdown, to_markdown
from meaculpa.render.markup import render_markup
from meaculpa.render.plain import to_text
from meaculpa.render.safe import TAGS
from tests.making import CONFIG, at, incident_text, write_project

NOW = at("2026-11-22 12:00")
UPDATES = (
    "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 10:00 UTC\n\n"
    "You cannot pay **by card**.<!-- ask Ann -->\n\n[//]: # (for us alone)\n\n![till](../assets/till.png)\n"
)


@pytest.fixture
def shop(tmp_path: Path, memory: Memory) -> Build:
    front = "summary: Cards fail <i>now</i>.\ncomponents:\n  payments: major_outage\nworks: Pay with *PayPal*.\n"
    root = write_project(tmp_path, card=incident_text(front, UPDATES, title="You cannot pay </script><b>"))
    (root / "assets").mkdir()
    (root / "assets" / "till.png").write_bytes(b"\x89PNG")
    (root / "meaculpa.yml").write_bytes(
        CONFIG.replace(b"components:", b"brand: {logo: assets/till.png}\ncomponents:")
    )
    return build(read_project(root), NOW, memory)


def text(done: Build, path: str) -> str:
    return done.files[path].body.decode()


MARKS = {
    "beside each other": "- **a**`b`*c*\n- x",
    "plain": "You cannot pay.\n\nWe look.",
    "marks": "You **cannot** pay *at* all, `code` and a [page](https://x.example/a).",
    "lists": "1. one\n2. two\n\nthen\n\n- a\n- b",
    "nested": "- a\n\n    - inner\n    - more\n\n- b",
    "loose": "- a\n\n- b\n\nend",
    "numbers": "3. c\n4. d\n\n    more of d",
    "quote": "> said\n>\n> again",
    "code": "```\n<b> *x*\n  # y\n```",
    "code with empty lines": "```\na\n\n\n\nb\n```\n\n> ```\n> c\n> ```",
    "ticks": "`` a ` b ``",
    "table": "| a | b |\n| --- | --- |\n| 1 | x\\|y |",
    "heading": "### What now\n\ntext",
    "rule": "a\n\n---\n\nb",
    "break": "a  \nb",
    "typed": "Type <ID> and 5 * 3 and \\# no &lt; next_update _x_\n\\- not a list\n2\\. nor this",
    "brackets": "[not a link] and ![alt *x*](assets/a.png)",
    "parentheses": "[the page](<https://y.example/a(b)>)",
}


@pytest.mark.parametrize("source", MARKS.values(), ids=list(MARKS))
def test_markdown_made_of_html_renders_to_the_same_html(source: str) -> None:
    html = render_markup(source).html
    assert render_markup(to_markdown(html)).html == html


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<ul><li><code>/cart</code><code>/pay</code></li></ul>", "- `/cart` `/pay`"),
        ("<p><em>one</em><em>two</em></p>", "*one* *two*"),
        ("<p><em>one</em><strong>two</strong><code>3</code></p>", "*one* **two**`3`"),
        ("<p>5*<em>six</em></p>", "5\\**six*"),
    ],
)
def test_marks_of_one_kind_do_not_touch(html: str, markdown: str) -> None:
    assert to_markdown(html) == markdown


def test_what_would_mean_something_at_the_beginning_of_a_line_does_not() -> None:
    html = "<p>We look.\n# no heading\n- no point\n1. no number\n&gt; no quote</p>"
    written = to_markdown(html)
    assert written == "We look.\n\\# no heading\n\\- no point\n1\\. no number\n\\> no quote"
    assert render_markup(written).html == html


def test_every_element_that_a_page_may_hold_can_be_written() -> None:
    for tag in TAGS:
        assert to_markdown(f"<{tag}>x</{tag}>" if tag not in ("br", "hr", "img") else f"<{tag}>") is not None


@pytest.mark.parametrize("start", ["9" * 5_000, "-2", "x", "", "²"])
def test_a_list_that_cannot_begin_there_begins_with_one(start: str) -> None:
    assert to_markdown(f'<ol start="{start}"><li>a</li><li>b</li></ol>') == "1. a\n2. b"


@pytest.mark.skipif("MEACULPA_DATA" not in os.environ, reason="real incidents are not here")
def test_real_updates_keep_every_word() -> None:
    lines = Path(os.environ["MEACULPA_DATA"], "statuspage-github", "incidents.jsonl").read_text("utf-8").splitlines()
    bodies = [update["message"] for line in lines for update in json.loads(line)["updates"]]
    assert len(bodies) > 3000
    for body in bodies:
        html = render_markup(body).html
        again = render_markup(to_markdown(html)).html
        assert re.findall(r"\w+", to_text(again)) == re.findall(r"\w+", to_text(html)), body


def test_escaped_text_is_shown_as_it_was_written() -> None:
    for written in ("# a", "1. a", "- a", "a *b* [c](d) `e` <f> &amp; _g_", "> a", "~~a~~", "+ a"):
        assert to_text(render_markup(escape_markdown(written)).html) == written


def test_a_page_has_a_twin_that_says_the_same(shop: Build) -> None:
    twin = text(shop, "incidents/card.md")
    assert twin.startswith("# You cannot pay &lt;/script>&lt;b>\n\n> Cards fail &lt;i>now&lt;/i>.\n")
    assert "- Affected: Card payments (Does not work)\n" in twin
    assert "- What works: Pay with \\*PayPal\\*.\n" in twin
    assert "late. We are sorry" in twin
    assert "## Investigating, 22 Nov 2026, 09:20 UTC\n\nYou cannot pay **by card**." in twin
    assert re.search(r"!\[till\]\(https://status.northwind.example/assets/till\.\w{12}\.png\)", twin)
    assert shop.files["incidents/card.md"].content_type.startswith("text/markdown")
    assert "incidents/card.md" in text(shop, "incidents/card.html")
    assert text(shop, "de/incidents/card.md").count("##") == 1


def test_texts_are_written_as_markdown_where_they_were_rendered(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("meaculpa.render.twins.to_markdown")
    said = UPDATES.replace("![till](../assets/till.png)", "- a\n- b")
    root = write_project(tmp_path, one=incident_text(updates=said))
    shown = build(read_project(root), NOW, Memory(pool=memory.pool)).files["incidents/one.md"].body.decode()
    assert "You cannot pay **by card**.\n\n- a\n- b\n" in shown


def test_a_twin_holds_nothing_that_the_page_does_not_show(shop: Build) -> None:
    twin = text(shop, "incidents/card.md")
    assert "ask Ann" not in twin and "for us alone" not in twin


def test_a_page_and_its_twin_are_published_together(shop: Build) -> None:
    assert shard_of("incidents/card.md") == shard_of("incidents/card.html") == shard_of("de/incidents/card.md")
    assert shard_of("incidents/2026-11-22-card.md") == "2026-11"
    assert group_of("incidents/card.md") is Group.PAGES
    assert group_of("llms.txt") is group_of("feed.atom") is group_of("badge/incidents.svg") is Group.POINTERS


def test_llms_txt_leads_to_what_is_going_on(shop: Build) -> None:
    told = text(shop, "llms.txt")
    assert told.startswith("# Status of Northwind\n\n> An important part of the shop is not working.\n")
    links = re.findall(r"^- \[.*?\]\((.*?)\)", told, re.MULTILINE)
    assert links[0] == "https://status.northwind.example/incidents/card.md"
    assert all(link.removeprefix("https://status.northwind.example/") in shop.files for link in links)


def test_search_engines_read_the_incident_as_data(shop: Build) -> None:
    page = text(shop, "incidents/card.html")
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    found = json.loads(data)
    assert found["@type"] == "SpecialAnnouncement"
    assert found["name"] == "You cannot pay </script><b>"
    assert found["datePosted"] == "2026-11-22T09:20:00Z"
    assert found["temporalCoverage"] == "2026-11-22T09:20:00Z/.."
    assert "expires" not in found
    assert found["publisher"] == {
        "@type": "Organization",
        "name": "Northwind",
        "url": "https://www.northwind.example",
    }


def test_a_shared_link_has_a_preview(shop: Build) -> None:
    def properties(path: str) -> dict[str, str]:
        return dict(re.findall(r'<meta property="([a-z:_]+)" content="([^"]*)">', text(shop, path)))

    index, incident = properties("index.html"), properties("de/incidents/card.html")
    assert index["og:type"] == "website" and index["og:url"] == "https://status.northwind.example/index.html"
    assert index["og:image"] in {f"https://status.northwind.example/{path}" for path in shop.files}
    assert incident["og:type"] == "article"
    assert incident["og:url"] == "https://status.northwind.example/de/incidents/card.html"
    assert incident["article:published_time"] == "2026-11-22T09:20:00Z"


def test_pages_lead_to_the_feed_of_their_language(shop: Build) -> None:
    assert '<link rel="alternate" type="application/atom+xml" href="feed.atom">' in text(shop, "index.html")
    assert 'href="../../de/feed.atom"' in text(shop, "de/incidents/card.html")
    follow = text(shop, "follow.html")
    for link in ("feed.atom", "feed.rss", "feed.json", "badge.svg", "api/v2/summary.json", "llms.txt"):
        assert f'"{link}"' in follow
    assert "webcal://status.northwind.example/maintenance.ics" in follow
    assert 'href="../de/feed.atom"' in text(shop, "de/follow.html")
