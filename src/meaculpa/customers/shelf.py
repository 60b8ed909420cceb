"""Letters on the page: sealed once, kept so, laid out on the status host, and withdrawn when their time is over."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from meaculpa.customers.ledger import Ledger
from meaculpa.customers.sealing import Sealed, campaign_of, fill_shards, seal, token_of
from meaculpa.files import create_file
from meaculpa.model import OutputFile

FOLDER = "letters"
_CACHING = "public, max-age=60"
_SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Shelf:
    """The letters of one stage of one incident as they lie on the page; `digest` identifies all their bytes."""

    incident: str
    stage: str
    count: int
    until: date | None
    digest: str


def read_secret(path: Path) -> bytes:
    """Read the secret from which links and keys follow, or make it; its owner alone may read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        old = os.umask(0o077)
        try:
            create_file(path, os.urandom(_SECRET_LENGTH).hex().encode())
        except FileExistsError:
            pass
        finally:
            os.umask(old)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def seal_letters(
    ledger: Ledger,
    incident: str,
    stage: str,
    letters: Iterable[tuple[str, Mapping[str, Any]]],
    secret: bytes,
    until: date,
) -> None:
    """Seal letters, by recipient, that are not sealed already as they are; each box is made once and kept."""
    campaign = campaign_of(secret, incident, stage)
    query = "SELECT recipient, content FROM boxes WHERE incident = ? AND stage = ?"
    known = dict(ledger.rows(query, incident, stage))
    with ledger.transaction() as rows:
        for recipient, content in letters:
            digest = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()
            if known.get(recipient) == digest:
                continue
            token = token_of(secret, incident, stage, recipient)
            sealed = seal(content, token, campaign, os.urandom(12))
            rows.execute(
                "INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?)",
                (incident, stage, recipient, digest, sealed.name, sealed.box, until.isoformat()),
            )


def withdraw(ledger: Ledger, today: date, incident: str | None = None) -> int:
    """Forget the letters whose time is over, or all of an incident; gives how many. Shelves are then laid anew."""
    with ledger.transaction() as rows:
        if incident is not None:
            return rows.execute("DELETE FROM boxes WHERE incident = ?", (incident,)).rowcount
        return rows.execute("DELETE FROM boxes WHERE until < ?", (today.isoformat(),)).rowcount


def find_shelves(ledger: Ledger) -> list[Shelf]:
    """Find every shelf that lies, or ought to lie, on the page."""
    query = "SELECT incident, stage FROM boxes UNION SELECT incident, stage FROM shelves"
    return [_shelf(ledger, incident, stage) for incident, stage in ledger.rows(query)]


def _shelf(ledger: Ledger, incident: str, stage: str) -> Shelf:
    query = "SELECT name, box, until FROM boxes WHERE incident = ? AND stage = ? ORDER BY recipient"
    found = ledger.rows(query, incident, stage)
    digest = hashlib.sha256(b"".join(name + box for name, box, _ in found)).hexdigest()
    until = max((date.fromisoformat(day) for *_, day in found), default=None)
    return Shelf(incident, stage, len(found), until, digest)


def is_laid(ledger: Ledger, shelf: Shelf, target: str) -> bool:
    """Whether a target has a shelf as it is now; an empty one that never lay there need not."""
    query = "SELECT digest FROM shelves WHERE incident = ? AND stage = ? AND target = ?"
    found = ledger.rows(query, shelf.incident, shelf.stage, target)
    return found[0][0] == shelf.digest if found else not shelf.count


def shelf_files(ledger: Ledger, shelf: Shelf, secret: bytes) -> Iterator[OutputFile]:
    """Write the shards of a shelf; laid over those that were there, nothing of what was withdrawn is left."""
    campaign = campaign_of(secret, shelf.incident, shelf.stage)
    query = "SELECT name, box FROM boxes WHERE incident = ? AND stage = ? ORDER BY recipient"
    letters = (Sealed(name, box) for name, box in ledger.rows(query, shelf.incident, shelf.stage))
    for name, body in fill_shards(letters, secret, campaign):
        path = f"{FOLDER}/{campaign}/{name}.bin"
        yield OutputFile(path, body, "application/octet-stream", _CACHING, hashlib.sha256(body).hexdigest())


def lay(
    ledger: Ledger, shelf: Shelf, secret: bytes, target: str, write_all: Callable[[Iterable[OutputFile]], None]
) -> None:
    """Lay a shelf out at a target, and remember it once all of it is there."""
    with ledger.transaction() as rows:
        # Killed in its midst, it is laid again; and an empty one is known to lie there, so that it can be withdrawn.
        rows.execute("INSERT OR REPLACE INTO shelves VALUES (?, ?, ?, '')", (shelf.incident, shelf.stage, target))
    write_all(shelf_files(ledger, shelf, secret))
    with ledger.transaction() as rows:
        values = (shelf.incident, shelf.stage, target, shelf.digest)
        rows.execute("INSERT OR REPLACE INTO shelves VALUES (?, ?, ?, ?)", values)
