"""A mail server on this machine that takes everything and delivers nothing: what was sent can be counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from msgspec import Struct, field


class Sink(Struct):
    """Who was written to, in the order of arrival."""

    port: int = 0
    taken: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take a message."""
        del server, session
        self.taken += envelope.rcpt_tos
        return "250 OK"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Learn which port the system has chosen, which aiosmtpd would not ask."""
        self.port = self.handler.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Run it until the block ends."""
    sink = Sink()
    controller = _Controller(sink, hostname="127.0.0.1", port=0, ready_timeout=20)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
