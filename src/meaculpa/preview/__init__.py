"""The live desk on localhost: serves the newest build from memory and tells open pages of each new one."""

import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from meaculpa.model import OutputFile

_PREFIX = "/__preview/"
_KEEP_ALIVE_SECONDS = 15.0
_RELOAD = b'<script src="/__preview/reload.js"></script>'


@dataclass
class Desk:
    """What is being shown: the files of the newest good build, and the problems of the newest look."""

    pages: Mapping[str, bytes]
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    number: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False

    def show(self, files: Mapping[str, OutputFile] | None, problems: tuple[str, ...]) -> None:
        """Show a new build, or with None keep the old one and tell its problems."""
        with self.changed:
            if files is not None and _digests(files) != _digests(self.files):
                self.files, self.number = files, self.number + 1
            self.problems = problems
            self.changed.notify_all()

    def close(self) -> None:
        """Let everybody who waits for news go."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    @property
    def news(self) -> str:
        """What open pages are told."""
        return json.dumps({"build": self.number, "problems": self.problems})


def _digests(files: Mapping[str, OutputFile]) -> dict[str, str]:
    return {path: file.digest for path, file in files.items()}


_NOTHING_YET = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>Nothing to show yet</title>'
    b"<body><p>There is no good version yet: mend what the terminal shows.</p>"
    b'<script src="/__preview/reload.js"></script>'
)


class DeskServer(ThreadingHTTPServer):
    """Serves one desk to this machine only."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that goes away in the middle is no news."""

    def __init__(self, desk: Desk, port: int) -> None:
        self.desk = desk
        super().__init__(("127.0.0.1", port), _Handler)


def serve(desk: Desk, port: int) -> DeskServer:
    """Begin to serve a desk on a port of localhost (0: any); raises OSError when the port is taken."""
    server = DeskServer(desk, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; everything else is not done here."""

    protocol_version = "HTTP/1.1"
    server: DeskServer

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == f"{_PREFIX}events":
            self._stream()
        elif path.startswith(_PREFIX):
            self._preview(path.removeprefix(_PREFIX))
        else:
            self._published(path)

    do_HEAD = do_GET  # noqa: N815 (the library's names)

    def _preview(self, name: str) -> None:
        pages = self.server.desk.pages
        if name == "reload.js":
            self._answer(HTTPStatus.OK, "text/javascript; charset=utf-8", pages[name])
        else:
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", pages["shop.html"])

    def _published(self, path: str) -> None:
        files = self.server.desk.files
        name = path.strip("/")
        file = files.get(name) or files.get(f"{name}/index.html".lstrip("/"))
        status = HTTPStatus.OK if file else HTTPStatus.NOT_FOUND
        file = file or files.get("404.html")
        if file is None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/html; charset=utf-8", _NOTHING_YET)
        else:
            self._answer(status, file.content_type, _with_reload(file))

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        """Server-sent events: the state at once, then after each change."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._tell_news()

    def _tell_news(self) -> None:
        desk, told = self.server.desk, None
        while not desk.closed:
            with desk.changed:
                if desk.news == told:
                    desk.changed.wait(_KEEP_ALIVE_SECONDS)
                news = desk.news
            self.wfile.write(f"data: {news}\n\n".encode() if news != told else b": still here\n\n")
            self.wfile.flush()
            told = news

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to problems."""


def _with_reload(file: OutputFile) -> bytes:
    """Let a page of ours load the preview's script too; what is published never holds it."""
    if not file.content_type.startswith("text/html"):
        return file.body
    before, end, after = file.body.partition(b"</body>")
    return before + _RELOAD + end + after
