"""What `meaculpa edge` prints, in the programs it is for: the shop dies, the splash page comes."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from meaculpa.render.edge import EDGES
from tests.browser.conftest import Server
from tests.live import eventually
from tests.making import CONFIG, at, incident_text, write_project
from tests.programs import Origin, free_port, nginx, program, started

NOW = "2026-11-22 09:36"
DEAD = incident_text("components:\n  storefront: major_outage\nshow: splash\n", title="You cannot order")
HTML, JSON = "text/html,application/xhtml+xml,*/*;q=0.8", "application/json, text/plain, */*"
Edge = Callable[[Path, str, Origin], "contextlib.AbstractContextManager[str]"]


@pytest.fixture
def status_host() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path, status_host: Server) -> Path:
    config = CONFIG.replace(b"https://status.northwind.example", status_host.url.encode())
    assert config != CONFIG
    root = write_project(tmp_path / "shop", dead=DEAD)
    (root / "meaculpa.yml").write_bytes(config)
    memory = Memory()
    status_host.files = dict(build(read_project(root), at(NOW), memory).files)
    memory.pool.close()
    return root


@pytest.fixture
def origin() -> Iterator[Origin]:
    shop = Origin()
    shop.start()
    yield shop
    shop.stop()


def printed(project: Path, kind: str) -> str:
    """What the command prints, with a folder of the test's own for its files."""
    command = [sys.executable, "-m", "meaculpa", "-C", str(project), "edge", kind, "--now", NOW]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("/var/lib/meaculpa/www.northwind.example", str(project.parent / "edge")).replace(
        "/var/www/status", str(project / "public")
    )


def do_its_shell_steps(text: str, sign: str = "#") -> None:
    """Run the commands that the printed text tells to run, as they stand there."""
    steps = [line.removeprefix(sign).strip() for line in text.splitlines() if re.match(rf"{sign} {{3,}}\S", line)]
    wanted = ("mkdir", "head()", "page=", "{ head")
    script = "\n".join(step.replace("&& varnishreload", "") for step in steps if step.startswith(wanted))
    assert "curl" in script
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    subprocess.run(["bash", "-euc", script], check=True, env=environment)


@contextlib.contextmanager
def an_nginx(folder: Path, text: str, origin: Origin) -> Iterator[str]:
    port = free_port()
    http_part, server_part = text.split("# 3.", 1)
    shop = f"location / {{ proxy_pass http://127.0.0.1:{origin.port}; }}"
    content = f"{http_part}\nserver {{ listen 127.0.0.1:{port};\n#{server_part}\n{shop} }}"
    with nginx(folder, content, port) as url:
        yield url


