"""What every way of sending mail has in common: a connection that delivers, and what may come of it."""

import re
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from meaculpa.customers.ledger import State
from meaculpa.customers.mail import Mail
from meaculpa.errors import TargetError

_ADDRESS = re.compile(r"[^\s<>\[\](){}:;,\"'‹›]+@[^\s<>\[\](){}:;,\"'‹›]+")
# The key to a letter on the page: filters quote the links that they dislike.
_TOKEN = re.compile(r"#[0-9a-f]{12}[\w-]{22}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_LONGEST = 300


class Answer(Struct, frozen=True):
    """What became of a message: *planned* means that it was not taken and may be tried later."""

    state: State
    text: str


def redacted(text: str) -> str:
    """What a server says, without the addresses and the signs for terminals that it may hold."""
    plain = _TOKEN.sub("#…", _CONTROL.sub(" ", text))
    return " ".join(_ADDRESS.sub("‹…›", plain).split())[:_LONGEST]


class NotNow(TargetError):
    """The server cannot be reached, or takes no mail at the moment; nothing of a message has been sent."""


class TakesNothing(TargetError):
    """The server will not take mail from us, whoever it is for: a login, a sender, a setting is wrong."""


class Connection(Protocol):
    """A way to a mail server that is kept open; used by one thread at a time."""

    def deliver(self, mail: Mail, on_sending: Callable[[], None]) -> Answer:
        """Send a message; calls `on_sending` once it will be taken, before its first byte goes out.

        Raises NotNow and TakesNothing, both only where nothing has been sent.
        """
        ...

    def close(self) -> None:
        """Say goodbye; never raises."""
        ...
