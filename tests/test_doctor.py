"""Whether everything is ready for a bad night: against real servers, names and files, each check both ways."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from meaculpa.cli.doctor.checks import in_time
from meaculpa.customers.ses import SesConnection
from meaculpa.doctor import Finding, Verdict
from meaculpa.doctor.fate import Place, find_place, judge_bucket, judge_distribution, judge_page, judge_places
from meaculpa.doctor.readiness import inspect_playbooks, inspect_pools, inspect_transport
from meaculpa.doctor.served import inspect_site
from meaculpa.project import read_scaffold
from meaculpa.publish.credentials import Lasting, inspect_credentials
from tests.conftest import make_bucket
from tests.faulty import Fault, faulty
from tests.mailserver import PASSWORD, USER, MailServer, mail_server
from tests.making import CONFIG, at, incident_text, write_project
from tests.programs import free_port, nginx
from tests.test_cli import meaculpa
from tests.test_promises import CARD, RESOLVED, patience
from tests.test_sending import use_server

QUIET = incident_text(
    updates="## 2026-11-22 09:20 UTC investigating\n\nYou cannot pay by card.\n\n"
    "## 2026-11-22 10:20 UTC resolved\n\nYou could not pay by card from 09:20 to 10:20 UTC.\n"
)
NOW = "2026-11-22 12:00"


def examined(project: Path, *more: str, **environment: str) -> tuple[int, list[dict[str, str]]]:
    done = meaculpa("doctor", "--json", *(more or ("--now", NOW)), cwd=project, **environment)
    return done.returncode, json.loads(done.stdout)["checks"]


def of(checks: list[dict[str, str]], name: str) -> list[tuple[str, str]]:
    return [(one["verdict"], one["message"]) for one in checks if one["check"] == name]


def verdicts(findings: list[Finding]) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.message) for one in findings]


def configure(project: Path, text: str) -> None:
    (project / "meaculpa.yml").write_text(text)


def at_home(url: str, store: str) -> str:
    """The configuration of a site that is served from here."""
    text = CONFIG.decode().replace("https://status.northwind.example", url)
    text = text.replace("https://www.northwind.example", store)
    return text.replace("locales: [en, de]}", 'locales: [en], support: {phone: "+44 800 555 0100"}}')


def add_mail(project: Path, port: int, more: str = "") -> None:
    transport = f"{{type: smtp, host: localhost, port: {port}, security: none{more}}}"
    text = f"mail:\n  from: orders@northwind.example\n  signed_by: Anna Berg\n  transport: {transport}\n"
    configure(project, (project / "meaculpa.yml").read_text() + text)


@contextlib.contextmanager
def served(project: Path, port: int) -> Iterator[str]:
    """The status site on nginx as `meaculpa edge status-nginx` prints it."""
    text = meaculpa("edge", "status-nginx", cwd=project).stdout
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/var/www/status", str(project / "public"))
    types = "types { text/html html; application/json json; text/javascript js; image/svg+xml svg; }"
    with nginx(project.parent / "origin", f"{types}\n{text}", port) as url:
        yield url


@contextlib.contextmanager
def careless(folder: Path) -> Iterator[str]:
    """A server of files that adds nothing of its own."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{CARD: QUIET})


# ---- The whole


def test_a_shop_that_is_ready(project: Path) -> None:
    port = free_port()
    with mail_server() as server:
        configure(project, at_home(f"http://127.0.0.1:{port}", "http://127.0.0.2"))
        add_mail(project, server.port)
        assert meaculpa("publish", cwd=project).returncode == 0
        with served(project, port) as url:
            code, checks = examined(project, "--now", f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
        assert server.count == 0, "nobody is written to"
    assert code == 0, [one for one in checks if one["verdict"] == "fail"]
    found = {one["check"]: one["verdict"] for one in checks}
    assert found == {
        **dict.fromkeys(("files", "targets", "address", "shared fate", "mail", "codes", "playbooks"), "ok"),
        "promises": "ok",
        # Nobody watches.
        "heartbeat": "warn",
    }
    assert of(checks, "address") == [("ok", f"{url} answers as it should")]
    assert not (project / "public" / ".meaculpa" / "trial").exists()


def test_what_fails_stands_first_with_its_next_step(project: Path) -> None:
    done = meaculpa("doctor", "--now", NOW, cwd=project)
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0].startswith("fail  ")
    assert lines[1].strip().startswith("→ ")
    verdicts = [line.split()[0] for line in lines[:-1] if not line.startswith(" ")]
    assert verdicts == sorted(verdicts, key=["fail", "warn", "ok"].index)
    assert "failed" in lines[-1]


