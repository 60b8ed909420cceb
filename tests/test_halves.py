"""Work that a copy of the process shares: the same comes out, whatever becomes of the copy."""

import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meaculpa import halves
from meaculpa.build import bodiless, contents, making
from meaculpa.build.bodiless import Shelf
from meaculpa.build.closing import Archive
from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.build.record import Record
from meaculpa.cli.building import build_into
from meaculpa.errors import InvalidInput, TargetError
from meaculpa.halves import can_be_halved, in_halves
from meaculpa.model import OutputFile
from meaculpa.project import read_project
from meaculpa.publish import carry
from meaculpa.publish.directory import DirectoryTarget
from tests.making import at, incident_text, write_project

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everything is done in one process"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]
NOW = at("2026-11-22 12:00")


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def children() -> set[str]:
    task = Path(f"/proc/{os.getpid()}/task")
    return {child for thread in task.iterdir() for child in (thread / "children").read_text().split()}


def slowly(number: int) -> str:
    time.sleep(0.01)
    return f"{number} by {os.getpid()}"


def test_two_processes_do_the_tasks_and_all_is_in_order() -> None:
    done = in_halves(20, slowly, lambda number: slowly(number).encode(), lambda _, answer: answer.decode())
    assert [int(one.split()[0]) for one in done] == list(range(20))
    assert len({one.split()[2] for one in done}) == 2


def test_answers_may_be_large() -> None:
    done = in_halves(
        12,
        lambda number: b"%d" % number * 3_000_000,
        lambda number: b"%d" % number * 3_000_000,
        lambda _, answer: answer,
    )
    assert done == [b"%d" % number * 3_000_000 for number in range(12)]


def die(number: int) -> bytes:
    if number > 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return str(number).encode()


def fail(number: int) -> bytes:
    raise ValueError(number)


def hang(_number: int) -> bytes:
    time.sleep(60)
    return b""


@pytest.mark.parametrize("there", [die, fail, hang])
def test_what_a_copy_does_not_do_is_done_here(monkeypatch: pytest.MonkeyPatch, there: Callable[[int], bytes]) -> None:
    monkeypatch.setattr(halves, "_PATIENCE_SECONDS", 0.2)

    def here(number: int) -> str:
        time.sleep(0.01)
        return str(number)

    assert in_halves(10, here, there, lambda _, answer: answer.decode()) == [str(number) for number in range(10)]


@pytest.mark.parametrize("tasks", [0, 1, 20_000])
def test_any_number_of_tasks_will_do(tasks: int) -> None:
    assert in_halves(tasks, str, lambda number: str(number).encode(), lambda _, answer: answer.decode()) == [
        str(number) for number in range(tasks)
    ]


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_where_no_copy_can_be_made_all_is_done_here(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, call, refuse)
    assert in_halves(5, str, fail, lambda *_: "") == ["0", "1", "2", "3", "4"]


def test_what_a_task_raises_here_is_raised_and_the_copy_ends_what_it_has_begun(tmp_path: Path) -> None:
    def here(number: int) -> None:
        time.sleep(0.05)
        raise InvalidInput([])

    def there(number: int) -> bytes:
        time.sleep(0.2)
        (tmp_path / f"{number}").write_text("whole")
        return b""

    with pytest.raises(InvalidInput):
        in_halves(50, here, there, lambda *_: None)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01])
def test_of_what_fails_the_first_is_told_whoever_came_upon_it(delay: float) -> None:
    def here(number: int) -> int:
        time.sleep(delay)
        if number % 4 == 3:
            raise ValueError(number)
        return number

    def there(number: int) -> bytes:
        time.sleep(0.003)
        return str(here(number)).encode()

    for _ in range(10):
        with pytest.raises(ValueError, match=r"^3$"):
            in_halves(40, here, there, lambda _, answer: int(answer))


is_interrupted = False
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGINT) if is_interrupted else None)


def test_an_interrupt_is_not_lost_while_the_copy_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "is_interrupted", True)
    # Commands that end at a signal by themselves have run in this process.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_halves(5, slowly, fail, lambda *_: "")
    finally:
        signal.signal(signal.SIGINT, before)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_files_may_have_any_number() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2_000), hard))
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        test_two_processes_do_the_tasks_and_all_is_in_order()
    finally:
        for other in others:
            os.close(other)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_has_threads_makes_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert can_be_halved()
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not can_be_halved()


def test_one_processor_makes_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert not can_be_halved()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with what a copy has to hand over: translations, pictures, simple texts and others."""
    texts = (
        "Plain & _slanted_.",
        "**Bold** [link](https://a.example/b).",
        "- one\n- two",
        "![till](assets/till.png)",
    )
    for number in range(60):
        day = f"2026-{1 + number % 9:02d}-{1 + number % 27:02d}"
        updates = (
            f"## {day} 09:20 investigating\n\n{texts[number % 4]}\n\n## {day} 11:20 resolved\n\nOver {number}.\n"
        )
        front = "components:\n  payments: partial_outage\n" if number % 2 else ""
        write_project(tmp_path, **{f"i{number:03d}": incident_text(front, updates)})
    (tmp_path / "incidents" / "i007.de.md").write_text(
        "---\ntitle: Nichts geht\n---\n\n## 2026-08-08 09:20 investigating\n\nJa `so`.\n"
    )
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "till.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path


def halve(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Share everything, however little it is; gives the numbers of tasks that copies do."""
    taken = list[int]()

    def noting(
        tasks: int, here: Callable[[int], Any], there: Callable[[int], bytes], take: Callable[[int, bytes], Any]
    ) -> list[Any]:
        def taking(number: int, answer: bytes) -> object:
            taken.append(number)
            return take(number, answer)

        def slower(number: int) -> object:
            time.sleep(0.02)
            return here(number)

        return in_halves(tasks, slower, there, taking)

    for module in (contents, making, carry):
        monkeypatch.setattr(module, "_MUCH", 2)
        monkeypatch.setattr(module, "can_be_halved", lambda: True)
        monkeypatch.setattr(module, "in_halves", noting)
    for module in (contents, carry):
        monkeypatch.setattr(module, "_TOGETHER", 4)
    return taken


