"""A campaign from one machine to another: what became of its letters, so that nobody gets a second one there."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from meaculpa.customers.columns import is_address
from meaculpa.customers.ledger import Ledger, State
from meaculpa.customers.lists import What
from meaculpa.customers.orders import order_of
from meaculpa.errors import Refused

FORMAT = "meaculpa ledger 1"
_TABLES = ("letters", "promises", "settlements")
# What is known better of a letter to one address wins: an answer over none, a letter that is out over one to come.
_RANK = [State.PLANNED, State.SENDING, State.UNKNOWN, State.REFUSED, State.SENT, State.BOUNCED]
_MISTAKES = (ValueError, KeyError, TypeError, IndexError, ArithmeticError, RecursionError, sqlite3.Error)


def hand_over(ledger: Ledger, incident: str, at: datetime) -> None:
    """Send nothing more about an incident from here; the mark tells what comes back from what went out."""
    with ledger.transaction() as rows:
        rows.execute(
            "INSERT INTO handovers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
            (incident, at.isoformat(timespec="seconds"), secrets.token_hex(16)),
        )


def export_campaign(ledger: Ledger, incident: str, at: datetime) -> Iterator[str]:
    """Write all that the ledger knows of an incident, and what other letters gave, a line of JSON each."""
    ((mark,),) = ledger.rows("SELECT mark FROM handovers WHERE incident = ?", incident)
    returns = [one for (one,) in ledger.rows("SELECT mark FROM received WHERE incident = ?", incident)]
    head = {"format": FORMAT, "incident": incident, "at": at.isoformat(timespec="seconds"), "mark": mark}
    yield json.dumps({**head, "returns": returns[0] if returns else None})
    for table in _TABLES:
        names = [name for _, name, *_ in ledger.rows(f"PRAGMA table_info({table})")]
        # What other letters gave counts there, too: no code twice, no second gift within 90 days.
        given = " OR ((goodwill <> '0' OR codes <> '') AND state <> 'planned')" if table == "letters" else ""
        query = f"SELECT {', '.join(names)} FROM {table} WHERE incident = ?{given}"  # noqa: S608 (our own names)
        for row in ledger.rows(query, incident):
            yield json.dumps({"table": table, **dict(zip(names, row, strict=True))})
    yield json.dumps({"end": True})


def import_campaign(ledger: Ledger, text: str, path: str) -> tuple[str, int]:
    """Take over what another machine knows, in one piece; gives the incident, and how many letters there are.

    Raises Refused for a file that is none, or not whole, and for one that is no answer to our own handover.
    """
    try:
        head, *found, end = [json.loads(line) for line in text.rstrip("\n").split("\n")]
        incident, mark = str(head["incident"]), str(head["mark"])
        if head["format"] != FORMAT or end != {"end": True}:
            raise ValueError("its end is missing")
        with ledger.transaction() as rows:
            _unlock(rows, incident, head["returns"], path)
            rows.execute("INSERT OR REPLACE INTO received VALUES (?, ?)", (incident, mark))
            for row in found:
                _merge(rows, row.pop("table"), incident, row)
    except _MISTAKES as error:
        raise Refused(f"{path} is no whole export of a ledger; nothing was taken from it ({error})") from error
    return incident, sum("message_id" in row and row["incident"] == incident for row in found)


def _unlock(rows: sqlite3.Connection, incident: str, returns: object, path: str) -> None:
    """Go on here only with what comes back from the machine that we handed over to: another one may be sending."""
    ours = rows.execute("SELECT mark FROM handovers WHERE incident = ?", (incident,)).fetchone()
    if ours and returns != ours[0]:
        raise Refused(
            f"{path} does not come back from the machine that {incident} was handed over to; export it there"
        )
    rows.execute("DELETE FROM handovers WHERE incident = ?", (incident,))


def _merge(rows: sqlite3.Connection, table: str, incident: str, row: dict[str, Any]) -> None:
    if table not in _TABLES or (table != "letters" and row["incident"] != incident):
        raise ValueError(f"a row of {table}")
    known = {name for _, name, *_ in rows.execute(f"PRAGMA table_info({table})")}
    if set(row) != known or not all(isinstance(value, str | int | None) for value in row.values()):
        raise ValueError(f"the columns of {table}")
    {"letters": _check_letter, "promises": _check_promise, "settlements": _check_settlement}[table](row)
    if table == "letters" and not _is_news(rows, row):
        return
    is_replaced = table == "letters" or bool(table == "promises" and row["closed_at"])
    columns = sorted(known)
    values = ", ".join("?" * len(columns))
    verb = "REPLACE" if is_replaced else "IGNORE"
    query = f"INSERT OR {verb} INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 (our own names)
    rows.execute(query, [row[name] for name in columns])


def _check_letter(row: Mapping[str, Any]) -> None:
    State(row["state"])
    datetime.fromisoformat(row["at"])
    if not Decimal(row["goodwill"]).is_finite() or len(bytes.fromhex(row["customer"])) != 32:
        raise ValueError("a letter's gift or customer")


def _check_promise(row: Mapping[str, Any]) -> None:
    for name in ("promised_at", "closed_at"):
        if name != "closed_at" or row[name] is not None:
            datetime.fromisoformat(row[name])
    if row["address"] is not None and not is_address(row["address"]):
        raise ValueError("a promise's address")
    if row["facts"] is not None and order_of(json.loads(row["facts"])).email != row["address"]:
        raise ValueError("a promise's order")


def _check_settlement(row: Mapping[str, Any]) -> None:
    What(row["what"])
    date.fromisoformat(row["settled_on"])


def _is_news(rows: sqlite3.Connection, row: dict[str, Any]) -> bool:
    query = "SELECT state, customer, at FROM letters WHERE incident = ? AND stage = ? AND recipient = ?"
    found = rows.execute(query, (row["incident"], row["stage"], row["recipient"])).fetchone()
    if row["state"] == State.SENDING:
        row["state"] = State.UNKNOWN
    if found is None:
        return True
    state, customer, at = found
    if customer != row["customer"]:
        # The order was written to at another address later on.
        return datetime.fromisoformat(row["at"]) > datetime.fromisoformat(at)
    return _RANK.index(State(row["state"])) > _RANK.index(State(state))
