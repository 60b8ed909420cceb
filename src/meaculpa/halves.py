"""Many tasks of which a copy of this process does about half: Python computes in one thread at a time.

The copy is made by fork(2), so it knows all that this process knows, and whatever it has not answered in the end is
done here. It decides nothing: without it everything comes out the same, later.
"""

import collections
import contextlib
import gc
import os
import select
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

# The number of a task, and the length of its answer.
_HEAD = struct.Struct(">II")
_TURN = struct.Struct(">I")
# More turns than these are not sure to fit into a pipe that nobody reads yet.
_MOST_TASKS = 65_536 // _TURN.size
_PATIENCE_SECONDS = 30.0
Given = TypeVar("Given")


def in_halves(
    tasks: int, here: Callable[[int], Given], there: Callable[[int], bytes], take: Callable[[int, bytes], Given]
) -> list[Given]:
    """Do tasks by their numbers: some `here`, others `there`, in the copy, whose answers `take` makes the same of.

    Tasks are begun in their order, whoever does them; what one raises here is raised.
    """
    if tasks > _MOST_TASKS:
        return [here(number) for number in range(tasks)]
    done: dict[int, Given] = {}
    with _copy_of_process(tasks, there) as copy:
        for number in copy.turns():
            done[number] = here(number)
            done.update((other, take(other, answer)) for other, answer in copy.answers(wait=False))
        done.update((other, take(other, answer)) for other, answer in copy.answers(wait=True))
    return [done[number] if number in done else here(number) for number in range(tasks)]


def can_be_halved() -> bool:
    """Whether a copy can be made, and has a processor of its own.

    A copy has no other thread than the one that makes it, and finds locked what others held.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


class _Copy:
    """The pipes to a copy of this process: one from which both take turns, one that brings its answers."""

    def __init__(self, turns: int, answers: int) -> None:
        self._turns, self._answers = turns, answers
        self._received = bytearray()

    def turns(self) -> Iterator[int]:
        """Take the numbers of tasks that nobody else has taken."""
        return _take_turns(self._turns)

    def answers(self, wait: bool) -> Iterator[tuple[int, bytes]]:
        """Give the answers that are there, or all; a copy that says nothing for long is given up."""
        patience = _PATIENCE_SECONDS if wait else 0.0
        while select.select([self._answers], [], [], patience)[0]:
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                break
            self._received += piece
            yield from self._whole()

    def _whole(self) -> Iterator[tuple[int, bytes]]:
        while len(self._received) >= _HEAD.size:
            number, length = _HEAD.unpack_from(self._received)
            end = _HEAD.size + length
            if len(self._received) < end:
                break
            yield number, bytes(self._received[_HEAD.size : end])
            del self._received[:end]


@contextlib.contextmanager
def _copy_of_process(tasks: int, there: Callable[[int], bytes]) -> Iterator[_Copy]:
    """Make a copy that answers tasks, and see it end; where none can be made, all turns are ours."""
    with contextlib.ExitStack() as open_pipes:
        turns = _pipe_of_turns(tasks, open_pipes)
        reader, writer = os.pipe()
        open_pipes.callback(os.close, reader)
        try:
            process = os.fork()
        except OSError:
            process = -1
        if process == 0:
            os.close(reader)
            _answer(turns, writer, there)
        os.close(writer)
        copy = _Copy(turns, reader)
        try:
            yield copy
        finally:
            if process > 0:
                _end(copy, process)


def _end(copy: _Copy, process: int) -> None:
    """Let a copy finish what it has begun, for it may be writing a file, and take care that it ends."""
    try:
        collections.deque(copy.turns(), maxlen=0)
        collections.deque(copy.answers(wait=True), maxlen=0)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _pipe_of_turns(tasks: int, open_pipes: contextlib.ExitStack) -> int:
    """A pipe that holds the number of each task: a read takes one from everybody (pipe(7), I/O on pipes)."""
    reader, writer = os.pipe()
    open_pipes.callback(os.close, reader)
    with os.fdopen(writer, "wb") as stream:
        stream.write(b"".join(map(_TURN.pack, range(tasks))))
    return reader


def _take_turns(turns: int) -> Iterator[int]:
    while turn := os.read(turns, _TURN.size):
        yield _TURN.unpack(turn)[0]


def _answer(turns: int, writer: int, there: Callable[[int], bytes]) -> None:
    """Answer tasks until none is left, as the copy; never returns.

    It neither runs what the original has to do at its end, nor tells of anything: the original will come to that.
    """
    with contextlib.suppress(BaseException):
        # It is over before there is garbage, and whatever it touches becomes memory of its own.
        gc.disable()
        with os.fdopen(writer, "wb") as stream:
            for number in _take_turns(turns):
                answer = there(number)
                stream.write(_HEAD.pack(number, len(answer)) + answer)
                stream.flush()
    os._exit(0)
