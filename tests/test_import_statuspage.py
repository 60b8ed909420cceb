"""Incidents of a Statuspage: its API's files, its history feed, lines of JSON; nothing dropped without a word."""

import json
import os
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.errors import Refused
from meaculpa.importers import Import, Outcome
from meaculpa.importers.statuspage import import_statuspage
from meaculpa.importers.web_text import as_markdown
from meaculpa.project import read_project
from tests.making import a_config, at, incident_text, write_project
from tests.test_cli import files_below, meaculpa

UPDATES = [
    {
        "status": "resolved",
        "body": "All is well.",
        "display_at": "2024-03-05T12:10:59.900Z",
        "created_at": "2024-03-05T12:10:59.900Z",
        "affected_components": [{"code": "c1", "name": "Shop - Checkout", "new_status": "operational"}],
    },
    {
        "status": "identified",
        "body": "We know why.<br /><br />See <a href='https://x.example/a'>the <b>cause</b></a> of <ID>.\r\n"
        "- one\r\n- two",
        "display_at": "2024-03-05T13:00:00+02:00",
        "created_at": "2024-03-05T11:00:00.000Z",
        "affected_components": [{"code": "c1", "name": "Shop - Checkout", "new_status": "degraded_performance"}],
    },
    {
        "status": "investigating",
        "body": "We look into it.",
        "display_at": "2024-03-05T10:30:12.000Z",
        "created_at": "2024-03-05T10:30:12.000Z",
        "affected_components": [{"code": "c1", "name": "Shop - Checkout", "new_status": "major_outage"}],
    },
]
INCIDENT: dict[str, Any] = {
    "id": "5jfkz8q1mlql",
    "name": "Checkout fails",
    "status": "resolved",
    "impact": "critical",
    "created_at": "2024-03-05T10:30:12.000Z",
    "started_at": "2024-03-05T10:05:00.000Z",
    "resolved_at": "2024-03-05T12:10:59.900Z",
    "incident_updates": UPDATES,
    "components": [{"id": "c1", "name": "Checkout"}],
}
PLANNED: dict[str, Any] = {
    "id": "k2m4p6r8t0v1",
    "name": "Database upgrade",
    "status": "completed",
    "impact": "maintenance",
    "created_at": "2024-04-01T09:00:00Z",
    "scheduled_for": "2024-04-02T01:00:00Z",
    "scheduled_until": "2024-04-02T03:00:00Z",
    "incident_updates": [
        {"status": "completed", "body": "Done.", "created_at": "2024-04-02T02:40:00Z", "display_at": None},
        {"status": "in_progress", "body": "We begin.", "created_at": "2024-04-02T01:00:00Z"},
        {"status": "scheduled", "body": "We upgrade.", "created_at": "2024-04-01T09:00:00Z"},
    ],
    "components": [{"id": "c2", "name": "Search"}],
}


def an_entry(title: str, updates: list[tuple[str, str, str]], updated: str, link: str, before: str = "") -> str:
    html = before + " ".join(
        f"<p><small>{day}, <var data-var='time'>{clock}</var></small><br><strong>{status}</strong> - {text}</p>"
        for day, clock, status, text in [(*when.split(", "), status, text) for when, status, text in updates]
    )
    return (
        f"<entry><title>{title}</title><id>tag:x,2005:Incident/1</id><published>{updated}</published>"
        f'<updated>{updated}</updated><link rel="alternate" type="text/html" href="https://x.example/{link}"/>'
        f'<content type="html">{escape(html)}</content></entry>'
    )


