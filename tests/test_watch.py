"""Everything follows the files: however they are saved, whatever is wrong with them, and when the clock moves."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from meaculpa.publish.s3 import S3Target
from meaculpa.watch import Follower, Occasion, Signal, watch
from tests.conftest import make_bucket
from tests.live import Running, eventually, running
from tests.making import CONFIG, at, incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_targets import s3_settings

CARD = "2026-11-22-card"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{CARD: incident_text()})


@pytest.fixture
def watching(project: Path) -> Iterator[Running]:
    with running(project, "watch") as command:
        eventually(lambda: (project / "public" / "index.html").exists(), "the first publish")
        yield command


def page(project: Path, name: str = CARD) -> str:
    return (project / "public" / "incidents" / f"{name}.html").read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text)


def rename_over(path: Path, text: str) -> None:
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def like_vim(path: Path, text: str) -> None:
    """vim tries a file 4913, moves the old text to a backup and writes a new file of the same name."""
    path.with_name("4913").touch()
    path.with_name("4913").unlink()
    swap = path.with_name(f".{path.name}.swp")
    swap.write_text("swap")
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()
    swap.unlink()


def with_sed(path: Path, text: str) -> None:
    title = text.split("title: ")[1].split("\n")[0]
    subprocess.run(["sed", "-i", f"s/^title: .*/title: {title}/", str(path)], check=True)


def same_size_and_time(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("save", [write, rename_over, like_vim, with_sed, same_size_and_time])
def test_a_save_is_published_however_it_is_made(
    project: Path, watching: Running, save: Callable[[Path, str], None]
) -> None:
    path = project / "incidents" / f"{CARD}.md"
    save(path, incident_text(title="You cannot pay by cash"))
    eventually(lambda: "You cannot pay by cash" in page(project), "the edit")
    assert watching.stop() == 0


def test_files_that_come_and_go_are_followed(project: Path, watching: Running) -> None:
    (project / "incidents" / "2026").mkdir()
    (project / "incidents" / "2026" / "new.md").write_text(incident_text())
    eventually(lambda: page(project, "new"), "the new incident")
    (project / "incidents" / "2026" / "new.md").unlink()
    eventually(lambda: "/new.html" not in (project / "public" / "index.html").read_text(), "the removal")
    assert watching.process.poll() is None


def test_an_open_incident_whose_file_is_gone_is_named(project: Path, watching: Running) -> None:
    (project / "incidents" / "other.md").write_text(incident_text())
    eventually(lambda: page(project, "other"), "the other incident")
    (project / "incidents" / f"{CARD}.md").unlink()
    eventually(lambda: f"{CARD} was open, and its file is gone" in watching.said, "its name")


def test_a_replaced_folder_is_followed(project: Path, watching: Running) -> None:
    fresh = project / "incidents.new"
    shutil.copytree(project / "incidents", fresh)
    (project / "incidents").rename(project / "incidents.old")
    fresh.rename(project / "incidents")
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot pay at all"))
    eventually(lambda: "You cannot pay at all" in page(project), "an edit in the new folder")
    assert watching.process.poll() is None


def test_a_broken_file_keeps_its_last_good_version_until_it_is_mended(project: Path, watching: Running) -> None:
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(incident_text("impact: majr\n", title="You cannot see this"))
    eventually(lambda: 'unknown impact "majr"' in watching.said, "the problem")
    (project / "incidents" / "other.md").write_text(incident_text())
    eventually(lambda: page(project, "other"), "the other incident")
    assert "You cannot see this" not in page(project)
    path.write_text(incident_text(title="You can see this"))
    eventually(lambda: "You can see this" in page(project), "the mended file")
    eventually(lambda: "Everything goes out again." in watching.said, "the relief")
    assert watching.said.count('unknown impact "majr"') == 1, "a problem is told once, not at every look"


@pytest.mark.parametrize("broken", [b"", b"site: [", CONFIG.replace(b"Europe/London", b"Nowhere")])
def test_a_broken_configuration_leaves_the_site_as_it_is(project: Path, watching: Running, broken: bytes) -> None:
    (project / "meaculpa.yml").write_bytes(broken)
    eventually(lambda: "meaculpa.yml:" in watching.said, "the problem")
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"Northwind", b"Southwind"))
    eventually(lambda: "Southwind" in page(project), "the mended configuration")
    assert watching.stop() == 0


def test_a_configuration_that_vanishes_and_comes_back_is_survived(project: Path, watching: Running) -> None:
    (project / "meaculpa.yml").rename(project / "away.yml")
    eventually(lambda: "meaculpa.yml cannot be read" in watching.said, "the problem")
    (project / "away.yml").rename(project / "meaculpa.yml")
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot pay again"))
    eventually(lambda: "You cannot pay again" in page(project), "the edit after it")
    assert watching.process.poll() is None


def test_a_corrected_time_or_a_removal_does_not_hold_up_what_comes_after(project: Path, watching: Running) -> None:
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(path.read_text().replace("09:20", "09:10"))
    eventually(lambda: "2026-11-22T09:10Z" in page(project), "the corrected time")
    path.write_text(path.read_text().replace("impact: major", "impact: major\ndraft: true"))
    (project / "incidents" / "urgent.md").write_text(incident_text(title="You cannot log in"))
    eventually(lambda: "You cannot log in" in (project / "public" / "index.html").read_text(), "the next incident")


def test_many_removals_at_once_are_held_back_and_the_rest_goes_out(tmp_path: Path) -> None:
    many = {
        f"2026-11-{day:02d}-x": incident_text(updates=f"## 2026-11-{day:02d} 09:00 resolved\n\nx\n")
        for day in range(1, 21)
    }
    project = write_project(tmp_path / "shop", **many)
    with running(project, "watch") as command:
        eventually(lambda: page(project, "2026-11-20-x"), "the first publish")
        for name in many:
            (project / "incidents" / f"{name}.md").unlink()
        (project / "incidents" / "urgent.md").write_text(incident_text(title="You cannot log in"))
        eventually(lambda: "You cannot log in" in (project / "public" / "index.html").read_text(), "the urgent one")
        eventually(lambda: "until then those files stay" in command.said, "the refusal")
        assert page(project, "2026-11-20-x")


def test_targets_that_are_taken_out_do_not_end_the_watch(project: Path, watching: Running) -> None:
    (project / "meaculpa.yml").write_bytes(CONFIG.split(b"targets:")[0])
    eventually(lambda: "meaculpa.yml has no targets" in watching.said, "the refusal")
    (project / "meaculpa.yml").write_bytes(CONFIG)
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot pay anywhere"))
    eventually(lambda: "You cannot pay anywhere" in page(project), "the next edit")


def test_a_target_that_is_taken_out_is_left_alone(project: Path, watching: Running) -> None:
    def threads() -> int:
        return len(list(Path(f"/proc/{watching.process.pid}/task").iterdir()))

    before = threads()
    second = b"  - {name: second, type: directory, path: public-b}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.rstrip() + b"\n" + second)
    eventually((project / "public-b" / "index.html").exists, "the second target")
    (project / "meaculpa.yml").write_bytes(CONFIG)
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot pay anywhere"))
    eventually(lambda: "You cannot pay anywhere" in page(project), "the next edit")
    eventually(lambda: threads() <= before, "the end of its courier, which would answer for it for ever")
    assert "You cannot pay anywhere" not in (project / "public-b" / "index.html").read_text()


def test_a_bucket_follows_every_save(tmp_path: Path, seaweed: str) -> None:
    make_bucket(seaweed, "followed")
    project = write_project(tmp_path / "shop", **{CARD: incident_text()})
    bucket = f"  - {{name: primary, type: s3, bucket: followed, region: us-east-1, endpoint_url: '{seaweed}'}}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.split(b"  - {name: local")[0] + bucket.encode())
    target = S3Target(s3_settings(seaweed, "followed"))

    def stored(path: str) -> bytes:
        found = target.read(path)
        return found.body if found else b""

    first = meaculpa("publish", cwd=project)
    assert "primary (s3://followed): published" in first.stdout, first.stderr
    assert "already up to date" in meaculpa("publish", cwd=project).stdout
    with running(project, "watch") as command:
        (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="You cannot pay in the cloud"))
        eventually(lambda: b"You cannot pay in the cloud" in stored(f"incidents/{CARD}.html"), "the page")
        eventually(lambda: b"You cannot pay in the cloud" in stored("banner.json"), "the banner")
        assert command.stop() == 0


# ---- The loop itself, with its own clock


def test_the_loop_acts_at_the_moment_that_was_named(project: Path) -> None:
    signal, seen = Signal(), list[datetime]()
    times = iter(at("2026-11-22 12:00") + timedelta(seconds=30 * step) for step in range(1000))

    def act(occasion: Occasion) -> datetime:
        seen.append(occasion.now)
        if len(seen) == 3:
            signal.stop()
        return occasion.now + timedelta(minutes=2)

    def clock() -> datetime:
        signal.wake.set()
        return next(times)

    watch(project, Follower(act, lambda _: None), signal, clock)
    assert len(seen) == 3
    assert all(later - earlier >= timedelta(minutes=2) for earlier, later in pairwise(seen))
