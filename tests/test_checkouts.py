"""Several checkouts of one project that publish to one place: what is older never replaces what is newer."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from meaculpa.manifest import version_of
from meaculpa.plan import Checkout
from meaculpa.publish import Options, publish
from meaculpa.publish.courier import Courier, Delivery, Parcel, Pulse
from meaculpa.publish.stamp import read_stamp
from meaculpa.publish.versions import keep_versions, recall_versions
from meaculpa.render.headers import output_file
from tests.live import eventually
from tests.making import CONFIG, at, incident_text, write_project
from tests.memory import MemoryTarget
from tests.test_cli import meaculpa

CARD = "2026-11-22-card"
NAME = f"incidents/{CARD}.md"


def let_age(project: Path, seconds: float = 3600) -> None:
    """Have the files of a checkout look as if they had been saved earlier."""
    for path in (project / "meaculpa.yml", *project.glob("incidents/*.md")):
        os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def checkouts(tmp_path: Path) -> tuple[Path, Path]:
    """Two checkouts of the same commit, an hour old; both have published from it."""
    first = write_project(tmp_path / "first", **{CARD: incident_text(), "2026-11-21-x": incident_text()})
    (first / "meaculpa.yml").write_bytes(CONFIG.replace(b"path: public", f"path: {tmp_path}/served".encode()))
    let_age(first)
    second = Path(shutil.copytree(first, tmp_path / "second"))
    for one in (first, second):
        assert meaculpa("publish", cwd=one).returncode == 0
    return first, second


def served(project: Path) -> str:
    return (project.parent / "served" / "incidents" / f"{CARD}.html").read_text()


def correct(project: Path) -> None:
    """Correct a text that is published already, without a further update."""
    path = project / NAME
    path.write_text(path.read_text().replace("You cannot pay by card.", "You were NOT charged."))


def test_a_checkout_that_lacks_a_correction_does_not_undo_it(checkouts: tuple[Path, Path]) -> None:
    first, second = checkouts
    correct(first)
    assert meaculpa("publish", cwd=first).returncode == 0
    assert "You were NOT charged." in served(first)
    done = meaculpa("publish", cwd=second)
    assert done.returncode == 1
    assert f"your files are behind: {CARD} was changed elsewhere and published at" in done.stderr
    assert "You were NOT charged." in served(first)


def test_whoever_fetches_it_first_goes_on_from_there(checkouts: tuple[Path, Path]) -> None:
    first, second = checkouts
    correct(first)
    assert meaculpa("publish", cwd=first).returncode == 0
    shutil.copyfile(first / NAME, second / NAME)
    assert "already up to date" in meaculpa("publish", cwd=second).stdout
    (second / NAME).write_text(incident_text(title="You cannot pay at all"))
    assert meaculpa("publish", cwd=second).returncode == 0
    assert "You cannot pay at all" in served(first)


def test_an_old_configuration_does_not_replace_a_newer_one(checkouts: tuple[Path, Path]) -> None:
    first, second = checkouts
    config = first / "meaculpa.yml"
    config.write_bytes(config.read_bytes().replace(b"Card payments", b"Cards"))
    assert meaculpa("publish", cwd=first).returncode == 0
    done = meaculpa("publish", cwd=second)
    assert (done.returncode, "meaculpa.yml was changed elsewhere" in done.stderr) == (1, True)
    assert meaculpa("publish", "--force", cwd=second).returncode == 0


def test_what_a_checkout_had_itself_it_may_go_back_to(checkouts: tuple[Path, Path]) -> None:
    first, _ = checkouts
    kept = (first / NAME).read_bytes()
    correct(first)
    assert meaculpa("publish", cwd=first).returncode == 0
    (first / NAME).write_bytes(kept)
    let_age(first)
    assert meaculpa("publish", cwd=first).returncode == 0
    assert "You cannot pay by card." in served(first)


def test_line_ends_are_no_change(checkouts: tuple[Path, Path]) -> None:
    first, second = checkouts
    for path in (first / NAME, first / "meaculpa.yml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (first / "incidents" / "2026-11-20-new.md").write_text(incident_text())
    assert meaculpa("publish", cwd=first).returncode == 0
    shutil.copy2(first / "incidents" / "2026-11-20-new.md", second / "incidents")
    let_age(second)
    assert meaculpa("publish", cwd=second).returncode == 0


def test_what_is_remembered_of_versions_has_an_end_and_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.publish.versions._FEWEST", 20)
    versions, had = [f"2026-11-22 {number:05d} #{number}" for number in range(300)], recall_versions(tmp_path)
    for version in versions:
        had = keep_versions(tmp_path, [version, versions[0]], had)
        assert version in had
        assert versions[0] in had
        assert recall_versions(tmp_path).keys() == had.keys()
    assert 12 <= len(had) <= 20
    assert len(keep_versions(tmp_path, versions, had)) >= 300, "all of now are remembered, however many"


def test_what_cannot_be_remembered_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / ".meaculpa" / "versions"
    file.parent.mkdir()
    file.write_bytes(b"\xff")
    assert not recall_versions(tmp_path)
    file.unlink()
    file.mkdir()
    assert list(keep_versions(tmp_path, ["x"], {})) == ["x"]


# ---- Watchers

PULSE = Pulse(timedelta(seconds=0.1), timedelta(minutes=15))
EARLY, LATE = at("2026-11-22 08:00"), at("2026-11-22 23:00")


def parcel(text: str, saved: datetime) -> Parcel:
    version = version_of("2026-11-22 09:20 UTC", text.ljust(12, "-"))
    banner = output_file("banner.json", f'{{"v": 1, "at": "2026-11-22T09:20Z", "items": ["{text}"]}}')
    files = {"index.html": output_file("index.html", text), "banner.json": banner}
    return Parcel(files, {CARD: version}, Checkout(had={version}, saved=lambda _: saved))


class Rig:
    """A courier at a place where another publisher comes by."""

    def __init__(self) -> None:
        self.target, self.told = MemoryTarget(), list[Delivery]()
        self.courier = Courier(lambda: self.target, "rig", PULSE, self.told.append)

    def says(self, text: str) -> bool:
        return self.target.files["index.html"].body == text.encode()

    def deliver(self, one: Parcel) -> None:
        self.courier.bring(one)
        eventually(lambda: any(told.report for told in self.told), "the first publish")

    def publish_elsewhere(self, one: Parcel) -> None:
        publish(one.files, one.known, self.target, Options(force=True, now=at("2026-11-22 12:00")))


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("meaculpa.publish.courier._ASK_AGAIN", 0.1)
    made = Rig()
    yield made
    made.courier.stop(5)


def test_a_watcher_whose_files_are_older_does_not_answer_for_what_is_newer(rig: Rig) -> None:
    rig.deliver(parcel("old", EARLY))
    rig.publish_elsewhere(parcel("new", LATE))
    eventually(lambda: any("was changed elsewhere" in str(one.error) for one in rig.told), "the refusal")
    before = read_stamp(rig.target.files["banner.json"].body)
    time.sleep(0.7)
    assert rig.says("new")
    assert read_stamp(rig.target.files["banner.json"].body) == before, "nobody answers for it"


def test_a_watcher_whose_files_are_newer_publishes_them_again(rig: Rig) -> None:
    rig.deliver(parcel("new", LATE))
    rig.publish_elsewhere(parcel("old", EARLY))
    eventually(partial(rig.says, "new"), "what the watcher has")


def test_a_watcher_whose_files_say_the_same_goes_on_answering(rig: Rig) -> None:
    rig.deliver(parcel("same", LATE))
    rig.publish_elsewhere(parcel("other", EARLY))
    rig.publish_elsewhere(parcel("same", EARLY))
    first = read_stamp(rig.target.files["banner.json"].body)
    eventually(lambda: read_stamp(rig.target.files["banner.json"].body) != first, "the next stamp")
    assert [one for one in rig.told if one.error] == []
