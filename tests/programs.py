"""Programs of the system that tests run for real, and servers of them on loopback."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin:/bin"
_PATIENCE = 20.0


def program(name: str, package: str) -> str:
    """Find a program; without it the test is skipped, or fails where nothing may be missing."""
    path = shutil.which(name) or shutil.which(name, path=_FOLDERS)
    if path:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing; install it (Debian, Ubuntu: apt-get install {package})")
    pytest.skip(f"needs {name} (Debian, Ubuntu: apt-get install {package})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Run a server until the block ends; gives its address."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.02)


NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {content}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, content: str, port: int) -> Iterator[str]:
    """Run nginx with the content of its http block, which listens on the port."""
    path = program("nginx", "nginx-light")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, content=content))
    folder.chmod(0o755)
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    command = [path, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"), *user]
    with started(command, port, folder / "nginx.log") as url:
        yield url


class Origin:
    """A shop's own server, which can be made to fail: `status` is what it answers with; `stop` kills it."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                origin.asked.append((self.command, self.path))
                body = b"the shop itself"
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(origin.status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Cache-Control", "private")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Tests speak for themselves."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def tool(name: str) -> Path:
    """Find a folder of other people's libraries that `scripts/setup-programs` has fetched."""
    place = Path(__file__).parents[1] / ".tools" / name
    if place.is_dir():
        return place
    if os.environ.get("CI") == "true":
        pytest.fail(f".tools/{name} is missing; run scripts/setup-programs")
    pytest.skip(f"needs .tools/{name} (run scripts/setup-programs)")
