"""The whole way from files to output: equal bytes, incremental like cold, broken files kept as they were."""

import itertools
import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.build import last_good
from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.keeping import Keeper
from meaculpa.build.last_good import Copies, copies, keep_good, note_copies, recall
from meaculpa.build.memory import Memory
from meaculpa.build.record import Record
from meaculpa.errors import InvalidInput, Problem
from meaculpa.files import write_file
from meaculpa.folders import packaged_templates
from meaculpa.model import Source
from meaculpa.names import LAST_GOOD
from meaculpa.project import read_project
from meaculpa.render.pages import Edition, Page, incident_page
from meaculpa.timeline import IncidentState
from tests.making import CONFIG, at, incident_text, write_project

NOW = at("2026-11-22 12:00")


def built(root: Path, memory: Memory, keep_going: bool = False) -> Build:
    return build(read_project(root), NOW, memory, keep_going)


def bodies(done: Build) -> dict[str, bytes]:
    return {path: file.body for path, file in done.files.items()}


def test_two_builds_give_equal_bytes(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, card_payments=incident_text())
    assert bodies(built(root, memory)) == bodies(built(root, Memory(pool=memory.pool)))


def test_one_edit_makes_only_the_pages_that_show_it(tmp_path: Path, memory: Memory) -> None:
    months = {
        f"m{month}": incident_text(updates=f"## 2026-{month:02d}-03 09:20 resolved\n\nx\n") for month in range(1, 11)
    }
    root = write_project(tmp_path, **months)
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    assert before.made == len(before.files)
    (root / "incidents" / "m3.md").write_text(months["m3"].replace("by card", "by voucher"))
    after = built(root, mine)
    changed = {path for path in after.files if before.files[path].digest != after.files[path].digest}
    assert changed == {
        *(f"{prefix}{page}" for prefix in ("", "de/") for page in ("incidents/m3.html", "history/2026-03.html")),
        *(f"{prefix}{page}" for prefix in ("", "de/") for page in ("incidents/m3.md", "feed.atom")),
        *("feed.rss", "feed.json"),
        "api/v2/incidents.json",
    }
    always_made = {"index.html", "de/index.html", "favicon.svg", "splash.html", "splash.tiny.html"}
    always_made |= {"banner.js", "banner.json", "llms.txt"}
    assert after.made == len(changed | always_made)


def test_an_edit_of_a_long_archive_writes_little(tmp_path: Path, memory: Memory) -> None:
    said = "You could not pay by card, and we know why: the certificate of the bank had run out. " * 9
    steps = "".join(
        f"## 2026-{{month:02d}}-{{day:02d}} {9 + hour:02d}:20 {status}\n\n{said}\n\n"
        for hour, status in enumerate(("investigating", "identified", "monitoring", "resolved"))
    )
    days = itertools.product(range(1, 12), range(1, 9))
    months = {f"m{month}-{day}": incident_text(updates=steps.format(month=month, day=day)) for month, day in days}
    root, mine = write_project(tmp_path, **months, dead=incident_text("show: splash\n")), Memory(pool=memory.pool)
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"locales: [en, de]", b"locales: [en]"))
    before = built(root, mine).files
    update = f"\n## 2026-11-22 09:40 UTC identified\n\n{said}\n"
    (root / "incidents" / "dead.md").write_text(incident_text("show: splash\n", title="You cannot pay") + update)
    after = built(root, mine).files
    changed = [file for path, file in after.items() if before[path].digest != file.digest]
    assert {"index.html", "banner.js", "splash.html", "feed.rss", "api/v2/incidents.json"} < {
        file.path for file in changed
    }
    assert len(changed) <= 24
    assert sum(file.size for file in changed) <= 160_000


