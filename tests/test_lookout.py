"""Whatever the system tells or does not tell, no edit is missed; and a watcher says how it does."""

import gc
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from meaculpa.files import alone
from meaculpa.layers import Layers
from meaculpa.model import Source
from meaculpa.project import ProjectFiles, Reading, read_again, read_project
from meaculpa.watch import Follower, Heard, Occasion, Signal, watch
from meaculpa.watch.lookout import Lookout
from tests.live import eventually, running
from tests.making import incident_text, write_project
from tests.test_cli import meaculpa

CARD = "2026-11-22-card"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{CARD: incident_text(), "2026-11-21-x": incident_text()})


class Watching:
    """A watch in a thread: what it acted upon, and what it said of its ears."""

    def __init__(self, project: Path) -> None:
        self.said, self.seen, self.signal = list[str | None](), list[Occasion](), Signal()

        def act(occasion: Occasion) -> datetime:
            self.seen.append(occasion)
            return occasion.now + timedelta(hours=1)

        follower = Follower(act, self.said.append)
        self.thread = threading.Thread(target=watch, args=(project, follower, self.signal))
        self.thread.start()
        eventually(lambda: self.seen, "the first look")

    def text(self, name: str = CARD) -> str:
        files = self.seen[-1].files
        source = files.incidents.get(f"incidents/{name}.md") if files else None
        return source.content.decode() if source else ""

    def sees(self, name: str, part: str) -> bool:
        return part in self.text(name)


