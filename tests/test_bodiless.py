"""Bodies that memory has no room for lie on disk, and are the same."""

import gc
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from meaculpa.build import bodiless
from meaculpa.build.bodiless import Shelf
from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.model import OutputFile
from meaculpa.project import read_project
from meaculpa.render.headers import output_file
from tests.making import at, incident_text, write_project

ROOM = 30_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path, **{f"i{number}": incident_text() for number in range(9)})


def built(root: Path, memory: Memory) -> Build:
    return build(read_project(root), at("2026-11-22 12:00"), Memory(pool=memory.pool))


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


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


def test_what_a_disk_takes_in_part_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert Shelf().put(file) is file


def test_the_disk_is_given_back(root: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodiless, "ROOM", 0)
    before = descriptors()
    done = built(root, memory)
    assert descriptors() == before + 1
    del done
    gc.collect()
    assert descriptors() == before
