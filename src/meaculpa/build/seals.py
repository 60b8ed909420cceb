"""A seal on a run that left nothing to do: while all is as it was, the next one need not even load what builds.

It holds what the answer depended on, as far as the file system and the clock can say. Whatever is wrong with it,
there is none, and everything is looked at.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from meaculpa.build.program import made_by
from meaculpa.errors import Problem
from meaculpa.files import write_file
from meaculpa.folders import Stamp, Survey, find_missing, lists_of_people, stamps_of, survey
from meaculpa.manifest import MANIFEST_PATH

_FOLDER = Path(".meaculpa") / "seals"
_DIGEST_LENGTH = hashlib.sha256().digest_size


class Place(Struct, frozen=True):
    """Where a run has left everything: its name, and the version of its manifest.

    `sizes` are those of its files by path (None where any will do), as far as they can be asked for.
    """

    name: str
    version: str
    sizes: Mapping[str, int | None]


class Seal(Struct, frozen=True):
    """What a run was asked, what it depended on, from when until when its answer holds, and what it left where.

    `problems` and `findings` are what it told: none of them kept anything from going out. `build` names what lies at
    the first place.
    """

    asked: str
    program: str
    files: str
    since: datetime
    until: datetime
    build: str
    problems: tuple[Problem, ...]
    findings: tuple[Problem, ...]
    places: tuple[Place, ...]


class Beginning(Struct, frozen=True):
    """What has to be known before anything is read: the moment (nanoseconds), and who must not be named."""

    moment: int
    people: tuple[tuple[Path, Stamp], ...]


def begin(root: Path) -> Beginning:
    """Note what later says whether a run may be sealed."""
    return Beginning(time.time_ns(), lists_of_people(root))


def mark_of(stamps: Mapping[str, Stamp], begun: Beginning) -> str | None:
    """What identifies the state of all files, by their full paths; None where it may be changed again unseen."""
    every = [*sorted(stamps.items()), *((str(path), stamp) for path, stamp in begun.people)]
    if not all(stamp.is_sure(begun.moment) for _, stamp in every):
        return None
    # No path has a NUL in it, and to encode each by itself takes longer.
    paths = os.fsencode("\0".join(path for path, _ in every))
    return hashlib.sha256(msgspec.msgpack.encode((paths, [stamp for _, stamp in every]))).hexdigest()


def keep_seal(root: Path, command: str, seal: Seal | None) -> None:
    """Leave a seal for the next run of a command, or none; nothing depends on whether that works."""
    place = root / _FOLDER / command
    # A folder whose name is no text cannot be named in a seal.
    with contextlib.suppress(OSError, UnicodeError):
        if seal:
            body = msgspec.msgpack.encode(seal)
            write_file(place, hashlib.sha256(body).digest() + body)
            return
    _break(place)


def break_seals(root: Path) -> None:
    """Leave none, whatever was asked, as far as that is possible."""
    for place in (root / _FOLDER).glob("*"):
        _break(place)


def _break(place: Path) -> None:
    with contextlib.suppress(OSError):
        place.unlink(missing_ok=True)


def find_seal(root: Path, command: str, asked: str, now: datetime) -> tuple[Seal | None, Survey | None]:
    """Find what an earlier run of a command has left, if nothing that it depends on is another than it was.

    Whoever asks looks after the places. What was seen on the way is for whoever has to read it all.
    """
    seal = _read(root / _FOLDER / command)
    if seal is None or seal.asked != asked or not seal.since <= now < seal.until or seal.program != made_by():
        return None, None
    try:
        seen = survey(root)
        return (seal if mark_of(stamps_of(root, seen), begin(root)) == seal.files else None), seen
    except OSError:
        return None, None


def is_whole(place: Place, folder: Path) -> bool:
    """Whether everything in a folder is as a run has left it there."""
    try:
        version = hashlib.sha256((folder / MANIFEST_PATH).read_bytes()).hexdigest()
        return version == place.version and not find_missing(folder, place.sizes)
    except OSError:
        return False


def _read(place: Path) -> Seal | None:
    try:
        content = place.read_bytes()
        digest, body = content[:_DIGEST_LENGTH], content[_DIGEST_LENGTH:]
        return msgspec.msgpack.decode(body, type=Seal) if hashlib.sha256(body).digest() == digest else None
    except (OSError, ValueError):
        return None
