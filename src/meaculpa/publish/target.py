"""What a place to publish to must be able to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from meaculpa.errors import TargetError
from meaculpa.model import OutputFile

ABSENT = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file, and the version by which a later write can tell that nobody changed it meanwhile."""

    body: bytes
    version: str


class Conflict(TargetError):
    """Somebody else wrote a file since it was read."""


class Target(Protocol):
    """A place that holds files by path. All its failures are TargetErrors that name what failed."""

    name: str
    writers: int

    def describe(self) -> str:
        """Name the place for people."""

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file with its headers; gives its new version.

        With `expected` only if it still has that version (`ABSENT`: if there is none); raises Conflict otherwise.
        """

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""

    def lost(self, files: Mapping[str, OutputFile]) -> set[str]:
        """Of files that should be there, find those that are known not to be, where that costs nothing."""
