"""What builds of a project have made, kept in SQLite for the next process: it saves time and decides nothing.

Whatever is wrong with the file, there is no record and everything is made anew: it may be deleted at any time.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import meaculpa
from meaculpa.model import Markup
from meaculpa.render.safe import as_markup

RECORD = Path(".meaculpa") / "record.sqlite"
# Libraries that pages are made with, by the names of their modules and of their packages.
_LIBRARIES = {name: name for name in ("babel", "icalendar", "jinja2", "markdown", "markupsafe", "nh3", "pydantic")}
_LIBRARIES |= {"yaml": "pyyaml"}
_WAIT_SECONDS = 2.0
_MOST_AT_ONCE = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS made_by (version TEXT);
CREATE TABLE IF NOT EXISTS volumes (name TEXT PRIMARY KEY, key TEXT, digest TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS pages (path TEXT PRIMARY KEY, inputs TEXT, digest TEXT, size INT);
CREATE TABLE IF NOT EXISTS texts (digest TEXT, incident TEXT, html TEXT, seal TEXT, PRIMARY KEY (digest, incident));
CREATE INDEX IF NOT EXISTS texts_of ON texts (incident);
CREATE TABLE IF NOT EXISTS readings (
    path TEXT PRIMARY KEY, digest TEXT, modified INT, changed INT, size INT, inode INT
);
"""
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class MadePage:
    """A page that was made: what identifies its inputs, its digest, its size."""

    inputs: str
    digest: str
    size: int


