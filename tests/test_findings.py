"""What the rules for messages found is known to the next process, until what they look at is another thing."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.build.record import RECORD
from meaculpa.config import Config
from meaculpa.errors import Problem
from meaculpa.lint import pages
from meaculpa.lint.people import People
from meaculpa.model import Incident, Source
from meaculpa.project import read_project
from tests.making import CONFIG, at, incident_text, write_project
from tests.test_cli import meaculpa

NOW = at("2026-11-22 10:00")
VAGUE = incident_text(updates="## 2026-11-22 09:20 investigating\n\nSoon Jane Miller's order 1234 will come.\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path, vague=VAGUE, other=incident_text())


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The incidents that are held against the rules."""
    names: list[str] = []
    inspect = pages.inspect_pages

    def counted(
        incident: Incident, sources: Mapping[str, Source], config: Config, people: People
    ) -> tuple[Problem, ...]:
        names.append(incident.id)
        return inspect(incident, sources, config, people)

    monkeypatch.setattr(pages, "inspect_pages", counted)
    return names


def built(root: Path, memory: Memory, keep_going: bool = False) -> Build:
    """Build as a new process would, and leave word for the next."""
    mine = Memory(pool=memory.pool, archive=Archive(root))
    files = read_project(root)
    done = build(files, NOW, mine, keep_going)
    mine.keep(files)
    return done


def test_the_next_process_knows_them(root: Path, memory: Memory, looked_at: list[str]) -> None:
    first = built(root, memory)
    assert sorted(looked_at) == ["other", "vague"]
    looked_at.clear()
    assert built(root, memory).findings == first.findings
    assert looked_at == []
    assert any(one.rule == "MC401" for one in first.findings)


def change_text(root: Path) -> None:
    (root / "incidents" / "vague.md").write_text(VAGUE.replace("Soon", "Shortly"))


def name_somebody(root: Path, name: str = "Somebody Else") -> None:
    (root / "private").mkdir()
    (root / "private" / "orders.csv").write_text(f"order_id,name\n1,{name}\n")


def allow_words(root: Path) -> None:
    (root / "meaculpa.yml").write_bytes(CONFIG + b"lint: {allow: [glitch]}\n")


@pytest.mark.parametrize(
    ("change", "names"),
    [(change_text, ["vague"]), (name_somebody, ["other", "vague"]), (allow_words, ["other", "vague"])],
)
def test_what_is_another_thing_is_looked_at_again(
    root: Path, memory: Memory, looked_at: list[str], change: Callable[[Path], None], names: list[str]
) -> None:
    built(root, memory)
    looked_at.clear()
    change(root)
    again = built(root, memory)
    assert sorted(looked_at) == names
    (root / RECORD).unlink()
    assert built(root, memory).findings == again.findings


def test_who_must_not_be_named_keeps_a_page_back_from_then_on(root: Path, memory: Memory) -> None:
    built(root, memory)
    name_somebody(root, "Jane Miller")
    for _ in range(2):
        done = built(root, memory, keep_going=True)
        assert [one.rule for one in done.problems if one.path == "incidents/vague.md"] == ["MC702"]
        assert done.left_out == ("incidents/vague.md",)


def test_a_record_that_was_tampered_with_finds_nothing_less(root: Path, memory: Memory) -> None:
    first = built(root, memory)
    rows = sqlite3.connect(root / RECORD)
    with rows:
        rows.execute("UPDATE kept SET body = '{}' WHERE kind = 'findings'")
    rows.close()
    assert built(root, memory).findings == first.findings


def test_what_was_found_is_forgotten_with_the_incident(root: Path, memory: Memory) -> None:
    address = "jane.private@example.org"
    path = root / "incidents" / "vague.md"
    path.write_text(VAGUE + f"\nWrite to {address}. <!-- meaculpa-ignore MC702: a test -->\n")
    built(root, memory)
    assert address.encode() in (root / RECORD).read_bytes()
    for name in ("vague.md", "other.md"):
        (root / "incidents" / name).unlink()
    allow_words(root)
    built(root, memory)
    assert address.encode() not in (root / RECORD).read_bytes()


def test_who_was_named_before_anybody_knew_is_still_public_and_it_is_said(root: Path) -> None:
    assert meaculpa("publish", "--now", f"{NOW:%Y-%m-%d %H:%M}", cwd=root).returncode == 0
    name_somebody(root, "Jane Miller")
    (root / "incidents" / "vague.md").write_text(VAGUE.replace("Miller's order", "Miller has an order, and"))
    done = meaculpa("publish", "--keep-going", "--now", f"{NOW:%Y-%m-%d %H:%M}", cwd=root)
    assert done.returncode == 1
    assert "What is public of vague stays, whoever it names" in done.stderr
    assert "meaculpa retract ID" in done.stderr