@pytest.fixture
def watching(project: Path) -> Iterator[Watching]:
    made = Watching(project)
    yield made
    made.signal.stop()
    made.thread.join()


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def renamed(path: Path, text: str) -> None:
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def with_the_old_time(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


SAVES: list[Callable[[Path, str], None]] = [in_place, renamed, with_the_old_time]


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every thread lives and no event ever comes: a network folder, or a limit of watched files."""
    monkeypatch.setattr("meaculpa.watch.ears.Waker.on_any_event", lambda self, event: None)


def edit_all_ways(project: Path, watching: Watching) -> None:
    path = project / "incidents" / f"{CARD}.md"
    for number, save in enumerate(SAVES * 2):
        save(path, incident_text(title=f"Edit {number}"))
        eventually(partial(watching.sees, CARD, f"Edit {number}"), f"{save.__name__} {number}")
    (project / "incidents" / "2026").mkdir()
    (project / "incidents" / "2026" / "2026-11-20-deep.md").write_text(incident_text(title="Deep"))
    eventually(
        lambda: watching.seen[-1].files and "incidents/2026/2026-11-20-deep.md" in watching.seen[-1].files.incidents,
        "a file in a new folder",
    )
    (project / "incidents" / "2026-11-21-x.md").unlink()
    eventually(lambda: not watching.sees("2026-11-21-x", "title"), "a deletion")


def test_with_events_every_edit_is_seen_and_nothing_is_said(project: Path, watching: Watching) -> None:
    edit_all_ways(project, watching)
    assert watching.said == []


def test_without_any_event_every_edit_is_seen_and_it_is_said_once(
    project: Path, deaf: None, watching: Watching
) -> None:
    edit_all_ways(project, watching)
    assert len(watching.said) == 1
    assert "the system sends no events" in str(watching.said[0])


def test_a_limit_of_watched_files_is_said_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.inotify.InotifyObserver.start", refuse)
    watching = Watching(project)
    edit_all_ways(project, watching)
    watching.signal.stop()
    watching.thread.join()
    assert watching.said == ["the system gives no file events (its limit of watched files is reached)"]


@pytest.mark.parametrize("what", ["project", "incidents"])
def test_a_folder_that_is_replaced_is_followed_and_its_events_come_back(
    project: Path, watching: Watching, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project if what == "project" else project / "incidents"
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    folder.rename(folder.with_name("old"))
    copy.rename(folder)
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(incident_text(title="In the new folder"))
    eventually(lambda: watching.sees(CARD, "In the new folder"), "the edit in the new folder")
    for number in range(4):
        path.write_text(incident_text(title=f"Again {number}"))
        eventually(partial(watching.sees, CARD, f"Again {number}"), "the next edit")
    monkeypatch.setattr("meaculpa.watch.lookout.Lookout.sees_change", lambda self: False)
    path.write_text(incident_text(title="Announced"))
    eventually(lambda: watching.sees(CARD, "Announced"), "an edit that only an event can tell of")


def test_a_burst_of_files_that_overflows_every_queue_is_seen_whole(project: Path, watching: Watching) -> None:
    for number in range(3000):
        (project / "incidents" / f"2026-10-01-n{number:04d}.md").write_text(incident_text())
    (project / "incidents" / "2026-10-01-n2999.md").write_text(incident_text(title="The last one"))
    eventually(lambda: watching.sees("2026-10-01-n2999", "The last one"), "the last file")
    eventually(lambda: watching.seen[-1].files and len(watching.seen[-1].files.incidents) == 3002, "all the others")


def test_an_edit_does_not_wait_until_everything_has_been_looked_at(
    project: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = threading.Event(), threading.Event()

    def look_for_long(*arguments: Any, heed: Callable[[], None], **more: Any) -> ProjectFiles:
        begun.set()
        while not released.wait(0.01):
            heed()
        return read_project(*arguments, **more)

    monkeypatch.setattr("meaculpa.watch.read_project", look_for_long)
    in_place(project / "incidents" / f"{CARD}.md", incident_text(title="First"))
    try:
        assert begun.wait(30)
        in_place(project / "incidents" / f"{CARD}.md", incident_text(title="Meanwhile"))
        eventually(lambda: watching.sees(CARD, "Meanwhile"), "the edit")
    finally:
        released.set()
    (project / "incidents" / "2026-11-21-x.md").unlink()
    eventually(lambda: not watching.sees("2026-11-21-x", "title"), "what only a look at everything can tell")
    assert watching.said == []


def test_an_edit_does_not_overtake_a_configuration_that_was_saved_before_it(
    project: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def look_slowly(*arguments: Any, heed: Callable[[], None], **more: Any) -> ProjectFiles:
        begun.set()
        for _ in range(50):
            time.sleep(0.01)
            heed()
        return read_project(*arguments, **more)

    monkeypatch.setattr("meaculpa.watch.read_project", look_slowly)
    in_place(project / "meaculpa.yml", (project / "meaculpa.yml").read_text() + "# another one\n")
    assert begun.wait(30)
    in_place(project / "incidents" / f"{CARD}.md", incident_text(title="Later"))
    eventually(lambda: watching.sees(CARD, "Later"), "the edit")
    assert b"another one" in next(
        one.files.config.content
        for one in watching.seen
        if one.files and b"Later" in one.files.incidents[f"incidents/{CARD}.md"].content
    )


def test_edits_without_end_do_not_keep_it_from_looking_at_everything(
    project: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[bool]()

    def look_slowly(*arguments: Any, heed: Callable[[], None], **more: Any) -> ProjectFiles:
        for _ in range(40):
            time.sleep(0.01)
            heed()
        looks.append(True)
        return read_project(*arguments, **more)

    monkeypatch.setattr("meaculpa.watch.read_project", look_slowly)
    limit = time.monotonic() + 60
    number = 0
    while len(looks) < 2 and time.monotonic() < limit:
        number += 1
        in_place(project / "incidents" / f"{CARD}.md", incident_text(title=f"Edit {number}"))
        time.sleep(0.1)
    assert len(looks) >= 2
    eventually(lambda: watching.sees(CARD, f"Edit {number}"), "the last edit")


def test_a_file_in_a_folder_that_was_empty_is_seen(project: Path, deaf: None, watching: Watching) -> None:
    (project / "incidents" / "2027").mkdir()
    time.sleep(2.5)
    (project / "incidents" / "2027" / "2027-01-01-late.md").write_text(incident_text())
    eventually(
        lambda: watching.seen[-1].files and "incidents/2027/2027-01-01-late.md" in watching.seen[-1].files.incidents,
        "a file in a folder that was there before it",
    )


# ---- The look itself


def settled(project: Path) -> tuple[Lookout, object]:
    """A lookout that has read a project whose files are old enough to be taken at their word."""
    old = time.time() - 3600
    for path in sorted(project.rglob("*"), reverse=True):
        os.utime(path, (old, old), follow_symlinks=False)
    os.utime(project, (old, old))
    lookout, files = Lookout(project), read_project(project)
    lookout.learn(files)
    lookout.prepare()
    assert not lookout.sees_change()
    return lookout, files


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "incidents" / f"{CARD}.md").write_text("changed"),
        lambda project: with_the_old_time(
            project / "incidents" / f"{CARD}.md", incident_text(title="You cannot pay by bank")
        ),
        lambda project: (project / "incidents" / "new.md").write_text("new"),
        lambda project: (project / "incidents" / f"{CARD}.md").unlink(),
        lambda project: (project / "meaculpa.yml").touch(),
        lambda project: (project / "assets").mkdir(),
        lambda project: (project / "site_templates").mkdir(),
        lambda project: (project / "incidents" / "2026").mkdir(),
    ],
)
def test_every_change_is_seen_at_the_next_look(project: Path, change: Callable[[Path], object]) -> None:
    lookout, _ = settled(project)
    change(project)
    assert lookout.sees_change()


def test_a_file_that_could_not_be_read_is_looked_at_again(project: Path) -> None:
    (project / "incidents" / "link.md").symlink_to("nowhere.md")
    lookout, files = settled(project)
    assert files.problems  # type: ignore[attr-defined]
    (project / "incidents" / "nowhere.md").write_text(incident_text())
    assert lookout.sees_change()


def test_a_file_that_was_too_large_is_looked_at_again(project: Path) -> None:
    path = project / "incidents" / "2026-11-20-large.md"
    path.write_text("x" * 70_000)
    lookout, _ = settled(project)
    path.write_text(incident_text())
    assert lookout.sees_change()


def test_a_folder_that_has_just_changed_is_looked_at_again(project: Path) -> None:
    """What happens within one step of the file system's clock leaves the same time."""
    lookout, files = Lookout(project), read_project(project)
    (project / "incidents" / "new.md").write_text("new")
    lookout.learn(files)
    lookout.prepare()
    assert lookout.sees_change()


def test_a_change_that_left_no_trace_in_the_file_systems_records_is_found_in_the_end(project: Path) -> None:
    for number in range(40):
        (project / "incidents" / f"2026-10-01-n{number:02d}.md").write_text(incident_text())
    settled(project)
    files, path = read_project(project), str(project / "incidents" / "2026-10-01-n33.md")
    before = files.readings[path]
    source = Source(before.source.path, before.source.content, "what it was before")
    forged = Reading(source, before.stamp)
    lookout = Lookout(project)
    lookout.learn(replace(files, readings={**files.readings, path: forged}))
    lookout.prepare()
    looks = next(number for number in range(1, 10) if lookout.sees_change())
    assert looks <= 4
    again = read_project(project, lookout.trusted(replace(files, readings={**files.readings, path: forged})))
    assert again.readings[path].source.digest == before.source.digest


def test_a_large_archive_is_looked_at_in_slices(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.watch.lookout._STATS_A_LOOK", 10)
    for number in range(35):
        (project / "incidents" / f"2026-10-01-n{number:02d}.md").write_text(incident_text())
    lookout, _ = settled(project)
    with_the_old_time(project / "incidents" / "2026-10-01-n20.md", incident_text(title="You cannot pay by bank"))
    assert any(lookout.sees_change() for _ in range(5))


# ---- The service


def test_there_is_one_watcher_a_project(project: Path) -> None:
    with running(project, "watch") as first:
        eventually(lambda: (project / "public" / "index.html").exists(), "the first publish")
        second = meaculpa("watch", cwd=project)
        assert second.returncode == 1
        assert f"another `meaculpa watch` (process {first.process.pid})" in second.stderr
        assert first.stop() == 0
    with running(project, "watch") as third:
        eventually(lambda: "Watching" in third.said, "the next one")


def test_a_deleted_lock_is_taken_anew(project: Path) -> None:
    with running(project, "watch") as first:
        eventually(lambda: (project / "public" / "index.html").exists(), "the first publish")
        shutil.rmtree(project / ".meaculpa")
        eventually((project / ".meaculpa" / "watch.lock").exists, "the lock again")
        assert "another `meaculpa watch`" in meaculpa("watch", cwd=project).stderr
        assert first.stop() == 0


def test_a_watcher_whose_lock_another_one_has_taken_ends(project: Path) -> None:
    with running(project, "watch") as first:
        eventually(lambda: (project / "public" / "index.html").exists(), "the first publish")
        with alone(project.parent / "state" / "watch.lock"):
            (project.parent / "state" / "watch.lock").replace(project / ".meaculpa" / "watch.lock")
            assert first.process.wait(timeout=20) == 1
        assert f"another `meaculpa watch` (process {os.getpid()})" in first.said


def test_a_lock_that_cannot_be_written_again_ends_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "state"
    with alone(folder / "lock") as renew:
        shutil.rmtree(folder)
        folder.write_text("something else")
        renew()
        folder.unlink()
        renew()
        assert (folder / "lock").read_text() == str(os.getpid())


def test_systemd_hears_that_it_is_ready_alive_and_ending(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(project.parent / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(path)
        line.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        with running(project, "watch") as command:
            heard = [line.recv(100).decode() for _ in range(4)]
            command.process.terminate()
            while heard[-1] != "STOPPING=1":
                heard.append(line.recv(100).decode())
    assert heard[0] == "READY=1"
    assert heard.count("WATCHDOG=1") >= 2


# ---- What events name is read by itself


def made_anew(path: Path, text: str) -> None:
    path.with_name("2026-11-23-new.md").write_text(text)


@pytest.mark.parametrize("change", [*SAVES, made_anew, lambda path, text: path.touch()])
def test_reading_what_is_named_gives_what_reading_everything_gives(
    project: Path, change: Callable[[Path, str], None]
) -> None:
    before = read_project(project)
    path = project / "incidents" / f"{CARD}.md"
    change(path, incident_text(title="Something else"))
    new = path.with_name("2026-11-23-new.md")
    named = [str(path), str(path.with_suffix(".tmp")), *([str(new)] if new.exists() else [])]
    assert read_again(before, named) == replace(read_project(project, before), folders=before.folders)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.md").symlink_to(folder / f"{CARD}.md"),
        lambda folder: (folder / "a.md").mkdir(),
        lambda folder: os.mkfifo(folder / "a.md"),
        lambda folder: (folder / "a.txt").write_text("not an incident"),
        lambda folder: shutil.rmtree(folder),
        lambda folder: (folder / f"{CARD}.md").unlink(),
    ],
    ids=["a link", "a folder", "a pipe", "another kind of file", "no folder any more", "no file any more"],
)
def test_where_more_may_have_changed_everything_is_read(project: Path, change: Callable[[Path], object]) -> None:
    before = read_project(project)
    change(project / "incidents")
    assert read_again(before, [str(project / "incidents" / name) for name in ("a.md", "a.txt", f"{CARD}.md")]) is None


@pytest.mark.parametrize("path", ["meaculpa.yml", "site_templates/page.css", "incidents/new/a.md", "elsewhere.md"])
def test_of_anything_but_incidents_everything_is_read(project: Path, path: str) -> None:
    assert read_again(read_project(project), [str(project / path)]) is None


def test_an_edit_is_acted_on_before_everything_is_looked_at(
    project: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[int]()

    def noting(*arguments: Any, **more: Any) -> ProjectFiles:
        looks.append(len(watching.seen))
        return read_project(*arguments, **more)

    monkeypatch.setattr("meaculpa.watch.read_project", noting)
    time.sleep(1.2)
    looks.clear()
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(title="At once"))
    eventually(partial(watching.sees, CARD, "At once"), "an edit")
    assert looks == [], "it was acted on by what the event named"
    eventually(lambda: looks, "a look at everything, a moment later")


def test_what_no_event_named_is_handed_on_as_it_is(project: Path) -> None:
    """Whoever compares two looks at tens of thousands of files then looks at the changed one alone."""
    before = read_project(project)
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(incident_text(title="No card is taken"))
    once = read_again(before, [str(path)])
    assert once
    again = read_again(once, [str(path)])
    assert again
    assert isinstance(again.incidents, Layers)
    assert again.incidents.lasts is before.incidents
    assert list(again.incidents.above) == [f"incidents/{CARD}.md"]
    assert read_project(project, again).incidents is again.incidents
    path.write_text(incident_text(title="Every card is taken"))
    assert read_project(project, again).incidents is not again.incidents


def test_a_folder_that_takes_long_to_list_keeps_nobody_waiting(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.folders._LISTED_TOGETHER", 1)
    monkeypatch.setattr("meaculpa.folders.sorted", lambda *_, **__: pytest.fail("listed to the end"), raising=False)
    turns = iter(range(10))

    def heed() -> None:
        if next(turns):
            raise Heard

    with pytest.raises(Heard):
        read_project(project, heed=heed)


def test_what_an_earlier_process_has_read_is_not_read_again(project: Path) -> None:
    known, signal, seen = read_project(project).readings, Signal(), list[ProjectFiles | None]()

    def act(occasion: Occasion) -> datetime:
        seen.append(occasion.files)
        signal.stop()
        return occasion.now + timedelta(hours=1)

    watch(project, Follower(act, lambda _: None, known=known), signal)
    assert seen[0]
    assert seen[0].incidents
    for path, source in seen[0].incidents.items():
        assert source is known[str(project / path)].source


def test_a_file_that_is_moved_is_never_gone(project: Path, watching: Watching) -> None:
    """A pull of a repository takes it away here and, some milliseconds later, puts it there."""
    places = [project / "incidents" / f"{CARD}.md", project / "incidents" / "2026" / f"{CARD}.md"]
    places[1].parent.mkdir()
    for number in range(6):
        here, there = places if number % 2 == 0 else reversed(places)
        text = here.read_text()
        here.unlink()
        time.sleep(0.005)
        there.write_text(text)
        time.sleep(0.4)
    assert all(
        any(path.endswith(f"{CARD}.md") for path in occasion.files.incidents)
        for occasion in watching.seen
        if occasion.files
    )


def test_what_was_read_goes_as_soon_as_nobody_holds_it(project: Path) -> None:
    """A watcher looks at everything again and again; what waits for a search for garbage is memory meanwhile."""

    def held() -> int:
        return sum(isinstance(one, Reading | Source) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = held()
        files = read_project(project)
        assert held() > before, "nothing is counted"
        del files
        assert held() == before
    finally:
        gc.enable()
