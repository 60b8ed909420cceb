"""Months that are over: nothing of them is read or made again, and whatever touches them opens them."""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from meaculpa.build import record
from meaculpa.build.bodies import Bodies
from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.contents import Contents
from meaculpa.build.last_good import Copies, keep_good
from meaculpa.build.making import Workshop
from meaculpa.build.markup_pool import Awaited, TooSlow
from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_config
from meaculpa.build.record import RECORD, Record
from meaculpa.config import Config
from meaculpa.content import Parsed, parse_incident
from meaculpa.content.files import IncidentFiles
from meaculpa.errors import InvalidInput, Outdated
from meaculpa.manifest import shard_of
from meaculpa.model import Incident, Markup
from meaculpa.project import ProjectFiles, _read, read_project
from meaculpa.render.marked import to_markdown
from meaculpa.render.pages import Chapter
from tests.making import CONFIG, an_incident, at, incident_text, write_project

NOW = at("2026-11-22 12:00")


def month(number: int, text: str = "Cards `work`.", year: int = 2026) -> str:
    begun, ended = (f"## {year}-{number:02d}-03 {time}" for time in ("09:20 investigating", "11:20 resolved"))
    return incident_text(updates=f"{begun}\n\nCards `fail`.\n\n{ended}\n\n{text}\n")


@pytest.fixture(autouse=True)
def little_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What any month says is much here, so all of this holds where texts are put away while pages are made."""
    monkeypatch.setattr("meaculpa.build.bodies._MUCH", 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path, **{f"m{number}": month(number) for number in range(1, 12)})


def recalled(root: Path, memory: Memory) -> tuple[ProjectFiles, Memory]:
    """What a new process begins with."""
    archive = Archive(root)
    return read_project(root, known=archive.readings.recall()), Memory(pool=memory.pool, archive=archive)


def built(root: Path, memory: Memory, keep_going: bool = False) -> Build:
    """Build as a new process would, and leave word for the next."""
    files, mine = recalled(root, memory)
    done = build(files, NOW, mine, keep_going)
    mine.keep(files)
    return done


def cold(root: Path, memory: Memory) -> Build:
    return build(read_project(root), NOW, Memory(pool=memory.pool))


def bodies(done: Build) -> dict[str, bytes]:
    return {path: file.body for path, file in done.files.items()}


def assert_as_cold(root: Path, memory: Memory) -> Build:
    done, other = built(root, memory), cold(root, memory)
    assert {path: file.digest for path, file in done.files.items()} == {
        path: file.digest for path, file in other.files.items()
    }
    assert bodies(done) == bodies(other)
    assert done.known == other.known
    return done


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The incidents that builds have read."""
    names: list[str] = []

    def noting(files: IncidentFiles, config: Config) -> Parsed:
        names.append(files.id)
        return parse_incident(files, config)

    monkeypatch.setattr("meaculpa.build.contents.parse_incident", noting)
    yield names


def closed(done: Build) -> list[str]:
    return sorted(volume.name for volume in done.site.volumes)


OVER = [f"2026-{number:02d}" for number in range(1, 11)]


def test_a_new_process_reads_only_what_is_not_over_and_makes_no_page_of_it(
    root: Path, memory: Memory, read: list[str]
) -> None:
    assert closed(built(root, memory)) == []
    assert sorted(read) == sorted(f"m{number}" for number in range(1, 12))
    pages = Record(root).recall("pages", "", dict, dict)["pages"]
    assert {path for path in pages if path.startswith("incidents/")} == {"incidents/m11.html", "incidents/m11.md"}
    read.clear()
    done = built(root, memory)
    assert closed(done) == OVER
    assert read == ["m11"]
    always = {
        "index.html",
        "de/index.html",
        "favicon.svg",
        "splash.html",
        "splash.tiny.html",
        "banner.js",
        "banner.json",
    }
    assert done.made == len({*always, "llms.txt"})
    assert_as_cold(root, memory)


