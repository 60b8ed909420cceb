"""A real SMTP server on loopback, aiosmtpd, which can be told to refuse, to put off, and to cut the line."""

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "shop", "secret"


@dataclass
class MailServer:
    """What came in, by address, and what to do instead of taking it; each list is used up, its last entry stays.

    `on_rcpt` and `on_data` hold answers by address (`*`: everybody), such as `450 later`; the answer `cut` ends the
    line without one, at `on_data` after the message has been taken.
    """

    taken: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    on_rcpt: dict[str, list[str]] = field(default_factory=dict)
    on_data: dict[str, list[str]] = field(default_factory=dict)
    on_mail: str = "250 OK"
    connections: int = 0
    logins: list[str] = field(default_factory=list)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        return sum(map(len, self.taken.values()))

    def message(self, address: str) -> EmailMessage:
        (content,) = self.taken[address]
        return message_from_bytes(content, policy=default)

    def _scripted(self, answers: dict[str, list[str]], address: str) -> str:
        script = answers.get(address) or answers.get("*") or ["250 OK"]
        return script.pop(0) if len(script) > 1 else script[0]

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session, options
        if self.on_mail.startswith("250"):
            envelope.mail_from = address
        return self.on_mail

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del session, options
        answer = self._scripted(self.on_rcpt, address)
        if answer == "cut":
            _cut(server)
        elif answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        del session
        (address,) = envelope.rcpt_tos
        answer = self._scripted(self.on_data, address)
        if answer == "cut" or answer.startswith("250"):
            self.taken[address].append(envelope.content)
        if answer == "cut":
            _cut(server)
        return answer

    def log_in(self, *found: Any) -> AuthResult:
        data = found[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)


def _cut(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


class _Controller(Controller):
    def __init__(self, ours: MailServer, security: str, context: ssl.SSLContext | None, needs_login: bool) -> None:
        self.ours = ours
        self.options: dict[str, Any] = {"tls_context": context if security == "starttls" else None}
        if needs_login:
            self.options |= {"authenticator": ours.log_in, "auth_required": True, "auth_require_tls": False}
        super().__init__(
            ours, hostname="127.0.0.1", port=0, ssl_context=context if security == "tls" else None, ready_timeout=20
        )

    def factory(self) -> SMTP:
        self.ours.connections += 1
        return SMTP(self.handler, hostname="mail.test", enable_SMTPUTF8=False, **self.options)

    def _trigger_server(self) -> None:
        """Learn which port the system has chosen."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.ours.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def mail_server(
    security: str = "none", certificate: tuple[Path, Path] | None = None, needs_login: bool = False
) -> Iterator[MailServer]:
    """Run a server until the block ends."""
    ours, context = MailServer(), None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    controller = _Controller(ours, security, context, needs_login)
    controller.start()
    ours.connections = 0
    try:
        yield ours
    finally:
        controller.stop()


def make_certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Write a certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
