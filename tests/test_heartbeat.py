"""The stamp in `banner.json`: renewed while somebody watches, left alone by others, read by anybody."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.heartbeat import Finding, read_sign, renew_stamp
from meaculpa.publish.published import Standing
from meaculpa.publish.stamp import Stamp, next_stamp, read_stamp, with_stamp
from meaculpa.render.headers import output_file
from tests.live import eventually, running
from tests.making import CONFIG, at, incident_text, write_project
from tests.memory import MemoryTarget
from tests.test_cli import meaculpa

NOW = at("2026-11-22 12:00")
QUARTER = timedelta(minutes=15)


def state(text: str = "x") -> dict[str, OutputFile]:
    banner = json.dumps({"v": 1, "at": "2026-11-22T09:20Z", "items": [text]})
    return {"banner.json": output_file("banner.json", banner), "index.html": output_file("index.html", text)}


def stamp(target: MemoryTarget) -> Stamp:
    found = read_stamp(target.files["banner.json"].body)
    assert found
    return found


@pytest.mark.parametrize(
    ("before", "valid_for", "expected"),
    [
        (None, None, Stamp(NOW)),
        (None, QUARTER, Stamp(NOW, NOW + QUARTER)),
        (Stamp(at("2026-11-22 11:00")), QUARTER, Stamp(NOW, NOW + QUARTER)),
        # By hand, while a watcher runs, and when it has died.
        (Stamp(at("2026-11-22 11:58"), at("2026-11-22 12:13")), None, Stamp(NOW, at("2026-11-22 12:13"))),
        (Stamp(at("2026-11-22 11:00"), at("2026-11-22 11:15")), None, Stamp(NOW)),
        # Somebody's clock is ahead: readers must still take what comes later for newer.
        (Stamp(at("2026-11-22 12:07")), None, Stamp(at("2026-11-22 12:07") + timedelta(seconds=1))),
    ],
)
def test_the_next_stamp(before: Stamp | None, valid_for: timedelta | None, expected: Stamp) -> None:
    assert next_stamp(before, NOW, valid_for) == expected


def test_a_publish_stamps_what_it_writes_and_writes_nothing_for_the_stamp_alone() -> None:
    target = MemoryTarget()
    publish(state(), {}, target, Options(now=NOW))
    assert stamp(target) == Stamp(NOW)
    later = NOW + timedelta(hours=1)
    assert publish(state(), {}, target, Options(now=later)).plan.is_empty
    assert stamp(target) == Stamp(NOW)


def test_by_hand_nobody_takes_a_watchers_stamp_away() -> None:
    target = MemoryTarget()
    publish(state(), {}, target, Options(now=NOW, valid_for=QUARTER))
    later = NOW + timedelta(minutes=5)
    publish(state("y"), {}, target, Options(now=later))
    assert stamp(target) == Stamp(later, NOW + QUARTER)


def test_a_heartbeat_is_no_change_of_what_is_published() -> None:
    target, standing = MemoryTarget(), Standing()
    publish(state(), {}, target, Options(now=NOW, valid_for=QUARTER), standing)
    later = NOW + timedelta(minutes=5)
    assert renew_stamp(target, standing, later, QUARTER)
    assert stamp(target) == Stamp(later, later + QUARTER)
    assert publish(state(), {}, target, Options(now=later)).plan.is_empty
    publish(state("y"), {}, target, Options(now=later, valid_for=QUARTER), standing)
    assert json.loads(target.files["banner.json"].body)["items"] == ["y"]


def test_a_heartbeat_between_two_writes_of_a_publish_does_not_end_it() -> None:
    class Beaten(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "banner.json" and not self.is_beaten:
                self.is_beaten = True
                assert renew_stamp(self, Standing(), NOW, QUARTER) is not Finding.CONFIRMED, "it is not whole"
                late = Stamp(NOW + timedelta(minutes=1), NOW + timedelta(minutes=1) + QUARTER)
                super().write(with_stamp(self.files["banner.json"], late))
            return super().write(file, expected)

        is_beaten = True

    target = Beaten()
    publish(state(), {}, target, Options(now=NOW))
    target.is_beaten = False
    publish(state("y"), {}, target, Options(now=NOW + timedelta(minutes=1)))
    assert target.is_beaten
    assert json.loads(target.files["banner.json"].body)["items"] == ["y"]
    assert stamp(target).valid_until == NOW + timedelta(minutes=1) + QUARTER, "the watcher's word stands"


def test_where_nothing_is_published_there_is_nothing_to_renew() -> None:
    target = MemoryTarget()
    assert renew_stamp(target, Standing(), NOW, QUARTER) is not Finding.CONFIRMED
    assert target.files == {}
    assert read_sign(target).stamp is None


def banner(project: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((project / "public" / "banner.json").read_text())
    return value


def test_a_watcher_renews_its_stamp_and_the_list_says_when_it_has_died(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    assert "valid_until" not in banner(project)
    by_hand = meaculpa("list", cwd=project)
    assert (by_hand.returncode, "published by hand" in by_hand.stdout) == (0, True)
    (project / "meaculpa.yml").write_bytes(CONFIG + b"watch: {heartbeat_seconds: 10, valid_seconds: 30}\n")
    with running(project, "watch"):
        eventually(lambda: "valid_until" in banner(project), "the first stamp")
        first = banner(project)["valid_until"]
        alive = meaculpa("list", cwd=project)
        assert (alive.returncode, "by a watcher" in alive.stdout) == (0, True)
        eventually(lambda: banner(project)["valid_until"] != first, "the next stamp")
    dead = meaculpa("list", "--now", time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 300)), cwd=project)
    assert (dead.returncode, "Start `meaculpa watch` again" in dead.stdout) == (3, True)
    told = json.loads(meaculpa("list", "--json", cwd=project).stdout)["targets"]
    assert (told[0]["name"], told[0]["overdue"], told[0]["held"]) == ("local", False, None)


def test_a_promise_that_nobody_keeps_can_be_ended(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    with running(project, "watch") as command:
        eventually(lambda: "valid_until" in banner(project), "the first stamp")
        assert command.stop() == 0
        assert "readers learn within 15 min" in command.said
    later = ("--now", time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 3600)))
    assert meaculpa("list", *later, cwd=project).returncode == 3
    path = project / "public" / "banner.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "at": "2026-11-22T09:20:00Z", "valid_until": "2026-11-22T09:35:00Z"}))
    assert meaculpa("publish", cwd=project).returncode == 0
    assert "valid_until" in banner(project), "nothing has changed, so nothing is written"
    assert meaculpa("publish", "--force", cwd=project).returncode == 0
    assert "valid_until" not in banner(project)


def test_files_that_cannot_be_read_are_not_answered_for(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    (project / "meaculpa.yml").write_bytes(CONFIG + b"watch: {heartbeat_seconds: 10, valid_seconds: 30}\n")
    with running(project, "watch") as command:
        eventually(lambda: "valid_until" in banner(project), "the first stamp")
        (project / "meaculpa.yml").unlink()
        eventually(lambda: "last good version stays" in command.said, "the problem")
        before = banner(project)
        time.sleep(12)
        assert banner(project) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"watch: {heartbeat_seconds: 300, valid_seconds: 400}", "twice"),
        (b"watch: {heartbeat_seconds: 1}", "heartbeat_seconds"),
        (b"watch: {heartbeat: 300}", "unknown"),
    ],
)
def test_a_stamp_that_ends_before_it_is_renewed_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    project = write_project(tmp_path / "shop")
    (project / "meaculpa.yml").write_bytes(CONFIG + text + b"\n")
    done = meaculpa("check", cwd=project)
    assert (done.returncode, message in done.stdout) == (1, True), done.stdout
