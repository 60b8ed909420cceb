"""A folder as a target: every file appears whole or not at all."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from meaculpa.errors import TargetError
from meaculpa.files import one_at_a_time, write_file
from meaculpa.folders import find_missing
from meaculpa.model import OutputFile
from meaculpa.publish.target import Conflict, Stored
from meaculpa.render.headers import on_disk


class DirectoryTarget:
    """A folder on this machine."""

    writers = 1

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def describe(self) -> str:
        """Name the place for people."""
        return str(self.folder)

    def allow(self, seconds: float) -> None:
        """Let a folder take its time: nothing here waits for a network."""

    def heeds_conditions(self) -> bool:
        """A lock on the folder sees to it."""
        return True

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""
        try:
            body = self._file(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TargetError(f"{self._file(path)} cannot be read: {error.strerror}") from error
        return Stored(body, hashlib.sha256(body).hexdigest())

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file and give its version; raises Conflict when it is not as expected."""
        if expected is None:
            self._write(file)
            return ""
        try:
            with one_at_a_time(self.folder):
                found = self.read(file.path)
                if (found.version if found else "") != expected:
                    raise Conflict(f"{self._file(file.path)} was changed by another process")
                self._write(file)
        except OSError as error:
            raise TargetError(f"{self.folder} cannot be used: {error.strerror}") from error
        return hashlib.sha256(file.body).hexdigest()

    def _write(self, file: OutputFile) -> None:
        try:
            write_file(self._file(file.path), file.body)
        except OSError as error:
            raise TargetError(f"{self._file(file.path)} cannot be written: {error.strerror}") from error

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        place = self._file(path)
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

    def names(self, folder: str) -> list[str]:
        """List the paths of all files in a folder."""
        place = self._place(folder)
        try:
            found = [path for path in place.rglob("*") if path.is_file()]
        except OSError as error:
            raise TargetError(f"{place} cannot be read: {error.strerror}") from error
        return [path.relative_to(self.folder).as_posix() for path in found]

    def lost(self, sizes: Mapping[str, int | None], thoroughly: bool = False) -> set[str]:
        """Find published files that somebody has deleted, or cut or lengthened by hand; that costs no request."""
        del thoroughly
        try:
            return find_missing(self.folder, sizes)
        except OSError as error:
            raise TargetError(f"{self.folder} cannot be read: {error.strerror}") from error

    def forget_versions(self, is_ours: Callable[[str], bool]) -> int:
        """A folder keeps no versions."""
        del is_ours
        return 0

    def _file(self, path: str) -> Path:
        return self._place(on_disk(path))

    def _place(self, path: str) -> Path:
        place = self.folder / path
        if ".." in place.parts or not place.is_relative_to(self.folder):
            raise TargetError(f'"{path}" leads out of {self.folder}')
        return place