@contextlib.contextmanager
def a_haproxy(folder: Path, text: str, origin: Origin) -> Iterator[str]:
    path, port = program("haproxy", "haproxy"), free_port()
    text = text.replace("bind :80", f"bind 127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{origin.port}")
    file = folder / "haproxy.cfg"
    file.write_text(text)
    done = subprocess.run([path, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    with started([path, "-db", "-f", str(file)], port, folder / "haproxy.log") as url:
        yield url


APACHE = """\
ServerName localhost
ServerRoot {folder}
PidFile {folder}/apache.pid
Mutex file:{folder}
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
{modules}
{user}
<VirtualHost *:{port}>
{text}
ProxyPass "/" "http://127.0.0.1:{origin}/" connectiontimeout=3 retry=0
</VirtualHost>
"""
APACHE_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_http", "asis", "alias", "headers")


@contextlib.contextmanager
def an_apache(folder: Path, text: str, origin: Origin) -> Iterator[str]:
    path, port = program("apache2", "apache2-bin"), free_port()
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES)
    user = "User root\nGroup root" if os.geteuid() == 0 else ""
    if os.geteuid() == 0:
        # Debian's Apache refuses to be root; whoever runs the tests as root has the daemon's user for this.
        user = "User daemon\nGroup daemon"
        for place in (folder, *folder.parents[:-2]):
            place.chmod(place.stat().st_mode | 0o055)
    file = folder / "apache.conf"
    file.write_text(
        APACHE.format(folder=folder, port=port, modules=modules, user=user, text=text, origin=origin.port)
    )
    with started([path, "-DFOREGROUND", "-f", str(file)], port, folder / "apache.log") as url:
        yield url


@contextlib.contextmanager
def a_varnish(folder: Path, text: str, origin: Origin) -> Iterator[str]:
    path, port = program("varnishd", "varnish"), free_port()
    backend = f'backend shop {{ .host = "127.0.0.1"; .port = "{origin.port}"; }}'
    (folder / "shop.vcl").write_text(f"vcl 4.1;\n{backend}\n{text}")
    for place in (folder, *folder.parents[:-2]):
        place.chmod(place.stat().st_mode | 0o055)
    command = [path, "-F", "-j", "none", "-n", str(folder / "work"), "-a", f"127.0.0.1:{port}", "-s", "malloc,16m"]
    with started([*command, "-f", str(folder / "shop.vcl")], port, folder / "varnish.log") as url:
        yield url


EDGE_SERVERS: dict[str, Edge] = {"nginx": an_nginx, "haproxy": a_haproxy, "apache": an_apache, "varnish": a_varnish}


def ask(
    url: str, method: str, path: str = "/checkout?step=2", accept: str = HTML, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    body = b"card=4111" if method in ("POST", "PUT") else None
    connection.request(method, path, body=body, headers={"Accept": accept, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


@pytest.mark.parametrize("kind", EDGE_SERVERS)
def test_the_shop_dies_and_the_splash_page_comes(kind: str, project: Path, origin: Origin) -> None:
    text = printed(project, kind)
    do_its_shell_steps(text)
    folder = project.parent / "edge"
    with EDGE_SERVERS[kind](folder, text, origin) as url:
        for method in ("GET", "POST"):
            status, _, said = ask(url, method)
            assert (status, said) == (200, "the shop itself")
        origin.stop()
        for method in ("GET", "HEAD", "POST", "PUT"):
            assert_down(*ask(url, method), method)
        assert_json(*ask(url, "GET", accept=JSON))
        assert_json(*ask(url, "POST", accept="application/vnd.api+json"))
        assert_down(*ask(url, "GET", accept="*/*"), "GET")
        assert_down(*ask(url, "GET", accept="text/html, application/json"), "GET")
        assert_down(*ask(url, "GET", headers={"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}), "GET")
        assert_down(*ask(url, "GET", headers={"Range": "bytes=0-9"}), "GET")
        origin.start()
        asked = len(origin.asked)
        eventually(lambda: ask(url, "GET")[2] == "the shop itself", "the shop is back")
        for failure in (500, 502, 503, 504):
            origin.status = failure
            assert_down(*ask(url, "GET"), "GET")
            assert_json(*ask(url, "GET", accept=JSON))
        origin.status = 404
        assert ask(url, "GET")[::2] == (404, "the shop itself"), "the shop's own word for what is not there"
        assert not [method for method, _ in origin.asked[asked:] if method == "POST"], "an order is never repeated"


def assert_down(status: int, headers: dict[str, str], text: str, method: str) -> None:
    assert status == 503
    assert headers["retry-after"] == "120"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert ("We are sorry. You cannot order." in text) is (method != "HEAD")


def assert_json(status: int, headers: dict[str, str], text: str) -> None:
    assert status == 503
    assert headers["retry-after"] == "120"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/json"
    assert json.loads(text)["error"] == "service_unavailable"


def test_without_its_copy_nginx_still_says_503(project: Path, origin: Origin) -> None:
    folder = project.parent / "edge"
    folder.mkdir()
    with an_nginx(folder, printed(project, "nginx"), origin) as url:
        origin.stop()
        status, headers, _ = ask(url, "GET")
        assert (status, headers["retry-after"], headers["cache-control"]) == (503, "120", "no-store")


def test_a_policy_of_the_shop_does_not_silence_the_page_on_apache(project: Path, origin: Origin) -> None:
    text = printed(project, "apache")
    do_its_shell_steps(text)
    policy = "Header always set Content-Security-Policy \"default-src 'self'\"\n"
    with an_apache(project.parent / "edge", policy + text, origin) as url:
        assert "content-security-policy" in ask(url, "GET")[1]
        origin.stop()
        status, headers, _ = ask(url, "GET")
        assert (status, "content-security-policy" in headers) == (503, False)
        assert ask(url, "GET", "/__meaculpa/")[0] in (403, 404)


def test_a_self_hosted_status_site_is_served_as_the_shop_needs_it(project: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "meaculpa", "-C", str(project), "build", "--now", NOW], check=True, capture_output=True
    )
    port = free_port()
    text = printed(project, "status-nginx").replace("listen 80;", f"listen 127.0.0.1:{port};")
    types = "types { text/html html; text/javascript js; application/json json; image/svg+xml svg; }"
    with nginx(project.parent / "status", f"{types}\n{text}", port) as url:
        assert_served_well(url)


def test_a_self_hosted_status_site_on_caddy(project: Path) -> None:
    path, port = program("caddy", "caddy"), free_port()
    subprocess.run(
        [sys.executable, "-m", "meaculpa", "-C", str(project), "build", "--now", NOW], check=True, capture_output=True
    )
    text = re.sub(r"^127\.0\.0\.1 ", f"http://127.0.0.1:{port} ", printed(project, "status-caddy"), flags=re.M)
    file = project.parent / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{text}")
    command = [path, "run", "--adapter", "caddyfile", "--config", str(file)]
    with started(command, port, project.parent / "caddy.log") as url:
        assert_served_well(url)


READ_BY_PROGRAMS = {
    "feed.atom": "application/atom+xml",
    "de/feed.atom": "application/atom+xml",
    "feed.rss": "application/rss+xml",
    "feed.json": "application/feed+json",
    "maintenance.ics": "text/calendar",
    "badge.svg": "image/svg+xml",
}


def assert_served_well(url: str) -> None:
    status, page, _ = ask(url, "GET", "/")
    assert status == 200
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert page["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in page
    _, data, _ = ask(url, "GET", "/banner.json")
    assert data["access-control-allow-origin"] == "*"
    assert data["access-control-expose-headers"] == "Date, Age"
    assert data["cache-control"].startswith("public, max-age=5,")
    status, data, _ = ask(url, "GET", "/api/v2/scheduled-maintenances/upcoming.json")
    assert (status, data["access-control-allow-origin"]) == (200, "*"), "clients of Statuspage ask from anywhere"
    assert "json" in data["content-type"]
    for path, kind in READ_BY_PROGRAMS.items():
        status, data, _ = ask(url, "GET", f"/{path}")
        assert (status, data["content-type"].split(";")[0]) == (200, kind), path
        assert "utf-8" in data["content-type"].casefold() or not kind.startswith("text/"), path
        assert data["access-control-allow-origin"] == "*", path
    _, script, text = ask(url, "GET", "/banner.js")
    assert script["cache-control"].startswith("public, max-age=60,")
    assert "javascript" in script["content-type"]
    assert ask(url, "GET", "/splash.html")[1]["x-robots-tag"] == "noindex"
    status, gone, _ = ask(url, "GET", "/banner.none.json?x")
    assert (status, gone["access-control-allow-origin"]) == (404, "*"), "a shop's page must see that it is gone"
    status, _, text = ask(url, "GET", "/nowhere")
    assert (status, "This page does not exist" in text) == (404, True)
    assert ask(url, "GET", "/.meaculpa/manifest.json")[0] == 404


def cloudformation(text: str) -> dict[str, object]:
    class Loader(yaml.SafeLoader):
        """Knows CloudFormation's short forms."""

    Loader.add_constructor("!Ref", lambda _, node: {"Ref": node.value})
    value = yaml.load(text, Loader)
    assert isinstance(value, dict)
    return value


def test_a_load_balancer_takes_any_title(project: Path) -> None:
    (project / "incidents" / "dead.md").write_text(DEAD.replace("You cannot order", "💥" * 119), encoding="utf-8")
    config = (project / "meaculpa.yml").read_bytes()
    (project / "meaculpa.yml").write_bytes(config.replace(b"name: Northwind,", f"name: {'ß' * 119},".encode()))
    rules = cloudformation(printed(project, "alb"))["Resources"]
    assert isinstance(rules, dict)
    body = rules["Splash"]["Properties"]["Actions"][0]["FixedResponseConfig"]["MessageBody"]
    assert "💥" in body
    assert len(body.encode()) <= 1024


def test_an_address_with_port_and_path_is_told_to_cloudfront_in_its_parts(project: Path) -> None:
    config = re.sub(
        rb"http://127.0.0.1:\d+", b"https://host.example:8443/st", (project / "meaculpa.yml").read_bytes()
    )
    (project / "meaculpa.yml").write_bytes(config)
    resources = cloudformation(printed(project, "cloudfront"))["Resources"]
    assert isinstance(resources, dict)
    origin = resources["Shop"]["Properties"]["DistributionConfig"]["Origins"][0]
    assert (origin["DomainName"], origin["OriginPath"]) == ("host.example", "/st")
    assert origin["CustomOriginConfig"]["HTTPSPort"] == 8443


def test_a_load_balancer_gets_what_it_can_take(project: Path) -> None:
    rules = cloudformation(printed(project, "alb"))["Resources"]
    assert isinstance(rules, dict)
    bodies = [rule["Properties"]["Actions"][0]["FixedResponseConfig"]["MessageBody"] for rule in rules.values()]
    assert all(len(body.encode()) <= 1024 for body in bodies)
    assert any("You cannot order" in body for body in bodies)


def test_cloudfront_answers_503_from_an_origin_of_its_own(project: Path) -> None:
    resources = cloudformation(printed(project, "cloudfront"))["Resources"]
    assert isinstance(resources, dict)
    shop = resources["Shop"]["Properties"]["DistributionConfig"]
    assert {
        (one["ErrorCode"], one["ResponseCode"], one["ResponsePagePath"]) for one in shop["CustomErrorResponses"]
    } == {(code, 503, "/splash.html") for code in (500, 502, 503, 504)}
    assert [one["PathPattern"] for one in shop["CacheBehaviors"]] == ["/splash.html"]


def test_kubernetes_gets_a_backend_that_nginx_itself_accepts(project: Path) -> None:
    documents = list(yaml.safe_load_all(printed(project, "kubernetes")))
    assert [one["kind"] for one in documents] == ["ConfigMap", "Deployment", "Service"]
    port = free_port()
    settings = documents[0]["data"]["default.conf"].replace("listen 8080", f"listen 127.0.0.1:{port}")
    folder = project.parent / "edge"
    folder.mkdir()
    (folder / "splash.html").write_text("We are sorry. You cannot order.")
    with nginx(project.parent / "pod", settings.replace("/srv/meaculpa", str(folder)), port) as url:
        assert_down(*ask(url, "POST"), "POST")
        assert_json(*ask(url, "GET", accept=JSON))
        assert ask(url, "GET", "/healthz")[0] == 200


def test_a_cloudflare_worker_answers_like_the_others(project: Path, origin: Origin, tmp_path: Path) -> None:
    """In node, whose Request, Response and fetch are the platform's own."""
    node = program("node", "nodejs")
    (tmp_path / "worker.mjs").write_text(
        printed(project, "cloudflare").replace("PATIENCE = 20000", "PATIENCE = 2000")
    )
    (tmp_path / "run.mjs").write_text(
        "import worker from './worker.mjs';\n"
        "const answers = [];\n"
        "for (const [method, accept] of JSON.parse(process.argv[3])) {\n"
        "  const request = new Request(process.argv[2], {method, headers: {Accept: accept}});\n"
        "  const answer = await worker.fetch(request);\n"
        "  answers.push([answer.status, Object.fromEntries(answer.headers), await answer.text()]);\n"
        "}\n"
        "console.log(JSON.stringify(answers));\n"
    )

    def answers(*requests: tuple[str, str]) -> list[tuple[int, dict[str, str], str]]:
        command = [node, str(tmp_path / "run.mjs"), f"http://127.0.0.1:{origin.port}/", json.dumps(requests)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [(status, headers, text) for status, headers, text in json.loads(done.stdout)]

    assert answers(("GET", HTML))[0][0] == 200
    origin.status = 502
    page, api = answers(("GET", HTML), ("POST", JSON))
    assert_down(*page, "GET")
    assert_json(*api)
    origin.stop()
    for answer, method in zip(
        answers(("GET", HTML), ("HEAD", HTML), ("POST", HTML)), ("GET", "HEAD", "POST"), strict=True
    ):
        assert_down(*answer, method)


def test_every_kind_can_be_printed(project: Path) -> None:
    for kind in EDGES:
        text = printed(project, kind)
        assert "Northwind" in text
        assert "{{" not in text.replace("${{", "")
        assert "None" not in text
