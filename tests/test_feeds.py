"""Feeds: an entry per update, ids that stay, and what the formats demand."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from meaculpa.render.feeds import MOST, _newest_first
from tests.making import at, incident_text, write_project

NOW = at("2026-11-22 12:00")
ATOM = "{http://www.w3.org/2005/Atom}"
FIRST = "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 10:00 UTC\n\nYou cannot pay **by card**.\n"
SECOND = "\n## 2026-11-22 09:40 UTC identified\n\nWe know why. Pay by <ID> & phone.\n"
FRONT = "components:\n  payments: major_outage\n"
GERMAN = "---\ntitle: Kartenzahlung geht nicht\n---\n\n## 2026-11-22 09:20 UTC investigating\n\nKarten gehen nicht.\n"


def built(root: Path, memory: Memory, **incidents: str) -> Build:
    return build(read_project(write_project(root, **incidents)), NOW, memory)


@pytest.fixture
def shop(tmp_path: Path, memory: Memory) -> Build:
    """One incident of two updates, the first of them also in German."""
    root = write_project(tmp_path, card_payments=incident_text(FRONT, FIRST + SECOND))
    (root / "incidents" / "card-payments.de.md").write_text(GERMAN, encoding="utf-8")
    return build(read_project(root), NOW, memory)


def text(done: Build, path: str) -> str:
    return done.files[path].body.decode()


@pytest.mark.parametrize("path", ["feed.atom", "feed.rss", "de/feed.atom"])
def test_a_reader_takes_every_update_newest_first(shop: Build, path: str) -> None:
    feed = feedparser.parse(shop.files[path].body)
    assert not feed.bozo, feed.get("bozo_exception")
    prefix, words = ("de/", "Kartenzahlung geht nicht") if path.startswith("de/") else ("", "You cannot pay by card")
    assert [entry.id for entry in feed.entries] == [
        f"tag:status.northwind.example,2026:{prefix}card-payments/u-20261122T0940Z",
        f"tag:status.northwind.example,2026:{prefix}card-payments/u-20261122T0920Z",
    ]
    assert all(words in entry.title for entry in feed.entries)
    assert [tuple(entry.published_parsed[:5]) for entry in feed.entries] == [
        (2026, 11, 22, 9, 40),
        (2026, 11, 22, 9, 20),
    ]
    assert feed.entries[1].tags[0].term == "Card payments"


def test_the_link_of_an_entry_leads_to_its_update(shop: Build) -> None:
    for path in ("feed.atom", "de/feed.atom"):
        for entry in feedparser.parse(shop.files[path].body).entries:
            address, _, anchor = entry.link.removeprefix("https://status.northwind.example/").partition("#")
            assert f'id="{anchor}"' in text(shop, address)


def test_an_entry_says_what_was_promised_by_the_clock_of_the_shop(shop: Build) -> None:
    newest, first = feedparser.parse(shop.files["feed.atom"].body).entries
    assert "<strong>by card</strong>" in first.content[0].value
    assert "Next update by 22 Nov 2026, 10:00 GMT" in first.content[0].value
    assert "Next update" not in newest.content[0].value
    assert "&lt;ID&gt; &amp; phone" in newest.content[0].value


def test_what_is_not_translated_says_in_which_language_it_is(shop: Build) -> None:
    root = ElementTree.fromstring(text(shop, "de/feed.atom"))
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    assert root.get(language) == "de"
    assert [entry.get(language) for entry in root.iter(f"{ATOM}entry")] == ["en", None]


def test_an_atom_feed_keeps_the_rules_of_rfc_4287(shop: Build) -> None:
    root = ElementTree.fromstring(text(shop, "feed.atom"))
    for name in ("id", "title", "updated", "author"):
        assert len(root.findall(ATOM + name)) == 1, name
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == "https://status.northwind.example/feed.atom"
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        for name in ("id", "title", "updated", "published", "content"):
            assert len(entry.findall(ATOM + name)) == 1, name
        assert len(entry.findall(f"{ATOM}link[@rel='alternate']")) == 1
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len(set(ids))
    assert root.findtext(f"{ATOM}updated") == max(str(entry.findtext(f"{ATOM}updated")) for entry in entries)


def test_an_rss_feed_has_what_version_2_demands(shop: Build) -> None:
    channel = ElementTree.fromstring(text(shop, "feed.rss")).find("channel")
    assert channel is not None
    assert all(channel.findtext(name) for name in ("title", "link", "description", "language", "lastBuildDate"))
    for item in channel.findall("item"):
        assert item.find("guid[@isPermaLink='false']") is not None
        assert str(item.findtext("pubDate")).endswith(" GMT")
        assert str(item.findtext("link")).startswith("https://status.northwind.example/incidents/")


def test_a_json_feed_has_what_version_1_1_demands(shop: Build) -> None:
    file = shop.files["feed.json"]
    feed = json.loads(file.body)
    assert file.content_type.startswith("application/feed+json")
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"] and feed["feed_url"].endswith("/feed.json")
    assert [item["content_text"] for item in feed["items"]] == [
        "We know why. Pay by <ID> & phone.",
        "You cannot pay by card.\n\nNext update by 22 Nov 2026, 10:00 GMT",
    ]
    assert {item["language"] for item in feed["items"]} == {"en"}


def test_ids_stay_when_words_change_and_others_come(tmp_path: Path, memory: Memory) -> None:
    def ids(updates: str) -> set[str]:
        done = built(tmp_path, memory, card_payments=incident_text(FRONT, updates))
        return {item["id"] for item in json.loads(done.files["feed.json"].body)["items"]}

    twice = "\n## 2026-11-22 09:40 UTC monitoring\n\nIt is back.\n"
    before = ids(FIRST + SECOND)
    assert ids(FIRST.replace("cannot pay", "could not pay") + SECOND) == before
    assert ids("## 2026-11-22 09:10 UTC investigating\n\nWe look.\n\n" + FIRST + SECOND) > before
    after = ids(FIRST + SECOND + twice)
    assert after > before and len(after) == 3


def test_a_feed_holds_the_newest_updates_of_all_incidents(tmp_path: Path, memory: Memory) -> None:
    many = {
        f"late_{number:02d}": incident_text(
            "", f"## 2026-11-20 {number % 24:02d}:{number // 24:02d} UTC investigating\n\nWe look.\n"
        )
        for number in range(MOST + 5)
    }
    old = (
        "## 2026-01-02 09:00 UTC investigating\n\nOld.\n\n## 2026-01-02 10:00 UTC resolved\n\nIt is over.\n\n"
        "## 2026-11-21 09:00 UTC postmortem\n\nWe have learnt.\n"
    )
    done = built(tmp_path, memory, **many, long_ago=incident_text("", old))
    items = json.loads(done.files["feed.json"].body)["items"]
    assert len(items) == MOST
    assert items[0]["url"].endswith("incidents/long-ago.html#u-20261121T0900Z")
    dates = [item["date_published"] for item in items]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(("length", "listed"), [(150, 50), (400, 20), (60_000, 10)])
def test_of_long_updates_it_holds_fewer(tmp_path: Path, memory: Memory, length: int, listed: int) -> None:
    said = "## 2026-11-20 {:02d}:{:02d} UTC investigating\n\n{}\n"
    many = {
        f"n{number}": incident_text("", said.format(number // 60, number % 60, ("We look. " * 9999)[: length - 1]))
        for number in range(60)
    }
    done = built(tmp_path, memory, **many)
    items = json.loads(done.files["feed.json"].body)["items"]
    assert [one["url"].partition("#u-")[2] for one in items] == [
        f"20261120T{number // 60:02d}{number % 60:02d}Z" for number in range(59, 59 - listed, -1)
    ]
    for path in ("feed.rss", "feed.atom", "de/feed.atom"):
        assert len(feedparser.parse(done.files[path].body).entries) == listed


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), max_size=8), st.integers(0, 12))
def test_updates_come_newest_first_and_of_no_more_incidents_than_needed(said: list[list[int]], taken: int) -> None:
    start = at("2026-11-20 00:00")
    states: list[Any] = [
        SimpleNamespace(
            incident=SimpleNamespace(id=f"i{number}"),
            updates=[SimpleNamespace(at=start + timedelta(minutes=minute)) for minute in sorted(minutes)],
        )
        for number, minutes in enumerate(said)
    ]
    states.sort(key=lambda one: (one.updates[-1].at, one.incident.id), reverse=True)
    asked: list[Any] = []

    def asking() -> Iterator[Any]:
        for state in states:
            asked.append(state)
            yield state

    found = list(islice(_newest_first(asking()), taken))
    every = [(update.at, one.incident.id, place) for one in states for place, update in enumerate(one.updates)]
    assert [one.turn for one in found] == sorted(every, reverse=True)[:taken]
    last_words = [(one.updates[-1].at, one.incident.id) for one in states]
    assert len(asked) <= sum(word >= found[-1].turn[:2] for word in last_words) + 1 if found else not asked


def test_a_shop_that_has_said_nothing_has_valid_feeds(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path, memory)
    for path in ("feed.atom", "feed.rss"):
        feed = feedparser.parse(done.files[path].body)
        assert not feed.bozo and feed.entries == [] and feed.feed.title
    assert json.loads(done.files["feed.json"].body)["items"] == []


def test_only_what_updates_say_changes_a_feed(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, card_payments=incident_text(FRONT, FIRST))
    one = build(read_project(root), at("2026-11-22 09:50"), memory)
    other = build(read_project(root), at("2026-11-22 11:50"), memory)
    assert one.files["index.html"].digest != other.files["index.html"].digest
    assert one.files["feed.atom"].digest == other.files["feed.atom"].digest


@pytest.mark.parametrize(
    "hostile", ["]]><x>", "&#1;&#xFFFF;", "</content></entry>", "\u2028 \ufffe ok", "&nbsp;&bogus;"]
)
def test_no_text_breaks_the_markup(tmp_path: Path, memory: Memory, hostile: str) -> None:
    updates = f"## 2026-11-22 09:20 UTC investigating\n\nYou cannot pay {hostile} by card.\n"
    done = built(tmp_path, memory, card_payments=incident_text("", updates))
    for path in ("feed.atom", "feed.rss"):
        feed = feedparser.parse(done.files[path].body)
        assert not feed.bozo, feed.get("bozo_exception")
        ElementTree.fromstring(text(done, path))
        assert len(feed.entries) == 1
