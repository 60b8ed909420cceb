"""Many tasks of which a copy of this process does about half: Python computes in one thread at a time.

The copy is made by fork(2), so it knows all that this process knows, and whatever it has not answered in the end is
done here. It decides nothing: without it everything comes out the same, later.
"""

import contextlib
import gc
import os
import select
import signal
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from io import FileIO
from typing import TypeVar

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

# The number of a task, and the length of its answer.
_HEAD = struct.Struct(">II")
_TURN = struct.Struct(">I")
_PATIENCE_SECONDS = 30.0
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
Given = TypeVar("Given")


def in_halves(
    tasks: int, here: Callable[[int], Given], there: Callable[[int], bytes], take: Callable[[int, bytes], Given]
) -> list[Given]:
    """Do tasks by their numbers: some `here`, others `there`, in the copy, whose answers `take` makes the same of.

    Tasks are begun in their order, whoever does them. Where one fails, those that are left are done here in their
    order, so what is raised is what would be raised without a copy; a task may be begun a second time.
    """
    done: dict[int, Given] = {}
    with _copy_of_process(tasks, there) as copy:
        if copy:
            with contextlib.suppress(Exception):
                for number in copy.turns():
                    done[number] = here(number)
                    done.update((other, take(other, answer)) for other, answer in copy.answers(wait=False))
            copy.stop()
            done.update((other, take(other, answer)) for other, answer in copy.answers(wait=True))
    return [done[number] if number in done else here(number) for number in range(tasks)]


def can_be_halved() -> bool:
    """Whether a copy can be made, and has a processor of its own.

    A copy has no other thread than the one that makes it, and finds locked what others held.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


class _Copy:
    """A copy of this process, and the pipes to it: both take turns from one, the other brings its answers."""

    def __init__(self, process: int, turns: FileIO, answers: FileIO) -> None:
        self._process, self._turns, self._answers = process, turns, answers
        self._received = bytearray()
        # Unlike select(2), it takes files of any number.
        self._waiting = select.poll()
        self._waiting.register(answers, select.POLLIN)

    def turns(self) -> Iterator[int]:
        """Take the numbers of tasks that nobody else has taken."""
        return _take_turns(self._turns)

    def stop(self) -> None:
        """Leave the copy no more turns."""
        deque(self.turns(), maxlen=0)

    def answers(self, wait: bool) -> Iterator[tuple[int, bytes]]:
        """Give the answers that are there, or all; a copy that says nothing for long is ended."""
        while self._waiting.poll(_PATIENCE_SECONDS * 1000 if wait else 0):
            piece = os.read(self._answers.fileno(), 1 << 20)
            if not piece:
                return
            self._received += piece
            yield from self._whole()
        if wait:
            os.kill(self._process, signal.SIGKILL)

    def _whole(self) -> Iterator[tuple[int, bytes]]:
        while len(self._received) >= _HEAD.size:
            number, length = _HEAD.unpack_from(self._received)
            end = _HEAD.size + length
            if len(self._received) < end:
                return
            yield number, bytes(self._received[_HEAD.size : end])
            del self._received[:end]

    def end(self) -> None:
        """Let it finish what it has begun, for it may be writing a file, and take care that it ends."""
        try:
            self.stop()
            deque(self.answers(wait=True), maxlen=0)
        finally:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)


@contextlib.contextmanager
def _copy_of_process(tasks: int, there: Callable[[int], bytes]) -> Iterator[_Copy | None]:
    """Make a copy that answers tasks, and see it end; None where none can be made."""
    with contextlib.ExitStack() as pipes:
        copy = None
        try:
            with contextlib.suppress(OSError), _without_interrupts() as waiting:
                copy = _fork(tasks, there, pipes, waiting)
            yield copy
        finally:
            if copy:
                copy.end()


def _fork(
    tasks: int, there: Callable[[int], bytes], pipes: contextlib.ExitStack, waiting: set[int | signal.Signals]
) -> _Copy | None:
    """Make a copy; None where there are more turns than a pipe holds, raises OSError where the system has no room."""
    turns, turns_in = _open_pipe(pipes)
    answers, answers_in = _open_pipe(pipes)
    if tasks * _TURN.size > fcntl.fcntl(turns_in, fcntl.F_GETPIPE_SZ):
        return None
    # A read takes a turn from everybody (pipe(7), I/O on pipes).
    turns_in.write(b"".join(map(_TURN.pack, range(tasks))))
    turns_in.close()
    process = os.fork()
    if process == 0:
        _answer(turns, answers_in, there, waiting)
    answers_in.close()
    return _Copy(process, turns, answers)


def _open_pipe(pipes: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    reader, writer = os.pipe()
    return pipes.enter_context(FileIO(reader)), pipes.enter_context(FileIO(writer, "w"))


@contextlib.contextmanager
def _without_interrupts() -> Iterator[set[int | signal.Signals]]:
    """Have signals wait that could be lost while a process is copied; gives those that waited before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _take_turns(turns: FileIO) -> Iterator[int]:
    while turn := os.read(turns.fileno(), _TURN.size):
        yield _TURN.unpack(turn)[0]


def _answer(
    turns: FileIO, answers: FileIO, there: Callable[[int], bytes], waiting: set[int | signal.Signals]
) -> None:
    """Answer tasks until none is left, as the copy; never returns.

    It neither runs what the original has to do at its end, nor tells of anything: the original will come to that.
    """
    try:
        with contextlib.suppress(BaseException):
            signal.pthread_sigmask(signal.SIG_SETMASK, waiting)
            # It is over before there is garbage, and whatever it touches becomes memory of its own.
            gc.disable()
            with os.fdopen(answers.fileno(), "wb", closefd=False) as stream:
                for number in _take_turns(turns):
                    answer = there(number)
                    stream.write(_HEAD.pack(number, len(answer)) + answer)
                    stream.flush()
    finally:
        os._exit(0)
