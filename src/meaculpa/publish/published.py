"""What a target holds: its index, and of the shards those that differ from ours."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct, field

from meaculpa.manifest import MANIFEST_PATH, Index, Listing, Shard, read_index, read_shard, shard_path, shards_to_read
from meaculpa.publish.target import ABSENT, Stored, Target

Given = TypeVar("Given")
_LOOK_AGAIN = (0.1, 0.3)
_MOST_REMEMBERED = 64 * 1024 * 1024


class Published(Struct, frozen=True):
    """What a target holds, as far as it differs from what we have."""

    index: Index | None
    version: str
    stored: Mapping[str, Shard]


class Standing(Struct):
    """What this process remembers of a target between two publishes.

    `version` is that of the index as we left it; while it is still that, `recent` holds the files that we wrote last.
    `listing` is that of our last build, `looked` is when it was last seen that nothing is lost (monotonic seconds).
    """

    checked: bool = False
    version: str | None = None
    listing: Listing = field(default_factory=Listing)
    looked: float | None = None
    recent: dict[str, Stored] = field(default_factory=dict)
    size: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def remember(self, path: str, stored: Stored) -> None:
        """Keep what was written, by whichever thread; what was written longest ago makes room."""
        with self.lock:
            self.drop(path)
            self.recent[path] = stored
            self.size += len(stored.body)
            while self.size > _MOST_REMEMBERED:
                self.drop(next(iter(self.recent)))

    def drop(self, path: str) -> None:
        """Forget a file."""
        with self.lock:
            before = self.recent.pop(path, None)
            self.size -= len(before.body) if before else 0

    def forget(self) -> None:
        """Somebody else was there: nothing that we know is certain any more."""
        self.version, self.looked, self.size = None, None, 0
        self.recent.clear()


def read_head(target: Target, standing: Standing, patience: float) -> tuple[Index | None, str]:
    """Read the index; while another publisher is in the middle of it, waits for up to `patience` seconds."""
    found = _settled(target, standing, patience)
    if found is None or found.version != standing.version:
        standing.forget()
    return (read_index(found.body), found.version) if found else (None, ABSENT)


def read_published(target: Target, index: Index | None, version: str, wanted: Mapping[str, Shard]) -> Published:
    """Read the shards that differ from what is wanted."""
    paths = {name: shard_path(name, digest) for name, digest in shards_to_read(wanted, index).items()}
    bodies = read_all(target, paths.values())
    # A shard that is gone says nothing; what it listed is uploaded again.
    stored = {
        name: read_shard(bodies[path].body, path) if path in bodies else Shard() for name, path in paths.items()
    }
    return Published(index, version, stored)


def _settled(target: Target, standing: Standing, patience: float) -> Stored | None:
    """Read the index; one that says that somebody is publishing gets time to say that it is done."""
    found = target.read(MANIFEST_PATH)
    limit = time.monotonic() + patience
    while found and found.version != standing.version and read_index(found.body).pending:
        if time.monotonic() >= limit:
            break
        time.sleep(random.uniform(*_LOOK_AGAIN))  # noqa: S311 (only to come at different times)
        again = target.read(MANIFEST_PATH)
        if again is None or again.version != found.version:
            limit = time.monotonic() + patience
        found = again
    return found


def read_all(target: Target, paths: Collection[str]) -> dict[str, Stored]:
    """Read files side by side; those that are not there are left out."""
    found = zip(paths, side_by_side(target, target.read, paths), strict=True)
    return {path: stored for path, stored in found if stored}


def side_by_side(target: Target, act: Callable[[str], Given], paths: Iterable[str]) -> list[Given]:
    """Do something for each path, as many at once as the target likes; a failure is raised when all have ended."""
    every = list(paths)
    if target.writers == 1 or len(every) < 2:
        return [act(path) for path in every]
    with ThreadPoolExecutor(target.writers) as threads:
        running = [threads.submit(act, path) for path in every]
    return [one.result() for one in running]
