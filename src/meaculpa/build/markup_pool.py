"""Renders Markdown in processes of its own, so that no text can hang or exhaust the program.

Python-Markdown needs more than ten seconds for some hostile texts of a few kilobytes. A text that takes
longer than its budget costs its process, which is replaced, and is refused.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from msgspec import Struct

from meaculpa.build.frames import LENGTH, make_frame, unpack
from meaculpa.model import Markup

BUDGET_SECONDS = 2.0
_START_SECONDS = 20.0
_BATCH = 16
_LARGE = 8_192
_WORTH_A_SECOND_PROCESS = 60
_MOST_PROCESSES = 2


class TooSlow(Exception):
    """A text was not rendered within its budget; `since` is the moment, on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.since = time.monotonic()


class TooDeep(Exception):
    """A text is nested deeper, or needs more memory, than it can be rendered with."""


Answer = Markup | TooSlow | TooDeep


class _Packed:
    """What came of so many texts, packed until one of them is wanted: thousands may be rendered before that."""

    def __init__(self, packed: bytes, count: int) -> None:
        self._packed, self._count = packed, count
        self._answers: list[Answer] | None = None
        self._lock = threading.Lock()

    @property
    def answers(self) -> list[Answer]:
        """What came of each text; none is known where another version of the program has answered."""
        with self._lock:
            if self._answers is None:
                self._answers = _unpacked(self._packed) or [TooSlow()] * self._count
                self._packed = b""
            return self._answers


def _unpacked(packed: bytes) -> list[Answer] | None:
    try:
        return [_answer(*one) if one else TooDeep() for one in unpack(packed)]
    except (zlib.error, TypeError, ValueError):
        return None


def _answer(html: str, pictures: list[str], markdown: str) -> Markup:
    return Markup(html, tuple(pictures), markdown)


class _Known(Struct, frozen=True):
    """What came of a batch that had to be rendered text by text, or was given up."""

    answers: list[Answer]


class Awaited(Struct, frozen=True):
    """A text that is being rendered, as a place in its batch."""

    batch: Future[_Packed | _Known]
    position: int

    def wait(self) -> Answer:
        """Wait for its markup, or for why it is refused."""
        return self.batch.result().answers[self.position]


class MarkupPool:
    """One or two rendering processes, started when first needed."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS) -> None:
        self._budget = budget_seconds
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._threads: ThreadPoolExecutor | None = None

    def begin(self, files: Iterable[Sequence[str]]) -> dict[str, "Awaited"]:
        """Begin to render the texts of files, in their order; each text can be waited for by itself."""
        batches = _batches(files)
        if not batches:
            return {}
        self._grow(_processes_for(sum(len(batch.texts) for batch in batches)))
        threads = self._threads = self._threads or ThreadPoolExecutor(_MOST_PROCESSES)
        return {
            text: Awaited(future, position)
            for batch in batches
            for future in [threads.submit(self._render_batch, batch)]
            for position, text in enumerate(batch.texts)
        }

    def render(self, texts: Iterable[str]) -> Mapping[str, Answer]:
        """Render texts; gives for each its markup, or why it is refused."""
        return {text: awaited.wait() for text, awaited in self.begin([text] for text in texts).items()}

    def rest(self) -> None:
        """Wait for whatever is under way; then no thread is left, until there is something to render again."""
        if self._threads:
            self._threads.shutdown()
            self._threads = None

    def close(self) -> None:
        """End the processes; others are started when there is something to render again."""
        if self._threads:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
        for worker in self._workers:
            worker.stop()

    def _grow(self, count: int) -> None:
        while len(self._workers) < count:
            worker = _Worker()
            self._workers.append(worker)
            self._idle.put(worker)

    def _render_batch(self, batch: "_Batch") -> _Packed | _Known:
        worker = self._idle.get()
        try:
            return worker.render(batch.texts, self._budget)
        except TooSlow as slow:
            if batch.is_one_file or len(batch.texts) == 1:
                return _Known([slow] * len(batch.texts))
            return _Known([answer for text in batch.texts for answer in self._render_alone(worker, text)])
        finally:
            self._idle.put(worker)

    def _render_alone(self, worker: "_Worker", text: str) -> list[Answer]:
        try:
            return worker.render([text], self._budget).answers
        except TooSlow as slow:
            return [slow]


class _Batch(Struct, frozen=True):
    """Texts that are rendered in one go; those of one large file have one budget together."""

    texts: list[str]
    is_one_file: bool = False


def _batches(files: Iterable[Sequence[str]]) -> list[_Batch]:
    """Small files together, each large one by itself: only a large one can take long, and nobody waits twice."""
    batches: list[_Batch] = []
    small: list[str] = []
    seen = set[str]()
    for file in files:
        texts = [text for text in dict.fromkeys(file) if text not in seen]
        seen.update(texts)
        if sum(map(len, texts)) >= _LARGE:
            batches.append(_Batch(texts, is_one_file=True))
            continue
        small += texts
        while len(small) >= _BATCH:
            batches.append(_Batch(small[:_BATCH]))
            small = small[_BATCH:]
    return [*batches, _Batch(small)] if small else batches


def _processes_for(texts: int) -> int:
    return _MOST_PROCESSES if texts >= _WORTH_A_SECOND_PROCESS and (os.cpu_count() or 1) > 1 else 1


class _Worker:
    """One rendering process, and the pipe to it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def render(self, texts: list[str], budget: float) -> _Packed:
        """Render a batch; raises TooSlow, and ends the process, when it is not done in time."""
        try:
            process = self._running()
            request = make_frame(json.dumps(texts).encode())
            return _Packed(_exchange(process, request, time.monotonic() + budget), len(texts))
        except (TooSlow, BrokenPipeError, ValueError):
            self.stop()
            raise TooSlow from None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def start(self) -> None:
        """Start the process if it does not run."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-P", "-m", "meaculpa.build.markup_worker"]
            # A session of its own: Ctrl-C is for the program, which then ends its helpers.
            self._process = subprocess.Popen(  # noqa: S603 (our own worker)
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            self._is_ready = False

    def _running(self) -> subprocess.Popen[bytes]:
        self.start()
        assert self._process  # noqa: S101 (it was started)
        if not self._is_ready:
            _receive(self._process, time.monotonic() + _START_SECONDS)
            self._is_ready = True
        return self._process


def _exchange(process: subprocess.Popen[bytes], request: bytes, limit: float) -> bytes:
    """Send a request and read its answer until a moment of the monotonic clock."""
    assert process.stdin  # noqa: S101 (it is a pipe)
    process.stdin.write(request)
    process.stdin.flush()
    return _receive(process, limit)


def _receive(process: subprocess.Popen[bytes], limit: float) -> bytes:
    assert process.stdout  # noqa: S101 (it is a pipe)
    reader = process.stdout.fileno()
    received = b""
    while len(received) < LENGTH.size or len(received) < LENGTH.size + LENGTH.unpack(received[: LENGTH.size])[0]:
        ready, _, _ = select.select([reader], [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            raise TooSlow
        piece = os.read(reader, 1 << 20)
        if not piece:
            raise TooSlow
        received += piece
    return received[LENGTH.size :]