def a_feed(*entries: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{"".join(entries)}</feed>'


def imported(folder: Path, known: dict[str, str] | None = None, **files: object) -> Import:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return import_statuspage([folder], a_config(), known or {}, frozenset())


def only(found: Import) -> str:
    (text,) = found.files.values()
    return text


def notes(found: Import) -> str:
    return "; ".join(note for entry in found.entries for note in entry.notes)


def test_an_incident_of_the_api_becomes_a_file(tmp_path: Path) -> None:
    found = imported(tmp_path, incidents__json={"page": {}, "incidents": [INCIDENT]})
    assert list(found.files) == ["incidents/2024-03-05-checkout-fails.md"]
    assert only(found) == (
        "---\ntitle: Checkout fails\nimpact: critical\ncomponents:\n  checkout: major_outage\n"
        "started: 2024-03-05 10:05 UTC\n---\n\n"
        "## 2024-03-05 10:30 UTC investigating\n\nWe look into it.\n\n"
        "## 2024-03-05 11:00 UTC identified\ncheckout: degraded_performance\n\n"
        "We know why.\n\nSee [the **cause**](https://x.example/a) of &lt;ID>.  \n\\- one  \n\\- two\n\n"
        "## 2024-03-05 12:10 UTC resolved\n\nAll is well.\n"
    )
    assert found.components == (), "the project has it: on Statuspage its name here begins with its group"
    assert found.entries[0].outcome is Outcome.TAKEN
    assert found.redirects["incidents/5jfkz8q1mlql"] == "incidents/2024-03-05-checkout-fails.html"
    assert found.redirects["history.atom"] == "feed.atom"


def test_planned_work_keeps_its_window(tmp_path: Path) -> None:
    found = imported(tmp_path, scheduled__json={"scheduled_maintenances": [PLANNED]})
    text = only(found)
    assert "kind: maintenance\n" in text
    assert "starts: 2024-04-02 01:00 UTC\nends: 2024-04-02 03:00 UTC\n" in text
    assert "  search: under_maintenance\n" in text
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "2024-04-01 09:00 UTC scheduled",
        "2024-04-02 01:00 UTC in_progress",
        "2024-04-02 02:40 UTC completed",
    ]


def test_the_list_that_a_key_gives_is_read_and_its_postmortem_too(tmp_path: Path) -> None:
    told = {"postmortem_body": "## What we learnt\n\nTo test.", "postmortem_published_at": "2024-03-07T09:00:00Z"}
    text = only(imported(tmp_path, one__json=[{**INCIDENT, **told}]))
    assert "## 2024-03-07 09:00 UTC postmortem\n\n### What we learnt\n\nTo test.\n" in text


def test_groups_come_from_the_list_of_components(tmp_path: Path) -> None:
    parts = [{"id": "g", "name": "Shop", "group": True}, {"id": "c2", "name": "Search", "group_id": "g"}]
    found = imported(tmp_path, components__json={"components": parts}, s__json={"scheduled_maintenances": [PLANNED]})
    assert [(one.id, one.group) for one in found.components] == [("search", "Shop")]


def test_what_the_export_does_not_say_is_guessed_and_named(tmp_path: Path) -> None:
    updates = [{**update, "affected_components": None} for update in UPDATES]
    updates[1]["status"] = "refunding"
    found = imported(tmp_path, a__json={"incidents": [{**INCIDENT, "incident_updates": updates, "impact": "dire"}]})
    assert "  checkout: degraded_performance\n" in only(found)
    assert "## 2024-03-05 11:00 UTC investigating" in only(found)
    assert 'the status "refunding" is none of ours; "investigating" goes on' in notes(found)
    assert 'the impact "dire" is none of ours; minor' in notes(found)
    assert "how its components were is not in the export" in notes(found)
    assert found.entries[0].outcome is Outcome.CHANGED


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "x", "name": "No updates and no date"},
        {**INCIDENT, "incident_updates": [{"status": "resolved", "created_at": "yesterday"}]},
        {**PLANNED, "scheduled_until": "2024-04-01T00:00:00Z"},
        {**INCIDENT, "name": None, "incident_updates": "none"},
        "text",
        None,
        7,
    ],
)
def test_one_broken_incident_takes_no_other_with_it(tmp_path: Path, broken: object) -> None:
    found = imported(tmp_path, a__json={"incidents": [broken, INCIDENT]})
    assert list(found.files) == ["incidents/2024-03-05-checkout-fails.md"]
    assert [entry.outcome for entry in found.entries].count(Outcome.NOT_TAKEN) == 1
    assert all(entry.notes for entry in found.entries if entry.outcome is Outcome.NOT_TAKEN)


