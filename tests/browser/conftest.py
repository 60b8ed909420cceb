"""A built site and a pretended shop, served on two hosts of this machine."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.model import OutputFile
from meaculpa.project import read_project, read_scaffold
from meaculpa.render.scaffold import sample_shop
from tests.making import CONFIG, at, write_project

NOW = at("2026-11-22 09:36")
STRICT_POLICY = (
    "default-src 'none'; script-src 'nonce-x' {host}; connect-src {host}; style-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Server:
    """Serves files that tests may change while it runs; `answers` overrides a path with (status, headers, body).

    The path `*` stands for all others, the status 0 for a connection that is cut. Paths in `hanging` are accepted and
    never answered; `sent` counts the bytes of each body that were taken.
    """

    def __init__(self) -> None:
        self.files: dict[str, OutputFile] = {}
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.sent: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.hanging = set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, ours: Server, *arguments: Any) -> None:
        self.ours = ours
        super().__init__(*arguments)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].strip("/") or "index.html"
        self.ours.asked.append(path)
        while path in self.ours.hanging or "*" in self.ours.hanging:
            time.sleep(0.05)
        if path in self.ours.answers:
            status, headers, body = self.ours.answers[path]
        elif "*" in self.ours.answers:
            status, headers, body = self.ours.answers["*"]
        elif path in self.ours.files:
            file = self.ours.files[path]
            status, headers, body = 200, {"Content-Type": file.content_type}, file.body
        else:
            status, headers, body = 404, {}, b"not there"
        if not status:
            self.close_connection = True
            return
        if "Date" in {**self.ours.headers, **headers}:
            self.send_response_only(status)
        else:
            self.send_response(status)
        usual = {"Access-Control-Allow-Origin": "*", "Content-Length": str(len(body)), **self.ours.headers}
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.ours.sent[path] = 0
        with contextlib.suppress(OSError):
            for start in range(0, len(body), 65_536):
                self.ours.sent[path] += self.wfile.write(body[start : start + 65_536])

    def log_message(self, *_: object) -> None:
        """Tests speak for themselves."""


@pytest.fixture
def status_host() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def shop() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def memory() -> Iterator[Memory]:
    memory = Memory()
    yield memory
    memory.pool.close()


@pytest.fixture
def build_site(tmp_path: Path, memory: Memory) -> Callable[..., Build]:
    """Build a project with incidents by name, for a status host's address."""

    def make(url: str, incidents: Mapping[str, str], config: bytes = CONFIG) -> Build:
        root = write_project(tmp_path / "shop", **incidents)
        (root / "meaculpa.yml").write_bytes(config)
        return build(read_project(root), NOW, Memory(pool=memory.pool), site_url=url)

    return make


@pytest.fixture(scope="session")
def sample_build(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> Build:
    root = tmp_path_factory.mktemp("sample")
    for path, content in sample_shop(read_scaffold("sample"), b"", NOW).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return build(read_project(root), NOW, Memory(pool=memory.pool))


def stop_clock(page: Page, moment: datetime) -> None:
    """Let the page's time pass only where a test says so: how long a busy machine takes must decide nothing."""
    page.clock.install(time=moment - timedelta(minutes=1))
    page.clock.pause_at(moment)


def storefront(status_url: str, policy: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """A page of a shop with the banner's one line in it."""
    page = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Shop</title></head><body>"
        "<h1>Shop</h1><button id='buy'>Buy</button>"
        f"<script nonce='x'>import('{status_url}/banner.js').catch(function(){{}})</script></body></html>"
    )
    headers = {"Content-Type": "text/html; charset=utf-8"}
    if policy:
        headers["Content-Security-Policy"] = policy.format(host=status_url)
    return 200, headers, page.encode()
