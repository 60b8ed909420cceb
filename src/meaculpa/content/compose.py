"""Texts of incident files: a new one from facts, and an update put into one that is there."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from meaculpa.content.blocks import match_fact
from meaculpa.model import ComponentStatus, Incident, Status, Update
from meaculpa.times import format_time

_PLAIN = re.compile(r"[A-Za-z][\w ,.'()/+-]*")
# As Germans write them where there are no umlauts; casefold has turned ß into ss already.
_WRITTEN_AS = {"ä": "ae", "ö": "oe", "ü": "ue"}
_LONGEST_SLUG = 50
_NOT_PLAIN = ("null",)


def compose_incident(
    front: Mapping[str, str | None],
    components: Mapping[str, ComponentStatus],
    at: datetime,
    status: Status,
    facts: Mapping[str, str],
    body: str,
) -> str:
    """Write a new incident file: front matter (None leaves a key out), and its first update."""
    lines = [f"{key}: {quote(value)}" for key, value in front.items() if value is not None]
    if components:
        lines += ["components:", *(f"  {key}: {value}" for key, value in components.items())]
    return "---\n" + "\n".join(lines) + f"\n---\n\n{compose_update(at, status, facts, body)}"


def compose_update(at: datetime, status: Status, facts: Mapping[str, str], body: str) -> str:
    """Write one update: heading, facts, text."""
    head = [f"## {format_time(at)} {status}", *(f"{key}: {value}" for key, value in facts.items())]
    return "\n".join(head) + f"\n\n{body.strip()}\n"


def quote(value: str) -> str:
    """Write a text as a YAML scalar, in quotes only where it needs them (a JSON string is a YAML string)."""
    plain = _PLAIN.fullmatch(value) and value == value.strip() and value.casefold() not in _NOT_PLAIN
    return value if plain else json.dumps(value, ensure_ascii=False)


def insert_update(text: str, incident: Incident, update: str) -> str:
    """Put an update into a file: at the end, or on top where the file has its newest update first."""
    lines_by_time = [one.line for one in incident.updates]
    newest_first = len(lines_by_time) > 1 and lines_by_time[0] > lines_by_time[-1]
    newline = "\r\n" if "\r\n" in text else "\n"
    addition = update.replace("\n", newline)
    if not newest_first:
        return text.rstrip() + newline * 2 + addition
    lines = _lines_of(text)
    top = min(lines_by_time) - 1
    return "".join([*lines[:top], addition, newline, *lines[top:]])


def set_fact(text: str, update: Update, key: str, value: str) -> str:
    """Put a fact under the heading of an update, in place of the one that is there."""
    lines = _lines_of(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    number = update.line
    if number == len(lines):
        lines[-1] = lines[-1].rstrip("\r\n") + newline
    while number < len(lines) and (fact := match_fact(lines[number].strip())):
        if fact[1] == key:
            lines[number] = f"{key}: {value}{newline}"
            return "".join(lines)
        number += 1
    is_text = number < len(lines) and bool(lines[number].strip())
    return "".join([*lines[:number], f"{key}: {value}{newline}", *([newline] if is_text else []), *lines[number:]])


def _lines_of(text: str) -> list[str]:
    """Cut a text where incident files are cut: what Unicode calls a line separator is a sign like any other."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def slug_of(title: str) -> str:
    """Make the part of an incident's id that comes from its title: `You cannot pay` -> `you-cannot-pay`."""
    plain = title.casefold().replace("'", "")
    for letter, written in _WRITTEN_AS.items():
        plain = plain.replace(letter, written)
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(words) > _LONGEST_SLUG:
        # A word is left out rather than cut.
        words = words[:_LONGEST_SLUG].rpartition("-")[0] or words[:_LONGEST_SLUG]
    return words or "incident"


def find_incident(incidents: Iterable[Incident], wanted: str) -> list[Incident]:
    """Find an incident by its id, or all whose id contains a part of it."""
    known = list(incidents)
    exact = [one for one in known if one.id == wanted]
    return exact or [one for one in known if wanted.casefold() in one.id]
