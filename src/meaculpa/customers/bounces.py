"""Mail that came back -> which letters did not arrive (RFC 3464, delivery status notifications)."""

import email
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.message import Message
from pathlib import Path

from msgspec import Struct

from meaculpa.customers.ledger import Ledger, State, customer_of
from meaculpa.customers.transport import redacted
from meaculpa.errors import Refused


class Bounce(Struct, frozen=True):
    """A message that did not arrive, as far as its report says which it was; `answer` is why."""

    message_id: str | None
    address: str | None
    answer: str


def read_reports(path: Path) -> tuple[list[Bounce], int]:
    """Read the failures out of a mail, an mbox file, or a folder of mails; what is no report is left out.

    Gives how many mails could not be read, too. Raises Refused for what is neither a file nor a folder.
    """
    bounces, unreadable = list[Bounce](), 0
    for content in _messages(path):
        try:
            bounces += _failures(email.message_from_bytes(content))
        except (RecursionError, ValueError, LookupError):
            unreadable += 1
    return bounces, unreadable


def _messages(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.is_file():
                yield one.read_bytes()
        return
    if not path.is_file():
        raise Refused(f"{path} is neither a file nor a folder of mails")
    content = path.read_bytes()
    if not content.startswith(b"From "):
        yield content
        return
    yield from re.split(rb"(?m)^From .*\n", content)[1:]


def _failures(message: Message) -> Iterator[Bounce]:
    reports = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
    for report in reports:
        for block in report.get_payload():
            if not isinstance(block, Message) or str(block.get("Action", "")).strip().casefold() != "failed":
                continue
            # A failure that may pass (4.x.x) that is reported as failed has been tried for days.
            address = str(block.get("Final-Recipient", "")).rpartition(";")[2].strip() or None
            answer = str(block.get("Diagnostic-Code") or block.get("Status") or "").strip()
            yield Bounce(_original(message), address, redacted(answer))


def _original(message: Message) -> str | None:
    """The name of the message that came back, from the copy of it or of its headers."""
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            headers = email.message_from_string(str(part.get_payload()))
            return headers["Message-ID"]
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0) if part.is_multipart() else None
            return inner["Message-ID"] if isinstance(inner, Message) else None
    return None


def take_bounces(ledger: Ledger, bounces: Iterable[Bounce], at: datetime) -> tuple[Counter[str], int]:
    """Mark the letters that came back; gives how many by incident, and how many reports are about none of ours."""
    marked, strange = Counter[str](), 0
    for bounce in bounces:
        found = _letters(ledger, bounce)
        for key in found:
            marked[key[0]] += ledger.bounce(*key, bounce.answer or "it came back", at)
        strange += not found
    return +marked, strange


def _letters(ledger: Ledger, bounce: Bounce) -> list[tuple[str, str, str]]:
    """The letters that a report is about: by name, else by the number that SES gave, else all to an address."""
    query = "SELECT incident, stage, recipient FROM letters WHERE "
    name = (bounce.message_id or "").strip()
    if name:
        number = re.sub(r"[<>]|@.*", "", name)
        found = ledger.rows(query + "message_id = ?", name)
        found += ledger.rows(query + "answer = ?", number) if number else []
        return [(incident, stage, recipient) for incident, stage, recipient in found]
    if not bounce.address:
        return []
    states = (State.SENT, State.UNKNOWN, State.BOUNCED)
    found = ledger.rows(query + "customer = ? AND state IN (?, ?, ?)", customer_of(bounce.address), *states)
    return [(incident, stage, recipient) for incident, stage, recipient in found]
