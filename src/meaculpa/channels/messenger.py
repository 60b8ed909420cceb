"""A process that sends one message through apprise, for its parent.

It reads a request in JSON from standard input and answers on standard output: a line when it begins to send, then its
answer in JSON. The address of the channel is
a secret: it comes from the environment, and no word of apprise's or of the service's gets out of here.

apprise says only yes or no. Whether a "no" means that nothing has arrived decides whether it may be tried again, so
the process listens to its own connections.
"""

import json
import logging
import os
import smtplib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import apprise
import requests
from apprise.plugins import NotifyBase
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import ProxyError as NoProxyError

from meaculpa.channels import BEGUN

_READ_SECONDS = 15.0
# A gateway that gave up waiting does not know what became of what it passed on.
_KNOWS_NOTHING = (408, 504)
_NEVER_SENT = (NewConnectionError, ConnectTimeoutError, SSLError, NoProxyError)


@dataclass
class Overheard:
    """What the connections of this process came to; `ends` holds an entry for each thing that was sent.

    `is_led_astray` says that a request was sent elsewhere and lost its message on the way, as POST becomes GET.
    """

    is_connected: bool = False
    is_led_astray: bool = False
    ends: list[tuple[str, str]] = field(default_factory=list)

    def listen(self) -> None:
        """Hear of everything that goes out from now on."""
        self._wrap(socket.socket, "connect", self._connect)
        self._wrap(requests.Session, "send", self._request)
        self._wrap(smtplib.SMTP, "sendmail", self._mail)

    def _wrap(self, owner: type, name: str, wrapper: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: wrapper(original, *args, **kwargs))

    def _connect(self, original: Callable[..., Any], *args: Any) -> Any:
        result = original(*args)
        self.is_connected = True
        return result

    def _request(self, original: Callable[..., Any], session: Any, request: Any, **kwargs: Any) -> Any:
        try:
            response = original(session, request, **kwargs)
        except requests.RequestException as error:
            self.ends.append(_failed_request(error))
            raise
        code = response.status_code
        if response.history and response.request.method != request.method:
            self.is_led_astray = True
            self.ends.append(("waiting", f"the service has moved ({response.history[0].status_code})"))
        elif code < 400:
            self.ends.append(("told", ""))
        else:
            answer = f"the service answers {code}"
            self.ends.append(("unsure" if code in _KNOWS_NOTHING else "waiting", answer))
        return response

    def _mail(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            result = original(*args, **kwargs)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            code = getattr(error, "smtp_code", "")
            self.ends.append(("waiting", f"the mail server says no {code}".strip()))
            raise
        except Exception:
            self.ends.append(("unsure", "the mail server has not answered"))
            raise
        self.ends.append(("told", ""))
        return result

    def judge(self, recipients: int) -> tuple[str, str]:
        """Say what a "no" of apprise's means."""
        if not self.is_connected:
            return "waiting", "the service cannot be reached"
        if not self.ends:
            return "unsure", "the service has not said whether it took the message"
        if recipients > 1 and any(end == "told" for end, _ in self.ends):
            return "unsure", "not everybody whom the address names may have got it"
        outcome, why = self.ends[-1]
        return (outcome, why) if outcome != "told" else ("waiting", "the service has not taken the message")


def _failed_request(error: requests.RequestException) -> tuple[str, str]:
    """Tell a request that never went out from one whose answer was lost."""
    cause: object = error.args[0] if error.args else error
    cause = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(cause, _NEVER_SENT):
        return "waiting", "the service cannot be reached"
    return "unsure", "the service has not answered"


def main() -> None:
    """Answer one request."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(quiet, stream.fileno())
    logging.disable(logging.CRITICAL)

    def begin() -> None:
        answers.write(f"{BEGUN}\n")
        answers.flush()

    json.dump(_answer(json.load(sys.stdin), begin), answers)
    answers.close()


def _answer(request: dict[str, Any], begin: Callable[[], None]) -> dict[str, Any]:
    service = _open(os.environ.get(request["variable"], ""), request["sender"])
    if service is None:
        return {"outcome": "waiting", "why": f"apprise does not understand the address in {request['variable']}"}
    if "title" not in request:
        return {"outcome": "told", "why": str(service.service_name or service.__class__.__name__)}
    heard = Overheard()
    heard.listen()
    title, text = _fitting(service, request["title"], request["texts"])
    begin()
    try:
        is_told = service.notify(
            body=text,
            title=title,
            notify_type=apprise.NotifyType(request["tone"]),
            overflow=apprise.OverflowMode.TRUNCATE,
            body_format=apprise.NotifyFormat.TEXT,
        )
    except Exception:
        is_told = False
    outcome, why = ("told", "") if is_told and not heard.is_led_astray else heard.judge(len(service))
    return {"outcome": outcome, "why": why}


def _open(address: str, sender: str) -> NotifyBase | None:
    """Make apprise's service of an address: it sends one message, once, and shows no pictures of its own."""
    asset = apprise.AppriseAsset(
        app_id=sender, app_desc=sender, image_url_mask="", image_url_logo="", image_path_mask=""
    )
    service = apprise.Apprise.instantiate(address, asset=asset) if address else None
    if not isinstance(service, NotifyBase):
        return None
    service.retry = 0
    service.socket_read_timeout = max(_READ_SECONDS, service.socket_read_timeout or 0)
    return service


def _fitting(service: NotifyBase, title: str, texts: list[str]) -> tuple[str, str]:
    """Choose the longest text that a service has room for: the first with its title, the others are whole."""
    joint = 0 if service.title_maxlen > 0 else len(title) + 2
    if len(texts[0]) + joint <= service.body_maxlen or len(texts) == 1:
        return title, texts[0]
    whole = next((text for text in texts[1:] if len(text) <= service.body_maxlen), texts[-1])
    return "", whole


if __name__ == "__main__":
    main()
