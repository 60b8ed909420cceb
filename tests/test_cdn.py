"""What visitors get through a cache: the newest state within seconds, and the last one when the origin is gone."""

import contextlib
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.live import eventually
from tests.making import CONFIG, incident_text, write_project
from tests.programs import free_port, nginx
from tests.test_cli import meaculpa

SURFACES = ("index.html", "banner.js", "banner.json", "splash.html", "incidents/2026-11-22-card.html")
# A cache that keeps what the headers say for as long as they say, and shows it stale if they allow that.
CACHE = """
    proxy_cache_path {folder}/cache keys_zone=site:1m;
    upstream both {{ server 127.0.0.1:{first} max_fails=0; server 127.0.0.1:{second} backup; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://both;
            proxy_set_header Host status.northwind.example;
            proxy_cache site;
            proxy_cache_background_update on;
            proxy_connect_timeout 1s;
            proxy_read_timeout 1s;
            proxy_next_upstream error timeout http_502 http_503 http_504;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
"""


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def says(url: str, text: str) -> bool:
    return text in get(url)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text("show: splash\n")})
    second = b"  - {name: second, type: directory, path: public-b}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"path: public}", b"path: public}\n" + second.rstrip()))
    assert meaculpa("publish", cwd=project).returncode == 0
    return project


@contextlib.contextmanager
def origin(project: Path, name: str, port: int) -> Iterator[str]:
    """The status site on nginx as `meaculpa edge status-nginx` prints it."""
    text = meaculpa("edge", "status-nginx", cwd=project).stdout
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/var/www/status", str(project / name))
    types = "types { text/html html; application/json json; text/javascript js; image/svg+xml svg; }"
    with nginx(project.parent / f"origin-{name}", f"{types}\n{text}", port) as url:
        yield url


@contextlib.contextmanager
def cdn(folder: Path, first: int, second: int) -> Iterator[str]:
    port = free_port()
    with nginx(folder, CACHE.format(folder=folder, first=first, second=second, port=port), port) as url:
        yield url


def save(project: Path, title: str) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text("show: splash\n", title=title))
    assert meaculpa("publish", cwd=project).returncode == 0


def test_an_edit_reaches_visitors_of_a_busy_cache_within_seconds_and_nobody_invalidates(project: Path) -> None:
    first, second = free_port(), free_port()
    with origin(project, "public", first), cdn(project.parent / "cdn", first, second) as edge:
        assert "You cannot pay by card" in get(f"{edge}/index.html")
        save(project, "You cannot pay at all")
        for path in ("index.html", "banner.json", "splash.html"):
            eventually(partial(says, f"{edge}/{path}", "You cannot pay at all"), path)


def test_when_every_origin_is_gone_everything_is_still_there(project: Path) -> None:
    first, second = free_port(), free_port()
    with cdn(project.parent / "cdn", first, second) as edge:
        with origin(project, "public", first):
            for path in SURFACES:
                get(f"{edge}/{path}")
        time.sleep(11)
        for path in SURFACES:
            assert "You cannot pay by card" in get(f"{edge}/{path}"), path


def test_with_a_cold_cache_the_second_home_answers(project: Path) -> None:
    first, second = free_port(), free_port()
    with origin(project, "public-b", second), cdn(project.parent / "cdn", first, second) as edge:
        for path in SURFACES:
            assert "You cannot pay by card" in get(f"{edge}/{path}"), path
