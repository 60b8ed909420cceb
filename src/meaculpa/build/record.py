"""What builds of a project have made, kept in SQLite for the next process: it saves time and decides nothing.

Whatever is wrong with the file, there is no record and everything is made anew: it may be deleted at any time.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from meaculpa.build.program import made_by
from meaculpa.content.text import LARGEST_FILE
from meaculpa.model import Markup
from meaculpa.render.safe import as_markup

RECORD = Path(".meaculpa") / "record.sqlite"
_WAIT_SECONDS = 2.0
_MOST_AT_ONCE = 500
_LONGEST_HTML = 4 * LARGEST_FILE
_TABLES = """
CREATE TABLE IF NOT EXISTS made_by (version TEXT);
CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, key TEXT, body TEXT, seal TEXT, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS texts (digest TEXT, incident TEXT, html TEXT, seal TEXT, PRIMARY KEY (digest, incident));
CREATE INDEX IF NOT EXISTS texts_of ON texts (incident);
"""
# What SQLite says where a file is whole, and cannot be used now.
_NOT_NOW = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR")
Given = TypeVar("Given")
Row = TypeVar("Row")


class Record:
    """The record of one project; nothing in it ever raises, what cannot be read or written is not there.

    `doubts` counts how often it turned out to be wrong: what was taken from it before is to be forgotten.
    """

    def __init__(self, root: Path) -> None:
        self.doubts = 0
        self._place = root / RECORD
        self.folder = self._place.parent
        self._rows: sqlite3.Connection | None = None
        self._is_tried = False
        self._lock = threading.RLock()
        self._process = os.getpid()

    def recall(self, kind: str, key: str, shape: type[Row], make: Callable[[Row], Given]) -> dict[str, Given]:
        """Read the values of a kind that were kept under a key, by name.

        Of each, msgspec makes a `shape`, and `make` what is wanted, one after the other: all may be large together.
        """
        found = self._select("SELECT name, body, seal FROM kept WHERE kind = ? AND key = ?", (kind, key))
        decoder = msgspec.json.Decoder(shape)
        try:
            return {
                name: make(decoder.decode(body)) for name, body, seal in found if seal == _digest(f"{name} {body}")
            }
        except (ArithmeticError, TypeError, ValueError):
            self.discard()
            return {}

    def keep(self, kind: str, key: str, values: Iterable[tuple[str, Any]]) -> None:
        """Keep values of a kind, each with its name; those of another key go. They may be large: one at a time."""
        bodies = ((name, msgspec.json.encode(value).decode()) for name, value in values)
        rows = ((kind, name, key, body, _digest(f"{name} {body}")) for name, body in bodies)
        self._write("DELETE FROM kept WHERE kind = ? AND key <> ?", [(kind, key)])
        self._write("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", rows)

    def texts(self, texts: Iterable[str]) -> dict[str, Markup]:
        """Find the markup of texts that were rendered; it has to be safe once more."""
        found: dict[str, Markup] = {}
        if not self._select("SELECT 1 FROM texts LIMIT 1"):
            # A first build asks for the texts of thousands of incidents.
            return found
        names = {_digest(text): text for text in texts}
        for some in _batches(names):
            question = f"SELECT digest, html, seal FROM texts WHERE digest IN ({_marks(some)})"  # noqa: S608 (question marks)
            for name, html, seal in self._select(question, some):
                is_ours = isinstance(html, str) and seal == _digest(name + html) and len(html) <= _LONGEST_HTML
                markup = as_markup(html) if is_ours else None
                if markup and markup.html == html:
                    found[names[name]] = markup
        return found

    def keep_texts(self, texts: Mapping[str, Mapping[str, Markup]]) -> bool:
        """Keep the markup of the texts of incidents by their ids: all of each, and nothing that it said before.

        Gives whether it could.
        """
        wanted = {one: {_digest(text): markup.html for text, markup in said.items()} for one, said in texts.items()}
        before = self._names_by_incident(wanted)
        changed = {one: said for one, said in wanted.items() if before.get(one, set()) != said.keys()}
        rows = [
            (name, one, html, _digest(name + html)) for one, said in changed.items() for name, html in said.items()
        ]
        self.forget_texts(before.keys() & changed.keys())
        return self._write("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)", rows)

    def _names_by_incident(self, incidents: Iterable[str]) -> dict[str, set[str]]:
        """The digests of the texts that it has of incidents; those of which it has none are left out."""
        found: dict[str, set[str]] = {}
        for some in _batches(incidents):
            question = f"SELECT incident, digest FROM texts WHERE incident IN ({_marks(some)})"  # noqa: S608 (question marks)
            for one, name in self._select(question, some):
                found.setdefault(one, set()).add(name)
        return found

    def speakers(self) -> set[str]:
        """The ids of the incidents whose texts it has."""
        return {one for (one,) in self._select("SELECT DISTINCT incident FROM texts")}

    def forget_texts(self, incidents: Iterable[str]) -> None:
        """Forget what incidents said."""
        self._write("DELETE FROM texts WHERE incident = ?", [(one,) for one in incidents])

    def discard(self) -> None:
        """Begin anew; a file that is no database any more is deleted."""
        with self._lock:
            self.doubts += 1
            try:
                self._empty(self._opened())
            except (sqlite3.Error, ValueError, OSError):
                self.close()
                with contextlib.suppress(OSError):
                    self._place.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; it is opened again when something is asked."""
        with self._lock:
            rows, self._rows, self._is_tried = self._rows, None, False
            if rows:
                with contextlib.suppress(sqlite3.Error):
                    rows.close()

    def _select(self, question: str, values: Sequence[str] = ()) -> list[Any]:
        return self._try(lambda rows: rows.execute(question, values).fetchall(), [])

    def _write(self, order: str, values: Iterable[tuple[object, ...]]) -> bool:
        """Write rows, all or none; gives whether they are there."""

        def write(rows: sqlite3.Connection) -> bool:
            with rows:
                rows.executemany(order, values)
            return True

        return self._try(write, False)

    def _try(self, act: Callable[[sqlite3.Connection], Given], otherwise: Given) -> Given:
        with self._lock:
            try:
                rows = self._opened()
                return act(rows) if rows else otherwise
            except OSError:
                self.close()
            except (sqlite3.Error, ArithmeticError, ValueError) as error:
                if not str(getattr(error, "sqlite_errorname", "")).startswith(_NOT_NOW):
                    self.discard()
                self.close()
            # Until somebody lets go of it, there is no record: nobody waits for it twice.
            self._is_tried = True
            return otherwise

    def _opened(self) -> sqlite3.Connection | None:
        if os.getpid() != self._process:
            # A copy of the process must not use what the original has opened (sqlite.org/howtocorrupt.html, 2.6).
            return None
        if not self._is_tried:
            self._is_tried = True
            self._place.parent.mkdir(exist_ok=True)
            # Builds and deliveries run in threads of their own; the lock lets one in at a time.
            self._rows = sqlite3.connect(self._place, timeout=_WAIT_SECONDS, check_same_thread=False)
            self._prepare(self._rows)
        return self._rows

    def _prepare(self, rows: sqlite3.Connection) -> None:
        """Make the tables; what another version has made says nothing of what this one would make."""
        # What is lost with the machine is made again; what is forgotten must not be found in the file.
        rows.execute("PRAGMA synchronous = OFF")
        rows.execute("PRAGMA secure_delete = ON")
        rows.executescript(_TABLES)
        if [version for (version,) in rows.execute("SELECT version FROM made_by")] != [made_by()]:
            self._empty(rows)

    def _empty(self, rows: sqlite3.Connection | None) -> None:
        if rows:
            with rows:
                for table in ("kept", "texts", "made_by"):
                    rows.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
                rows.execute("INSERT INTO made_by VALUES (?)", (made_by(),))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _MOST_AT_ONCE)):
        yield some