def test_a_feed_is_read_with_the_year_that_it_does_not_name(tmp_path: Path) -> None:
    updates = [
        ("Jan  2, 00:10 UTC", "Resolved", "It works."),
        ("Dec 31, 23:50 UTC", "Update", "Still broken."),
        ("Dec 31, 22:00 UTC", "Identified", "We know why.<br /><br />More soon."),
    ]
    feed = a_feed(an_entry("Mail is late", updates, "2024-01-02T00:10:30Z", "incidents/abc123"))
    found = imported(tmp_path, history__atom=feed)
    assert only(found) == (
        "---\ntitle: Mail is late\nimpact: minor\n---\n\n"
        "## 2023-12-31 22:00 UTC identified\n\nWe know why.\n\nMore soon.\n\n"
        "## 2023-12-31 23:50 UTC identified\n\nStill broken.\n\n"
        "## 2024-01-02 00:10 UTC resolved\n\nIt works.\n"
    )
    assert found.redirects["incidents/abc123"] == "incidents/2023-12-31-mail-is-late.html"
    assert "names neither impact nor components" in notes(found)


def test_a_feed_tells_of_planned_work_in_the_zone_of_its_page(tmp_path: Path) -> None:
    head = "<p><strong>THIS IS A SCHEDULED EVENT Apr 20, 22:00 - Apr 21, 02:00 PDT</strong></p>"
    updates = [("Apr 18, 09:00 PDT", "Scheduled", "We upgrade.")]
    feed = a_feed(an_entry("Upgrade", updates, "2024-04-18T16:00:00Z", "incidents/up1", head))
    text = only(imported(tmp_path, history__atom=feed))
    assert "starts: 2024-04-21 05:00 UTC\nends: 2024-04-21 09:00 UTC\n" in text
    assert "## 2024-04-18 16:00 UTC scheduled\n\nWe upgrade.\n" in text


def test_a_feed_of_rss_is_read_alike(tmp_path: Path) -> None:
    html = "<p><small>Mar 5, 10:30 UTC</small><br><strong>Resolved</strong> - All is well.</p> and a stray word"
    item = (
        f"<item><title>A</title><description>{escape(html)}</description><link>https://x.example/incidents/r</link>"
    )
    rss = f"<rss><channel>{item}<pubDate>Tue, 05 Mar 2024 10:30:00 +0000</pubDate></item></channel></rss>"
    found = imported(tmp_path, history__rss=rss)
    assert "## 2024-03-05 10:30 UTC resolved\n\nAll is well.\n\nand a stray word\n" in only(found)


def test_what_several_exports_tell_is_taken_once_from_the_one_that_says_most(tmp_path: Path) -> None:
    updates = [("Mar 5, 12:10 UTC", "Resolved", "All is well.")]
    feed = a_feed(an_entry("Checkout fails", updates, "2024-03-05T12:10:59Z", "incidents/5jfkz8q1mlql"))
    found = imported(tmp_path, history__atom=feed, incidents__json={"incidents": [INCIDENT]})
    assert "impact: critical" in only(found)
    assert sorted(entry.outcome for entry in found.entries) == [Outcome.ALREADY_THERE, Outcome.TAKEN]
    assert "told by incidents.json: Checkout fails as well" in notes(found)


def test_equal_titles_of_a_day_get_numbers_and_keep_them(tmp_path: Path) -> None:
    twins = [{**INCIDENT, "id": "a1"}, {**INCIDENT, "id": "b2"}]
    found = imported(tmp_path, a__json={"incidents": twins})
    name = "incidents/2024-03-05-checkout-fails"
    assert sorted(found.files) == [f"{name}-2.md", f"{name}.md"]
    known = {old: Path(new).stem for old, new in found.redirects.items()}
    later = imported(tmp_path, known, a__json={"incidents": twins[::-1]})
    assert later.redirects == found.redirects


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("one\ntwo\n\nthree", "one  \ntwo\n\nthree"),
        ("a<br/>b", "a  \nb"),
        ("<p>a</p><ul><li>b</li></ul>", "a\n\n- b"),
        ("5 < 6 <script>alert(1)</script> <ID>", "5 < 6 &lt;script>alert(1)&lt;/script> &lt;ID>"),
        ("*stars* # and _more_", "\\*stars\\* # and \\_more\\_"),
        ("<div onclick='x'>a</div>", "a"),
        ("<a href='javascript:alert(1)'>a</a>", "a"),
        ("&lt;b&gt; &amp; R&D", "&lt;b> & R&D"),
    ],
)
def test_bodies_become_markdown_with_every_word(text: str, markdown: str) -> None:
    assert as_markdown(text) == markdown


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", "{"), ("a.atom", "<feed"), ("a.txt", "x"), ("a.json", "{}"), ("a.json", b"\xff\xfe")],
)
def test_what_is_no_export_is_refused_in_one_line(tmp_path: Path, name: str, content: str | bytes) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Refused) as refused:
        import_statuspage([tmp_path / name], a_config(), {}, frozenset())
    assert "\n" not in str(refused.value)


