"""A run that finds everything as an earlier one has left it says so without a look at it; no other does."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack
from msgspec.structs import replace

from meaculpa import folders
from meaculpa.build import last_good, program, seals
from meaculpa.build.memory import Memory
from meaculpa.build.seals import Seal
from meaculpa.cli import building, cli, publishing
from meaculpa.folders import _TOO_YOUNG_NANOSECONDS, packaged_templates, stamps_of, survey
from meaculpa.names import LAST_GOOD, VERSIONS
from meaculpa.project import read_project
from tests.conftest import make_bucket
from tests.faulty import faulty
from tests.making import CONFIG, at, incident_text, write_project

MEACULPA = [sys.executable, "-m", "meaculpa"]
NOW = at("2026-11-22 12:00")
OVER = incident_text(
    updates="## 2026-11-20 09:20 investigating\n\nYou cannot log in.\n\n## 2026-11-20 11:20 resolved\n\nYou can.\n"
)


class Runs:
    """Runs commands in a project, and counts those that had to look at everything."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.full = root, 0
        # Nothing is changed twice within one step of the clock here but where a test says so.
        monkeypatch.setattr(folders, "_TOO_YOUNG_NANOSECONDS", 0)
        for module, name in ((building, "build_into"), (publishing, "publish_project")):
            monkeypatch.setattr(module, name, self._counted(getattr(module, name)))

    def _counted(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.full += 1
            return act(*arguments)

        return counted

    def run(self, *arguments: str, now: datetime = NOW) -> Result:
        words = ["-C", str(self.root), *arguments, "--now", f"{now:%Y-%m-%d %H:%M}"]
        done = CliRunner().invoke(cli, words, standalone_mode=False)
        assert done.exception is None, done.exception
        return done

    def is_quick(self, *arguments: str, now: datetime = NOW) -> bool:
        """Whether another run says so without a look at everything."""
        before = self.full
        self.run(*arguments, now=now)
        return self.full == before


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    root = write_project(tmp_path / "shop", card_payments=OVER, login=OVER)
    append("private/known.csv", "order_id,name\nNW-9,Kurt Berg\n")(root)
    append("drafts/linked.md", OVER)(root)
    (root / "incidents" / "linked.md").symlink_to("../drafts/linked.md")
    return Runs(root, monkeypatch)


def test_what_is_looked_at_is_what_is_read(tmp_path: Path) -> None:
    root = write_project(tmp_path / "shop", card_payments=OVER, _draft=OVER)
    for name in (
        "incidents/2026/deep.md",
        "incidents/.hidden.md",
        "incidents/x.md~",
        "assets/logo.png",
        "assets/.DS_Store",
        "metrics/a.csv",
        "metrics/notes.txt",
        "site_templates/status.html.j2",
        "site_templates/letters/apology.en.txt.j2",
        "site_templates/readme.md",
        "redirects.yml",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "incidents" / "linked.md").symlink_to(root / "incidents" / "card-payments.md")
    found = {path: reading.stamp for path, reading in read_project(root).readings.items()}
    seen = survey(root)
    assert stamps_of(root, seen) == found
    assert read_project(root, seen=seen) == read_project(root)
    assert len([path for path in found if path.startswith(str(root))]) == 10


@pytest.mark.parametrize(
    "line", ["build", "build --json", "build --out elsewhere", "publish", "publish --keep-going"]
)
def test_a_second_run_says_the_same_without_a_look(
    runs: Runs, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = line.split()
    runs.run(*arguments)
    (runs.root / ".meaculpa" / "seals" / arguments[0]).unlink()
    full = runs.run(*arguments)
    assert runs.full == 2
    quick = runs.run(*arguments)
    assert runs.full == 2
    assert (quick.stdout, quick.stderr, quick.return_value) == (full.stdout, full.stderr, full.return_value)


def test_what_was_told_is_told_again(runs: Runs) -> None:
    text = OVER.replace("You cannot log in.", "Our provider is to blame.")
    (runs.root / "incidents" / "card-payments.md").write_text(text)
    (runs.root / "incidents" / "notes.txt").write_text("x")
    full = runs.run("publish")
    assert "MC" in full.stderr and "notes.txt" in full.stderr
    quick = runs.run("publish")
    assert runs.full == 1
    assert quick.stderr == full.stderr
    assert runs.run("build").stderr == runs.run("build").stderr != ""
    assert runs.full == 2
    assert json.loads(runs.run("build", "--json").stdout)["problems"][0]["path"] == "incidents/notes.txt"


def append(path: str, text: str = "\n") -> Callable[[Path], object]:
    def act(root: Path) -> object:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as stream:
            return stream.write(text)

    return act


def in_place(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Change letters and put the time back, as a tool that keeps times would."""

    def act(root: Path) -> None:
        path = root / name
        before = path.stat()
        path.write_text(path.read_text().replace(old, new))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size

    return act


CHANGES = {
    "an edit": append("incidents/login.md"),
    "an edit that keeps size and time": in_place("incidents/login.md", "You can.", "You do. "),
    "another customer": in_place("private/known.csv", "Kurt", "Anna"),
    "a new incident": lambda root: shutil.copy(root / "incidents" / "login.md", root / "incidents" / "basket.md"),
    "a new folder": lambda root: shutil.copytree(root / "incidents", root / "incidents" / "again"),
    "an incident less": lambda root: (root / "incidents" / "login.md").unlink(),
    "another name": lambda root: (root / "incidents" / "login.md").rename(root / "incidents" / "sign-in.md"),
    "no incidents": lambda root: shutil.rmtree(root / "incidents"),
    "the configuration": append("meaculpa.yml", "# x\n"),
    "a picture": append("assets/logo.png", "x"),
    "a template": append("site_templates/page.css", "/* x */"),
    "redirects": append("redirects.yml", "{}\n"),
    "values over time": append("metrics/a.csv", "2026-11-22 11:00,1\n"),
    "an order list": append("private/orders.csv", "order_id,name\nNW-1,Anna Berg\n"),
    "planned letters": append("private/plans/x/letters.jsonl", '{"name": "Anna Berg", "recipient": "NW-1"}\n'),
    "a page that is gone": lambda root: (root / "public" / "incidents" / "login.html").unlink(),
    "a page that was cut": lambda root: (root / "public" / "incidents" / "login.html").write_text("x"),
    "a page that is a folder": lambda root: [
        (root / "public" / "incidents" / "login.html").unlink(),
        (root / "public" / "incidents" / "login.html").mkdir(),
    ],
    "another manifest": append("public/.meaculpa/manifest.json", " "),
    "no manifest": lambda root: (root / "public" / ".meaculpa" / "manifest.json").unlink(),
    "nothing at all": lambda root: shutil.rmtree(root / "public"),
    "a list that may be read": lambda root: (root / "private" / "known.csv").chmod(0o640),
    "a link that leads out": lambda root: [
        (root / "drafts").rename(root.parent / "drafts"),
        (root / "drafts").symlink_to("../drafts"),
    ],
    "no seal": lambda root: shutil.rmtree(root / ".meaculpa"),
}


@pytest.mark.parametrize("command", ["build", "publish"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_looked_at(runs: Runs, command: str, change: Callable[[Path], object]) -> None:
    runs.run(command)
    assert runs.is_quick(command)
    change(runs.root)
    before = runs.full
    CliRunner().invoke(cli, ["-C", str(runs.root), command, "--now", f"{NOW:%Y-%m-%d %H:%M}"])
    assert runs.full == before + 1


def test_the_templates_that_come_with_the_program_count(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "site_templates"
    shutil.copytree(packaged_templates(), mine)
    for module in ("meaculpa.folders", "meaculpa.project"):
        monkeypatch.setattr(f"{module}.packaged_templates", lambda: mine)
    runs.run("build")
    assert runs.is_quick("build")
    append("locales/de.yml", "# x\n")(mine)
    assert not runs.is_quick("build")


def test_another_program_looks_for_itself(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.run("build")
    monkeypatch.setattr(seals, "made_by", lambda: "another version")
    assert not runs.is_quick("build")


def test_a_program_is_another_one_with_any_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(Path(program.__file__), tmp_path / "one.py")
    (tmp_path / "notes.txt").write_text("x")
    monkeypatch.setattr("meaculpa.__file__", str(tmp_path / "__init__.py"))

    def made_by() -> str:
        program.made_by.cache_clear()
        return program.made_by()

    first = made_by()
    append("notes.txt")(tmp_path)
    assert made_by() == first
    append("one.py")(tmp_path)
    assert made_by() != first
    second = made_by()
    monkeypatch.setattr("meaculpa.__version__", "0")
    assert made_by() != second
    program.made_by.cache_clear()


def test_time_goes_by(runs: Runs) -> None:
    runs.run("build")
    assert runs.is_quick("build", now=at("2026-11-22 23:59"))
    # The record of 90 days moves on, and with it the status page.
    assert not runs.is_quick("build", now=at("2026-11-23 00:00"))
    assert not runs.is_quick("build", now=at("2026-11-22 23:59"))


def test_a_promise_that_comes_due_is_looked_at(runs: Runs) -> None:
    text = "## 2026-11-22 11:50 UTC investigating\nnext_update: 2026-11-22 12:30 UTC\n\nYou cannot pay by card.\n"
    (runs.root / "incidents" / "card-payments.md").write_text(incident_text(updates=text))
    runs.run("publish")
    assert runs.is_quick("publish", now=at("2026-11-22 12:29"))
    assert not runs.is_quick("publish", now=at("2026-11-22 12:30"))


def test_what_is_told_of_the_future_is_told_with_the_time(runs: Runs) -> None:
    text = OVER + "\n## 2026-11-22 14:00 UTC resolved\n\nYou can.\n"
    (runs.root / "incidents" / "login.md").write_text(text)
    assert "now it is 2026-11-22 12:00" in runs.run("build").stderr
    assert "now it is 2026-11-22 12:01" in runs.run("build", now=NOW + timedelta(minutes=1)).stderr


def test_what_is_told_ends_with_what_it_is_about(runs: Runs) -> None:
    runs.run("build", now=at("2026-12-20 11:00"))
    assert runs.is_quick("build", now=at("2026-12-20 11:19"))
    assert not runs.is_quick("build", now=at("2026-12-20 11:20"))


def test_where_charts_move_on_nothing_is_sealed(runs: Runs) -> None:
    append("metrics/a.csv", "2026-11-22T11:00:00Z,1\n")(runs.root)
    runs.run("build")
    assert not runs.is_quick("build")


def test_what_is_young_may_be_changed_again_unseen(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    runs = Runs(runs.root, monkeypatch)
    monkeypatch.setattr(folders, "_TOO_YOUNG_NANOSECONDS", _TOO_YOUNG_NANOSECONDS)
    append("private/orders.csv", "order_id,name\n")(runs.root)
    runs.run("build")
    assert not runs.is_quick("build")
    time.sleep(2.1)
    assert not runs.is_quick("build")
    assert runs.is_quick("build")
    append("private/orders.csv", "NW-1,Anna Berg\n")(runs.root)
    assert not runs.is_quick("build")
    assert not runs.is_quick("build")


@pytest.mark.parametrize("command", ["build", "publish"])
def test_what_changes_while_it_is_built_is_built_next(
    runs: Runs, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.run(command)
    append("incidents/login.md", "\nOnce.\n")(runs.root)
    keep = Memory.keep

    def keep_late(*arguments: Any) -> None:
        keep(*arguments)
        append("incidents/login.md", "\nTwice.\n")(runs.root)

    monkeypatch.setattr(Memory, "keep", keep_late)
    runs.run(command)
    monkeypatch.setattr(Memory, "keep", keep)
    assert "Twice." not in (runs.root / "public" / "incidents" / "login.html").read_text()
    assert not runs.is_quick(command)
    assert "Twice." in (runs.root / "public" / "incidents" / "login.html").read_text()
    assert runs.is_quick(command)


def test_whoever_must_not_be_named_by_then_counts_from_before(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Memory.keep

    def keep_late(*arguments: Any) -> None:
        keep(*arguments)
        append("private/orders.csv", "order_id,name\nNW-1,Anna Berg\n")(runs.root)

    monkeypatch.setattr(Memory, "keep", keep_late)
    runs.run("build")
    assert not runs.is_quick("build")


def damaged(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda place: place.write_bytes(change(place.read_bytes()))


def with_digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest() + body


def sealed(content: bytes) -> Seal:
    return msgpack.decode(content[32:], type=Seal)


@pytest.mark.parametrize(
    "damage",
    [
        damaged(lambda _: b""),
        damaged(lambda content: content[:-1]),
        damaged(lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:]),
        damaged(lambda content: content[32:]),
        damaged(lambda content: content[:32] + msgpack.encode(replace(sealed(content), build="other"))),
        damaged(lambda _: b"{}"),
        damaged(lambda content: with_digest(msgpack.encode({"asked": sealed(content).asked}))),
        damaged(lambda content: with_digest(b"\xc1")),
        lambda place: [place.unlink(), place.mkdir()],
        lambda place: [place.unlink(), place.symlink_to("nowhere")],
    ],
)
def test_a_seal_that_is_damaged_is_none(runs: Runs, damage: Callable[[Path], object]) -> None:
    runs.run("build")
    damage(runs.root / ".meaculpa" / "seals" / "build")
    assert not runs.is_quick("build")


@pytest.mark.parametrize("command", ["build", "publish"])
def test_a_folder_whose_name_is_no_text_is_built_again_and_again(tmp_path: Path, command: str) -> None:
    root = write_project(tmp_path / os.fsdecode(b"shop\xff"), login=OVER)
    time.sleep(2.1)
    for _ in range(2):
        done = subprocess.run([*MEACULPA, "-C", os.fsencode(root), command], capture_output=True, check=False)
        assert (done.returncode, b"UTF-8" in done.stderr) == (0, False)
    assert (root / "public" / "index.html").exists()


def test_a_seal_that_cannot_be_replaced_keeps_nothing_from_being_retracted(runs: Runs) -> None:
    (runs.root / ".meaculpa" / "seals" / "publish").mkdir(parents=True)
    done = CliRunner().invoke(cli, ["-C", str(runs.root), "retract", "login", "--yes", "--unseen"])
    assert done.exit_code == 0
    assert not (runs.root / "incidents" / "login.md").exists()


def test_versions_are_written_again(runs: Runs) -> None:
    runs.run("publish")
    versions = (runs.root / VERSIONS).read_bytes()
    (runs.root / VERSIONS).unlink()
    assert not runs.is_quick("publish")
    assert (runs.root / VERSIONS).read_bytes() == versions
    assert runs.is_quick("publish")


@pytest.mark.parametrize("command", ["build", "publish"])
def test_a_folder_of_incidents_that_is_empty_and_gone_is_missed(runs: Runs, command: str) -> None:
    shutil.rmtree(runs.root / "incidents")
    (runs.root / "incidents").mkdir()
    append(f"{LAST_GOOD}/incidents/x.md", "x")(runs.root)
    runs.run(command)
    assert runs.is_quick(command)
    (runs.root / "incidents").rmdir()
    done = CliRunner().invoke(cli, ["-C", str(runs.root), command, "--now", f"{NOW:%Y-%m-%d %H:%M}"])
    assert done.exit_code == 1
    assert runs.full == 2


def test_a_folder_that_turns_out_to_hold_the_project_is_refused(runs: Runs) -> None:
    out = runs.root / "out"
    runs.run("build", "--out", str(out))
    assert runs.is_quick("build", "--out", str(out))
    out.rename(runs.root / "private" / "out")
    out.symlink_to("private/out")
    done = CliRunner().invoke(cli, ["-C", str(runs.root), "build", "--out", str(out), "--now", "2026-11-22 12:00"])
    assert done.exit_code == 1


def test_a_target_that_leads_elsewhere_is_called_by_its_place(runs: Runs) -> None:
    (runs.root / "one").mkdir()
    (runs.root / "public").symlink_to("one")
    runs.run("publish")
    shutil.copytree(runs.root / "one", runs.root / "two")
    (runs.root / "public").unlink()
    (runs.root / "public").symlink_to("two")
    assert f"local ({runs.root / 'two'}): already up to date" in runs.run("publish").stdout
    assert runs.full == 1


def test_a_ledger_that_cannot_be_seen_keeps_nothing_from_going_out(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.run("publish")
    (runs.root / "private" / "ledger.db").symlink_to("ledger.db")
    is_file = Path.is_file

    def denied(path: Path) -> bool:
        if path.name == "ledger.db":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", denied)
    append("incidents/login.md", "\nMore.\n")(runs.root)
    done = CliRunner().invoke(cli, ["-C", str(runs.root), "publish", "--now", "2026-11-22 12:00"])
    assert isinstance(done.exception, PermissionError)
    assert "More." in (runs.root / "public" / "incidents" / "login.html").read_text()


@pytest.mark.parametrize("late", [CONFIG + b"  - {name: other, type: directory, path: other}\n", b"{", None])
def test_a_configuration_of_this_very_moment_is_looked_at(
    runs: Runs, late: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.run("publish")

    def find_late(*arguments: Any) -> Any:
        found = seals.find_seal(*arguments)
        if late is None:
            (runs.root / "meaculpa.yml").unlink()
        else:
            (runs.root / "meaculpa.yml").write_bytes(late)
        return found

    monkeypatch.setattr("meaculpa.cli.publish.find_seal", find_late)
    CliRunner().invoke(cli, ["-C", str(runs.root), "publish", "--now", "2026-11-22 12:00"])
    assert runs.full == 2


def test_a_list_without_a_name_is_no_list(runs: Runs) -> None:
    append("private/.csv", "order_id,name\nNW-1,Anna Berg\n")(runs.root)
    assert runs.run("publish").return_value == 0


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_copies_of_what_is_good_are_made_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    runs.run("publish")
    copies = runs.root / LAST_GOOD
    shutil.rmtree(copies)
    assert not runs.is_quick("publish")
    assert (copies / "incidents" / "login.md").exists()
    (copies / "incidents" / "login.md").write_text("x")
    monkeypatch.setattr(last_good, "write_file", full)
    for _ in range(2):
        (runs.root / ".meaculpa" / "seals" / "publish").unlink(missing_ok=True)
        assert not runs.is_quick("publish")
    assert not (runs.root / ".meaculpa" / "seals" / "publish").exists()


LOADED = """
import sys
from meaculpa.cli import main
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sys.modules)
"""
HEAVY = {"jinja2", "markdown", "boto3", "botocore", "sqlite3", "pydantic", "yaml", "babel", "nh3"}


@pytest.mark.parametrize(("command", "needed"), [("build", set()), ("publish", {"pydantic", "yaml", "babel", "nh3"})])
def test_who_finds_nothing_changed_has_loaded_nothing_that_builds(
    tmp_path: Path, command: str, needed: set[str]
) -> None:
    root = write_project(tmp_path, login=OVER)
    time.sleep(2.1)
    line = [sys.executable, "-c", LOADED, "-C", str(root), command]
    loaded = [subprocess.run(line, capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert "jinja2" in loaded[0]
    assert HEAVY & {*loaded[1]} == needed


def test_where_no_seal_can_be_left_the_run_is_as_good(runs: Runs) -> None:
    append(".meaculpa/seals", "x")(runs.root)
    assert "Built" in runs.run("build").stdout
    assert not runs.is_quick("build")


def test_a_question_is_answered_by_a_run_that_was_asked_the_same(runs: Runs) -> None:
    config = CONFIG.decode() + "  - {name: other, type: directory, path: other}\n"
    (runs.root / "meaculpa.yml").write_text(config)
    runs.run("publish", "--target", "local")
    assert not runs.is_quick("publish")
    assert (runs.root / "other" / "index.html").exists()
    assert runs.is_quick("publish")
    assert not runs.is_quick("publish", "--target", "local")
    for option in ("--dry-run", "--json", "--force", "--release"):
        assert not runs.is_quick("publish", option), option


def test_strict_refuses_what_was_told_before(runs: Runs) -> None:
    text = OVER.replace("You cannot log in.", "Our provider is to blame.")
    (runs.root / "incidents" / "card-payments.md").write_text(text)
    runs.run("publish")
    assert runs.is_quick("publish")
    done = CliRunner().invoke(cli, ["-C", str(runs.root), "publish", "--strict", "--now", "2026-11-22 12:00"])
    assert done.exit_code == 1


def test_what_has_to_go_next_time_goes(runs: Runs) -> None:
    runs.run("publish")
    (runs.root / "incidents" / "login.md").unlink()
    runs.run("publish", "--force")
    page = runs.root / "public" / "incidents" / "login.html"
    assert page.exists()
    assert not runs.is_quick("publish")
    assert not page.exists()
    assert runs.is_quick("publish")


def test_letters_are_looked_after(runs: Runs) -> None:
    runs.run("publish")
    append("private/ledger.db", "")(runs.root)
    assert not runs.is_quick("publish")


def test_a_channel_that_was_not_told_is_tried_again(runs: Runs) -> None:
    (runs.root / "meaculpa.yml").write_bytes(CONFIG + b"channels:\n  - {name: chat, url: '${NOBODY_HAS_SET_THIS}'}\n")
    young = OVER.replace("2026-11-20", "2026-11-22")
    (runs.root / "incidents" / "login.md").write_text(young)
    assert "chat: not told" in runs.run("publish").stderr
    assert "chat: not told" in runs.run("publish").stderr
    later = NOW + timedelta(days=1)
    assert "chat" not in runs.run("publish", now=later).stderr
    # Where a page has changed with the day, the record of what was told has been asked.
    assert not runs.is_quick("publish", now=later)
    assert runs.is_quick("publish", now=later)


def test_a_rollback_is_held(runs: Runs) -> None:
    runs.run("publish")
    append("incidents/login.md", "\nMore.\n")(runs.root)
    runs.run("publish")
    assert runs.is_quick("publish")
    assert CliRunner().invoke(cli, ["-C", str(runs.root), "rollback", "previous"]).exit_code == 0
    before = runs.full
    done = runs.run("publish")
    assert (runs.full, done.return_value) == (before + 1, 1)
    assert "a rollback has put build" in done.stderr


def test_a_target_that_does_not_answer_is_told_of(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.decode() + "  - {name: other, type: directory, path: other}\n"
    (runs.root / "meaculpa.yml").write_text(config)
    runs.run("publish")
    manifest = runs.root / "other" / ".meaculpa" / "manifest.json"
    manifest.unlink()
    manifest.mkdir()
    done = runs.run("publish")
    assert runs.full == 1
    assert done.return_value == 3
    assert "local" in done.stdout and "up to date" in done.stdout
    assert f"other: {manifest} cannot be read" in done.stderr


def test_a_bucket_is_asked_once(runs: Runs, seaweed: str) -> None:
    make_bucket(seaweed, "sealed")
    with faulty(seaweed) as proxy:
        target = f"{{name: primary, type: s3, bucket: sealed, region: us-east-1, endpoint_url: '{proxy.url}'}}"
        (runs.root / "meaculpa.yml").write_text(f"{CONFIG.decode()}  - {target}\n")
        runs.run("publish")
        proxy.log.clear()
        done = runs.run("publish")
        assert runs.full == 1
        assert [(method, path) for method, path, _ in proxy.log] == [("GET", "/sealed/.meaculpa/manifest.json")]
        assert "primary (s3://sealed): already up to date" in done.stdout
        other = write_project(runs.root.parent / "other", card_payments=OVER, login=OVER, linked=OVER, more=OVER)
        shutil.copy(runs.root / "meaculpa.yml", other)
        CliRunner().invoke(cli, ["-C", str(other), "publish", "--target", "primary", "--now", "2026-11-22 12:00"])
        assert not runs.is_quick("publish")


def test_retracting_leaves_no_seal(runs: Runs) -> None:
    runs.run("build")
    runs.run("publish")
    found = sorted(path.name for path in (runs.root / ".meaculpa" / "seals").iterdir())
    assert found == ["build", "publish"]
    done = CliRunner().invoke(cli, ["-C", str(runs.root), "retract", "login", "--yes", "--now", "2026-11-22 12:00"])
    assert done.exit_code == 0
    assert list((runs.root / ".meaculpa" / "seals").iterdir()) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(["edit", "add", "delete", "rename", "wait", "damage", "nothing"]), st.integers(0, 4_000)
    ),
    min_size=2,
    max_size=7,
)


def changed(root: Path, step: str, number: int) -> None:
    """Do one thing to a project, or to what was built of it."""
    files = sorted((root / "incidents").glob("*.md"))
    one = files[number % len(files)]
    moment = at("2026-11-22 12:00") - timedelta(hours=number % 1_500)
    text = f"## {moment:%Y-%m-%d %H:%M} UTC {('investigating', 'resolved')[number % 2]}\n\nYou see {number}.\n"
    if step in ("edit", "add"):
        (one if step == "edit" else one.with_name(f"n{number}.md")).write_text(incident_text(updates=text))
    elif step == "delete" and len(files) > 1:
        one.unlink()
    elif step == "rename":
        one.rename(one.with_name(f"r{number}.md"))
    elif step == "damage":
        pages = sorted((root / "public").rglob("*.html"))
        pages[number % len(pages)].write_text("x")


@settings(max_examples=12)
@given(steps=steps)
def test_whatever_is_done_the_folder_is_as_one_that_is_built_anew(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("seals")
    with pytest.MonkeyPatch.context() as monkeypatch:
        root = write_project(folder / "shop", card_payments=OVER, login=OVER)
        runs, now = Runs(root, monkeypatch), NOW
        runs.run("build")
        for step, number in steps:
            changed(root, step, number)
            now += timedelta(minutes=number) if step == "wait" else timedelta(0)
            runs.run("build", now=now)
            other = Runs(folder / "cold", monkeypatch)
            shutil.copytree(root / "incidents", other.root / "incidents")
            shutil.copy(root / "meaculpa.yml", other.root)
            other.run("build", now=now)
            assert built(root) == built(other.root), (step, number)
            shutil.rmtree(other.root)


def built(root: Path) -> dict[str, bytes]:
    found = (path for path in (root / "public").rglob("*") if path.is_file() and ".meaculpa" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