def test_months_that_are_as_before_are_not_even_listed(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = {
        f"m{month}": incident_text(updates=f"## 2026-{month:02d}-03 09:20 resolved\n\nx\n") for month in range(1, 11)
    }
    root, mine, listed = write_project(tmp_path, **months), Memory(pool=memory.pool), list[str]()
    built(root, mine)

    def noting(edition: Edition, state: IncidentState) -> Page:
        listed.append(state.incident.id)
        return incident_page(edition, state)

    monkeypatch.setattr("meaculpa.render.site.incident_page", noting)
    (root / "incidents" / "m3.md").write_text(months["m3"].replace("by card", "by voucher"))
    built(root, mine)
    assert set(listed) == {"m3"}


def test_what_is_known_of_files_that_are_gone_is_forgotten(tmp_path: Path, memory: Memory) -> None:
    root, mine = write_project(tmp_path, a=incident_text(), m0=incident_text()), Memory(pool=memory.pool)
    for number in range(5):
        built(root, mine)
        (root / "incidents" / f"m{number}.md").rename(root / "incidents" / f"m{number + 1}.md")
    built(root, mine)
    assert set(mine.contents._files) == set(mine.contents._said) == {"a", "m5"}


def test_what_is_known_of_earlier_titles_is_forgotten(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, a=incident_text())
    mine = Memory(pool=memory.pool)
    for number in range(30):
        (root / "incidents" / "a.md").write_text(incident_text(title=f"Title {number}"))
        built(root, mine)
    assert len(mine.bodies._plain) < 5


_names = st.sampled_from(["a", "b", "c", "d"])
_edits = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _names, st.integers(1, 9)),
        st.tuples(st.just("delete"), _names, st.just(0)),
        st.tuples(st.just("rename"), _names, st.integers(1, 4)),
        st.tuples(st.just("translate"), _names, st.integers(1, 9)),
        st.tuples(st.just("config"), st.just(""), st.integers(1, 3)),
        st.tuples(st.just("timezone"), st.just(""), st.integers(0, 2)),
        st.tuples(st.just("hours pass"), st.just(""), st.integers(1, 90)),
        st.tuples(st.just("restart"), st.just(""), st.just(0)),
    ),
    min_size=1,
    max_size=8,
)


@given(_edits)
def test_an_incremental_build_is_byte_for_byte_a_cold_one(
    tmp_path_factory: pytest.TempPathFactory, memory: Memory, edits: list[tuple[str, str, int]]
) -> None:
    root = write_project(tmp_path_factory.mktemp("project"), a=incident_text())
    archive = Archive(root)
    mine, files, now = Memory(pool=memory.pool, archive=archive), None, NOW - timedelta(days=300)
    for kind, name, number in edits:
        edit(root, kind, name, number)
        now += timedelta(hours=number * 24 if kind == "hours pass" else 0)
        if kind == "restart" and files:
            mine.keep(files)
            mine, files = Memory(pool=memory.pool, archive=Archive(root)), None
        files = read_project(root, files)
        warm = build(files, now, mine)
        cold = build(read_project(root), now, Memory(pool=memory.pool))
        assert {path: file.digest for path, file in warm.files.items()} == {
            path: file.digest for path, file in cold.files.items()
        }
        assert bodies(warm) == bodies(cold)
        assert {path: file.size for path, file in warm.files.items()} == {
            path: len(body) for path, body in bodies(cold).items()
        }
        assert warm.known == cold.known
        assert (warm.problems, warm.findings) == (cold.problems, cold.findings)
    shutil.rmtree(root)


def test_another_time_zone_changes_every_time_that_has_none_of_its_own(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text(updates="## 2026-07-01 09:20 investigating\n\nx\n"))
    mine = Memory(pool=memory.pool)
    built(root, mine)
    edit(root, "timezone", "", 1)
    assert bodies(built(root, mine)) == bodies(built(root, Memory(pool=memory.pool)))


def edit(root: Path, kind: str, name: str, number: int) -> None:
    path = root / "incidents" / f"{name}.md"
    german = root / "incidents" / f"{name}.de.md"
    if kind == "write":
        promise = f"next_update: 2026-{number:02d}-01 12:20"
        said = f"## 2026-{number:02d}-01 09:20 investigating\n{promise}\n\nText {number}.\n"
        path.write_text(incident_text(updates=f"{said}\n## 2026-{number:02d}-02 09:20 resolved\n\nOver.\n"))
        german.unlink(missing_ok=True)
    elif kind == "delete":
        path.unlink(missing_ok=True)
        german.unlink(missing_ok=True)
    elif kind == "rename" and path.exists():
        german.unlink(missing_ok=True)
        path.rename(path.with_stem(f"r{number}"))
    elif kind == "translate" and path.exists():
        german.write_text(f"---\ntitle: Titel {number}\n---\n")
    elif kind == "timezone":
        zone = (b"Europe/London", b"America/New_York", b"Asia/Tokyo")[number]
        (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"Europe/London", zone))
    elif kind == "config":
        (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"Card payments", f"Cards {number}".encode()))