class Record:
    """The record of one project; nothing in it ever raises, what cannot be read or written is not there.

    `doubts` counts how often it turned out to be wrong: what was taken from it before is to be forgotten.
    """

    def __init__(self, root: Path) -> None:
        self.doubts = 0
        self._place = root / RECORD
        self._rows: sqlite3.Connection | None = None
        self._is_open = False
        self._lock = threading.RLock()

    def volumes(self, key: str) -> dict[str, dict[str, Any]]:
        """Read the volumes that were made under a key, by name."""
        found = self._select("SELECT name, digest, body FROM volumes WHERE key = ?", (key,))
        return {name: json.loads(body) for name, digest, body in found if _digest(body) == digest}

    def keep_volumes(self, key: str, volumes: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep volumes; those of another key go."""
        bodies = {name: json.dumps(value, separators=(",", ":")) for name, value in volumes.items()}
        rows = [(name, key, _digest(body), body) for name, body in bodies.items()]
        self._write("DELETE FROM volumes WHERE key <> ?", [(key,)])
        self._write("INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, ?)", rows)

    def pages(self) -> dict[str, MadePage]:
        """Read which pages were made."""
        found = self._select("SELECT path, inputs, digest, size FROM pages")
        return {path: MadePage(inputs, digest, size) for path, inputs, digest, size in found}

    def keep_pages(self, pages: Mapping[str, MadePage], gone: Iterable[str]) -> None:
        """Keep pages, and forget others."""
        self._write("DELETE FROM pages WHERE path = ?", [(path,) for path in gone])
        rows = [(path, one.inputs, one.digest, one.size) for path, one in pages.items()]
        self._write("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)", rows)

    def texts(self, texts: Iterable[str]) -> dict[str, Markup]:
        """Find the markup of texts that were rendered; it has to be safe once more."""
        names = {_digest(text): text for text in texts}
        found: dict[str, Markup] = {}
        for some in _batches(names):
            marks = ",".join("?" * len(some))
            question = f"SELECT digest, html, seal FROM texts WHERE digest IN ({marks})"  # noqa: S608 (question marks)
            for name, html, seal in self._select(question, some):
                markup = as_markup(html)
                if markup.html == html and seal == _digest(name + html):
                    found[names[name]] = markup
        return found

    def keep_texts(self, texts: Mapping[str, Mapping[str, Markup]]) -> None:
        """Keep the markup of the texts of incidents by their ids: all of each, and nothing that it said before."""
        named = [(_digest(text), one, markup.html) for one, said in texts.items() for text, markup in said.items()]
        rows = [(name, one, html, _digest(name + html)) for name, one, html in named]
        self.forget_texts(texts)
        self._write("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)", rows)

    def speakers(self) -> set[str]:
        """The ids of the incidents whose texts it has."""
        return {one for (one,) in self._select("SELECT DISTINCT incident FROM texts")}

    def forget_texts(self, incidents: Iterable[str]) -> None:
        """Forget what incidents said."""
        self._write("DELETE FROM texts WHERE incident = ?", [(one,) for one in incidents])

    def readings(self) -> list[tuple[str, str, int, int, int, int]]:
        """Read what files held and how the file system described them: path, digest, and the four of a stamp."""
        return self._select("SELECT path, digest, modified, changed, size, inode FROM readings")

    def keep_readings(self, rows: Iterable[tuple[str, str, int, int, int, int]], gone: Iterable[str]) -> None:
        """Keep what files held, and forget others."""
        self._write("DELETE FROM readings WHERE path = ?", [(path,) for path in gone])
        self._write("INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?, ?, ?)", list(rows))

    def discard(self) -> None:
        """Begin anew."""
        with self._lock:
            self.doubts += 1
            self.close()
            with contextlib.suppress(OSError):
                for path in (self._place, *self._place.parent.glob(f"{self._place.name}-*")):
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; it is opened again when something is asked."""
        with self._lock:
            rows, self._rows, self._is_open = self._rows, None, False
            if rows:
                with contextlib.suppress(sqlite3.Error):
                    rows.close()

    def _select(self, question: str, values: Sequence[str] = ()) -> list[Any]:
        return self._try(lambda rows: rows.execute(question, values).fetchall(), [])

    def _write(self, order: str, values: Sequence[tuple[object, ...]]) -> None:
        def write(rows: sqlite3.Connection) -> None:
            with rows:
                rows.executemany(order, values)

        if values:
            self._try(write, None)

    def _try(self, act: Callable[[sqlite3.Connection], Given], otherwise: Given) -> Given:
        with self._lock:
            try:
                rows = self._opened()
                return act(rows) if rows else otherwise
            except (sqlite3.OperationalError, OSError):
                # Locked by another process, or nowhere to write: there is no record this time.
                self.close()
            except (sqlite3.Error, ValueError):
                self.discard()
            self._is_open = True
            return otherwise

    def _opened(self) -> sqlite3.Connection | None:
        if not self._is_open:
            self._is_open = True
            self._place.parent.mkdir(exist_ok=True)
            # Builds and deliveries run in threads of their own; the lock lets one in at a time.
            self._rows = sqlite3.connect(self._place, timeout=_WAIT_SECONDS, check_same_thread=False)
            self._prepare(self._rows)
        return self._rows

    def _prepare(self, rows: sqlite3.Connection) -> None:
        """Make the tables; what another version has made says nothing of what this one would make."""
        # What is lost with the machine is made again.
        rows.execute("PRAGMA synchronous = OFF")
        rows.executescript(_TABLES)
        known = [version for (version,) in rows.execute("SELECT version FROM made_by")]
        if known != [made_by()]:
            with rows:
                for table in ("volumes", "pages", "texts", "readings", "made_by"):
                    rows.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
                rows.execute("INSERT INTO made_by VALUES (?)", (made_by(),))


@cache
def made_by() -> str:
    """What identifies the program: its own files, and the versions of Python and of the libraries that make pages."""
    return _digest(repr((meaculpa.__version__, sys.version, sorted(_libraries()), sorted(_own_files()))))


def _libraries() -> Iterator[str]:
    """The folders that say which versions are installed; to read all that stands in them takes longer."""
    for module, package in _LIBRARIES.items():
        found = find_spec(module)
        place = Path(found.origin).parents[1] if found and found.origin else Path()
        yield from (name for name in os.listdir(place) if name.lower().startswith(f"{package}-"))  # noqa: PTH208


def _own_files() -> Iterator[tuple[str, int, int]]:
    for folder, _, names in os.walk(Path(meaculpa.__file__).parent):
        for name in names:
            if name.endswith(".py"):
                found = os.stat(f"{folder}/{name}")  # noqa: PTH116 (150 files at every start)
                yield f"{folder}/{name}", found.st_size, found.st_mtime_ns


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _MOST_AT_ONCE)):
        yield some
