"""A service that messages are posted to: takes them, refuses them, cuts the line, keeps silent, or has moved."""

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Service:
    """What was taken, and the answers to come: a status, `cut` (takes and says nothing), `slow`, `503 slow`, or
    `elsewhere`, `other`, `circle`, `nowhere` (redirects by 302, 303, 307, and to nobody).

    Answers are used up, the last one stays; `asked` counts all requests.
    """

    port: int = 0
    answers: list[int | str] = field(default_factory=lambda: [200])
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Its address as apprise has it, with something in it that nobody else may see."""
        return f"json://user:hunter2@127.0.0.1:{self.port}/secret-path"

    @property
    def texts(self) -> list[str]:
        return [f"{one['title']}\n{one['message']}" for one in self.taken]

    def next_answer(self) -> int | str:
        with self.lock:
            self.asked += 1
            self.times.append(time.monotonic())
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def a_service(*answers: int | str) -> Iterator[Service]:
    service = Service(answers=list(answers) or [200])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = service.next_answer()
            if answer in (200, "cut", "slow"):
                service.taken.append(body)
            if answer in ("slow", "503 slow"):
                time.sleep(3)
            if answer == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            told = {"elsewhere": 302, "other": 303, "circle": 307, "nowhere": 303, "503 slow": 503, "slow": 200}
            place = "http://127.0.0.1:9/" if answer == "nowhere" else "/elsewhere"
            self._answer(answer if isinstance(answer, int) else told[answer], place)

        def do_GET(self) -> None:
            self._answer(200)

        def _answer(self, status: int, place: str = "") -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", place)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