def test_a_problem_stops_the_build_and_all_are_told(tmp_path: Path, memory: Memory) -> None:
    root = write_project(
        tmp_path, good=incident_text(), bad=incident_text("impact: majr\n"), worse=incident_text("x: y\n")
    )
    with pytest.raises(InvalidInput) as caught:
        built(root, memory)
    assert [problem.path for problem in caught.value.problems] == ["incidents/bad.md", "incidents/worse.md"]


def test_a_broken_file_keeps_its_last_good_version_and_the_others_go_out(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text(), two=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    (root / "incidents" / "one.md").write_text("broken")
    (root / "incidents" / "two.md").write_text(incident_text(title="You cannot log in"))
    after = built(root, mine, keep_going=True)
    assert after.files["incidents/one.html"] == before.files["incidents/one.html"]
    assert b"You cannot log in" in after.files["incidents/two.html"].body
    assert [problem.path for problem in after.problems] == ["incidents/one.md"]
    assert after.left_out == ()


def test_a_broken_translation_keeps_the_incident_as_it_was(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    (root / "incidents" / "one.de.md").write_text("broken")
    after = built(root, mine, keep_going=True)
    assert after.files["incidents/one.html"] == before.files["incidents/one.html"]


def test_the_last_good_version_outlives_the_process(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text(), new=incident_text())
    files = read_project(root)
    before = build(files, NOW, Memory(pool=memory.pool))
    keep_good(files, before.problems, Copies())
    (root / "incidents" / "one.md").write_text("broken")
    (root / "incidents" / "never-good.md").write_text("broken")
    after = built(root, Memory(pool=memory.pool), keep_going=True)
    assert after.files["incidents/one.html"] == before.files["incidents/one.html"]
    assert after.left_out == ("incidents/never-good.md",)


def test_the_next_process_need_not_read_the_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, record = write_project(tmp_path, one=incident_text(), two=incident_text(title="Another")), Record(tmp_path)
    files, kept = read_project(root), Copies()
    keep_good(files, (), kept, record)
    note_copies(root, kept, record)
    copy = root / LAST_GOOD / "incidents" / "one.md"
    write_file(copy, b"not what it was")
    looked_at = list[str]()

    def noting(root: Path, wanted: Iterable[str] | None = None) -> Mapping[str, Source]:
        looked_at.extend(wanted or ())
        return recall(root, wanted)

    monkeypatch.setattr(last_good, "recall", noting)
    again = Copies()
    keep_good(files, (), again, record)
    assert looked_at == ["incidents/one.md"]
    assert again.digests == kept.digests
    assert copy.read_text() == incident_text()


def test_nobody_waits_for_thousands_of_copies(tmp_path: Path) -> None:
    root, kept = write_project(tmp_path, **{f"n{number}": incident_text() for number in range(5)}), Copies()
    files = read_project(root)
    found = list[int]()
    for _ in range(3):
        keep_good(files, (), kept, has_time=partial(next, iter((True, True, False))))
        found.append(len(copies(root)))
    assert (found, kept.is_cut_short) == ([2, 4, 5], False)


def test_copies_are_made_once_the_build_is_out_and_give_way_to_whatever_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, moment, is_saving = write_project(tmp_path, one=incident_text()), [10.0], [False]
    monkeypatch.setattr("meaculpa.build.keeping.time.monotonic", lambda: moment[0])
    keeper = Keeper(Memory(), lambda: is_saving[0])
    found = list[int]()
    keeper.take(read_project(root), ())
    for moment[0], is_saving[0] in ((10.0, False), (10.2, False), (10.4, True), (10.5, False)):
        keeper.go_on()
        found.append(len(copies(root)))
    assert found == [0, 0, 0, 1]


def test_what_is_broken_a_moment_later_was_copied_while_it_was_good(tmp_path: Path) -> None:
    root = write_project(tmp_path, one=incident_text())
    keeper, file = Keeper(Memory(), lambda: False), root / "incidents" / "one.md"
    good = incident_text(title="No card is taken")
    file.write_text(good)
    keeper.take(read_project(root), ())
    file.write_text("---\n")
    keeper.take(read_project(root), (Problem("incidents/one.md", 1, "broken"),))
    keeper.finish()
    assert (root / ".meaculpa" / "last-good" / "incidents" / "one.md").read_text() == good


def test_whoever_saves_all_the_time_puts_no_copy_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, moment = write_project(tmp_path, one=incident_text()), [10.0]
    monkeypatch.setattr("meaculpa.build.keeping.time.monotonic", lambda: moment[0])
    keeper = Keeper(Memory(), lambda: False)
    for moment[0] in (10.0, 10.2, 10.4):
        keeper.take(read_project(root), ())
        keeper.go_on()
    assert len(copies(root)) == 1


def test_whoever_ends_a_watch_leaves_all_copies(tmp_path: Path) -> None:
    root = write_project(tmp_path, one=incident_text(), two=incident_text())
    keeper = Keeper(Memory(), lambda: True)
    keeper.take(read_project(root), ())
    keeper.finish()
    assert len(copies(root)) == 2


def test_only_copies_that_have_changed_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "2026-10-01-one": incident_text(),
        "2026-11-01-two": incident_text(),
        "2026-11-02-three": incident_text(),
    }
    root, record = write_project(tmp_path, **names), Record(tmp_path)
    noted = list[list[str]]()
    keep = record.keep

    def noting(kind: str, key: str, values: Iterable[tuple[str, Any]]) -> None:
        given = dict(values)
        noted.append(sorted(given))
        keep(kind, key, given.items())

    monkeypatch.setattr(record, "keep", noting)
    kept = Copies()

    def again() -> dict[str, str]:
        keep_good(read_project(root), (), kept, record)
        note_copies(root, kept, record)
        other = Copies()
        keep_good(read_project(root), (), other, record)
        assert other.unnoted == set()
        return other.digests

    first = again()
    again()
    (root / "incidents" / "2026-11-01-two.md").write_text(incident_text(title="Another"))
    (root / "incidents" / "2026-11-02-three.md").unlink()
    last = again()
    assert noted == [["2026-10", "2026-11"], ["2026-11"]]
    assert [path[-6:] for path in sorted(last)] == ["one.md", "two.md"]
    assert [path for path in last if last[path] == first[path]] == ["incidents/2026-10-01-one.md"]


def test_what_was_deleted_on_purpose_does_not_come_back(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text(), two=incident_text())
    files = read_project(root)
    keep_good(files, (), Copies())
    (root / "incidents" / "one.md").unlink()
    (root / "incidents" / "two.md").write_text("broken")
    after = built(root, Memory(pool=memory.pool), keep_going=True)
    assert "incidents/one.html" not in after.files
    assert "incidents/two.html" in after.files


def test_a_refused_text_holds_up_nothing_and_gets_another_chance(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, **{f"m{number}": incident_text() for number in range(20)}, hostile=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    assert before.look_again is None
    slow = incident_text(updates="## 2026-11-22 09:20 investigating\n\n" + "![[](" * 12_000 + "\n")
    (root / "incidents" / "hostile.md").write_text(slow)
    after = built(root, mine, keep_going=True)
    assert bodies(after) == bodies(before)
    assert after.look_again
    (root / "incidents" / "m1.md").write_text(incident_text(title="You cannot log in"))
    edited = built(root, mine, keep_going=True)
    assert edited.made < len(edited.files) / 2, "one refused text must not make every page again"


def test_a_text_that_cannot_be_rendered_is_a_problem_of_its_file(tmp_path: Path, memory: Memory) -> None:
    hostile = incident_text(updates="## 2026-11-22 09:20 investigating\n\n" + "![[](" * 12_000 + "\n")
    root = write_project(tmp_path, good=incident_text(), hostile=hostile)
    with pytest.raises(InvalidInput) as caught:
        built(root, memory)
    assert [str(problem) for problem in caught.value.problems] == [
        "incidents/hostile.md:6: this text takes too long to render (shorten it, or leave out unusual markup)"
    ]


@pytest.mark.parametrize("picture", ["assets/none.png", "https://elsewhere.example/x.png"])
def test_a_picture_that_is_not_in_assets_is_a_problem(tmp_path: Path, memory: Memory, picture: str) -> None:
    text = incident_text(updates=f"## 2026-11-22 09:20 investigating\n\n![x]({picture})\n")
    with pytest.raises(InvalidInput, match=re.escape(f'there is no picture "{picture}"')):
        built(write_project(tmp_path, one=text), memory)


def test_a_picture_is_published_under_the_hash_of_its_content(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text(updates="## 2026-11-22 09:20 resolved\n\n![x](assets/x.png)\n"))
    (root / "assets").mkdir()
    (root / "assets" / "x.png").write_bytes(b"\x89PNG")
    done = built(root, memory)
    name = next(path for path in done.files if path.startswith("assets/x"))
    assert re.fullmatch(r"assets/x\.[0-9a-f]{12}\.png", name)
    assert f'src="../{name}"'.encode() in done.files["incidents/one.html"].body
    assert f'src="../../{name}"'.encode() in done.files["de/incidents/one.html"].body


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"[en, de]", b"[en, tlh]"), 'meaculpa.yml:3: there are no strings for the locale "tlh"'),
        (
            (b"targets:", b"brand: {logo: assets/none.svg}\ntargets:"),
            'meaculpa.yml:8: there is no picture "assets/none',
        ),
    ],
    ids=["locale", "logo"],
)
def test_what_the_configuration_names_and_is_not_there_is_told_with_its_line(
    tmp_path: Path, memory: Memory, change: tuple[bytes, bytes], said: str
) -> None:
    root = write_project(tmp_path)
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(*change))
    with pytest.raises(InvalidInput, match=re.escape(said)):
        built(root, memory)


