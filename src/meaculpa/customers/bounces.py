"""Mail that came back -> which letters did not arrive (RFC 3464, delivery status notifications)."""

import email
import mailbox
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path

from meaculpa.customers.ledger import Ledger, State, customer_of


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message that did not arrive, as far as its report says which it was; `answer` is why."""

    message_id: str | None
    address: str | None
    answer: str


def read_reports(path: Path) -> Iterator[Bounce]:
    """Read the failures out of a mail, an mbox file, or a folder of mails; what is no report is left out."""
    for message in _messages(path):
        yield from _failures(message)


def _messages(path: Path) -> Iterator[Message]:
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.is_file():
                yield email.message_from_bytes(one.read_bytes())
        return
    with path.open("rb") as stream:
        is_mbox = stream.read(5) == b"From "
    if not is_mbox:
        yield email.message_from_bytes(path.read_bytes())
        return
    with closing(mailbox.mbox(path, create=False)) as box:
        yield from box


def _failures(message: Message) -> Iterator[Bounce]:
    reports = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
    for report in reports:
        for block in report.get_payload():
            if not isinstance(block, Message) or str(block.get("Action", "")).strip().casefold() != "failed":
                continue
            # A failure that may pass (4.x.x) that is reported as failed has been tried for days.
            address = str(block.get("Final-Recipient", "")).rpartition(";")[2].strip() or None
            answer = str(block.get("Diagnostic-Code") or block.get("Status") or "").strip()
            yield Bounce(_original(message), address, " ".join(answer.split()))


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
        found = ledger.rows(query + "message_id = ? OR (answer = ? AND answer <> '')", name, number)
        if found:
            return [(incident, stage, recipient) for incident, stage, recipient in found]
        return []
    if not bounce.address:
        return []
    states = (State.SENT, State.UNKNOWN, State.BOUNCED)
    found = ledger.rows(query + "customer = ? AND state IN (?, ?, ?)", customer_of(bounce.address), *states)
    return [(incident, stage, recipient) for incident, stage, recipient in found]