# ---- Files


def test_a_mistake_in_a_file_fails_and_the_rest_is_looked_at_all_the_same(project: Path) -> None:
    (project / "incidents" / "2026-11-23-broken.md").write_text("nothing")
    code, checks = examined(project)
    ((verdict, message),) = [
        one for one in of(checks, "files") if "placeholder" not in one[1] and "reached" not in one[1]
    ]
    assert (code, verdict) == (3, "fail")
    assert message.startswith("1 error, the first: incidents/2026-11-23-broken.md:1:")
    assert of(checks, "targets")[0][0] == "ok"


def test_a_configuration_that_cannot_be_read_is_all_there_is_to_say(project: Path) -> None:
    configure(project, "format: 1\nsite: {nam: x}\n")
    code, checks = examined(project)
    assert (code, [one["check"] for one in checks]) == (1, ["files"])


def test_addresses_that_nobody_has_filled_in(project: Path) -> None:
    told = [message for verdict, message in of(examined(project)[1], "files") if verdict == "warn"]
    assert told[0] == "site.url is still a placeholder, https://status.northwind.example"
    assert told[2] == "nobody can be reached while the shop is down"


# ---- Targets


@pytest.mark.parametrize("is_careless", [False, True])
def test_a_server_that_ignores_conditions_is_found_before_the_night(
    project: Path, seaweed: str, moto_url: str, *, is_careless: bool
) -> None:
    bucket = f"doctor-{is_careless}".casefold()
    server = moto_url if is_careless else seaweed
    make_bucket(server, bucket)
    with faulty(server) as proxy:
        if is_careless:
            proxy.choose = lambda method, path: Fault.UNCONDITIONAL
        target = f"{{name: s3, type: s3, bucket: {bucket}, endpoint_url: '{proxy.url}'}}"
        configure(project, CONFIG.decode().replace("{name: local, type: directory, path: public}", target))
        code, checks = examined(project)
    ((verdict, message),) = of(checks, "targets")
    expected = ("fail", "ignores their conditions") if is_careless else ("ok", "conditions are honoured")
    assert (verdict, expected[1] in message) == (expected[0], True), message
    assert code == 3
    assert of(checks, "credentials") == [("ok", "they last (env)")]


def test_a_bucket_that_is_not_there(project: Path, seaweed: str) -> None:
    target = f"{{name: s3, type: s3, bucket: not-there, endpoint_url: '{seaweed}'}}"
    configure(project, CONFIG.decode().replace("{name: local, type: directory, path: public}", target))
    checks = examined(project)[1]
    ((verdict, message),) = of(checks, "targets")
    assert (verdict, "the bucket does not exist" in message) == ("fail", True)


def test_no_target_at_all(project: Path) -> None:
    configure(project, CONFIG.decode().split("targets:")[0])
    assert of(examined(project)[1], "targets") == [("fail", "there is none, so nothing is published")]


# ---- The address


def test_a_server_that_adds_nothing_of_its_own_keeps_the_shop_from_reading(project: Path) -> None:
    assert meaculpa("publish", cwd=project).returncode == 0
    with careless(project / "public") as url:
        found = inspect_site(url, "https://www.northwind.example", None, needs_https=False)
    told = verdicts(found)
    assert (Verdict.FAIL, "the shop's pages may not read the state: Access-Control-Allow-Origin is not *") in told
    assert (Verdict.FAIL, "banner.json may be kept for too long (no max-age in Cache-Control)") in told
    assert (Verdict.WARN, "pages are served without X-Content-Type-Options, Content-Security-Policy") in told


