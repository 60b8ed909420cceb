"""What an export must never be able to do: stop an import, lose an incident without a word, or break the site."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from meaculpa.errors import Severity
from meaculpa.importers import Import, Outcome
from meaculpa.importers.statuspage import import_statuspage
from meaculpa.importers.upptime import import_upptime
from meaculpa.importers.web_text import as_markdown
from meaculpa.redirects import parse_redirects
from meaculpa.render.markup import render_markup
from meaculpa.render.plain import to_text
from tests.making import a_config
from tests.test_cli import files_below, meaculpa
from tests.test_import_statuspage import a_feed, an_entry


def incident(**values: Any) -> dict[str, Any]:
    update = {"status": "resolved", "body": values.pop("body", "Done"), "created_at": "2024-03-05T11:00:00Z"}
    told = {"id": "ok", "name": "Good", "impact": "minor", "created_at": "2024-03-05T10:00:00Z"}
    return {**told, "incident_updates": [update], **values}


def taken(folder: Path, *incidents: object, known: dict[str, str] | None = None) -> Import:
    (folder / "incidents.json").write_text(json.dumps({"incidents": incidents}), encoding="utf-8")
    return import_statuspage([folder / "incidents.json"], a_config(), known or {}, frozenset((known or {}).values()))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert meaculpa("init", "shop", cwd=tmp_path).returncode == 0
    return tmp_path / "shop"


def brought(shop: Path, *incidents: object) -> str:
    (shop.parent / "incidents.json").write_text(json.dumps({"incidents": incidents}), encoding="utf-8")
    done = meaculpa("import", "statuspage", shop.parent / "incidents.json", cwd=shop)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    ["component " * 10, "x" * 130, "a\u202eb", "Settled", "next_update", " ", "", None, 7, "\ud83d half", ["a"]],
)
def test_no_name_of_a_component_stops_an_import(tmp_path: Path, name: object) -> None:
    part = {"id": "c", "name": name}
    changed = [{"name": name, "new_status": "major_outage"}]
    worse = incident(id="b", name="Bad", components=[part])
    worse["incident_updates"][0] |= {"affected_components": changed}
    found = taken(tmp_path, incident(), worse, incident(id="c", name="Guess", components=[part]))
    assert len(found.files) == 3
    assert all(len(one.id) <= 64 and one.id not in ("settled", "next_update") for one in found.components)


@pytest.mark.parametrize(
    "address", ["b: c", "b #c", "b\nindex.html: feed.atom", "b c", "bü", "../../x", "a/./b", "x" * 300]
)
def test_no_address_spoils_the_redirects(shop: Path, address: str) -> None:
    said = brought(shop, incident(), incident(id=address, name="Odd"))
    assert "cannot be kept" in said
    redirects, problems = parse_redirects((shop / "redirects.yml").read_bytes())
    assert problems == [] and {one.old for one in redirects} == {
        "incidents/ok",
        "history",
        "history.atom",
        "history.rss",
    }
    before = files_below(shop)
    assert "2 already there" in brought(shop, incident(), incident(id=address, name="Odd"))
    assert files_below(shop) == before


@pytest.mark.parametrize(
    "content", [b"old: x: y\n", b"{a: index.html}\n\t[", "# für\na: index.html\n".encode("latin-1")]
)
def test_nothing_is_written_while_redirects_cannot_be_read(shop: Path, content: bytes) -> None:
    (shop / "redirects.yml").write_bytes(content)
    before = files_below(shop)
    said = brought(shop, incident())
    assert "redirects.yml:" in said
    assert files_below(shop) == before


def test_two_incidents_never_get_one_id(tmp_path: Path) -> None:
    known = {"incidents/q1": "2024-03-05-good", "incidents/q2": "2024-03-05-good"}
    found = taken(tmp_path, incident(id="q2"), incident(id="q1"), incident(id="q3"), known=known)
    assert len(found.files) == 3
    assert found.redirects["incidents/q1"] != found.redirects["incidents/q2"]


def test_an_earlier_incident_of_the_day_takes_no_other_ones_id(shop: Path) -> None:
    brought(shop, incident(id="q1"))
    said = brought(shop, incident(id="q0", created_at="2024-03-05T08:00:00Z"), incident(id="q1"))
    assert "1 taken as they were" in said and "1 already there" in said
    assert (shop / "incidents" / "2024-03-05-good-2.md").exists()


def test_a_file_that_was_moved_is_still_known(shop: Path) -> None:
    brought(shop, incident())
    (shop / "incidents" / "2024").mkdir()
    (shop / "incidents" / "2024-03-05-good.md").rename(shop / "incidents" / "2024" / "2024-03-05-good.md")
    assert "1 already there" in brought(shop, incident())
    assert not (shop / "incidents" / "2024-03-05-good.md").exists()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('<img src="data:image/png;base64,AAAA" alt="graph">', "graph"),
        ('<img src="https://x.example/a(b) c.png" alt="a ] b">', "a ] b"),
        ("<img alt=x>", "x"),
        ("2024-03-05 10:00 UTC - Investigating", "2024-03-05 10:00 UTC - Investigating"),
        ("next_update: soon", "next_update: soon"),
        ("## 2024-03-05 10:00 UTC resolved", "## 2024-03-05 10:00 UTC resolved"),
        ("half \ud83d a sign", "half \ufffd a sign"),
        ("a <!-- comment", "a <!-- comment"),
        ("---\ntitle: x\n---", "---"),
        ("![a][1]\n\n[1]: https://x.example/a.png", "![a][1]"),
    ],
)
def test_what_is_taken_builds_and_shows_every_word(shop: Path, body: str, shown: str) -> None:
    brought(shop, incident(body=body))
    built = meaculpa("build", cwd=shop)
    assert built.returncode == 0, built.stdout + built.stderr
    page = (shop / "public" / "incidents" / "2024-03-05-good.html").read_text(encoding="utf-8")
    text = re.search(r'<div class="text">(.*?)</div>', page, re.DOTALL)
    assert text and shown in to_text(text[1])


def test_a_text_that_is_too_large_is_named(tmp_path: Path) -> None:
    found = taken(tmp_path, incident(), incident(id="b", body="<ul><li>a" * 400))
    assert [entry.outcome for entry in found.entries] == [Outcome.TAKEN, Outcome.NOT_TAKEN]
    assert "larger than 64 KB" in found.entries[1].notes[-1]


def test_a_postmortem_in_markdown_shows_no_picture_of_others(shop: Path) -> None:
    told = "![x][1] and ![a[1]](https://x.example/b.png)\n\n[1]: https://x.example/a.png\n"
    brought(shop, incident(postmortem_body=told, postmortem_published_at="2024-03-06T10:00:00Z"))
    assert meaculpa("build", cwd=shop).returncode == 0


def test_work_without_an_end_is_taken(tmp_path: Path) -> None:
    planned = incident(scheduled_for="2030-01-01T00:00:00Z", scheduled_until=None)
    planned["incident_updates"][0]["status"] = "scheduled"
    (text,) = taken(tmp_path, planned).files.values()
    assert "ends: 2030-01-01 01:00 UTC" in text


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("DROP <table-name> in <time-zone>", "DROP &lt;table-name> in &lt;time-zone>"),
        ("p<q and r>s", "p&lt;q and r>s"),
        ("cpu<b and mem>c", "cpu&lt;b and mem>c"),
        ("a <i.e.> b", "a &lt;i.e.> b"),
        ("<q>so</q>", "“so”"),
        ("<dl><dt>term</dt><dd>def</dd></dl>", "term\n\ndef"),
        ("<ul><li><b>EU</b> <i>down</i></li></ul>", "- **EU** *down*"),
    ],
)
def test_no_word_and_no_space_is_lost(text: str, markdown: str) -> None:
    assert as_markdown(text) == markdown


@pytest.mark.parametrize(
    "html",
    [
        '<ul>\n<li><strong>a</strong> <em>b</em> <a href="https://a.example">c</a></li>\n</ul>',
        "<ul>\n<li><code>a</code> <code>b</code></li>\n</ul>",
        "<blockquote>\n<p>one<br>\ntwo</p>\n</blockquote>",
        "<table>\n<tbody>\n<tr>\n<td>a</td>\n<td>b</td>\n</tr>\n</tbody>\n</table>",
    ],
)
def test_html_that_we_never_make_is_written_so_that_it_reads_the_same(html: str) -> None:
    from meaculpa.render.marked import to_markdown

    again = to_text(render_markup(to_markdown(html)).html)
    assert re.findall(r"\w+", again) == re.findall(r"\w+", to_text(html))
    assert again.count("\n") == to_text(html).count("\n") or "<table>" in html
    assert "| ---" not in again


@pytest.mark.parametrize("updated", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:30:00Z"])
def test_no_date_stops_the_reading_of_a_feed(tmp_path: Path, updated: str) -> None:
    head = "<p><strong>THIS IS A SCHEDULED EVENT Dec 31, 23:00 - 01:00 UTC</strong></p>"
    bad = an_entry("Bad", [("Jan 1, 00:00 NZDT", "Scheduled", "x")], updated, "incidents/a", head)
    good = an_entry("Good", [("Mar 5, 10:00 UTC", "Resolved", "x")], "2024-03-05T10:00:00Z", "incidents/b")
    (tmp_path / "history.atom").write_text(a_feed(bad, good), encoding="utf-8")
    found = import_statuspage([tmp_path / "history.atom"], a_config(), {}, frozenset())
    assert "incidents/b" in found.redirects and len(found.entries) == 2


def test_an_entry_with_the_oldest_update_first_is_read_in_its_year(tmp_path: Path) -> None:
    updates = [("Mar 5, 10:00 UTC", "Investigating", "a"), ("Mar 5, 11:00 UTC", "Resolved", "b")]
    (tmp_path / "h.atom").write_text(a_feed(an_entry("A", updates, "2024-03-05T11:00:10Z", "incidents/a")))
    (text,) = import_statuspage([tmp_path / "h.atom"], a_config(), {}, frozenset()).files.values()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "2024-03-05 10:00 UTC investigating",
        "2024-03-05 11:00 UTC resolved",
    ]


@pytest.mark.parametrize(
    "html", ["<p><small>" * 20_000, "<p><strong>THIS IS A SCHEDULED EVENT" * 20_000, "</p>" * 50_000]
)
@pytest.mark.timeout(30)
def test_no_entry_takes_long(tmp_path: Path, html: str) -> None:
    entry = an_entry("A", [("Mar 5, 10:00 UTC", "Resolved", "b")], "2024-03-05T10:00:10Z", "incidents/a", html)
    (tmp_path / "h.atom").write_text(a_feed(entry))
    assert len(import_statuspage([tmp_path / "h.atom"], a_config(), {}, frozenset()).entries) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"createdAt": "0001-01-01T00:00:00+05:00"},
        {"labels": 5},
        {"title": "\ud83d"},
        {"number": "a b"},
        {"number": "../../x"},
    ],
)
def test_no_issue_stops_the_others(tmp_path: Path, changed: dict[str, Any]) -> None:
    issue = {
        "number": 1,
        "title": "API is down",
        "body": "x",
        "labels": ["status"],
        "createdAt": "2024-03-05T10:00:00Z",
    }
    (tmp_path / "issues.json").write_text(json.dumps([{**issue, **changed}, {**issue, "number": 2}]))
    (tmp_path / "log.txt").write_text("0001-01-01T00:00:00+05:00 🟥 API is down (0 in 0 ms)\n")
    found = import_upptime(tmp_path, a_config(), {}, frozenset())
    assert "incident/2" in found.redirects
    json.dumps([entry.source for entry in found.entries]).encode()


def test_an_outage_that_came_to_the_log_later_changes_no_id(tmp_path: Path) -> None:
    later = "2024-03-05T11:00:00Z API is up (200 in 1 ms)\n2024-03-05T10:00:00Z API is down (0 in 0 ms)\n"
    earlier = "2024-03-05T08:10:00Z API is up (200 in 1 ms)\n2024-03-05T08:00:00Z API is down (0 in 0 ms)\n"
    (tmp_path / "log.txt").write_text(later)
    before = import_upptime(tmp_path, a_config(), {}, frozenset())
    (tmp_path / "log.txt").write_text(later + earlier)
    after = import_upptime(tmp_path, a_config(), {}, frozenset())
    assert len(after.files) == 2 and before.files.items() <= after.files.items()


def test_names_are_the_same_however_they_are_spaced(shop: Path) -> None:
    (shop.parent / "components.json").write_text(json.dumps({"components": [{"id": "1", "name": "Store  front "}]}))
    (shop.parent / "incidents.json").write_text(json.dumps({"incidents": [incident()]}))
    sources = (shop.parent / "components.json", shop.parent / "incidents.json")
    for _ in range(2):
        assert meaculpa("import", "statuspage", *sources, cwd=shop).returncode == 0
    assert (shop / "meaculpa.yml").read_text().count("Store front") == 1


def test_a_redirect_that_is_wrong_is_never_more_than_a_warning() -> None:
    _, problems = parse_redirects(b"a: b: c\n")
    assert [one.severity for one in problems] == [Severity.WARNING]


def test_planned_work_hides_no_outage_of_another_day(tmp_path: Path) -> None:
    (tmp_path / ".upptimerc.yml").write_text("sites: [{name: API, url: x}]\n")
    body = "<!--\nstart: 2024-05-10T10:00:00Z\nend: 2024-05-10T12:00:00Z\nexpectedDown: api\n-->\nWork."
    work = {
        "number": 1,
        "title": "Work",
        "body": body,
        "labels": ["maintenance"],
        "createdAt": "2024-05-09T10:00:00Z",
    }
    (tmp_path / "issues.json").write_text(json.dumps([work]))
    (tmp_path / "log.txt").write_text(
        "2024-08-01T12:20:00Z API is up (200 in 1 ms)\n2024-08-01T10:00:00Z API is down (0 in 0 ms)\n"
        "2024-05-10T11:20:00Z API is up (200 in 1 ms)\n2024-05-10T11:00:00Z API is down (0 in 0 ms)\n"
    )
    found = import_upptime(tmp_path, a_config(), {}, frozenset())
    assert sorted(found.files) == ["incidents/2024-05-09-work.md", "incidents/2024-08-01-1000-api-did-not-answer.md"]


def test_a_component_is_known_by_its_code_in_whatever_file_it_is_named(shop: Path) -> None:
    parts = [{"id": "g", "name": "Group", "group": True}, {"id": "c1", "name": "Card", "group_id": "g"}]
    told = incident()
    told["incident_updates"][0] |= {
        "status": "identified",
        "affected_components": [{"code": "c1", "name": "Group - Card", "new_status": "major_outage"}],
    }
    (shop.parent / "components.json").write_text(json.dumps({"components": parts}))
    (shop.parent / "incidents.json").write_text(json.dumps({"incidents": [told]}))
    sources = [shop.parent / "incidents.json", shop.parent / "components.json"]
    found = import_statuspage(sources, a_config(), {}, frozenset())
    assert [(one.name, one.group) for one in found.components] == [("Card", "Group")]
    assert "it is still open" in found.entries[0].notes[-1]


def test_a_list_below_a_line_stays_a_list(tmp_path: Path) -> None:
    issue = {"number": 1, "title": "API is down", "labels": ["status"], "createdAt": "2024-03-05T10:00:00Z"}
    issue["body"] = "API was **down**:\n- HTTP code: 500\n- Response time: 12 ms\n\nThe last was in\n2021. So far.\n"
    (tmp_path / "issues.json").write_text(json.dumps([issue]))
    (text,) = import_upptime(tmp_path, a_config(), {}, frozenset()).files.values()
    html = render_markup(text.split("investigating\n\n")[1]).html
    assert html.count("<li>") == 2 and "2021. So far." in html


def test_code_is_left_as_it_is(tmp_path: Path) -> None:
    issue = {"number": 1, "title": "API is down", "labels": ["status"], "createdAt": "2024-03-05T10:00:00Z"}
    code = "```\nfoo:\n- bar\n## not a heading\n```"
    (tmp_path / "issues.json").write_text(json.dumps([{**issue, "body": code}]))
    (text,) = import_upptime(tmp_path, a_config(), {}, frozenset()).files.values()
    assert code in text


def test_a_file_with_the_line_ends_of_a_checkout_is_still_known(shop: Path) -> None:
    brought(shop, incident())
    path = shop / "incidents" / "2024-03-05-good.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "1 already there" in brought(shop, incident())


def test_a_postmortem_that_is_an_update_is_markdown(tmp_path: Path) -> None:
    told = incident()
    told["incident_updates"].append(
        {"status": "postmortem", "body": "## Cause\n\nA *bad* deploy.", "created_at": "2024-03-06T10:00:00Z"}
    )
    (text,) = taken(tmp_path, told).files.values()
    assert "postmortem\n\n### Cause\n\nA *bad* deploy." in text


@pytest.mark.parametrize(
    ("content", "said"),
    [('[{"title": "x", "labels": []}]', "meaculpa import upptime"), ("<html>no</html>", "a web page and not JSON")],
)
def test_the_wrong_file_is_told_for_what_it_is(shop: Path, content: str, said: str) -> None:
    (shop.parent / "incidents.json").write_text(content)
    done = meaculpa("import", "statuspage", shop.parent / "incidents.json", cwd=shop)
    assert done.returncode == 1 and said in done.stderr
