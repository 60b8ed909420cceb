"""Compiled templates, kept in the user's own cache folder, as Python keeps its modules compiled beside them."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from meaculpa.build.program import made_by
from meaculpa.files import write_file

_KEPT_SECONDS = 30 * 24 * 3600


class CompiledTemplates(BytecodeCache):
    """A folder for each version of the program; where the user has none of their own, nothing is kept.

    What is in them is run, so they are not kept in the project, which others may write to.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a template if it was compiled before."""
        try:
            place = _place(bucket)
            if _is_ours(place.parent):
                bucket.bytecode_from_string(place.read_bytes())
        except Exception:
            # Whatever is wrong with a file that saves time, it is made again.
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        with contextlib.suppress(OSError, RuntimeError):
            place = _place(bucket)
            if not place.parent.is_dir():
                place.parent.mkdir(parents=True, mode=0o700)
                _drop_old(place.parent.parent)
            if _is_ours(place.parent):
                write_file(place, bucket.bytecode_to_string())


def _drop_old(folder: Path) -> None:
    """Delete what versions left that have not been in use for a while."""
    for other in folder.iterdir():
        if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can put anything into a folder."""
    found = folder.stat()
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)


def _place(bucket: Bucket) -> Path:
    """Where a template lies, one of few places for each; raises RuntimeError where the user has no home."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return folder / "meaculpa" / "templates" / made_by()[:16] / f"{bucket.key}-{bucket.checksum[:2]}"
