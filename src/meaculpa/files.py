"""Writes a file whole or not at all."""

import os
import tempfile
from pathlib import Path

_ORDINARY_MODE = 0o644


def write_file(path: Path, body: bytes) -> None:
    """Write a file by way of a temporary one beside it, keeping the mode of what it replaces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else _ORDINARY_MODE)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def create_file(path: Path, body: bytes) -> None:
    """Write a new file; raises FileExistsError rather than replace one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        stream.write(body)
