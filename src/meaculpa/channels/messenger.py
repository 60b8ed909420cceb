"""A process that sends one message through apprise, for its parent.

It reads a request in JSON from standard input and answers on standard output: a line when it begins to send, then its
answer in JSON. The address of the channel is a secret: it comes from the environment, and no word of apprise's or of
the service's gets out of here.

apprise says only yes or no. Whether a "no" means that nothing has arrived decides whether it may be tried again, so
the process listens to its own connections.
"""

import contextlib
import http.client
import json
import logging
import os
import signal
import smtplib
import socket
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import apprise
import requests
from apprise.plugins import NotifyBase
from msgspec import Struct, field

from meaculpa.channels import BEGUN

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

# A little more than the parent waits: nobody ends us when it has been killed.
_LONGEST = 45
_MOST_MEMORY = 768 * 2**20
_READ_SECONDS = 15.0
# A gateway that gave up waiting does not know what became of what it passed on (520 and 524 are Cloudflare's).
_KNOWS_NOTHING = (504, 520, 524)
_SEE_OTHER = 303
_LOOKS_ONLY = ("GET", "HEAD", "OPTIONS")


class Overheard(Struct):
    """What the connections of this process came to; `ends` holds an entry for each thing that was sent.

    `is_sent` says that a request has left us whose answer is not there yet, `is_mail` that a mail server was asked,
    `code` its last no.
    """

    is_connected: bool = False
    is_sent: bool = False
    is_mail: bool = False
    code: int = 0
    ends: list[tuple[str, str]] = field(default_factory=list)

    def listen(self) -> None:
        """Hear of everything that goes out from now on."""
        self._wrap(socket.socket, "connect", self._connect)
        self._wrap(http.client.HTTPConnection, "send", self._send)
        self._wrap(requests.Session, "send", self._request)
        self._wrap(smtplib.SMTP, "getreply", self._reply)
        self._wrap(smtplib.SMTP, "data", self._mail)

    def _wrap(self, owner: type, name: str, wrapper: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: wrapper(original, *args, **kwargs))

    def _connect(self, original: Callable[..., Any], *args: Any) -> Any:
        result = original(*args)
        self.is_connected = True
        return result

    def _send(self, original: Callable[..., Any], connection: Any, data: Any) -> Any:
        # What goes out before a request has begun is how a proxy is asked for a way.
        if connection._HTTPConnection__state != "Idle":
            if connection.sock is None and connection.auto_open:
                connection.connect()
            self.is_sent = True
        return original(connection, data)

    def _request(self, original: Callable[..., Any], session: Any, request: Any, **kwargs: Any) -> Any:
        # A redirect is followed within the request that it answers.
        outer, self.is_sent = self.is_sent, False
        try:
            response = original(session, request, **kwargs)
        except requests.TooManyRedirects as error:
            self.ends.append(_end_of_circles(error))
            raise
        except Exception:
            is_sent = self.is_sent or outer
            answer = "has not answered" if is_sent else "cannot be reached"
            self.ends.append(("unsure" if is_sent else "waiting", f"the service {answer}"))
            raise
        finally:
            self.is_sent |= outer
        end = _end_of(request, response)
        if end[0] != "told" or request.method not in _LOOKS_ONLY:
            self.ends.append(end)
        return response

    def _reply(self, original: Callable[..., Any], *args: Any) -> Any:
        self.is_mail = True
        code, words = original(*args)
        self.code = code if code >= 400 else self.code
        return code, words

    def _mail(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            code, words = original(*args, **kwargs)
        except smtplib.SMTPResponseException:
            self.ends.append(("waiting", f"the mail server answers {self.code}"))
            raise
        except Exception:
            self.ends.append(("unsure", "the mail server has not said whether it took the message"))
            raise
        self.ends.append(("told", "") if code < 400 else ("waiting", f"the mail server answers {code}"))
        return code, words

    def judge(self, recipients: int, is_told: bool) -> tuple[str, str]:
        """Say what became of the message: apprise's yes counts unless we heard otherwise, its no as we heard it."""
        doubts = [end for end in self.ends if end[0] == "unsure"]
        if is_told and (not self.ends or self.ends[-1][0] == "told"):
            return "told", ""
        if doubts:
            return doubts[0]
        refused = [end for end in self.ends if end[0] == "waiting"]
        if recipients > 1 and len(refused) < len(self.ends):
            return "unsure", "not everybody whom the address names may have got it"
        if self.ends and self.ends[-1][0] == "told":
            return "unsure", "the service took it, and apprise says no"
        if refused:
            return refused[-1]
        if self.is_mail:
            return "waiting", f"the mail server says no ({self.code})"
        if self.is_connected:
            return "unsure", "the service has not said whether it took the message"
        return "waiting", "the service cannot be reached"


def _end_of_circles(error: requests.TooManyRedirects) -> tuple[str, str]:
    """Say what became of a request that was sent on again and again: by 307 and 308 nobody has taken it."""
    codes = {response.status_code for response in (error.response.history if error.response is not None else ())}
    is_refused = codes <= {307, 308}
    return "waiting" if is_refused else "unsure", "the service sends us round in circles"


def _end_of(request: Any, response: Any) -> tuple[str, str]:
    """What an answer says of the request that it answers.

    A POST that is sent elsewhere goes on as a GET, without its message: after 303 it was taken before that (RFC 9110,
    15.4.4), after anything else nobody can tell.
    """
    code = response.status_code
    first = response.history[0].status_code if response.history else 0
    if first and response.request.method != request.method and first != _SEE_OTHER:
        return "unsure", f"the service sends us elsewhere ({first}), and the message may be lost on the way"
    if code < 400:
        return "told", ""
    return "unsure" if code in _KNOWS_NOTHING else "waiting", f"the service answers {code}"


def main() -> None:
    """Answer one request."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(quiet, stream.fileno())
    logging.disable(logging.CRITICAL)
    _limit()

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
    outcome, why = heard.judge(len(service), bool(is_told))
    return {"outcome": outcome, "why": why}


def _limit() -> None:
    """A reply without an end, in time or in size, must not stay when nobody waits any more."""
    if hasattr(signal, "alarm"):
        signal.alarm(_LONGEST)
    if resource:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = _MOST_MEMORY if most == resource.RLIM_INFINITY else min(_MOST_MEMORY, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def _plain(sender: str) -> str:
    """The shop's name as a header can hold it: apprise names itself so to every service."""
    return unicodedata.normalize("NFKD", sender).encode("ascii", "ignore").decode().strip() or "Status"


def _open(address: str, sender: str) -> NotifyBase | None:
    """Make apprise's service of an address: it sends one message, once, and shows no pictures of its own."""
    asset = apprise.AppriseAsset(
        app_id=_plain(sender), app_desc=_plain(sender), image_url_mask="", image_url_logo="", image_path_mask=""
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
