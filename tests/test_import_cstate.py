"""Incidents of a cState site: everything that real files hold is taken or named, and no text is lost."""

import json
import os
import re
from pathlib import Path

import pytest

from meaculpa.importers import Import, Outcome
from meaculpa.importers.cstate import import_cstate
from tests.making import a_config
from tests.test_cli import files_below, meaculpa

SITE = Path(__file__).parent / "cstate"


@pytest.fixture(scope="module")
def imported() -> Import:
    return import_cstate(SITE, a_config())


def text(imported: Import, name: str) -> str:
    return imported.files[f"incidents/{name}.md"]


def notes(imported: Import, source: str) -> str:
    return "; ".join(next(entry.notes for entry in imported.entries if entry.source == source))


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_every_file_of_the_site_is_in_the_report(imported: Import) -> None:
    names = {path.name for path in (SITE / "content" / "issues").iterdir()} - {"_index.md", ".gitkeep"}
    assert {entry.source for entry in imported.entries} == names


def test_systems_become_components(imported: Import) -> None:
    found = [(one.id, one.name, one.group) for one in imported.components]
    assert found == [("www-example-com", "www.example.com", "Shop"), ("api-v2", "API (v2)", "Shop")]


def test_messages_become_updates_and_no_time_is_invented(imported: Import) -> None:
    found = text(imported, "2021-04-14-newest-first")
    assert headings(found) == [
        "2021-04-14 07:30 UTC investigating",
        "2021-04-14 08:15 UTC investigating",
        "2021-04-14 09:00 UTC resolved",
    ]
    first, middle, last = re.split(r"^## .*$", found, flags=re.MULTILINE)[1:]
    assert "Checkout is down." in first
    assert "**Update**\n\nNo time here." in first
    assert middle.strip() == "Still looking."
    assert last.strip() == "All is well again."
    assert "1 messages without a time" in notes(imported, "2021-04-14-newest-first.md")


def test_track_marks_give_messages_their_times(imported: Import) -> None:
    found = text(imported, "2021-05-01-tracks")
    assert headings(found) == [
        "2021-05-01 10:00 UTC investigating",
        "2021-05-01 11:00 UTC investigating",
        "2021-05-01 12:30 UTC resolved",
    ]
    assert "Orders fail." in found.split("## ")[1]
    assert "We put it back." in found.split("## ")[3]


def test_bold_times_give_messages_their_times_and_nothing_reopens(imported: Import) -> None:
    found = text(imported, "2021-06-02-bold-times")
    assert headings(found) == [
        "2021-06-02 07:00 UTC investigating",
        "2021-06-02 08:00 UTC investigating",
        "2021-06-02 09:00 UTC resolved",
        "2021-06-02 09:30 UTC resolved",
    ]


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("2021-05-02 Odd, Name.md", "renamed to 2021-05-02-odd-name"),
        ("2021-05-02 Odd, Name.md", "date has no time of day"),
        ("2021-05-03-ends-before.md", "is before date"),
        ("2021-05-03-ends-before.md", 'unknown severity "dissrupted"; read as disrupted'),
        ("2021-05-04-open.md", 'unknown severity "Observing"; read as notice'),
        ("2021-05-05-headings.md", 'the heading "Timeline" is one level lower'),
        ("2021-05-05-headings.md", "never closed is closed"),
        ("2021-05-05-headings.md", "resolvedWhen loses its seconds"),
        ("2021-05-06-comments.md", "comments are kept; they are not published"),
        ("2021-05-06-comments.md", "a stray --> after a marker is left out"),
        ("2021-05-06-comments.md", "pictures became links"),
        ("2021-05-06-comments.md", "not in config.yml, named in the text instead: Payments"),
        ("2021-05-08-garbage-date.md", 'date "2021-05-08:11:00:30:00" has no readable time of day'),
        ("2021-05-09-no-date.md", "the day in the file's name stands for it"),
        ("2021-05-09-no-date.md", "left out: author: Ops"),
        ("2021-05-10-never-closed.md", "the front matter is not closed"),
        ("2021-05-11-never-opened.md", "the front matter is not opened"),
        ("2021-05-12-latin.md", "not UTF-8 text"),
        ("undated.mdxx", "the title is over 120 characters"),
    ],
)
def test_what_was_guessed_changed_or_left_out_is_named(imported: Import, source: str, note: str) -> None:
    assert note in notes(imported, source)


