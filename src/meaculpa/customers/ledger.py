"""What became of each letter and each promise, in a file that survives a crash at any moment.

A letter is marked *sending* once the server has said that it will take it, and before the first byte of it goes out;
whatever is found in that state by a later run is *unknown*: it may have been sent, and is never sent again by itself.
So nobody gets two letters, and nobody is forgotten without it being said.

Addresses of letters are kept as digests only; an address stands here as long as somebody is promised a mail at it.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

_LONGEST_ANSWER = 300


class State(StrEnum):
    """What became of a letter."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"


# Whoever is in one of these gets no further letter of that stage by itself.
FINAL = (State.SENDING, State.SENT, State.REFUSED, State.UNKNOWN, State.BOUNCED)
_REACHED = (State.SENDING, State.SENT, State.UNKNOWN)


class NotOurs(Exception):
    """Another process is sending this letter, or has sent it: nothing of it may be sent."""


class Entry(Struct, frozen=True):
    """A letter as the ledger knows it; `goodwill` is an amount in `currency`, `due` what has to be paid back."""

    incident: str
    stage: str
    recipient: str
    customer: str
    message_id: str
    plan: str
    goodwill: str = "0"
    currency: str = ""
    codes: str = ""
    due: str = ""


class Promise(Struct, frozen=True):
    """Somebody who is to be told when it works again; `facts` are the cells of their order, None without one."""

    recipient: str
    address: str
    locale: str | None
    facts: str | None


class Standing(Struct, frozen=True):
    """A letter and what became of it; `answer` is what the server said last."""

    stage: str
    recipient: str
    message_id: str
    state: State
    at: datetime
    answer: str
    due: str


def needs_letter(recipient: str, address: str, final: Mapping[str, tuple[State, str]]) -> bool:
    """Whether somebody still gets a letter; one that was refused may go to another address."""
    state, customer = final.get(recipient, (None, ""))
    return state is None or (state in (State.REFUSED, State.BOUNCED) and customer != customer_of(address))


def customer_of(address: str) -> str:
    """What stands for an address in the ledger."""
    return hashlib.sha256(address.casefold().encode()).hexdigest()


