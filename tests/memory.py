"""A target that forgets: for trying a publish without a place to publish to."""

import hashlib
from collections.abc import Callable, Mapping

from meaculpa.model import OutputFile
from meaculpa.publish.target import Conflict, Stored


class MemoryTarget:
    """Files in a dictionary; `log` lists every operation in order."""

    writers = 1

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.files: dict[str, OutputFile] = {}
        self.log: list[tuple[str, str]] = []

    def describe(self) -> str:
        """Name the place for people."""
        return "memory"

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""
        self.log.append(("read", path))
        file = self.files.get(path)
        return Stored(file.body, hashlib.sha256(file.body).hexdigest()) if file else None

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file and give its version; raises Conflict when it is not as expected."""
        if expected is not None:
            found = self.files.get(file.path)
            version = hashlib.sha256(found.body).hexdigest() if found else ""
            if version != expected:
                raise Conflict(f"{file.path} was changed by somebody else")
        self.log.append(("write", file.path))
        self.files[file.path] = file
        return hashlib.sha256(file.body).hexdigest()

    def delete(self, path: str) -> None:
        """Delete a file."""
        self.log.append(("delete", path))
        self.files.pop(path, None)

    def names(self, folder: str) -> list[str]:
        """List paths that begin so."""
        return [path for path in self.files if path.startswith(folder)]

    def lost(self, sizes: Mapping[str, int | None], thoroughly: bool = False) -> set[str]:
        """Nothing gets lost here but by the hand of a test."""
        return {path for path in sizes if path not in self.files}

    def allow(self, seconds: float) -> None:
        """There is nothing here to wait for."""

    def heeds_conditions(self) -> bool:
        """It does."""
        return True

    def forget_versions(self, is_ours: Callable[[str], bool]) -> int:
        """There are none."""
        return 0