def test_only_what_cannot_be_read_is_not_taken(imported: Import) -> None:
    left = {entry.source for entry in imported.entries if entry.outcome is Outcome.NOT_TAKEN}
    assert left == {"2021-05-10-never-closed.md", "2021-05-11-never-opened.md", "2021-05-12-latin.md"}


def test_what_looks_like_a_message_in_a_comment_is_none(imported: Import) -> None:
    found = text(imported, "2021-05-06-comments")
    assert len(headings(found)) == 2
    assert "not true -->" in found
    assert found.index("not true") < found.index("resolved")


def test_an_import_is_written_once_and_the_site_builds(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    shop = tmp_path / "shop"
    first = meaculpa("import", "cstate", SITE, cwd=shop)
    assert first.returncode == 0, first.stderr
    assert "15 files: 1 taken as they were, 11 with the changes above, 3 not taken." in first.stdout
    written = files_below(shop)
    second = meaculpa("import", "cstate", SITE, cwd=shop)
    assert "12 already there" in second.stdout
    assert files_below(shop) == written
    assert meaculpa("build", cwd=shop).returncode == 0


def test_a_file_of_ones_own_is_never_overwritten(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    mine = tmp_path / "shop" / "incidents" / "2021-05-01-tracks.md"
    mine.write_text("mine")
    done = json.loads(meaculpa("import", "cstate", SITE, "--json", cwd=tmp_path / "shop").stdout)
    entry = next(one for one in done["files"] if one["source"] == "2021-05-01-tracks.md")
    assert "differs; it was left alone" in entry["notes"][0]
    assert mine.read_text() == "mine"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    before = files_below(tmp_path / "shop")
    assert "would be taken" in meaculpa("import", "cstate", SITE, "--dry-run", cwd=tmp_path / "shop").stdout
    assert files_below(tmp_path / "shop") == before


def test_a_folder_without_issues_is_told(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    done = meaculpa("import", "cstate", tmp_path, cwd=tmp_path / "shop")
    assert done.returncode == 1
    assert "holds no cState issues" in done.stderr


# ---- A real site


# Marks of cState's authors between messages: they became updates, so their words are gone.
MARKERS = re.compile(
    r"^(\[[^\]\n]*\]|\*{0,2}[a-z ]*message[^\n]*|\*\*[^\n]*\*\*|\*[a-z ]+\* -|\*\*update [^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]{2,}", text)


@pytest.mark.skipif("MEACULPA_DATA" not in os.environ, reason="MEACULPA_DATA names no folder with real incident data")
def test_a_real_site_of_297_incidents_is_taken_whole_and_builds(tmp_path: Path) -> None:
    site = Path(os.environ["MEACULPA_DATA"]) / "cstate-jenkins"
    imported = import_cstate(site, a_config())
    assert len(imported.entries) == 297
    assert all(entry.outcome is not Outcome.NOT_TAKEN for entry in imported.entries)
    for entry in imported.entries:
        source = (site / "content" / "issues" / entry.source).read_text(encoding="utf-8")
        body = MARKERS.sub("", source.split("---\n", 2)[2])
        assert entry.path
        missing = set(words(body)) - set(words(imported.files[entry.path]))
        assert not missing, (entry.source, missing)
    meaculpa("init", "shop", cwd=tmp_path)
    assert meaculpa("import", "cstate", site, cwd=tmp_path / "shop").returncode == 0
    built = meaculpa("build", cwd=tmp_path / "shop")
    assert built.returncode == 0, built.stderr
    assert len(list((tmp_path / "shop" / "public" / "incidents").glob("*.html"))) == 298