def test_a_logo_that_is_too_large_is_told_once(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path)
    (root / "meaculpa.yml").write_bytes(CONFIG + b"brand: {logo: assets/logo.png}\n")
    (root / "assets").mkdir()
    (root / "assets" / "logo.png").write_bytes(b"x" * 1_100_000)
    with pytest.raises(InvalidInput) as caught:
        built(root, memory)
    assert [str(problem) for problem in caught.value.problems] == [
        "assets/logo.png: the picture is larger than 1 MB (make it smaller; a logo needs a few KB)"
    ]


def test_a_projects_own_template_wins(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "site_templates").mkdir()
    (root / "site_templates" / "404.html.j2").write_text("gone")
    assert built(root, memory).files["404.html"].body == b"gone"


@pytest.mark.parametrize("template", ["{{ nobody }}", "{% if %}", "{{ say('no.such.words') }}"])
def test_a_mistake_in_a_template_is_told_in_one_line(tmp_path: Path, memory: Memory, template: str) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "site_templates").mkdir()
    (root / "site_templates" / "404.html.j2").write_text(template)
    with pytest.raises(InvalidInput, match=r"site_templates/404\.html\.j2"):
        built(root, Memory(pool=memory.pool))


def test_a_language_without_strings_is_told(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"[en, de]", b"[en, eo]"))
    with pytest.raises(InvalidInput, match='no strings for the locale "eo"'):
        built(root, Memory(pool=memory.pool))


