"""Which program this is: what another one has left behind says nothing of what this one would make."""

import contextlib
import hashlib
import os
import sys
import zoneinfo
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import meaculpa

# Libraries that pages are made with, by the names of their modules and of their packages.
_LIBRARIES = {
    name: name for name in ("babel", "icalendar", "jinja2", "markdown", "markupsafe", "msgspec", "nh3", "pydantic")
}
_LIBRARIES |= {"yaml": "pyyaml", "tzdata": "tzdata"}


@cache
def made_by() -> str:
    """What identifies the program: its own files, and the versions of Python, of libraries, and of time zones."""
    facts = (meaculpa.__version__, sys.version, sorted(_libraries()), sorted(_zones()), sorted(_own_files()))
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()


def _zones() -> Iterator[tuple[str, int]]:
    for folder in zoneinfo.TZPATH:
        for name in ("tzdata.zi", "+VERSION", "zone.tab"):
            with contextlib.suppress(OSError):
                yield f"{folder}/{name}", os.stat(f"{folder}/{name}").st_mtime_ns  # noqa: PTH116


def _libraries() -> Iterator[str]:
    """The folders that say which versions are installed; to read all that stands in them takes longer."""
    for module, package in _LIBRARIES.items():
        found = find_spec(module)
        if found is None or found.origin is None:
            continue
        place = Path(found.origin).parents[1]
        yield from (name for name in os.listdir(place) if name.lower().startswith(f"{package}-"))  # noqa: PTH208


def _own_files() -> Iterator[tuple[str, int, int]]:
    for folder, _, names in os.walk(Path(meaculpa.__file__).parent):
        for name in names:
            if name.endswith(".py"):
                found = os.stat(f"{folder}/{name}")  # noqa: PTH116 (150 files at every start)
                yield f"{folder}/{name}", found.st_size, found.st_mtime_ns