def test_of_closed_months_little_more_is_read_than_what_feeds_list(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.render.newest._LEAST", 1)
    for number in range(1, 12):
        (root / "incidents" / f"m{number}.md").write_text(month(number, "Cards `work`. " * 2_500))
    built(root, memory)
    names: list[str] = []

    def noting(files: IncidentFiles, config: Config) -> Parsed:
        names.append(files.id)
        return parse_incident(files, config)

    monkeypatch.setattr("meaculpa.content.parse_incident", noting)
    done = built(root, memory)
    assert closed(done) == OVER
    assert set(names) == {f"m{number}" for number in range(7, 11)}
    assert_as_cold(root, memory)


def test_a_running_process_closes_them_too(root: Path, memory: Memory, read: list[str]) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    build(files, NOW, mine)
    read.clear()
    (root / "incidents" / "m11.md").write_text(month(11, "Cards `work` again."))
    files = read_project(root, files)
    done = build(files, NOW, mine)
    assert (closed(done), read) == (OVER, ["m11"])
    assert set(mine.contents.sources) == {"m11"}, "and forgets what they said"
    assert bodies(done) == bodies(cold(root, memory))


def test_the_text_of_what_was_closed_does_not_stay(root: Path, memory: Memory) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    build(files, NOW, mine)
    for path in (root / "incidents").iterdir():
        path.write_text("something else")
    assert files.incidents["incidents/m11.md"].content == month(11).encode()
    with pytest.raises(Outdated):
        _ = files.incidents["incidents/m3.md"].content


def test_the_html_of_what_was_closed_does_not_stay(root: Path, memory: Memory) -> None:
    for number in range(1, 12):
        (root / "incidents" / f"m{number}.md").write_text(month(number, f"Said `{number}`."))
    files, html = read_project(root), Bodies(memory.pool)
    every = [one for one, _ in Contents().follow(files.incidents, read_config(files, memory))]
    html.begin(every)
    assert html.refusals(every, ()) == []
    html.forget_others(every)
    before = len(html)
    html.forget_others(every[:1])
    assert 0 < len(html) < before / 2


@pytest.mark.parametrize(("much", "at_most"), [(1, 2), (80, 5)])
def test_texts_are_left_to_the_record_while_pages_are_made(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch, much: int, at_most: int
) -> None:
    monkeypatch.setattr("meaculpa.build.bodies._MUCH", much)
    for number in range(1, 12):
        (root / "incidents" / f"m{number}.md").write_text(month(number, f"Said `{number}`."))
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    rendered = count_rendered(mine, monkeypatch)
    held, make = list[int](), Workshop._make

    def noting(self: Workshop, chapter: Chapter, *rest: Any) -> Any:
        held.append(len(mine.bodies))
        return make(self, chapter, *rest)

    monkeypatch.setattr(Workshop, "_make", noting)
    done = build(files, NOW, mine)
    assert held[0] == 12
    assert held[10] <= at_most, "before the month that is not over"
    assert len(rendered) == len(set(rendered)) == 12, "the lists read them from the record"
    assert bodies(done) == bodies(cold(root, memory))


def test_what_is_not_over_stays_at_hand(root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    (root / "assets").mkdir()
    (root / "assets" / "till.png").write_bytes(b"\x89PNG")
    (root / "incidents" / "m3.md").write_text(month(3, "![till](assets/till.png)"))
    asked = list[str]()
    texts = Record.texts

    def noting(self: Record, names: Iterable[str]) -> dict[str, Markup]:
        wanted = list(names)
        asked.extend(wanted)
        return texts(self, wanted)

    (root / "incidents" / "m11.md").write_text(month(11, "Said `last`."))
    monkeypatch.setattr(Record, "texts", noting)
    build(read_project(root, files), NOW, mine)
    assert asked.count("Said `last`.") == 1, "before it is rendered, and never after"
    assert asked.count("![till](assets/till.png)") == 1, "nor what may be refused yet"
    assert asked.count("Cards `work`.") > 1


def test_a_text_that_is_refused_is_told_of_and_not_tried_twice(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "incidents" / "m3.md").write_text(month(3, "Said `3`."))
    files, mine = recalled(root, memory)
    rendered = count_rendered(mine, monkeypatch, slow="Said `3`.")
    with pytest.raises(InvalidInput, match=r"m3\.md.*too long"):
        build(files, NOW, mine)
    assert rendered.count("Said `3`.") == 1


def test_where_the_record_takes_no_texts_they_stay(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, mine = recalled(root, memory)
    rendered = count_rendered(mine, monkeypatch)
    monkeypatch.setattr(Record, "_write", lambda _self, _order, _values: False)
    done = build(files, NOW, mine)
    assert sorted(rendered) == ["Cards `fail`.", "Cards `work`."]
    assert bodies(done) == bodies(cold(root, memory))


@pytest.mark.parametrize("is_first", [True, False])
def test_a_text_that_the_record_loses_and_nobody_can_render_again_is_told_of(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    (root / "incidents" / "m3.md").write_text(month(3, "Said `3`."))
    monkeypatch.setattr(Archive, "close", lambda *_: None)
    files, mine = recalled(root, memory)
    if not is_first:
        build(files, NOW, mine)
        # As if the lists had not shown it.
        mine.bodies._known.clear()
        mine.kept.clear()
        (root / "incidents" / "m11.md").write_text(month(11, "Cards `work` again."))
        files = read_project(root, files)
    monkeypatch.setattr(Record, "texts", lambda _self, _texts: {})
    begin, begun = mine.pool.begin, set[str]() if is_first else {"Said `3`."}

    def slow_again(texts: Iterable[Sequence[str]]) -> dict[str, Awaited]:
        found = begin(texts)
        if "Said `3`." in found and "Said `3`." in begun:
            found["Said `3`."].batch.result().answers[found["Said `3`."].position] = TooSlow()
        begun.update(found)
        return found

    monkeypatch.setattr(mine.pool, "begin", slow_again)
    with pytest.raises(InvalidInput, match=r"m3\.md.*too long"):
        build(files, NOW, mine)


def test_what_changes_before_it_is_put_away_is_kept_as_it_is_then(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.build.bodies._MUCH", 100)
    first, second, changed = (
        an_incident(name=name, updates=f"## 2026-11-22 09:20 UTC investigating\n\n`{sign * 60}`\n")
        for name, sign in (("one", "a"), ("two", "b"), ("one", "c"))
    )
    record = Record(tmp_path)
    html = Bodies(memory.pool, record)
    html.begin([first, second])
    html.put_away([first])
    html.begin([changed])
    html.put_away([second])
    assert html.refusals([changed], ()) == []
    html.keep({"one", "two"})
    assert len(record.texts([f"`{sign * 60}`" for sign in "bc"])) == 2


def test_who_is_told_of_one_file_reads_no_other_text_again(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "incidents" / "m3.md").write_text(month(3, "![till](assets/till.png)"))
    (root / "incidents" / "m4.md").write_text(month(4, "Said `4`."))
    files, mine = recalled(root, memory)
    begun = list[str]()
    begin = Bodies.begin

    def noting(self: Bodies, incidents: Iterable[Incident]) -> None:
        some = list(incidents)
        begun.extend(one.id for one in some)
        begin(self, some)

    monkeypatch.setattr(Bodies, "begin", noting)
    done = build(files, NOW, mine, keep_going=True)
    assert [problem.path for problem in done.problems] == ["incidents/m3.md"]
    assert begun.count("m4") == 1, "as it was read"


def count_rendered(mine: Memory, monkeypatch: pytest.MonkeyPatch, slow: str = "") -> list[str]:
    """Note each text that is rendered; one of them takes too long."""
    rendered = list[str]()
    begin = mine.pool.begin

    def noting(texts: Iterable[Sequence[str]]) -> dict[str, Awaited]:
        found = begin(texts)
        rendered.extend(found)
        if slow in found:
            found[slow].batch.result().answers[found[slow].position] = TooSlow()
        return found

    monkeypatch.setattr(mine.pool, "begin", noting)
    return rendered


def test_a_month_that_was_open_for_a_while_says_what_it_says_now(root: Path, memory: Memory) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), None

    def again() -> Build:
        nonlocal files
        files = read_project(root, files)
        return build(files, NOW, mine)

    again()
    again()
    for words in ("By `voucher`.", "By `cheque`."):
        (root / "incidents" / "m11.md").write_text(month(11, f"And {words}"))
        assert bodies(again()) == bodies(cold(root, memory)), "lists read the closed months, targets want their pages"
        (root / "incidents" / "m3.md").write_text(month(3, words))
        for _ in range(2):
            assert bodies(again()) == bodies(cold(root, memory))
        (root / "incidents" / "m11.md").write_text(month(11, f"Again {words}"))
        assert bodies(again()) == bodies(cold(root, memory))
        assert closed(again()) == OVER


def test_a_text_of_a_closed_month_that_is_too_slow_is_told_of(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(root, memory)
    with sqlite3.connect(root / RECORD) as rows:
        rows.execute("DELETE FROM texts")
        rows.execute("DELETE FROM kept WHERE kind = 'pages'")
    files, mine = recalled(root, memory)
    answer = mine.pool.begin

    def slow(texts: Iterable[Sequence[str]]) -> dict[str, Awaited]:
        found = answer(texts)
        for one in found.values():
            one.batch.result().answers[one.position] = TooSlow()
        return found

    monkeypatch.setattr(mine.pool, "begin", slow)
    with pytest.raises(InvalidInput, match="too long"):
        build(files, NOW, mine)


def test_an_edit_opens_its_month_alone(root: Path, memory: Memory, read: list[str]) -> None:
    built(root, memory)
    read.clear()
    (root / "incidents" / "m3.md").write_text(month(3, "By `voucher`."))
    done = assert_as_cold(root, memory)
    assert closed(done) == [name for name in OVER if name != "2026-03"]
    assert [name for name in read if name != "m11"][:1] == ["m3"]


TOUCHES = pytest.mark.parametrize(
    ("change", "opened"),
    [
        ({"other.md": month(3, "Another one.")}, {"2026-03"}),
        ({"m3.de.md": "---\ntitle: Karten\n---\n"}, {"2026-03"}),
        ({"m3.md": None}, {"2026-02", "2026-03", "2026-04"}),
        ({"m3.md": month(5)}, {"2026-02", "2026-03", "2026-04", "2026-05"}),
        ({"old.md": month(7, year=2024)}, {"2024-07", "2026-01"}),
        ({"sub/m3.md": month(3), "m3.md": None}, {"2026-03"}),
        ({"draft.md": month(3).replace("---\n", "---\ndraft: true\n", 1)}, set()),
        ({"m3.md": month(3).replace("---\n", "---\npin: true\n", 1)}, {"2026-03"}),
    ],
    ids=["beside it", "a translation", "deleted", "moved", "between", "another folder", "draft", "pinned"],
)


def touch(root: Path, change: dict[str, str | None]) -> None:
    for name, text in change.items():
        path = root / "incidents" / name
        path.parent.mkdir(exist_ok=True)
        path.unlink() if text is None else path.write_text(text)


@TOUCHES
def test_whatever_touches_a_month_opens_it(
    root: Path, memory: Memory, change: dict[str, str | None], opened: set[str]
) -> None:
    built(root, memory)
    touch(root, change)
    done = assert_as_cold(root, memory)
    assert {*OVER, *opened} - {*closed(done)} == opened
    assert_as_cold(root, memory)


@TOUCHES
def test_a_running_process_opens_what_is_touched_and_closes_it_again(
    root: Path, memory: Memory, change: dict[str, str | None], opened: set[str]
) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    for _ in range(2):
        build(files, NOW, mine)
    touch(root, change)
    files = read_project(root, files)
    done, other = build(files, NOW, mine), cold(root, memory)
    assert {*OVER, *opened} - {*closed(done)} == opened
    assert (bodies(done), dict(done.known)) == (bodies(other), dict(other.known))
    again = build(files, NOW, mine)
    assert {*closed(again)} >= {month.name for month in other.site.months if month.name in OVER} - {"2026-03"}
    assert (bodies(again), dict(again.known)) == (bodies(other), dict(other.known))


def test_a_running_process_opens_nothing_that_was_only_touched(root: Path, memory: Memory, read: list[str]) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    for _ in range(2):
        build(files, NOW, mine)
    read.clear()
    for number in (3, 4):
        path = root / "incidents" / f"m{number}.md"
        path.write_text(path.read_text())
        os.utime(path, (1, 1))
    before, files = files, read_project(root, files)
    assert files.incidents["incidents/m3.md"] is not before.incidents["incidents/m3.md"]
    assert (closed(build(files, NOW, mine)), read) == (OVER, [])


def test_what_all_pages_depend_on_opens_everything(root: Path, memory: Memory) -> None:
    built(root, memory)
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"Card payments", b"Cards"))
    assert closed(assert_as_cold(root, memory)) == []
    assert closed(assert_as_cold(root, memory)) == OVER
    (root / "site_templates").mkdir()
    (root / "site_templates" / "page.css").write_text("body{color:red}")
    assert closed(assert_as_cold(root, memory)) == []


def test_what_was_over_later_may_not_have_been_over_before(root: Path, memory: Memory) -> None:
    built(root, memory)
    files, mine = recalled(root, memory)
    earlier = at("2026-05-03 10:00")
    done, other = build(files, earlier, mine), build(read_project(root), earlier, Memory(pool=memory.pool))
    assert closed(done) == []
    assert bodies(done) == bodies(other)


def test_a_theme_that_fails_closes_nothing(root: Path, memory: Memory) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    before = bodies(build(files, NOW, mine))
    (root / "site_templates").mkdir()
    (root / "site_templates" / "incident.html.j2").write_text("{{ there.is.nothing }}")
    files = read_project(root, files)
    for _ in range(2):
        done = build(files, NOW, mine, keep_going=True)
        assert (closed(done), bodies(done)) == ([], before)


def test_a_folder_that_cannot_be_read_keeps_what_was_in_it(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, **{f"m{number}": month(number) for number in (9, 10, 11)})
    (root / "incidents" / "old").mkdir()
    for number in range(1, 6):
        (root / "incidents" / "old" / f"m{number}.md").write_text(month(number))
    done = built(root, memory)
    keep_good(read_project(root), done.problems, Copies())
    before = bodies(done)
    files, mine = recalled(root, memory)
    assert bodies(build(files, NOW, mine, keep_going=True)) == before
    (root / "incidents" / "old").rename(root / "aside")
    (root / "incidents" / "old").symlink_to(root / "aside")
    after = build(read_project(root, files), NOW, mine, keep_going=True)
    assert bodies(after) == before
    assert [problem.path for problem in after.problems] == ["incidents/old"]


def test_what_changes_by_itself_stays_open(tmp_path: Path, memory: Memory) -> None:
    still = incident_text(updates="## 2026-02-03 09:20 investigating\n\nCards `fail`.\n")
    root = write_project(tmp_path, still=still, over=month(1), lately=month(11))
    built(root, memory)
    assert closed(assert_as_cold(root, memory)) == ["2026-01"]


def test_lists_that_reach_into_closed_months_read_only_what_they_show(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = "kind: maintenance\nstarts: 2026-{0:02d}-05 01:00\nends: 2026-{0:02d}-05 02:00\ncomponents: {{}}\n"
    planned = {
        f"p{number}": f"---\ntitle: Work\n{work.format(number)}---\n\n## 2026-{number:02d}-01 09:00 scheduled\n\nx\n"
        for number in range(1, 9)
    }
    root = write_project(tmp_path, **planned, **{f"m{number}": month(number) for number in range(1, 12)})
    built(root, memory)
    monkeypatch.setattr("meaculpa.render.api.MOST", 3)
    monkeypatch.setattr("meaculpa.render.calendar.MOST", 2)
    monkeypatch.setattr("meaculpa.render.feeds.MOST", 4)
    done = assert_as_cold(root, memory)
    assert "2026-08" in closed(done)
    listed = json.loads(done.files["api/v2/scheduled-maintenances.json"].body)["scheduled_maintenances"]
    assert [one["shortlink"].rsplit("/", 1)[1] for one in listed] == ["p8.html", "p7.html", "p6.html"]


def test_a_broken_file_of_a_closed_month_keeps_its_last_good_version(root: Path, memory: Memory) -> None:
    done = built(root, memory)
    keep_good(read_project(root), done.problems, Copies())
    files, mine = recalled(root, memory)
    before = build(files, NOW, mine, keep_going=True).files["incidents/m3.html"].body
    (root / "incidents" / "m3.md").write_text("---\nnothing: right\n---\n")
    after = build(read_project(root, files), NOW, mine, keep_going=True)
    assert after.files["incidents/m3.html"].body == before
    assert after.left_out == ()
    assert [problem.path for problem in after.problems] == ["incidents/m3.md"] * len(after.problems)


def test_a_file_that_changes_before_its_page_is_wanted_is_no_page(root: Path, memory: Memory) -> None:
    built(root, memory)
    files, mine = recalled(root, memory)
    done = build(files, NOW, mine)
    (root / "incidents" / "m3.md").write_text(month(3, "By `voucher`."))
    with pytest.raises(Outdated, match="m3"):
        done.files["incidents/m3.html"].body  # noqa: B018 (it is made here)
    assert_as_cold(root, memory)


def rewrite(root: Path, kind: str, change: Callable[[str], str]) -> None:
    """Change what the record has of a kind, and make its seals fit: what somebody might who means harm."""
    with sqlite3.connect(root / RECORD) as rows:
        for name, body in rows.execute("SELECT name, body FROM kept WHERE kind = ?", (kind,)).fetchall():
            changed = change(body)
            seal = hashlib.sha256(f"{name} {changed}".encode()).hexdigest()
            values = (changed, seal, kind, name)
            rows.execute("UPDATE kept SET body = ?, seal = ? WHERE kind = ? AND name = ?", values)


def test_a_record_that_is_wrong_is_found_out_and_forgotten(root: Path, memory: Memory) -> None:
    built(root, memory)
    rewrite(root, "pages", lambda body: re.sub(r'"[0-9a-f]{40}-', f'"{"f" * 40}-', body))
    files, mine = recalled(root, memory)
    done = build(files, NOW, mine)
    with pytest.raises(Outdated):
        bodies(done)
    assert bodies(build(files, NOW, mine)) == bodies(cold(root, memory)), "in the same process as well"


@pytest.mark.parametrize("value", ["[]", "{}", "null", '{"a": 1}', '"x"', "[[[]]]", "1e999", '{"past": {}}', "{"])
@pytest.mark.parametrize("kind", ["volumes", "pages", "readings"])
def test_nothing_that_the_record_may_hold_is_a_traceback(root: Path, memory: Memory, kind: str, value: str) -> None:
    built(root, memory)
    rewrite(root, kind, lambda _: value)
    assert_as_cold(root, memory)
    assert_as_cold(root, memory)


def test_a_wrong_digest_of_a_file_is_believed_once(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure(monkeypatch)
    built(root, memory)
    rewrite(root, "readings", lambda body: re.sub(r'\["[0-9a-f]{64}"', f'["{"f" * 64}"', body))
    with pytest.raises(Outdated, match="the next run has it right"):
        built(root, memory)
    assert_as_cold(root, memory)


@pytest.mark.parametrize("sql", ["html = replace(html, 'e', 'a')", "html = NULL", "html = x'ff'", "seal = 1"])
def test_a_text_that_is_damaged_is_none(root: Path, memory: Memory, sql: str) -> None:
    built(root, memory)
    with sqlite3.connect(root / RECORD) as rows:
        rows.execute(f"UPDATE texts SET {sql}")
    assert_as_cold(root, memory)


def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files of this moment count as old."""
    monkeypatch.setattr("meaculpa.folders._TOO_YOUNG_NANOSECONDS", -(10**12))


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("DROP TABLE kept"),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("DELETE FROM made_by"),
        lambda path: sqlite3.connect(path, isolation_level=None).execute("UPDATE made_by SET version = 'other'"),
    ],
    ids=["garbage", "empty", "cut", "gone", "folder", "no table", "no version", "another version"],
)
def test_whatever_is_wrong_with_the_record_the_site_is_right(
    root: Path, memory: Memory, harm: Callable[[Path], object]
) -> None:
    built(root, memory)
    harm(root / RECORD)
    assert_as_cold(root, memory)
    assert_as_cold(root, memory)


def test_another_process_that_holds_the_record_holds_nobody_up(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_WAIT_SECONDS", 0.1)
    built(root, memory)
    holder = sqlite3.connect(root / RECORD, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert closed(assert_as_cold(root, memory)) == []
    holder.execute("ROLLBACK")
    assert closed(assert_as_cold(root, memory)) == OVER


def test_two_processes_at_once_disturb_each_other_in_nothing(root: Path, memory: Memory) -> None:
    command = [sys.executable, "-m", "meaculpa", "-C", str(root), "build", "--now", "2026-11-22 12:00", "--out"]
    for number in range(3):
        (root / "incidents" / "m3.md").write_text(month(3, f"Words {number}."))
        running = [
            subprocess.Popen([*command, str(root / f"out-{one}")], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            for one in range(4)
        ]
        for process in running:
            _, errors = process.communicate(timeout=120)
            assert (process.returncode, errors) == (0, b"")
    expected = bodies(cold(root, memory))
    for one in range(4):
        out = root / f"out-{one}"
        assert {path: (out / path).read_bytes() for path in expected} == expected


def test_threads_may_want_pages_while_the_next_build_is_made(root: Path, memory: Memory) -> None:
    built(root, memory)
    files, mine = recalled(root, memory)
    done, expected, wrong = build(files, NOW, mine), bodies(cold(root, memory)), list[str]()

    def want() -> None:
        wrong.extend(path for path, file in done.files.items() if file.body != expected[path])

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for hours in range(3):
        build(files, NOW + timedelta(hours=hours), mine)
        mine.keep(files)
    for thread in threads:
        thread.join()
    assert wrong == []


def test_where_nothing_can_be_written_nothing_is_kept(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".meaculpa").write_text("a file where a folder should be")
    assert closed(assert_as_cold(root, memory)) == []
    assert closed(assert_as_cold(root, memory)) == []


def test_what_is_gone_leaves_no_word_in_the_record(root: Path, memory: Memory) -> None:
    built(root, memory)
    later = "## 2026-03-04 09:00 postmortem\n\nWe `erred`."
    (root / "incidents" / "m3.md").write_text(month(3, f"By `voucher`.\n\n{later}"))
    built(root, memory)
    assert words(root) >= {"By `voucher`.", "We `erred`."}
    (root / "incidents" / "m3.md").write_text(month(3, "By `voucher`."))
    built(root, memory)
    assert "By `voucher`." in words(root)
    assert "We `erred`." not in words(root), "an update that was taken back"
    (root / "incidents" / "m3.md").unlink()
    built(root, memory)
    assert "By `voucher`." not in words(root)
    assert b"voucher" not in (root / RECORD).read_bytes()


def test_what_comes_and_goes_in_one_process_never_gets_there(root: Path, memory: Memory) -> None:
    mine, files = Memory(pool=memory.pool, archive=Archive(root)), read_project(root)
    build(files, NOW, mine)
    mine.keep(files)
    (root / "incidents" / "secret.md").write_text(month(11, "Ann's address."))
    files = read_project(root, files)
    build(files, NOW, mine)
    (root / "incidents" / "secret.md").unlink()
    files = read_project(root, files)
    build(files, NOW, mine)
    mine.keep(files)
    assert "Ann's address." not in words(root)


def words(root: Path) -> set[str]:
    with sqlite3.connect(root / RECORD) as rows:
        return {to_markdown(html) for (html,) in rows.execute("SELECT html FROM texts")}


def test_a_file_of_this_very_moment_is_read_again(root: Path, memory: Memory) -> None:
    built(root, memory)
    assert Archive(root).readings.recall() == {}, "it may be written again within one step of the file system's clock"


def test_files_that_are_as_they_were_are_not_opened(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure(monkeypatch)
    built(root, memory)
    opened = list[str]()

    def noting(path: str, largest: int) -> bytes:
        opened.append(Path(path).name)
        return _read(path, largest)

    monkeypatch.setattr("meaculpa.project._read", noting)
    files, mine = recalled(root, memory)
    assert not [name for name in opened if name.endswith(".md")]
    assert closed(build(files, NOW, mine)) == OVER


def test_an_edit_is_noted_in_the_word_on_its_own_part_of_the_files(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure(monkeypatch)
    built(root, memory)
    kept = list[list[str]]()
    keep = Record.keep

    def noting(self: Record, kind: str, key: str, values: Iterable[tuple[str, Any]]) -> None:
        given = dict(values)
        if kind == "readings":
            kept.append(sorted(given))
        keep(self, kind, key, given.items())

    monkeypatch.setattr(Record, "keep", noting)
    (root / "incidents" / "m11.md").write_text(month(11, "Cards `work` again."))
    built(root, memory)
    built(root, memory)
    assert kept == [[shard_of("incidents/m11.md")]]
    known = Archive(root).readings.recall()
    assert {Path(path).name for path in known} == {f"m{number}.md" for number in range(1, 12)}
    assert known[str(root / "incidents" / "m11.md")].source.content == month(11, "Cards `work` again.").encode()


def test_an_inode_that_is_larger_than_any_integer_of_sqlite_is_no_traceback(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure(monkeypatch)
    files, mine = recalled(root, memory)
    large = {path: replace(one, stamp=replace(one.stamp, inode=2**64 - 1)) for path, one in files.readings.items()}
    build(files, NOW, mine)
    mine.keep(replace(files, readings=large))
    assert_as_cold(root, memory)
