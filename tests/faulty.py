"""A proxy that breaks what passes through it: the bad days of an S3 server, on demand."""

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


class Fault(StrEnum):
    """What may happen to a request."""

    DELAY = "delay"
    SLOW_DOWN = "503 SlowDown"
    RESET = "reset"
    RESET_IN_BODY = "reset in the middle of the answer"
    SILENCE = "silence"
    LOST_REPLY = "done, but the reply is lost"
    CORRUPT = "an answer that is none"
    UNCONDITIONAL = "conditions are dropped"


Choose = Callable[[str, str], Fault | None]


class Faulty:
    """The proxy: `choose` says for a method and a path what goes wrong; `log` lists what passed, with its fault."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.choose: Choose = lambda method, path: None
        self.silence_seconds, self.delay_seconds = 15.0, 0.05
        self.log: list[tuple[str, str, Fault | None]] = []
        self.url = ""
        self.closing = threading.Event()

    def first(self, count: int, fault: Fault, method: str = "", part: str = "") -> None:
        """Let the first so many matching requests go wrong."""
        left, lock = [count], threading.Lock()

        def choose(asked: str, path: str) -> Fault | None:
            with lock:
                if asked.startswith(method) and part in path and left[0] > 0:
                    left[0] -= 1
                    return fault
            return None

        self.choose = choose


class _Handler(BaseHTTPRequestHandler):
    proxy: Faulty
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):
            super().handle_one_request()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.choose(self.command, self.path)
        self.proxy.log.append((self.command, self.path, fault))
        if not self._breaks_before(fault):
            status, headers, answer = self._ask(body, fault is Fault.UNCONDITIONAL)
            self._reply(fault, status, headers, answer)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass  # noqa: N815 (the server's own names)

    def _breaks_before(self, fault: Fault | None) -> bool:
        """What goes wrong before the request reaches the server."""
        if fault is Fault.DELAY:
            time.sleep(self.proxy.delay_seconds)
            return False
        if fault is Fault.SILENCE:
            self.proxy.closing.wait(self.proxy.silence_seconds)
            self.close_connection = True
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.SLOW_DOWN:
            self._answer(503, {"Content-Type": "application/xml"}, _SLOW_DOWN)
        elif fault is Fault.CORRUPT:
            self._answer(200, {"Content-Type": "text/html"}, b"<html>portal: please log in")
        return fault in (Fault.SILENCE, Fault.RESET, Fault.SLOW_DOWN, Fault.CORRUPT)

    def _reply(self, fault: Fault | None, status: int, headers: dict[str, str], answer: bytes) -> None:
        """Hand the answer on, or what is left of it."""
        if fault is Fault.LOST_REPLY:
            self._reset()
        elif fault is Fault.RESET_IN_BODY:
            self._answer(status, headers, answer[: len(answer) // 2], length=len(answer) + 10)
            self._reset()
        else:
            self._answer(status, headers, answer)

    def _ask(self, body: bytes, unconditional: bool) -> tuple[int, dict[str, str], bytes]:
        skipped = {"expect", "connection"} | ({"if-match", "if-none-match"} if unconditional else set())
        headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
        upstream = http.client.HTTPConnection(
            self.proxy.upstream.hostname or "", self.proxy.upstream.port, timeout=30
        )
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, length: int | None = None) -> None:
        self.send_response_only(status)
        dropped = {"content-length", "transfer-encoding", "connection"}
        if self.command == "HEAD":
            dropped.discard("content-length")
        for name, value in headers.items():
            if name.lower() not in dropped:
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """End the connection with a reset instead of a farewell."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: object) -> None:
        """The proxy keeps its own log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Broken connections are what this is for."""

    def shutdown_request(self, request: object) -> None:
        with contextlib.suppress(OSError):
            super().shutdown_request(request)  # type: ignore[arg-type]


@contextlib.contextmanager
def faulty(upstream: str) -> Iterator[Faulty]:
    """Run a proxy in front of a server until the block ends."""
    proxy = Faulty(upstream)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