def test_what_we_publish_ourselves_comes_back_as_it_was(tmp_path: Path, memory: Memory) -> None:
    """Our own API is Statuspage's: an import of it must give the incident that it was made of."""
    updates = (
        "## 2026-11-22 09:20 UTC investigating\n\nYou cannot pay.\n\n"
        "## 2026-11-22 09:40 UTC identified\npayments: degraded_performance\n\nWe know why.\n\n"
        "## 2026-11-22 10:20 UTC resolved\n\nIt works.\n"
    )
    text = incident_text("components:\n  payments: major_outage\n", updates)
    done = build(read_project(write_project(tmp_path, card=text)), at("2026-11-22 12:00"), memory)
    (tmp_path / "incidents.json").write_bytes(done.files["api/v2/incidents.json"].body)
    found = import_statuspage([tmp_path / "incidents.json"], a_config(), {}, frozenset())
    assert found.components == ()
    assert only(found) == text


def test_the_command_takes_all_says_what_changed_and_does_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "incidents.json").write_text(json.dumps({"incidents": [INCIDENT, {"name": "Broken"}]}))
    assert meaculpa("init", "shop", cwd=tmp_path).returncode == 0
    shop = tmp_path / "shop"
    before = files_below(shop)
    dry = meaculpa("import", "statuspage", tmp_path / "export", "--dry-run", cwd=shop)
    assert files_below(shop) == before
    assert "would be taken" in dry.stdout and "would be added to redirects.yml" in dry.stdout
    done = meaculpa("import", "statuspage", tmp_path / "export", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "incidents.json: Broken: not taken: " in done.stdout
    assert "2 incidents: 1 taken as they were, 0 with the changes above, 1 not taken." in done.stdout
    redirects = (shop / "redirects.yml").read_text()
    assert "incidents/5jfkz8q1mlql: incidents/2024-03-05-checkout-fails.html\n" in redirects
    after = files_below(shop)
    again = meaculpa("import", "statuspage", tmp_path / "export", cwd=shop)
    assert files_below(shop) == after
    assert "1 already there" in again.stdout
    assert meaculpa("build", cwd=shop).returncode == 0
    assert "checkout-fails.html" in (shop / "public" / "incidents" / "5jfkz8q1mlql" / "index.html").read_text()


@pytest.mark.skipif("MEACULPA_DATA" not in os.environ, reason="MEACULPA_DATA names no folder with real incident data")
def test_a_real_page_of_819_incidents_is_taken_whole_and_its_feed_agrees() -> None:
    folder = Path(os.environ["MEACULPA_DATA"]) / "statuspage-github"
    lines = import_statuspage([folder / "incidents.jsonl"], a_config(), {}, frozenset())
    assert len(lines.files) == 819
    feed = import_statuspage([folder / "github-status-history.atom"], a_config(), {}, frozenset())
    assert len(feed.files) == 25
    heading = re.compile("^## .*$", re.MULTILINE)
    for old in feed.redirects.keys() & lines.redirects.keys() - {"history", "history.atom", "history.rss"}:
        one, other = (
            heading.findall(found.files[found.redirects[old].replace(".html", ".md")]) for found in (feed, lines)
        )
        assert [line[:23] for line in one] == [line[:23] for line in other], old
    for line in (folder / "incidents.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        address = record["url"].rpartition("/")[2]
        text = lines.files[lines.redirects[f"incidents/{address}"].replace(".html", ".md")]
        words = set(re.findall(r"\w+", " ".join(update["message"] for update in record["updates"])))
        assert words <= set(re.findall(r"\w+", text.replace("\\_", "_"))), record["url"]
