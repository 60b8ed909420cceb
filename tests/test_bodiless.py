"""Bodies that memory has no room for lie on disk, and are the same."""

import contextlib
import gc
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from meaculpa.build import bodiless, making
from meaculpa.build.bodiless import Shelf, ShelvedFile
from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.build.record import Record
from meaculpa.errors import Outdated
from meaculpa.model import OutputFile
from meaculpa.project import read_project
from meaculpa.render.headers import output_file
from tests.making import at, incident_text, write_project

ROOM, NOW = 30_000, at("2026-11-22 12:00")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path, **{f"i{number}": incident_text() for number in range(9)})


def built(root: Path, memory: Memory) -> Build:
    """Build with a record, but nothing in it."""
    return build(read_project(root), NOW, Memory(pool=memory.pool, archive=Archive(root)))


def lying(root: Path) -> int:
    """The files without a name that are open in a project."""
    places = list[str]()
    for descriptor in Path("/proc/self/fd").iterdir():
        # The one that lists them is gone by now.
        with contextlib.suppress(FileNotFoundError):
            places.append(str(descriptor.readlink()))
    return sum(place.startswith(str(root)) and place.endswith(" (deleted)") for place in places)


def facts(file: OutputFile) -> tuple[object, ...]:
    return file.path, file.digest, file.size, file.body, file.content_type, file.cache_control, file.leads_to


def in_memory(files: Iterable[OutputFile]) -> int:
    return sum(len(file.__dict__.get("body", b"")) for file in files)


def test_they_are_the_same(root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = built(root, memory).files
    monkeypatch.setattr(bodiless, "ROOM", ROOM)
    found = built(root, memory).files
    assert [
        (one.path, one.digest, one.size, one.body, one.content_type, one.cache_control) for one in found.values()
    ] == [(one.path, one.digest, one.size, one.body, one.content_type, one.cache_control) for one in wanted.values()]
    assert in_memory(found.values()) <= ROOM < in_memory(wanted.values())


def test_where_a_disk_takes_nothing_they_stay_in_memory(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {path: file.body for path, file in built(root, memory).files.items()}
    monkeypatch.setattr(bodiless, "ROOM", ROOM)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    found = built(root, memory).files
    assert {path: file.body for path, file in found.items()} == wanted
    assert in_memory(found.values()) > ROOM


def test_what_a_disk_takes_in_part_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short:
        def seek(self, place: int) -> int:
            return place

        def close(self) -> None:
            pass

        def write(self, body: bytes) -> int:
            return len(body) - 1

    monkeypatch.setattr(bodiless, "ROOM", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Short())
    file = output_file("x.txt", "some body")
    record = Record(tmp_path)
    record.folder.mkdir()
    assert Shelf(record).put(file) is file


def test_it_is_tried_once_where_nothing_can_be_written(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[object]()

    def refuse(**more: object) -> None:
        tried.append(more)
        raise OSError(30, "read-only file system")

    monkeypatch.setattr(bodiless, "ROOM", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = built(root, memory).files
    assert not any(isinstance(file, ShelvedFile) for file in found.values())
    assert tried == [{"dir": root / ".meaculpa", "buffering": 0}]


def test_a_disk_that_the_site_itself_will_need_is_left_alone(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodiless, "ROOM", 0)
    monkeypatch.setattr(bodiless, "_LEAST_FREE", 1 << 62)
    assert not any(isinstance(file, ShelvedFile) for file in built(root, memory).files.values())


def test_a_body_that_the_disk_lost_is_noticed_and_made_anew(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodiless, "ROOM", 0)
    monkeypatch.setattr(making, "ROOM", 0)
    mine = Memory(pool=memory.pool, archive=Archive(root))
    files = read_project(root)
    wanted = {path: file.body for path, file in build(files, NOW, mine).files.items()}
    page = build(files, NOW, mine).files["incidents/i1.html"]
    assert isinstance(page, ShelvedFile)
    page.__dict__["shelf"]._file.truncate(10)
    with pytest.raises(Outdated, match=r"i1\.html was lost on the way; run it once more"):
        _ = page.body
    assert {path: file.body for path, file in build(files, NOW, mine).files.items()} == wanted


def test_the_disk_is_given_back_when_memory_has_room_again(
    root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Memory(pool=memory.pool, archive=Archive(root))
    files = read_project(root)
    monkeypatch.setattr(bodiless, "ROOM", ROOM)
    first = {path: file.body for path, file in build(files, NOW, mine).files.items()}
    assert lying(root) == 1
    again = build(files, NOW, mine).files
    gc.collect()
    assert lying(root) == 0
    assert {path: file.body for path, file in again.items()} == first
    assert not any(isinstance(file, ShelvedFile) for file in again.values())
