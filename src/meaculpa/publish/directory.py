"""A folder as a target: every file appears whole or not at all."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from meaculpa.errors import TargetError
from meaculpa.files import write_file
from meaculpa.model import OutputFile
from meaculpa.publish.target import Conflict, Stored


class DirectoryTarget:
    """A folder on this machine."""

    writers = 1

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def describe(self) -> str:
        """Name the place for people."""
        return str(self.folder)

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""
        try:
            body = self._place(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TargetError(f"{self._place(path)} cannot be read: {error.strerror}") from error
        return Stored(body, hashlib.sha256(body).hexdigest())

    def write(self, file: OutputFile, expected: str | None = None) -> None:
        """Write a file; raises Conflict when it is not as expected."""
        if expected is not None:
            found = self.read(file.path)
            if (found.version if found else "") != expected:
                raise Conflict(f"{self._place(file.path)} was changed by another process")
        try:
            write_file(self._place(file.path), file.body)
        except OSError as error:
            raise TargetError(f"{self._place(file.path)} cannot be written: {error.strerror}") from error

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        place = self._place(path)
        try:
            place.unlink(missing_ok=True)
            for folder in place.parents:
                if folder == self.folder or any(folder.iterdir()):
                    break
                folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise TargetError(f"{place} cannot be deleted: {error.strerror}") from error

    def lost(self, paths: Iterable[str]) -> set[str]:
        """Find published files that somebody has deleted."""
        return {path for path in paths if not self._place(path).is_file()}

    def _place(self, path: str) -> Path:
        return self.folder / path