def test_links_out_of_the_project_are_not_followed(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path / "project", one=incident_text())
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "folder").mkdir()
    (root / "incidents" / "linked.md").symlink_to(tmp_path / "secret.md")
    (root / "incidents" / "folder").symlink_to(tmp_path / "folder")
    with pytest.raises(InvalidInput) as caught:
        built(root, memory)
    assert [str(problem) for problem in caught.value.problems] == [
        "incidents/folder: a link to a folder, which is not followed (put the files here)",
        "incidents/linked.md: a link to a file outside the project, which is not followed (put the file here)",
    ]


def test_an_incidents_folder_that_is_missing_never_turns_the_page_green(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    (root / "incidents").rename(root / "away")
    with pytest.raises(InvalidInput, match="incidents: the folder is missing"):
        built(root, Memory(pool=memory.pool))
    assert bodies(built(root, mine, keep_going=True)) == bodies(before)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("meaculpa.yml", b"site: ["),
        ("meaculpa.yml", CONFIG + b"foo: 1\n"),
        ("assets/huge.png", b"x" * 1_100_000),
        ("site_templates/404.html.j2", b"{{ nobody }}"),
        ("site_templates/banner.js", b"no place"),
        ("site_templates/locales/de.yml", b"x: ["),
    ],
)
def test_nothing_but_itself_is_held_up_by_a_broken_file(
    tmp_path: Path, memory: Memory, path: str, content: bytes
) -> None:
    root = write_project(tmp_path, one=incident_text())
    mine = Memory(pool=memory.pool)
    built(root, mine)
    (root / path).parent.mkdir(exist_ok=True, parents=True)
    (root / path).write_bytes(content)
    (root / "incidents" / "two.md").write_text(incident_text(title="You cannot log in"))
    after = built(root, mine, keep_going=True)
    assert b"You cannot log in" in after.files["index.html"].body
    assert [problem.path for problem in after.problems if str(problem.severity) == "error"] == [path]


