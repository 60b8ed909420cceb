"""A campaign from one machine to another: what became of its letters, so that nobody gets a second one there."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from meaculpa.customers.ledger import Ledger, State
from meaculpa.errors import Refused

FORMAT = "meaculpa ledger 1"
_TABLES = ("letters", "promises", "settlements")
# What is known better wins: an answer over none, a letter that is out over one that is to come.
_RANK = [State.PLANNED, State.SENDING, State.UNKNOWN, State.REFUSED, State.SENT, State.BOUNCED]


def export_campaign(ledger: Ledger, incident: str, at: datetime) -> Iterator[str]:
    """Write all that the ledger knows of an incident, and what other letters gave, a line of JSON each."""
    yield json.dumps({"format": FORMAT, "incident": incident, "at": at.isoformat(timespec="seconds")})
    for table in _TABLES:
        names = [name for _, name, *_ in ledger.rows(f"PRAGMA table_info({table})")]
        # What other letters gave counts there, too: no code twice, no second gift within 90 days.
        given = " OR ((goodwill <> '0' OR codes <> '') AND state <> 'planned')" if table == "letters" else ""
        query = f"SELECT {', '.join(names)} FROM {table} WHERE incident = ?{given}"  # noqa: S608 (our own names)
        for row in ledger.rows(query, incident):
            yield json.dumps({"table": table, **dict(zip(names, row, strict=True))}, ensure_ascii=False)
    yield json.dumps({"end": True})


def hand_over(ledger: Ledger, incident: str, at: datetime) -> None:
    """Remember that an incident's letters are sent by another machine now."""
    with ledger.transaction() as rows:
        rows.execute(
            "INSERT INTO handovers VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
            (incident, at.isoformat(timespec="seconds")),
        )


def import_campaign(ledger: Ledger, text: str, path: str) -> tuple[str, int]:
    """Take over what another machine knows, in one piece; gives the incident, and how many letters there are.

    Raises Refused for a file that is none, or not whole.
    """
    try:
        lines = [json.loads(line) for line in text.splitlines()]
        head, *found, end = lines
        if head["format"] != FORMAT or end != {"end": True}:
            raise ValueError("not whole")
        incident = str(head["incident"])
        with ledger.transaction() as rows:
            rows.execute("DELETE FROM handovers WHERE incident = ?", (incident,))
            for row in found:
                _merge(rows, row.pop("table"), incident, row)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(f"{path} is no whole export of a ledger; nothing was taken from it ({error})") from error
    return incident, sum("message_id" in row and row["incident"] == incident for row in found)


def _merge(rows: Any, table: str, incident: str, row: dict[str, Any]) -> None:
    if table not in _TABLES or (table != "letters" and row["incident"] != incident):
        raise ValueError(f"a row of {table}")
    known = {name for _, name, *_ in rows.execute(f"PRAGMA table_info({table})")}
    if set(row) != known:
        raise ValueError(f"the columns of {table}")
    if table == "letters" and not _is_news(rows, row):
        return
    kept = "IGNORE" if table != "letters" else "REPLACE"
    if table == "promises" and row["closed_at"]:
        kept = "REPLACE"
    columns = sorted(known)
    values = ", ".join("?" * len(columns))
    query = f"INSERT OR {kept} INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 (our own names)
    rows.execute(query, [row[name] for name in columns])


def _is_news(rows: Any, row: dict[str, Any]) -> bool:
    query = "SELECT state FROM letters WHERE incident = ? AND stage = ? AND recipient = ?"
    found = rows.execute(query, (row["incident"], row["stage"], row["recipient"])).fetchone()
    if row["state"] == State.SENDING:
        row["state"] = State.UNKNOWN
    return found is None or _RANK.index(State(row["state"])) > _RANK.index(State(found[0]))
