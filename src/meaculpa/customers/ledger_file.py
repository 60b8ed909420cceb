"""The file of the ledger: SQLite, every write on the disk before it counts, for its owner alone."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from meaculpa.customers.ledger import Ledger
from meaculpa.errors import Refused

VERSION = 1
_SCHEMA = """
CREATE TABLE letters (
    incident TEXT NOT NULL, stage TEXT NOT NULL, recipient TEXT NOT NULL,
    customer TEXT NOT NULL, message_id TEXT NOT NULL, plan TEXT NOT NULL,
    state TEXT NOT NULL, at TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT '',
    goodwill TEXT NOT NULL DEFAULT '0', currency TEXT NOT NULL DEFAULT '', codes TEXT NOT NULL DEFAULT '',
    due TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (incident, stage, recipient)
) WITHOUT ROWID;
CREATE INDEX letters_by_message ON letters (message_id);
CREATE INDEX letters_by_answer ON letters (answer);
CREATE INDEX letters_by_customer ON letters (customer);
CREATE TABLE promises (
    incident TEXT NOT NULL, recipient TEXT NOT NULL, customer TEXT NOT NULL,
    address TEXT, locale TEXT, facts TEXT, promised_at TEXT NOT NULL, closed_at TEXT, is_kept INTEGER,
    PRIMARY KEY (incident, recipient)
) WITHOUT ROWID;
CREATE TABLE settlements (
    incident TEXT NOT NULL, order_id TEXT NOT NULL, what TEXT NOT NULL, settled_on TEXT NOT NULL,
    PRIMARY KEY (incident, order_id, what)
) WITHOUT ROWID;
CREATE TABLE boxes (
    incident TEXT NOT NULL, stage TEXT NOT NULL, recipient TEXT NOT NULL,
    content TEXT NOT NULL, name BLOB NOT NULL, box BLOB NOT NULL, until TEXT NOT NULL,
    PRIMARY KEY (incident, stage, recipient)
) WITHOUT ROWID;
CREATE TABLE shelves (
    incident TEXT NOT NULL, stage TEXT NOT NULL, target TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (incident, stage, target)
) WITHOUT ROWID;
CREATE TABLE handovers (incident TEXT PRIMARY KEY, at TEXT NOT NULL, mark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE received (incident TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_PATIENCE_FOR_OTHERS = 30.0


@contextmanager
def open_ledger(path: Path, patience: float = _PATIENCE_FOR_OTHERS) -> Iterator[Ledger]:
    """Open the ledger, or make a new one that only its owner may read; waits `patience` seconds for other processes.

    Raises Refused for a file that is none, that is damaged, or that cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        path.touch(mode=0o600)
    try:
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        with closing(connection):
            _prepare(connection, path)
            yield Ledger(connection)
    except sqlite3.OperationalError as error:
        hint = "another process holds it, or this one may not write there; try again"
        raise Refused(f"{path} cannot be used: {error} ({hint})") from error
    except sqlite3.DatabaseError as error:
        # Not an older copy in its place: whoever was written to since then would get a second letter.
        raise Refused(f"{path} is no ledger, or damaged: {error}; send nothing before it is mended") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # What is deleted is overwritten: an address that was promised to be forgotten is.
    connection.execute("PRAGMA secure_delete=ON")
    version = _version(connection)
    if version > VERSION:
        raise Refused(f"{path} was written by a newer meaculpa (version {version} of the ledger); update this one")
    if version < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have been quicker.
        if _version(connection) < VERSION:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO secrets VALUES ('message_id', ?)", (os.urandom(32),))
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
