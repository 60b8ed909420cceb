"""Mail over SMTP (RFC 5321): one connection for many messages, STARTTLS or TLS, login."""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable

from msgspec import Struct

from meaculpa.config import SmtpTransport
from meaculpa.customers.ledger import State
from meaculpa.customers.mail import Mail
from meaculpa.customers.transport import Answer, NotNow, TakesNothing, redacted

# Not implemented, out of order, not logged in, encryption needed: no other address would fare better (5321; 4954, 6).
_ABOUT_US = (500, 502, 503, 530, 534, 535, 538)
# Everything else than these is no answer to a message (5321, 4.2.1).
_VERDICTS = {2: State.SENT, 4: State.PLANNED, 5: State.REFUSED}
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


class Patience(Struct, frozen=True):
    """For how long we wait, in seconds; `verdict` is long, for giving up there leaves it unknown (5321, 4.5.3.2)."""

    answer: float = 30.0
    verdict: float = 600.0


_PATIENCE = Patience()


class SmtpConnection:
    """A connection to a mail server; raises NotNow and TakesNothing already when it is made."""

    def __init__(self, settings: SmtpTransport, password: str | None, patience: Patience = _PATIENCE) -> None:
        self._patience = patience
        try:
            self._client = _connect(settings, patience.answer)
        except ssl.SSLCertVerificationError as error:
            name = settings.host
            raise TakesNothing(f"{name} cannot prove that it is {name}: {error.verify_message}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(f"{settings.host}:{settings.port} cannot be reached: {_words(error)}") from error
        try:
            _greet(self._client, settings, password)
        except BaseException:
            self.close()
            raise

    def deliver(self, mail: Mail, on_sending: Callable[[], None]) -> Answer:
        """Send a message; see Connection."""
        refusal = self._address(mail)
        if refusal is not None:
            self._forget()
            return refusal
        try:
            on_sending()
        except BaseException:
            # The server waits for a message: whatever is said to it now would be taken for one.
            self._client.close()
            raise
        return self._hand_over(mail.content)

    def close(self) -> None:
        """Say goodbye; never raises."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._client.quit()
        self._client.close()

    def _address(self, mail: Mail) -> Answer | None:
        """Ask whether a message will be taken; gives what else it is, and None for a yes."""
        try:
            code, text = self._client.mail(mail.sender)
            if 500 <= code != 552:
                raise TakesNothing(f"the server does not take mail from {mail.sender}: {code} {_decoded(text)}")
            if code == 250:
                code, text = self._client.rcpt(mail.address)
            if code in (250, 251):
                code, text = self._client.docmd("DATA")
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(f"the connection broke: {_words(error)}") from error
        if code == 354:
            return None
        answer = f"{code} {_decoded(text)}"
        if code == 421:
            raise NotNow(answer)
        if code in _ABOUT_US:
            raise TakesNothing(f"the server takes nothing from us: {answer}")
        return Answer(State.REFUSED if code >= 500 else State.PLANNED, answer)

    def _hand_over(self, content: bytes) -> Answer:
        """Send the bytes; whatever is no clear answer leaves it unknown whether the message was taken."""
        try:
            self._set_timeout(self._patience.verdict)
            self._client.send(_quoted(content))
            code, text = self._client.getreply()
            self._set_timeout(self._patience.answer)
        except (OSError, smtplib.SMTPException) as error:
            return Answer(State.UNKNOWN, f"the line was cut after the message had been sent: {_words(error)}")
        answer = f"{code} {_decoded(text)}"
        return Answer(_VERDICTS.get(code // 100, State.UNKNOWN), answer)

    def _forget(self) -> None:
        """Begin anew after a message that was not taken; if that fails, the next one says so."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._client.rset()

    def _set_timeout(self, seconds: float) -> None:
        if self._client.sock:
            self._client.sock.settimeout(seconds)


def _connect(settings: SmtpTransport, patience: float) -> smtplib.SMTP:
    if settings.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=patience, context=context)
    return smtplib.SMTP(settings.host, settings.port, timeout=patience)


def _greet(client: smtplib.SMTP, settings: SmtpTransport, password: str | None) -> None:
    try:
        client.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
        if settings.username:
            _log_in(client, settings, password)
    except smtplib.SMTPNotSupportedError as error:
        hint = "security: tls or none" if settings.security == "starttls" else "leave username out"
        raise TakesNothing(f"{settings.host}: {error} ({hint} in mail.transport?)") from error
    except ssl.SSLCertVerificationError as error:
        name = settings.host
        raise TakesNothing(f"{name} cannot prove that it is {name}: {error.verify_message}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotNow(f"{settings.host}:{settings.port} broke off: {_words(error)}") from error


def _log_in(client: smtplib.SMTP, settings: SmtpTransport, password: str | None) -> None:
    if settings.security == "none" and settings.host not in _OWN_MACHINE:
        raise TakesNothing("a password is never sent in the clear: set security to starttls or tls in mail.transport")
    try:
        client.login(settings.username or "", password or "")
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            raise
        text = f"{error.smtp_code} {_decoded(error.smtp_error)}"
        raise TakesNothing(f"{settings.host} refuses the login of {settings.username}: {text}") from error
    except ValueError as error:
        words = "user name or password hold other signs than ASCII, or its challenge cannot be read"
        raise TakesNothing(f"{settings.host}: the login of {settings.username} is not possible: {words}") from error


def _quoted(content: bytes) -> bytes:
    """A message on the wire: a dot that begins a line is doubled, one alone ends it (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"


def _decoded(text: bytes | str) -> str:
    return redacted(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def _words(error: Exception) -> str:
    return _decoded(str(getattr(error, "strerror", None) or error)) or type(error).__name__