def test_a_folder_that_is_suddenly_empty_never_turns_the_page_green(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    (root / "incidents" / "one.md").unlink()
    after = built(root, mine, keep_going=True)
    assert bodies(after) == bodies(before)
    assert "suddenly empty" in after.problems[0].message


@pytest.mark.parametrize("text", ["More {", "More {n}", "More {when} {what}"])
def test_words_with_wrong_braces_are_told_before_they_are_needed(tmp_path: Path, memory: Memory, text: str) -> None:
    root = write_project(tmp_path, one=incident_text())
    english = (packaged_templates() / "locales" / "en.yml").read_text()
    (root / "site_templates" / "locales").mkdir(parents=True)
    wrong = re.sub("banner.more: .*", f'banner.more: "{text}"', english)
    (root / "site_templates" / "locales" / "en.yml").write_text(wrong)
    (root / "site_templates" / "locales" / "de.yml").write_text(
        re.sub("banner.more: .*", f'banner.more: "{text}"', (packaged_templates() / "locales" / "de.yml").read_text())
    )
    with pytest.raises(InvalidInput) as caught:
        built(root, Memory(pool=memory.pool))
    assert {problem.message for problem in caught.value.problems} == {
        'the string "banner.more" must name what the English one names in braces'
    }


def test_a_folder_that_cannot_be_read_does_not_cost_its_copies(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "incidents" / "2026").mkdir()
    (root / "incidents" / "2026" / "two.md").write_text(incident_text())
    files = read_project(root)
    keep_good(files, (), Copies())
    (root / "incidents" / "2026").rename(tmp_path / "away")
    (root / "incidents" / "2026").symlink_to(tmp_path / "away")
    gone = read_project(root)
    keep_good(gone, gone.problems, Copies())
    assert set(recall(root)) == {"incidents/one.md", "incidents/2026/two.md"}


def test_a_copy_in_another_folder_shows_the_incident_once(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    mine = Memory(pool=memory.pool)
    before = built(root, mine)
    (root / "incidents" / "2026").mkdir()
    shutil.copy(root / "incidents" / "one.md", root / "incidents" / "2026" / "one.md")
    after = built(root, mine, keep_going=True)
    assert after.files["index.html"].body == before.files["index.html"].body


def test_a_picture_or_component_that_is_taken_away_breaks_only_who_names_it(tmp_path: Path, memory: Memory) -> None:
    shows = "## 2026-11-22 09:20 investigating\n\n![x](assets/x.png)\n"
    root = write_project(
        tmp_path, one=incident_text("components:\n  payments: major_outage\n", shows), two=incident_text()
    )
    (root / "assets").mkdir()
    (root / "assets" / "x.png").write_bytes(b"\x89PNG")
    mine = Memory(pool=memory.pool)
    built(root, mine)
    (root / "assets" / "x.png").unlink()
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"  - {id: payments, name: Card payments}\n", b""))
    after = built(root, mine, keep_going=True)
    assert {"incidents/one.html", "incidents/two.html"} <= after.files.keys()


def test_links_that_lead_nowhere_or_in_a_circle_are_told(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "incidents" / "circle.md").symlink_to("circle.md")
    (root / "incidents" / "nowhere.md").symlink_to("gone.md")
    with pytest.raises(InvalidInput) as caught:
        built(root, memory)
    assert [problem.message for problem in caught.value.problems] == ["a link that leads nowhere"] * 2


def test_a_picture_whose_name_cannot_stand_in_an_address_is_told(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "assets").mkdir()
    (root / "assets" / "a#b.svg").write_bytes(b"<svg/>")
    with pytest.raises(InvalidInput, match="this name cannot stand in a web address"):
        built(root, memory)


@pytest.mark.parametrize("name", ["_set-aside.md", ".hidden.md", "one.md~", "#one.md#", ".one.md.swp", "4913"])
def test_what_editors_leave_behind_is_no_incident(tmp_path: Path, memory: Memory, name: str) -> None:
    root = write_project(tmp_path, one=incident_text())
    (root / "incidents" / name).write_text("junk")
    done = built(root, memory)
    assert not any("error" in str(problem.severity) for problem in done.problems)
