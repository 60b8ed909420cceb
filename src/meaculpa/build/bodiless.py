"""Files of which everything is known but the body: it is made, or read from disk, when somebody wants it."""

import errno
import os
import tempfile
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import IO

from meaculpa.build.record import Record
from meaculpa.errors import Outdated
from meaculpa.model import OutputFile
from meaculpa.render.headers import cache_control, content_type

# Most builds make less than this; the first one of a long history would fill the memory.
ROOM = 24 * 2**20


class BodilessFile(OutputFile):
    """A file without its body; `fetch` gets it."""

    def __init__(
        self, path: str, digest: str, size: int, fetch: Callable[[], bytes], leads_to: str | None = None
    ) -> None:
        facts = {"path": path, "digest": digest, "leads_to": leads_to}
        self.__dict__.update(facts, _size=size, _fetch=fetch)

    @property
    def size(self) -> int:
        """The length of its body in bytes."""
        return int(self.__dict__["_size"])

    @property
    def content_type(self) -> str:
        """What it is served as."""
        return content_type(self.path)

    @property
    def cache_control(self) -> str:
        """How long it may be kept."""
        return cache_control(self.path)

    @property
    def body(self) -> bytes:
        """Get it; raises Outdated where a file is not made any more as it was promised."""
        found: bytes = self.__dict__["_fetch"]()
        return found


def unmade(path: str, digest: str, size: int, make: Callable[[], OutputFile], record: Record) -> OutputFile:
    """A file that was made before; raises Outdated where it is not what it was, and the record is worth nothing."""

    def fetch() -> bytes:
        made = make()
        if made.digest != digest:
            record.discard()
            raise Outdated(f"{path} is not what it was when it was last made; run it once more")
        return made.body

    return BodilessFile(path, digest, size, fetch)


class Shelf:
    """Keeps bodies in memory while there is room, then in one file without a name, as long as anybody has them."""

    def __init__(self) -> None:
        self._room = ROOM
        self._file: IO[bytes] | None = None
        self._length = 0
        self._lock = threading.Lock()

    def put(self, file: OutputFile) -> OutputFile:
        """Give a file that is the same; where the disk takes no more it stays in memory."""
        self._room -= file.size
        if self._room >= 0:
            return file
        try:
            start = self._write(file.body)
        except OSError:
            return file
        return BodilessFile(file.path, file.digest, file.size, partial(self._read, start, file.size), file.leads_to)

    def _write(self, body: bytes) -> int:
        """Write a body behind the others; raises OSError unless all of it is there."""
        with self._lock:
            if self._file is None:
                # Without a buffer: what does not fit must be known at once.
                self._file = tempfile.TemporaryFile(prefix="meaculpa-", buffering=0)  # noqa: SIM115 (open while in use)
                weakref.finalize(self, self._file.close)
            start = self._file.seek(self._length)
            if self._file.write(body) < len(body):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._length += len(body)
            return start

    def _read(self, start: int, size: int) -> bytes:
        assert self._file  # noqa: S101 (it was written to)
        # Couriers of several targets may read at once.
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)