class Ledger:
    """One open ledger; its methods may be called from several threads, and each is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write together, or not at all; what has been written is on the disk at the end."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask something."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def secret(self) -> bytes:
        """What makes the names of messages nobody's guess."""
        return bytes(self.rows("SELECT value FROM secrets WHERE name = 'message_id'")[0][0])

    def forget(self) -> None:
        """Leave nothing of what was deleted in the files beside the ledger, as far as nobody else is reading it."""
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- Before sending

    def recover(self) -> int:
        """Mark as unknown what a run that is over left as being sent; gives how many. Only where no other run is."""
        with self.transaction() as rows:
            found = rows.execute(
                "UPDATE letters SET state = ?, answer = ? WHERE state = ?",
                (State.UNKNOWN, "the run ended while it was being sent", State.SENDING),
            )
            return found.rowcount

    def enqueue(self, entries: Iterable[Entry], at: datetime) -> None:
        """Take up the letters of a plan; what is final stays, but for what was refused at another address."""
        with self.transaction() as rows:
            rows.executemany(
                f"""
                INSERT INTO letters (incident, stage, recipient, customer, message_id, plan, state, at,
                                     goodwill, currency, codes, due)
                VALUES (:incident, :stage, :recipient, :customer, :message_id, :plan, 'planned', :at,
                        :goodwill, :currency, :codes, :due)
                ON CONFLICT (incident, stage, recipient) DO UPDATE SET
                    customer = excluded.customer, message_id = excluded.message_id, plan = excluded.plan,
                    state = 'planned', goodwill = excluded.goodwill, currency = excluded.currency,
                    codes = excluded.codes, due = excluded.due
                WHERE state = 'planned' OR (state IN ('refused', 'bounced') AND customer <> excluded.customer)
                    OR {_ANOTHER_ROUND}
                """,  # noqa: S608 (our own words)
                (_values(one) | {"at": _text(at)} for one in entries),
            )

    def waiting(self, incident: str, stage: str, plan: str) -> set[str]:
        """Who of a plan has not been sent their letter yet."""
        found = self.rows(
            "SELECT recipient FROM letters WHERE incident = ? AND stage = ? AND plan = ? AND state = 'planned'",
            *(incident, stage, plan),
        )
        return {recipient for (recipient,) in found}

    def left_over(self, incident: str, stage: str, plan: str) -> list[str]:
        """Who was in an earlier plan, has no letter yet, and is not in this plan."""
        found = self.rows(
            "SELECT recipient FROM letters WHERE incident = ? AND stage = ? AND plan <> ? AND state = 'planned'",
            *(incident, stage, plan),
        )
        return [recipient for (recipient,) in found]

    # ---- While sending

    def mark_sending(self, entry: Entry, at: datetime, promise: Promise | None = None) -> None:
        """Say that a letter is about to go out, and what it promises, before its first byte does.

        Raises NotOurs where it is not to be sent any more, whoever has seen to that.
        """
        query = f"UPDATE letters SET state = 'sending', at = ?, tries = tries + 1 WHERE {_THE_LETTER}"  # noqa: S608
        with self.transaction() as rows:
            if not rows.execute(f"{query} AND state = 'planned'", (_text(at), *_key(entry))).rowcount:
                raise NotOurs(entry.recipient)
            if promise:
                add_promise(rows, entry.incident, promise, at)

    def mark(self, entry: Entry, state: State, answer: str, at: datetime) -> None:
        """Say what became of a letter."""
        with self.transaction() as rows:
            rows.execute(
                f"UPDATE letters SET state = ?, answer = ?, at = ? WHERE {_THE_LETTER}",  # noqa: S608
                (state, answer[:_LONGEST_ANSWER], _text(at), *_key(entry)),
            )
            _keep_promises(rows, entry, state, at)

    # ---- Afterwards

    def bounce(self, incident: str, stage: str, recipient: str, answer: str, at: datetime) -> bool:
        """Say that a letter came back; whether that is news."""
        entry, state = self.entry(incident, stage, recipient), self.state(incident, stage, recipient)
        if entry is None or state not in (State.SENT, State.UNKNOWN):
            return False
        self.mark(entry, State.BOUNCED, answer, at)
        return True

    def standings(self, incident: str) -> list[Standing]:
        """Every letter about an incident and what became of it."""
        found = self.rows(
            "SELECT stage, recipient, message_id, state, at, answer, due FROM letters WHERE incident = ?"
            " ORDER BY stage, recipient",
            incident,
        )
        return [
            Standing(stage, recipient, message_id, State(state), datetime.fromisoformat(at), answer, due)
            for stage, recipient, message_id, state, at, answer, due in found
        ]

    def final(self, incident: str, stage: str) -> dict[str, tuple[State, str]]:
        """Who needs no further letter of a stage: what became of theirs, and for whom (a digest) it was."""
        found = self.rows(
            "SELECT recipient, state, customer FROM letters"  # noqa: S608
            f" WHERE incident = ? AND stage = ? AND state <> 'planned' AND NOT {_ANOTHER_ROUND}",
            *(incident, stage),
        )
        return {recipient: (State(state), customer) for recipient, state, customer in found}

    def state(self, incident: str, stage: str, recipient: str) -> State | None:
        """What became of a letter; None where there is none."""
        query = f"SELECT state FROM letters WHERE {_THE_LETTER}"  # noqa: S608
        found = self.rows(query, incident, stage, recipient)
        return State(found[0][0]) if found else None

    def entry(self, incident: str, stage: str, recipient: str) -> Entry | None:
        """Find a letter."""
        names = ", ".join(Entry.__struct_fields__)
        found = self.rows(f"SELECT {names} FROM letters WHERE {_THE_LETTER}", incident, stage, recipient)  # noqa: S608
        return Entry(*found[0]) if found else None

    def count(self, incident: str, stage: str, state: State) -> int:
        """How many letters of a stage are in a state."""
        query = "SELECT COUNT(*) FROM letters WHERE incident = ? AND stage = ? AND state = ?"
        return int(self.rows(query, incident, stage, state)[0][0])

    def handed_over(self, incident: str) -> str | None:
        """When an incident's letters were handed over to another machine; None where they were not."""
        found = self.rows("SELECT at FROM handovers WHERE incident = ?", incident)
        return str(found[0][0]) if found else None

    def doubled_codes(self) -> list[str]:
        """Codes that went to more than one order, as two machines may give them."""
        seen, doubled = set[str](), set[str]()
        for (codes,) in self.rows("SELECT codes FROM letters WHERE codes <> '' AND state <> 'planned'"):
            doubled |= seen.intersection(codes.split())
            seen.update(codes.split())
        return sorted(doubled)

    def has_sent(self, plan: str) -> bool:
        """Whether letters of a plan have gone out, or may have."""
        return bool(self.rows("SELECT 1 FROM letters WHERE plan = ? AND state <> 'planned' LIMIT 1", plan))

    def reached(self, incident: str, stage: str) -> set[str]:
        """The customers whom a letter of a stage has reached, or may have."""
        query = "SELECT customer FROM letters WHERE incident = ? AND stage = ? AND state IN (?, ?, ?)"
        return {customer for (customer,) in self.rows(query, incident, stage, *_REACHED)}

    def codes(self) -> set[str]:
        """Every code that somebody has been sent, or may have been."""
        found = self.rows("SELECT codes FROM letters WHERE codes <> '' AND state <> 'planned'")
        return {code for (codes,) in found for code in codes.split()}

    def goodwill(self, incident: str) -> tuple[Mapping[str, Decimal], Mapping[str, date]]:
        """What each customer has had of goodwill for an incident, and when they last had some for another one."""
        given, last = dict[str, Decimal](), dict[str, date]()
        query = "SELECT incident, customer, goodwill, at FROM letters WHERE goodwill <> '0' AND state IN (?, ?, ?)"
        for other, customer, amount, at in self.rows(query, *_REACHED):
            if other == incident:
                given[customer] = given.get(customer, Decimal(0)) + Decimal(amount)
            else:
                day = datetime.fromisoformat(at).date()
                last[customer] = max(day, last.get(customer, day))
        return given, last

    def goodwill_digest(self, incident: str, stage: str) -> str:
        """What identifies all goodwill but that of one stage of one incident: it decides what a plan may give."""
        found = self.rows(
            "SELECT incident, stage, recipient, goodwill FROM letters WHERE goodwill <> '0' AND state IN (?, ?, ?)"
            " AND NOT (incident = ? AND stage = ?) ORDER BY 1, 2, 3",
            *(*_REACHED, incident, stage),
        )
        return hashlib.sha256(repr(found).encode()).hexdigest()


