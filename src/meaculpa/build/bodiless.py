"""Files of which everything is known but the body: it is made, or read from disk, when somebody wants it."""

import contextlib
import errno
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

from meaculpa.build.record import Record
from meaculpa.errors import Outdated
from meaculpa.model import OutputFile
from meaculpa.render.headers import cache_control, content_type, output_file

# Most builds make less than this; the first one of a long history would fill the memory.
ROOM = 12 * 2**20
# The site is going to be written to the same disk.
_LEAST_FREE = 2**30
# Sets what is frozen.
_set = object.__setattr__


class BodilessFile(OutputFile):
    """A file without its body. There are two for each incident of an archive, so each holds little.

    `size` is the length of its body in bytes.
    """

    __slots__ = ("size",)
    size: int

    def __init__(self, path: str, digest: str, size: int, leads_to: str | None = None) -> None:
        # One after the other: a dictionary that is filled at once takes twice the memory.
        _set(self, "path", path)
        _set(self, "digest", digest)
        _set(self, "leads_to", leads_to)
        _set(self, "size", size)

    @property
    def content_type(self) -> str:
        """What it is served as."""
        return content_type(self.path)

    @property
    def cache_control(self) -> str:
        """How long it may be kept."""
        return cache_control(self.path)


class UnmadeFile(BodilessFile):
    """A file that was made before; `make` makes it again by its path."""

    def __init__(self, path: str, digest: str, size: int, make: Callable[[str], OutputFile], record: Record) -> None:
        super().__init__(path, digest, size)
        _set(self, "make", make)
        _set(self, "record", record)

    @property
    def body(self) -> bytes:
        """Make it; raises Outdated where it is not what it was, and then the record is worth nothing."""
        made: OutputFile = self.__dict__["make"](self.path)
        if made.digest != self.digest:
            self.__dict__["record"].discard()
            raise Outdated(f"{self.path} is not what it was when it was last made; run it once more")
        return made.body


class ShelvedFile(BodilessFile):
    """A file whose body lies on a shelf, from `start` on."""

    def __init__(self, file: OutputFile, shelf: "Shelf", start: int) -> None:
        super().__init__(file.path, file.digest, file.size, file.leads_to)
        _set(self, "shelf", shelf)
        _set(self, "start", start)

    @property
    def body(self) -> bytes:
        """Read it; raises Outdated where the disk has lost it, and then everything is made anew."""
        facts = self.__dict__
        body: bytes = facts["shelf"].read(facts["start"], self.size)
        if output_file(self.path, body).digest != self.digest:
            facts["shelf"].record.discard()
            raise Outdated(f"{self.path} was lost on the way; run it once more")
        return body

    def taken_back(self) -> OutputFile:
        """The same file with its body in memory."""
        return OutputFile(self.path, self.body, self.content_type, self.cache_control, self.digest, self.leads_to)


class Shelf:
    """Keeps the bodies of one build in memory while there is room, then in a file without a name beside the record.

    The file is there as long as anybody has a body in it. Without a record, or where its disk has little left, all
    bodies stay in memory.
    """

    def __init__(self, record: Record | None) -> None:
        self.record = record
        self._takes_more = record is not None
        self._room = ROOM
        self._file: IO[bytes] | None = None
        self._length = 0
        self._lock = threading.Lock()

    @property
    def is_used(self) -> bool:
        """Whether any body lies on the disk."""
        return self._length > 0

    def put(self, file: OutputFile) -> OutputFile:
        """Give a file that is the same."""
        self._room -= file.size
        if self._room >= 0 or not self._takes_more:
            return file
        try:
            return ShelvedFile(file, self, self.lay(file.body))
        except OSError:
            # What did not work once is not tried for each of thousands.
            self._takes_more = False
            return file

    def open(self) -> None:
        """Open its file; raises OSError where it cannot lie there."""
        assert self.record  # noqa: S101 (without one it takes nothing)
        self._file = _file_without_name(self.record.folder)
        weakref.finalize(self, self._file.close)

    def lay(self, body: bytes) -> int:
        """Write a body behind the others and give where it begins; raises OSError unless all of it is there."""
        with self._lock:
            if self._file is None:
                self.open()
            assert self._file  # noqa: S101 (it is open)
            start = self._file.seek(self._length)
            if self._file.write(body) < len(body):
                raise _full()
            self._length += len(body)
            return start

    def find(self, file: BodilessFile, start: int) -> OutputFile:
        """Give a file whose body a copy of this process has laid there."""
        self._length = max(self._length, start + file.size)
        return ShelvedFile(file, self, start)

    def read(self, start: int, size: int) -> bytes:
        """Read a body; what cannot be read is empty."""
        assert self._file  # noqa: S101 (it was written to)
        # Couriers of several targets may read at once, and so may a copy of this process, at the same place.
        with self._lock, contextlib.suppress(OSError):
            if hasattr(os, "pread"):
                return os.pread(self._file.fileno(), size, start)
            self._file.seek(start)
            return self._file.read(size)
        return b""


def _file_without_name(folder: Path) -> IO[bytes]:
    """Without a buffer, for what does not fit must be known at once; raises OSError where others need the space."""
    if shutil.disk_usage(folder).free < _LEAST_FREE:
        raise _full()
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def _full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
