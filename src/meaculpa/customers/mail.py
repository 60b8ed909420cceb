"""A letter as a mail server takes it: an RFC 5322 message, the text first and the same as HTML."""

import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from urllib.parse import quote

from msgspec import Struct

from meaculpa.customers.columns import is_address
from meaculpa.errors import Refused

_LONGEST_LINE = 76


class Mail(Struct, frozen=True):
    """One message to one address, ready to be sent; `sender` and `address` are the envelope's."""

    sender: str
    address: str
    message_id: str
    content: bytes


def message_id_of(secret: bytes, incident: str, stage: str, recipient: str, address: str, sender: str) -> str:
    """Name a message: the same letter to the same address always has the same name, which nobody else can tell.

    Who could compute it would learn the order, and could forge a report that it came back.
    """
    parts = "\0".join((incident, stage, recipient, address.casefold()))
    name = hmac.digest(secret, parts.encode(), "sha256").hex()[:32]
    return f"<{name}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def write_mail(letter: Mapping[str, str], sender: str, reply_to: str, message_id: str, at: datetime) -> Mail:
    """Write the message of a letter, a record of a plan: `name`, `email`, `subject`, `text`, `html`.

    The standard library's EmailMessage would do the same in ten times the time, and moves commas in long names.
    """
    if not is_address(letter["email"]):
        raise Refused(f"the letter to {letter['recipient']} has no usable address")
    boundary = f"={hashlib.sha256(message_id.encode()).hexdigest()[:20]}="
    headers = {
        "From": _mailbox(*parseaddr(sender)),
        "To": _mailbox(letter["name"], letter["email"]),
        "Reply-To": reply_to,
        "Subject": _folded(letter["subject"], "Subject"),
        "Date": format_datetime(at),
        "Message-ID": message_id,
        # RFC 3834: nobody's out-of-office note answers it. RFC 2369: by mail, for a static host takes no POST.
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<mailto:{quote(reply_to, safe='@')}?subject=unsubscribe>",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    parts = "".join(
        f"\r\n--{boundary}\r\n{_part(subtype, letter[form])}"
        for subtype, form in (("plain", "text"), ("html", "html"))
    )
    content = f"{head}{parts}\r\n--{boundary}--\r\n".encode("ascii")
    return Mail(parseaddr(sender)[1], letter["email"], message_id, content)


def _mailbox(name: str, address: str) -> str:
    plain = " ".join(name.split())
    if plain.isascii():
        return formataddr((plain, address))
    return f"{_folded(plain, 'To')} <{address}>"


def _folded(text: str, name: str) -> str:
    """A header's text in lines of bearable length, encoded where it is more than ASCII (RFC 2047)."""
    plain = " ".join(text.split())
    charset = "us-ascii" if plain.isascii() else "utf-8"
    return Header(plain, charset, maxlinelen=_LONGEST_LINE, header_name=name).encode(linesep="\r\n")


def _part(subtype: str, text: str) -> str:
    """One form of the text; what ends a line or begins it with a dot is encoded (RFC 2045, 6.7; RFC 5321, 4.5.2)."""
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    encoded = binascii.b2a_qp("\r\n".join(text.splitlines()).encode(), istext=True)
    return head + encoded.decode("ascii")
