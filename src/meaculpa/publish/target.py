"""What a place to publish to must be able to do."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from meaculpa.errors import TargetError
from meaculpa.model import OutputFile

ABSENT = ""


class Stored(Struct, frozen=True):
    """A stored file, and the version by which a later write can tell that nobody changed it meanwhile."""

    body: bytes
    version: str


class Conflict(TargetError):
    """Somebody else wrote a file since it was read."""


class Target(Protocol):
    """A place that holds files by path. All its failures are TargetErrors that name what failed.

    `writers` is how many files may be under way at once.
    """

    name: str
    writers: int

    def describe(self) -> str:
        """Name the place for people."""

    def allow(self, seconds: float) -> None:
        """Give up whatever is not done within so many seconds from now."""

    def heeds_conditions(self) -> bool:
        """Whether a write under a condition fails when it should; asks the place, and writes there."""

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file with its headers; gives its new version.

        With `expected` only if it still has that version (`ABSENT`: if there is none); raises Conflict otherwise.
        """

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""

    def names(self, folder: str) -> list[str]:
        """List the paths of all files whose path begins so; raises TargetError."""

    def lost(self, sizes: Mapping[str, int | None], thoroughly: bool = False) -> set[str]:
        """Find which of these files are not there, or not with this size (None: any).

        Where looking costs requests, it is only done `thoroughly`; raises TargetError.
        """

    def forget_versions(self, is_ours: Callable[[str], bool]) -> int:
        """Erase what the place itself keeps of overwritten and deleted files of ours; gives how many there were."""