# After an outage that came back: a promise that was made anew is kept anew, and one that was kept can be made again.
_ANOTHER_ROUND = """(state = 'sent' AND EXISTS (
    SELECT 1 FROM promises WHERE promises.incident = letters.incident AND promises.recipient = letters.recipient
    AND ((stage = 'restored' AND closed_at IS NULL AND promised_at > letters.at)
         OR (stage = 'patience' AND is_kept = 1 AND closed_at > letters.at))))"""
_CLOSE = "UPDATE promises SET closed_at = ?, is_kept = ? WHERE closed_at IS NULL AND incident = ? AND "
_THE_LETTER = "incident = ? AND stage = ? AND recipient = ?"


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.incident, entry.stage, entry.recipient


def _values(entry: Entry) -> dict[str, str]:
    return asdict(entry)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def add_promise(rows: sqlite3.Connection, incident: str, promise: Promise, at: datetime, is_anew: bool = True) -> int:
    """Remember whom a mail is promised; gives 1, or 0 for a promise that stands there already.

    One that is over is made anew if `is_anew`, with the address that it has now.
    """
    values = (promise.recipient, customer_of(promise.address), promise.address, promise.locale, promise.facts)
    return rows.execute(
        "INSERT INTO promises (incident, recipient, customer, address, locale, facts, promised_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET customer = excluded.customer,"
        " address = excluded.address, locale = excluded.locale, facts = excluded.facts,"
        " promised_at = excluded.promised_at, closed_at = NULL, is_kept = NULL"
        " WHERE closed_at IS NOT NULL AND ?",
        (incident, *values, _text(at), is_anew),
    ).rowcount


def _keep_promises(rows: sqlite3.Connection, entry: Entry, state: State, at: datetime) -> None:
    """A letter that did not go out promised nothing; an alert closes its promise, and the address is forgotten."""
    if entry.stage == "patience" and state in (State.PLANNED, State.REFUSED):
        rows.execute("DELETE FROM promises WHERE incident = ? AND recipient = ?", (entry.incident, entry.recipient))
    if entry.stage == "patience" and state is State.BOUNCED:
        rows.execute(_CLOSE + "recipient = ?", (_text(at), False, entry.incident, entry.recipient))
    if entry.stage == "restored" and state in (State.SENT, State.REFUSED, State.BOUNCED):
        rows.execute(
            _CLOSE + "(recipient = ? OR (facts IS NULL AND customer = ?))",
            (_text(at), state is State.SENT, entry.incident, entry.recipient, entry.customer),
        )
        # Who could not be reached is forgotten when somebody has taken up to call them.
        rows.execute(
            "UPDATE promises SET address = NULL, facts = NULL WHERE incident = ? AND is_kept = 1", (entry.incident,)
        )