def built(root: Path, memory: Memory | None = None) -> dict[str, tuple[object, ...]]:
    """Build as a command does, and give what came out."""
    memory, files = memory or Memory(archive=Archive(root)), read_project(root)
    try:
        done = build(files, NOW, memory)
        memory.keep(files)
        return {path: (file.path, file.body, file.digest, file.content_type) for path, file in done.files.items()}
    finally:
        memory.pool.close()


def test_a_build_in_halves_makes_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = built(root)
    shutil.rmtree(root / ".meaculpa")
    taken = halve(monkeypatch)
    assert built(root) == wanted
    assert len(taken) > 10
    assert built(root) == wanted, "with what the first one has kept"
    assert built(root, Memory()) == wanted, "as a check does, which keeps nothing"


def test_what_is_wrong_is_told_whoever_reads_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(0, 60, 3):
        (root / "incidents" / f"i{number:03d}.md").write_text(incident_text("impact: terrible\n"))
    (root / "incidents" / "i001.de.md").write_text("---\ntitle: [\n---\n")
    with pytest.raises(InvalidInput) as alone:
        built(root)
    taken = halve(monkeypatch)
    with pytest.raises(InvalidInput) as shared:
        built(root)
    assert shared.value.problems == alone.value.problems
    assert taken


def test_a_template_that_fails_is_told_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "site_templates").mkdir()
    (root / "site_templates" / "incident.md.j2").write_text("{{ nothing.there }}")
    halve(monkeypatch)
    with pytest.raises(InvalidInput, match=r"incident\.md\.j2"):
        built(root)


def test_where_the_disk_takes_no_pages_they_are_made_in_one_process(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = built(root)
    shutil.rmtree(root / ".meaculpa")
    halve(monkeypatch)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    assert built(root) == wanted
    shutil.rmtree(root / ".meaculpa")
    monkeypatch.setattr(bodiless, "_LEAST_FREE", 2**62)
    assert built(root) == wanted


def test_a_folder_is_written_to_by_both(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {path: body for path, (_, body, _, _) in built(root).items()}
    taken = halve(monkeypatch)
    out = root / "out"
    build_into(out, root, None, NOW, as_json=False)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} >= wanted.keys()
    assert all((out / path).read_bytes() == body for path, body in wanted.items())
    assert len(taken) > 10


def test_what_cannot_be_written_is_told_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_target: DirectoryTarget, file: OutputFile, _expected: str | None = None) -> str:
        if file.path.endswith("i033.md"):
            raise TargetError("the disk is full")
        return ""

    halve(monkeypatch)
    monkeypatch.setattr(DirectoryTarget, "write", refuse)
    with pytest.raises(TargetError, match="the disk is full") as error:
        build_into(root / "out", root, None, NOW, as_json=False)
    written, wanted = map(int, re.findall(r"[0-9]+", str(error.value)))
    assert wanted / 2 < written < wanted, "those that a copy has written are among them"


def test_what_a_killed_copy_was_writing_is_written_again_and_nothing_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {path: body for path, (_, body, _, _) in built(root).items()}
    original, replace = os.getpid(), os.replace

    def dying(source: str, place: str) -> None:
        if os.getpid() != original:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, place)

    halve(monkeypatch)
    monkeypatch.setattr(os, "replace", dying)
    out = root / "out"
    build_into(out, root, None, NOW, as_json=False)
    assert all((out / path).read_bytes() == body for path, body in wanted.items())
    assert list(out.rglob("*.tmp")) == []


def test_both_read_what_lies_on_the_disk(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("kind", "", [])
    shelf = Shelf(record)
    starts = [shelf.lay(b"%03d" % number * 5_000) for number in range(300)]

    def read(_number: int) -> bytes:
        return b"".join(shelf.read(start, 15_000)[:3] for start in starts)

    found = in_halves(60, read, read, lambda _, answer: answer)
    assert set(found) == {b"".join(b"%03d" % number for number in range(300))}


def test_a_copy_leaves_the_record_alone(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.keep("kind", "", [("name", "value")])
    assert record.recall("kind", "", str, str) == {"name": "value"}
    found = in_halves(
        4,
        lambda number: str(slowly(number)) and "",
        lambda _: repr(record.recall("kind", "", str, str)).encode(),
        lambda _, answer: answer.decode(),
    )
    assert set(found) <= {"", "{}"}
    assert "{}" in found
    assert record.recall("kind", "", str, str) == {"name": "value"}
    assert record.doubts == 0
