"""Writes a file whole or not at all, and one writer at a time."""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

# That of the original in a copy of it as well: what a copy leaves when it is killed is written again, and goes then.
_PROCESS = os.getpid()
_AFRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


def write_file(path: Path, body: bytes) -> None:
    """Write a file by way of a temporary one beside it; what it replaces lends it its mode.

    Paths are plain texts here: this is called for every file of a site.
    """
    place = str(path)
    folder, name = os.path.split(place)
    temporary = os.path.join(folder, f".{name[:100]}.{_PROCESS}-{threading.get_ident()}.tmp")  # noqa: PTH118
    try:
        _write_new(temporary, body)
        mode = _mode_of(place)
        if mode is not None:
            os.chmod(temporary, mode)  # noqa: PTH101
        os.replace(temporary, place)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def _mode_of(path: str) -> int | None:
    """The mode of a file, None where there is none to be seen."""
    try:
        return os.stat(path).st_mode & 0o777  # noqa: PTH116
    except OSError:
        return None


def _write_new(path: str, body: bytes) -> None:
    try:
        handle = os.open(path, _AFRESH, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        handle = os.open(path, _AFRESH, 0o666)
    try:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)


def create_file(path: Path, body: bytes) -> None:
    """Write a new file; raises FileExistsError rather than replace one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(body)


def set_aside(path: Path, folder: Path) -> Path:
    """Move a file into a folder that only its owner may read, beside what is there already; gives its new place."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = folder / path.name
    number = 2
    while place.exists():
        place = folder / f"{path.stem}-{number}{path.suffix}"
        number += 1
    # Another file system is no reason to leave it, nor is another owner.
    shutil.move(path, place)
    with contextlib.suppress(OSError):
        place.chmod(0o600)
    return place


@contextlib.contextmanager
def alone(path: Path) -> Iterator[Callable[[], None]]:
    """Be the only process within this block; raises BlockingIOError, with the other's number as its text.

    Gives what to call now and then: a lock whose file was deleted keeps nobody out, so it is taken anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        claimed = _claim(path, held)

        def renew() -> None:
            nonlocal claimed
            # While a project is being replaced there is no folder for a moment, and none is made in its place.
            if path.parent.parent.is_dir() and identity(path) != claimed:
                with held.pop_all(), _but_for_another():
                    path.parent.mkdir(exist_ok=True)
                    claimed = _claim(path, held)

        yield renew


@contextlib.contextmanager
def _but_for_another() -> Iterator[None]:
    """Let pass only that another process was quicker; a full disk is no reason to end."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError:
        return


def _claim(path: Path, held: contextlib.ExitStack) -> tuple[int, int] | None:
    """Lock a file until the end of a block, and write our number into it."""
    lock = held.enter_context(path.open("a+", encoding="ascii"))
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BlockingIOError(lock.read(20)) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return identity(path)


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file or folder from another one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_dev


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process is between its reading and its writing in a folder, where the system can say so."""
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