def test_an_address_that_shows_an_older_state_than_the_targets(project: Path) -> None:
    assert meaculpa("publish", cwd=project).returncode == 0
    stamp = json.loads((project / "public" / "banner.json").read_text())["at"]
    published = at(stamp[:16].replace("T", " "))
    with careless(project / "public") as url:
        for minutes, is_old in ((2, False), (20, True)):
            found = inspect_site(url, url, published + timedelta(minutes=minutes), needs_https=False)
            assert any("older than what is published" in one.message for one in found) is is_old


def test_what_answers_is_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "banner.json").write_text("<html>parked</html>")
    with careless(tmp_path) as url:
        (found,) = inspect_site(url, url, None, needs_https=False)
    assert found.verdict is Verdict.FAIL
    assert "is not this site (status 200)" in found.message


def test_an_address_without_encryption(project: Path) -> None:
    """127.0.0.1 is this machine, any other address is not: a page on https loads nothing from there."""
    assert meaculpa("publish", cwd=project).returncode == 0
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(project / "public"))
    with http.server.ThreadingHTTPServer(("127.0.0.9", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.9:{server.server_address[1]}"
        found = inspect_site(url, url, None, needs_https=True)
        server.shutdown()
    assert "letters on the page do not open" in found[0].message


# ---- Shared fate


def test_two_names_for_one_address_are_one_fate(project: Path) -> None:
    port = free_port()
    configure(project, at_home(f"http://localhost:{port}", "http://127.0.0.1"))
    code, checks = examined(project)
    assert code == 3
    assert of(checks, "shared fate") == [("fail", "localhost and 127.0.0.1 lead to the same address, 127.0.0.1")]


def test_a_site_on_the_shops_own_host(project: Path) -> None:
    configure(project, at_home("http://127.0.0.1/status", "http://127.0.0.1"))
    assert of(examined(project)[1], "shared fate") == [
        ("fail", "the status site lies on the shop's own host, 127.0.0.1")
    ]


def place(host: str, addresses: str, canonical: str = "") -> Place:
    return Place(host, frozenset(addresses.split()), canonical or host)


STATUS, STORE, EDGE = "s.example", "www.example", "d1.cloudfront.net"


@pytest.mark.parametrize(
    ("status", "store", "verdict"),
    [
        (place(STATUS, "192.0.2.1 192.0.2.2"), place(STORE, "192.0.2.9"), Verdict.OK),
        (place(STATUS, "192.0.2.1 192.0.2.2"), place(STORE, "192.0.2.2"), Verdict.FAIL),
        # The same distribution, even if each name was given other addresses of it.
        (place(STATUS, "192.0.2.1", EDGE), place(STORE, "192.0.2.9", EDGE), Verdict.FAIL),
        # Two customers of one edge network may meet at an address.
        (place(STATUS, "192.0.2.1", EDGE), place(STORE, "192.0.2.1", "d2.cloudfront.net"), Verdict.WARN),
        (place(STATUS, "192.0.2.1", EDGE), place(STORE, "192.0.2.1"), Verdict.FAIL),
        (None, place(STORE, "192.0.2.1"), Verdict.FAIL),
        (place(STATUS, "192.0.2.1"), None, Verdict.WARN),
    ],
)
def test_when_two_hosts_are_one_place(status: Place | None, store: Place | None, verdict: Verdict) -> None:
    (found,) = judge_places(status, store, STATUS, STORE)
    assert found.verdict is verdict


def test_a_bucket_a_server_and_a_distribution_of_the_shops_own() -> None:
    store = place(STORE, "192.0.2.1", "shop.s3.eu-west-1.amazonaws.com")
    assert "the bucket of primary" in judge_bucket("shop", None, "primary", store)[0].message
    assert judge_bucket("status", None, "primary", store) == []
    here = find_place("127.0.0.1")
    assert "127.0.0.1, is the shop's own" in judge_bucket("status", "http://127.0.0.1:9000", "s3", here)[0].message
    assert judge_bucket("status", "http://127.0.0.2:9000", "s3", here) == []
    behind = place(STORE, "192.0.2.1", EDGE)
    assert judge_distribution("d1.cloudfront.net", [], "primary", behind)
    assert judge_distribution("d2.cloudfront.net", ["WWW.example"], "primary", behind)
    assert judge_distribution("d2.cloudfront.net", ["s.example"], "primary", behind) == []


@pytest.mark.parametrize(
    ("html", "is_loaded"),
    [
        ('<a href="https://www.example.com/shop">To the shop</a>', False),
        ('<link rel="canonical" href="https://www.example.com/">', False),
        ('<img src="assets/logo.svg"><a href="//www.example.com">shop</a>', False),
        ('<img src="https://www.example.com/logo.svg">', True),
        ('<img src="//example.com/logo.svg">', True),
        ('<img srcset="a.png 1x, https://www.example.com/b.png 2x" src="a.png">', True),
        ('<script src="https://www.example.com/a.js"></script>', True),
        ('<link rel="preload stylesheet" href="https://WWW.example.com/a.css">', True),
        ("<style>body { background: url('https://www.example.com/a.png') }</style>", True),
        ('<style>@import "https://www.example.com/a.css";</style>', True),
        ('<img src="https://cdn.example.org/logo.svg">', False),
        ('<img src="http://[broken">', False),
    ],
)
def test_what_a_page_loads_from_the_shop(html: str, *, is_loaded: bool) -> None:
    assert bool(judge_page(html, "https://status.example.com", "www.example.com")) is is_loaded


# ---- Mail


def test_a_mail_server_that_is_not_there(project: Path) -> None:
    add_mail(project, free_port())
    ((verdict, message),) = of(examined(project)[1], "mail")
    assert (verdict, "cannot be reached" in message) == ("fail", True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_login_that_is_refused_and_a_password_that_is_missing(project: Path) -> None:
    with mail_server(needs_login=True) as server:
        add_mail(project, server.port, f", username: {USER}")
        right = of(examined(project, MEACULPA_SMTP_PASSWORD=PASSWORD)[1], "mail")
        wrong = of(examined(project, MEACULPA_SMTP_PASSWORD="wrong")[1], "mail")
        missing = of(examined(project)[1], "mail")
    assert right == [("ok", f"localhost:{server.port} answers and lets us in")]
    assert (wrong[0][0], f"refuses the login of {USER}" in wrong[0][1]) == ("fail", True)
    assert (missing[0][0], "MEACULPA_SMTP_PASSWORD" in missing[0][1]) == ("fail", True)


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ((True, True), []),
        ((False, True), ["SES: the account is in the sandbox"]),
        ((True, False), ["SES: sending is switched off for the account"]),
    ],
)
def test_what_keeps_an_account_from_writing_to_customers(account: tuple[bool, bool], told: list[str]) -> None:
    from meaculpa.config import SesTransport

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(dict(zip(("ProductionAccessEnabled", "SendingEnabled"), account, strict=True))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        settings = SesTransport(type="ses", region="eu-west-1", endpoint_url=url)
        found = inspect_transport(settings, lambda: SesConnection(settings))
        server.shutdown()
    assert [one.message for one in found if one.verdict is not Verdict.OK] == told


# ---- Credentials, codes, playbooks


@pytest.mark.parametrize(
    ("environment", "lasting"),
    [
        ({}, Lasting.NONE),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, Lasting.LASTING),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, Lasting.UNKNOWN),
        (
            {
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_SESSION_TOKEN": "c",
                "AWS_CREDENTIAL_EXPIRATION": "2026-01-01T00:00:00Z",
            },
            Lasting.ENDING,
        ),
        (
            {
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_SESSION_TOKEN": "c",
                "AWS_CREDENTIAL_EXPIRATION": "2199-01-01T00:00:00Z",
            },
            Lasting.LASTING,
        ),
    ],
)
def test_for_how_long_credentials_hold(
    environment: dict[str, str], lasting: Lasting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert inspect_credentials().lasting is lasting


def test_pools_of_codes_that_run_out() -> None:
    assert verdicts(inspect_pools({}, [])) == [(Verdict.OK, "there is no pool, and no open incident needs one")]
    assert verdicts(inspect_pools({"a": 10, "b": 300}, ["a"])) == [(Verdict.OK, "310 codes in 2 pools")]
    assert verdicts(inspect_pools({"a": 9, "b": 0}, ["a", "c"])) == [
        (Verdict.WARN, "9 codes are left in private/codes/a"),
        (Verdict.WARN, "no code is left in private/codes/b"),
        (Verdict.FAIL, "no code is left in private/codes/c"),
    ]


def test_codes_that_are_given_away_are_not_left(project: Path) -> None:
    codes = project / "private" / "codes"
    codes.mkdir(parents=True)
    (codes / "gift-20.txt").write_text("NW-1\nNW-2\n")
    assert of(examined(project)[1], "codes") == [("warn", "2 codes are left in private/codes/gift-20.txt")]
    (codes / "gift-20.txt").write_text("NW-1\nNW-1\n")
    ((verdict, message),) = of(examined(project)[1], "codes")
    assert (verdict, "stands there twice" in message) == ("fail", True)


def test_a_playbook_for_every_kind_and_language_that_works() -> None:
    books = read_scaffold("playbooks")
    assert inspect_playbooks(books, ["en", "de", "en-GB"])[0].verdict is Verdict.OK
    fewer = {name: text for name, text in books.items() if name != "maintenance.de.md"}
    (found,) = inspect_playbooks(fewer, ["en", "de"])
    assert (found.verdict, "missing: maintenance.de.md" in found.message) == (Verdict.WARN, True)
    for broken, told in (
        (b"{{ boom", "outage.en.md"),
        (b"{{ nothing.x }}", "nothing"),
        (b"\xff", "not UTF-8"),
        (b"", "no text"),
    ):
        (found,) = inspect_playbooks(books | {"outage.en.md": broken}, ["en"])
        assert (found.verdict, told in found.message) == (Verdict.FAIL, True), found.message


def test_a_server_that_drips_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.cli.doctor.checks.SECONDS_A_CHECK", 0.3)

    def drip(_: object) -> list[Finding]:
        time.sleep(30)
        return []

    begun = time.monotonic()
    (found,) = in_time("address", drip, None)
    assert (found.verdict, found.check, "no answer within" in found.message) == (Verdict.FAIL, "address", True)
    assert time.monotonic() - begun < 20


# ---- Promises and heartbeats


def test_an_update_that_was_promised_and_has_not_come(project: Path) -> None:
    late = "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 10:00 UTC\n\nYou cannot pay by card.\n"
    (project / "incidents" / f"{CARD}.md").write_text(incident_text(updates=late))
    code, checks = examined(project)
    assert of(checks, "promises") == [("fail", f"{CARD}: an update was promised for 2026-11-22 10:00 UTC")]
    assert code == 3


def test_customers_who_wait_for_a_promised_mail(project: Path) -> None:
    with mail_server() as server:
        (project / "incidents" / f"{CARD}.md").write_text(incident_text("reason: We renewed no certificate.\n"))
        use_server(project, server.port)
        _wait(project, server)
        assert of(examined(project)[1], "promises") == [("ok", "none is overdue")]
        path = project / "incidents" / f"{CARD}.md"
        path.write_text(path.read_text() + RESOLVED)
        ((verdict, message),) = of(examined(project, "--now", "2026-11-23 20:00")[1], "promises")
    assert verdict == "fail"
    assert message.startswith(f"{CARD}: 1 customer promised a mail when it works")


def _wait(project: Path, server: MailServer) -> None:
    patience(project, {"order_id": "1", "email": "c1@example.com"})
    assert server.count == 1


def test_a_watcher_that_has_died(project: Path) -> None:
    assert meaculpa("publish", cwd=project).returncode == 0
    banner = project / "public" / "banner.json"
    state = json.loads(banner.read_text()) | {"at": "2026-11-22T11:00:00Z", "valid_until": "2026-11-22T11:15:00Z"}
    banner.write_text(json.dumps(state))
    ((verdict, message),) = of(examined(project)[1], "heartbeat")
    assert (verdict, "its watcher's promise ended at 11:15 UTC" in message) == ("fail", True)
    ((verdict, message),) = of(examined(project, "--now", "2026-11-22 11:10")[1], "heartbeat")
    assert (verdict, "good until 11:15 UTC" in message) == ("ok", True)
