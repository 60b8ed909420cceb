"""Letters on the page: sealed once, kept so, laid out on the status host, and withdrawn when their time is over."""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from meaculpa.customers.folder import write_private
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.sealing import Sealed, campaign_of, fill_shards, seal, token_of
from meaculpa.errors import Refused
from meaculpa.model import OutputFile

FOLDER = "letters"
_CACHING = "public, max-age=60"
_SECRET_LENGTH = 32


class Shelf(Struct, frozen=True):
    """The letters of one stage of one incident as they lie on the page; `digest` identifies all their bytes."""

    incident: str
    stage: str
    count: int
    until: date | None
    digest: str


def read_secret(path: Path, ledger: Ledger) -> bytes:
    """Read the secret from which links and keys follow, or make it once; its owner alone may read it.

    Raises Refused for another one than letters have been sealed with: their links would open nothing.
    """
    known = ledger.rows("SELECT value FROM secrets WHERE name = 'letters'")
    if not path.exists():
        if known:
            raise Refused(f"{path} is gone, and with it the key to letters that stand on the page; get it back")
        write_private(path, secrets.token_hex(_SECRET_LENGTH).encode())
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * _SECRET_LENGTH}}}", text):
        raise Refused(f"{path} holds no key of {_SECRET_LENGTH} bytes; get it back from a backup")
    secret = bytes.fromhex(text)
    fingerprint = hashlib.sha256(b"fingerprint" + secret).digest()
    if known and known[0][0] != fingerprint:
        raise Refused(f"{path} is not the key that letters on the page were sealed with; get that one back")
    if not known:
        with ledger.transaction() as rows:
            rows.execute("INSERT OR IGNORE INTO secrets VALUES ('letters', ?)", (fingerprint,))
    return secret


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


def has_expired(ledger: Ledger, today: date) -> bool:
    """Whether the time of any letter on the page is over."""
    return bool(ledger.rows("SELECT 1 FROM boxes WHERE until < ? LIMIT 1", today.isoformat()))


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
