"""`meaculpa customers send` against a real mail server: each letter once, whatever the server or the line does."""

import json
import re
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from meaculpa.config import SmtpTransport
from meaculpa.customers.ledger import Entry, State
from meaculpa.customers.ledger_file import open_ledger
from meaculpa.customers.mail import Mail
from meaculpa.customers.outbox import Dispatch
from meaculpa.customers.sending import Halt, Pace, Teller, send_letters
from meaculpa.customers.smtp import SmtpConnection
from meaculpa.customers.transport import NotNow
from tests.live import eventually
from tests.mailserver import PASSWORD, USER, MailServer, mail_server, make_certificate
from tests.making import CONFIG, at, incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_customers import NOW, OFFERS, THROWS, customer, orders

# The server's own word on how the tests let it ask for a login.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, server: MailServer) -> Path:
    project = write_project(tmp_path / "shop", **{THROWS: incident_text(OFFERS)})
    use_server(project, server.port)
    codes = project / "private" / "codes"
    codes.mkdir(parents=True)
    (codes / "gift-20.txt").write_text("NW-1\nNW-2\nNW-3\n")
    return project


def use_server(project: Path, port: int, transport: str = "security: none", mail: str = "") -> None:
    text = (
        "mail:\n  from: Northwind <orders@northwind.example>\n  signed_by: Anna Berg\n"
        "  reply_to: help@northwind.example\n"
        f"  per_second: 5000\n{mail}"
        f"  transport: {{type: smtp, host: localhost, port: {port}, {transport}}}\n"
    )
    (project / "meaculpa.yml").write_bytes(CONFIG + text.encode())


def plan(project: Path, *rows: dict[str, str], stage: str = "delay") -> Path:
    done = meaculpa(
        *("customers", "plan", "throws", "--stage", stage, "--orders", orders(project, *rows), *NOW), cwd=project
    )
    assert done.returncode == 0, done.stderr
    return project / "private" / "plans" / f"{THROWS}-{stage}"


def send(project: Path, folder: Path, *options: str, **environment: str) -> Any:
    return meaculpa("customers", "send", str(folder), *NOW, *options, cwd=project, **environment)


def states(project: Path) -> dict[str, str]:
    with sqlite3.connect(project / "private" / "ledger.db") as rows:
        return dict(rows.execute("SELECT recipient, state FROM letters"))


# ---- What arrives


def test_each_customer_gets_the_letter_that_was_planned(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1, name="Jürgen Müller, der Ältere", item="Zigzag-Überwurf"), customer(2))
    letters = [json.loads(line) for line in (folder / "letters.jsonl").read_text(encoding="utf-8").splitlines()]
    done = send(project, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Sent 2 of 2 letters." in done.stdout
    assert sorted(server.taken) == ["c1@example.com", "c2@example.com"]
    message = server.message("c1@example.com")
    assert message["From"] == "Northwind <orders@northwind.example>"
    assert message["To"].addresses[0].addr_spec == "c1@example.com"
    assert message["Reply-To"] == "help@northwind.example"
    assert message["Subject"] == letters[0]["subject"]
    assert message["Date"].datetime.isoformat() == "2026-11-22T12:00:00+00:00"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == "<mailto:help@northwind.example?subject=unsubscribe>"
    assert message["Message-ID"].endswith("@northwind.example>")
    assert not [part.defects for part in message.walk() if part.defects]
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part, form in zip(parts, ("text", "html"), strict=True):
        assert part.get_content().splitlines() == letters[0][form].splitlines()


def test_a_message_on_the_wire_is_what_the_standard_asks_for(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1, name="Ødegård " * 20, item="Throw " * 30))
    assert send(project, folder).returncode == 0
    (content,) = server.taken["c1@example.com"]
    lines = content.split(b"\r\n")
    assert content.isascii()
    assert max(map(len, lines)) <= 78
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)


def test_lines_of_dots_arrive_as_they_are(server: MailServer) -> None:
    content = b"Subject: dots\r\n\r\n.\r\n..\r\n. and more\r\nQUIT\r\n"
    settings = SmtpTransport(type="smtp", host="localhost", port=server.port, security="none")
    connection = SmtpConnection(settings, None)
    answer = connection.deliver(Mail("a@northwind.example", "b@example.com", "<1@x>", content), lambda: None)
    connection.close()
    assert answer.state is State.SENT
    assert server.taken == {"b@example.com": [content]}


def test_run_again_nobody_gets_a_second_one(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    assert send(project, folder).returncode == 0
    done = send(project, folder)
    assert (done.returncode, done.stdout) == (0, f"Nothing is left to send: meaculpa customers status {THROWS}\n")
    assert server.count == 2
    again = meaculpa(
        *(
            "customers",
            "plan",
            "throws",
            "--stage",
            "delay",
            "--orders",
            str(project / "private" / "orders.csv"),
            *NOW,
        ),
        cwd=project,
    )
    assert (again.returncode, "nobody is left to write to (2 sent)" in again.stderr) == (1, True)


def test_a_second_plan_is_for_those_who_are_new(project: Path, server: MailServer) -> None:
    send(project, plan(project, customer(1)))
    folder = plan(project, customer(1), customer(2))
    letters = [json.loads(line) for line in (folder / "letters.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [one["recipient"] for one in letters] == ["2"]
    # The first customer's code is theirs.
    assert [one["grants"][0]["code"] for one in letters] == ["NW-2"]
    assert send(project, folder).returncode == 0
    assert server.count == 2


def test_a_message_has_one_name_for_ever_and_it_tells_nothing(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(10432))
    server.on_data["*"] = ["451 later", "250 OK"]
    send(project, folder)
    send(project, folder)
    name = server.message("c10432@example.com")["Message-ID"]
    assert "10432" not in name
    with sqlite3.connect(project / "private" / "ledger.db") as rows:
        assert rows.execute("SELECT message_id FROM letters").fetchall() == [(name,)]


# ---- What the server may say


@pytest.mark.timeout(60)
def test_what_is_put_off_is_tried_again(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    server.on_rcpt["c1@example.com"] = ["450 4.2.1 greylisted", "250 OK"]
    done = send(project, folder)
    assert (done.returncode, "Sent 2 of 2 letters." in done.stdout) == (0, True)
    assert list(server.taken) == ["c2@example.com", "c1@example.com"]


def test_what_is_refused_is_refused_for_good(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2), customer(3))
    server.on_rcpt["c1@example.com"] = ["550 5.1.1 no such user"]
    server.on_data["c2@example.com"] = ["554 5.7.1 looks like spam"]
    done = send(project, folder)
    assert "Sent 1 of 3 letters." in done.stdout
    assert "2 refused for good" in done.stdout
    assert states(project) == {"1": "refused", "2": "refused", "3": "sent"}
    server.on_rcpt.clear()
    server.on_data.clear()
    assert "Nothing is left to send" in send(project, folder).stdout
    assert list(server.taken) == ["c3@example.com"]


def test_a_letter_that_was_refused_goes_out_to_another_address(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    server.on_rcpt["c1@example.com"] = ["550 5.1.1 no such user"]
    send(project, folder)
    plan(project, customer(1, email="jane@example.com"))
    assert "Sent 1 of 1 letter." in send(project, folder).stdout
    assert list(server.taken) == ["jane@example.com"]
    assert states(project) == {"1": "sent"}


def test_a_line_that_is_cut_after_the_message_leaves_it_unknown(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    server.on_data["c1@example.com"] = ["cut", "250 OK"]
    done = send(project, folder)
    assert "Sent 1 of 2 letters." in done.stdout
    assert "1 unknown; they may have been sent" in done.stdout
    assert states(project) == {"1": "unknown", "2": "sent"}
    assert "Nothing is left to send" in send(project, folder).stdout
    assert server.count == 2


def test_a_line_that_is_cut_before_the_message_costs_nothing(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, new_ship_on="", price="5.00") for number in range(6)))
    for number in (1, 4):
        server.on_rcpt[f"c{number}@example.com"] = ["cut", "250 OK"]
    done = send(project, folder)
    assert (done.returncode, "Sent 6 of 6 letters." in done.stdout) == (0, True)
    assert server.connections == 3
    assert all(len(found) == 1 for found in server.taken.values())


def test_one_connection_serves_many(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(30)))
    assert send(project, folder).returncode == 0
    assert (server.count, server.connections) == (30, 1)


def test_several_connections_share_the_letters(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(30)))
    use_server(project, server.port, mail="  connections: 4\n")
    assert send(project, folder).returncode == 0
    assert server.connections == 4
    assert [len(found) for found in server.taken.values()] == [1] * 30


def test_a_server_that_refuses_everybody_is_told_and_nobody_is_given_up(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(40)))
    server.on_rcpt["*"] = ["554 relay access denied"]
    done = send(project, folder)
    assert done.returncode == 3
    assert "20 in a row were refused; it says: 554 relay access denied" in done.stderr
    assert "40 still to be sent" in done.stdout
    assert set(states(project).values()) == {"planned"}
    server.on_rcpt.clear()
    assert "Sent 40 of 40 letters." in send(project, folder).stdout


def test_wrong_addresses_are_no_reason_to_stop(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(30)))
    for number in range(25):
        server.on_rcpt[f"c{number}@example.com"] = ["550 5.1.1 no such user"]
    done = send(project, folder)
    assert "Sent 5 of 30 letters." in done.stdout
    assert "25 refused for good" in done.stdout


@pytest.mark.parametrize("answer", ["553 sender not allowed", "550 5.7.1 you may not send as this"])
def test_a_sender_that_is_refused_ends_it_at_once(project: Path, server: MailServer, answer: str) -> None:
    folder = plan(project, customer(1), customer(2))
    server.on_mail = answer
    done = send(project, folder)
    assert done.returncode == 3
    assert f"does not take mail from orders@northwind.example: {answer}" in done.stderr
    assert set(states(project).values()) == {"planned"}


def test_a_server_that_is_not_there_is_told(project: Path) -> None:
    folder = plan(project, customer(1))
    use_server(project, 1)
    with start(project, folder) as running:
        assert running.stderr
        first = running.stderr.readline()
        running.send_signal(2)
        said, _ = running.communicate(timeout=20)
    assert re.fullmatch(r"localhost:1 cannot be reached: Connection refused; trying again in [3-5] s\n", first)
    assert running.returncode == 3
    assert "1 still to be sent. Go on with the same command." in said


def test_a_server_that_stays_away_is_given_up(tmp_path: Path) -> None:
    settings = SmtpTransport(type="smtp", host="localhost", port=1, security="none")
    told: list[str] = []
    entry = Entry("throws", "delay", "1", "", "<1@x>", "plan")
    letter = Dispatch(entry, lambda: Mail("a@northwind.example", "b@example.com", "<1@x>", b""))
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.enqueue([entry], at("2026-11-22 12:00"))
        tally = send_letters(
            [letter],
            ledger,
            lambda: SmtpConnection(settings, None),
            Pace(first_pause=0.001),
            lambda: at("2026-11-22 12:00"),
            Halt(),
            Teller(trouble=lambda text, _: told.append(text)),
        )
        assert tally.stopped == "localhost:1 cannot be reached: Connection refused"
        assert (len(told), ledger.waiting("throws", "delay", "plan")) == (4, {"1"})


# ---- Encryption and login


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_speaks_encrypted_and_logs_in(project: Path, tmp_path: Path, security: str) -> None:
    folder = plan(project, customer(1), customer(2))
    certificate = make_certificate(tmp_path)
    with mail_server(security, certificate, needs_login=True) as server:
        use_server(project, server.port, f"security: {security}, username: {USER}")
        done = send(project, folder, MEACULPA_SMTP_PASSWORD=PASSWORD, SSL_CERT_FILE=str(certificate[0]))
        assert (done.returncode, done.stderr) == (0, "")
        assert (server.count, server.logins) == (2, [USER])


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(project: Path, tmp_path: Path) -> None:
    folder = plan(project, customer(1))
    for security in ("starttls", "tls"):
        with mail_server(security, make_certificate(tmp_path), needs_login=True) as server:
            use_server(project, server.port, f"security: {security}, username: {USER}")
            done = send(project, folder, MEACULPA_SMTP_PASSWORD=PASSWORD)
            assert (done.returncode, server.count, server.logins) == (3, 0, [])
            assert "localhost cannot prove that it is localhost" in done.stderr


def test_a_password_that_is_wrong_or_missing_is_told_and_never_shown(project: Path, tmp_path: Path) -> None:
    folder = plan(project, customer(1))
    certificate = make_certificate(tmp_path)
    with mail_server("starttls", certificate, needs_login=True) as server:
        use_server(project, server.port, f"security: starttls, username: {USER}")
        done = send(project, folder, MEACULPA_SMTP_PASSWORD="hunter2", SSL_CERT_FILE=str(certificate[0]))
        assert (done.returncode, server.count) == (3, 0)
        assert f"refuses the login of {USER}: 535" in done.stderr
        assert "hunter2" not in done.stderr + done.stdout
        done = send(project, folder, SSL_CERT_FILE=str(certificate[0]))
        assert (done.returncode, "MEACULPA_SMTP_PASSWORD" in done.stderr) == (1, True)


def test_encryption_that_is_not_offered_is_not_done_without(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    use_server(project, server.port, "security: starttls")
    done = send(project, folder)
    assert (done.returncode, server.count) == (3, 0)
    assert "STARTTLS extension not supported" in done.stderr


# ---- Safe by construction


def change_incident(project: Path) -> None:
    path = project / "incidents" / f"{THROWS}.md"
    path.write_text(path.read_text().replace("twice", "three times"))


def change_orders(project: Path) -> None:
    orders(project, customer(1), customer(3))


def change_templates(project: Path) -> None:
    folder = project / "site_templates" / "letters" / "en"
    folder.mkdir(parents=True)
    (folder / "delay.txt.j2").write_text("Another letter\n\nHello.\n")


def change_letters(project: Path) -> None:
    path = project / "private" / "plans" / f"{THROWS}-delay" / "letters.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("c1@example.com", "evil@example.com"), encoding="utf-8")


def change_settings(project: Path) -> None:
    path = project / "meaculpa.yml"
    path.write_text(path.read_text().replace("Anna Berg", "Bert Anders"))


def remove_orders(project: Path) -> None:
    (project / "private" / "orders.csv").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_incident, f"incidents/{THROWS}.md has changed"),
        (change_orders, "orders.csv has changed"),
        (change_templates, "the templates of letters have changed"),
        (change_letters, "letters.jsonl has been changed since it was planned"),
        (change_settings, "site or mail in meaculpa.yml have changed"),
        (remove_orders, "orders.csv, from which this was planned, is gone"),
    ],
)
def test_nothing_is_sent_if_anything_changed(
    project: Path, server: MailServer, change: Callable[[Path], None], message: str
) -> None:
    folder = plan(project, customer(1), customer(2))
    change(project)
    done = send(project, folder)
    assert (done.returncode, server.count) == (1, 0)
    assert message in done.stderr
    assert "plan it again" in done.stderr.casefold()


def test_a_plan_of_yesterday_is_not_sent_today(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    done = meaculpa("customers", "send", str(folder), "--now", "2026-11-23 00:10", cwd=project)
    assert (done.returncode, server.count) == (1, 0)
    assert "another day has begun (2026-11-22 when it was planned)" in done.stderr


def test_gifts_of_other_letters_make_a_plan_stale(project: Path, server: MailServer) -> None:
    other = project / "incidents" / "2026-11-19-tents.md"
    other.write_text((project / "incidents" / f"{THROWS}.md").read_text())
    delayed = plan(project, customer(1))
    file = orders(project, customer(1))
    tents = ("customers", "plan", "tents", "--stage", "delay", "--orders", file, *NOW)
    assert meaculpa(*tents, cwd=project).returncode == 0
    assert send(project, delayed).returncode == 0
    done = send(project, project / "private" / "plans" / "2026-11-19-tents-delay")
    assert (done.returncode, server.count) == (1, 1)
    assert "other letters have given gifts" in done.stderr
    again = json.loads(meaculpa(*tents, "--json", cwd=project).stdout)
    assert again["withheld"] == {"repeated": 1}


def test_a_dry_run_talks_to_nobody_and_changes_nothing(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    done = send(project, folder, "--dry-run")
    assert done.returncode == 0
    assert f"2 letters would be sent over localhost:{server.port}" in done.stdout
    assert (server.connections, states(project)) == (0, {})


def test_many_letters_need_their_exact_number(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2), customer(3))
    use_server(project, server.port, mail="  confirm_above: 2\n")
    done = send(project, folder)
    assert (done.returncode, "these are 3 letters; say --yes-send 3 if you mean it" in done.stderr) == (1, True)
    done = send(project, folder, "--yes-send", "4")
    assert (done.returncode, "it would be 3 letters, not 4" in done.stderr) == (1, True)
    assert server.count == 0
    assert send(project, folder, "--yes-send", "3").returncode == 0
    assert server.count == 3


def test_a_test_goes_to_one_address_and_counts_for_nothing(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    done = send(project, folder, "--test-to", "me@northwind.example")
    assert (done.returncode, "Sent 2 of 2 letters to me@northwind.example alone" in done.stdout) == (0, True)
    assert list(server.taken) == ["me@northwind.example"]
    assert states(project) == {}
    assert send(project, folder).returncode == 0
    names = [content.split(b"Message-ID: ")[1].split()[0] for found in server.taken.values() for content in found]
    assert len(set(names)) == 4
    done = send(project, folder, "--test-to", "me@x.example,you@x.example")
    assert (done.returncode, "is not one e-mail address" in done.stderr) == (2, True)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"format": 1}', '{"format": 2, "basis": {}}'])
def test_what_is_no_plan_is_not_sent(project: Path, tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    if content is not None:
        (folder / "plan.json").write_text(content)
    done = send(project, folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_a_ledger_that_is_none_stops_everything(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    (project / "private" / "ledger.db").write_bytes(b"this is no database, whatever its name says" * 50)
    done = send(project, folder)
    assert (done.returncode, server.count) == (1, 0)
    assert "private/ledger.db is no ledger" in done.stderr


def test_a_ledger_of_a_newer_version_is_left_alone(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    with sqlite3.connect(project / "private" / "ledger.db") as rows:
        rows.execute("PRAGMA user_version=99")
    done = send(project, folder)
    assert (done.returncode, server.count) == (1, 0)
    assert "was written by a newer meaculpa" in done.stderr


# ---- Stopped, killed, twice at once


def start(project: Path, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "meaculpa", "customers", "send", str(folder), *NOW]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_only_one_sends_at_a_time(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(40)))
    path = project / "meaculpa.yml"
    path.write_text(path.read_text().replace("per_second: 5000", "per_second: 10"))
    with start(project, folder) as first:
        eventually(lambda: server.count > 0, "it has begun")
        done = send(project, folder)
        assert (done.returncode, f"another `meaculpa customers` command (process {first.pid})" in done.stderr) == (
            1,
            True,
        )
        first.communicate(timeout=30)
    assert [len(found) for found in server.taken.values()] == [1] * 40


def test_ctrl_c_ends_it_between_two_letters(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(40)))
    path = project / "meaculpa.yml"
    path.write_text(path.read_text().replace("per_second: 5000", "per_second: 10"))
    running = start(project, folder)
    eventually(lambda: server.count > 3, "it has begun")
    running.send_signal(2)
    said, errors = running.communicate(timeout=20)
    assert running.returncode == 3
    assert "Ending after this letter." in errors
    assert "still to be sent. Go on with the same command." in said
    sent = server.count
    assert 3 < sent < 40
    assert sorted(set(states(project).values())) == ["planned", "sent"]
    path.write_text(path.read_text().replace("per_second: 10\n", "per_second: 5000\n"))
    assert f"Sent {40 - sent} of {40 - sent} letters." in send(project, folder).stdout
    assert [len(found) for found in server.taken.values()] == [1] * 40


# ---- What a server may say that is no answer


@contextmanager
def talking(verdict: str) -> Iterator[int]:
    """A server that takes everything, and says this after the message."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                is_data = line.upper().startswith(b"DATA")
                self.wfile.write(b"354 go on\r\n" if is_data else b"250 yes\r\n")
                if is_data:
                    while self.rfile.readline() != b".\r\n":
                        pass
                    self.wfile.write(verdict.encode() + b"\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("250 taken", State.SENT),
        ("banana", State.UNKNOWN),
        ("", State.UNKNOWN),
        ("354 more?", State.UNKNOWN),
        ("100 wait", State.UNKNOWN),
        ("451 later", State.PLANNED),
        ("554 no", State.REFUSED),
    ],
)
def test_only_a_yes_is_a_yes(verdict: str, state: State) -> None:
    with talking(verdict) as port:
        settings = SmtpTransport(type="smtp", host="127.0.0.1", port=port, security="none")
        connection = SmtpConnection(settings, None)
        mail = Mail("a@northwind.example", "b@example.com", "<1@x>", b"Subject: x\r\n\r\nx\r\n")
        assert connection.deliver(mail, lambda: None).state is state
        connection.close()


def test_a_line_that_is_cut_after_every_message_ends_the_run(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(30)))
    server.on_data["*"] = ["cut"]
    done = send(project, folder)
    assert (done.returncode, server.count) == (3, 5)
    assert "of 5 in a row nobody knows whether they arrived" in done.stderr
    assert "25 still to be sent" in done.stdout


def test_a_few_who_are_all_refused_are_not_given_up(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    server.on_rcpt["*"] = ["554 5.7.1 relay access denied"]
    done = send(project, folder)
    assert (done.returncode, states(project)) == (3, {"1": "planned", "2": "planned"})
    server.on_rcpt["*"] = ["550 no such user here"]
    assert "2 refused for good" in send(project, folder).stdout


def test_a_block_in_the_midst_of_a_run_gives_nobody_up(project: Path, server: MailServer) -> None:
    folder = plan(project, *(customer(number, price="5.00") for number in range(40)))
    server.on_rcpt["*"] = ["250 OK", "550 5.7.1 your IP is blocked"]
    done = send(project, folder)
    assert done.returncode == 3
    assert sorted(set(states(project).values())) == ["planned", "sent"]


def test_what_a_server_says_of_somebody_is_kept_nowhere(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1), customer(2))
    server.on_rcpt["c1@example.com"] = ["550 5.1.1 <c1@example.com>: User unknown \x1b]0;pwn\x07"]
    server.on_rcpt["c2@example.com"] = ["554 5.7.1 <c2@example.com>: Relay access denied"]
    done = send(project, folder)
    assert "Relay access denied" in done.stderr
    assert "example.com" not in done.stderr + done.stdout
    assert "\x1b]0" not in done.stderr
    assert b"c1@example.com" not in (project / "private" / "ledger.db").read_bytes()


def test_connections_that_a_server_does_not_allow_are_done_without(tmp_path: Path, server: MailServer) -> None:
    allowed = threading.Semaphore(1)

    def connect() -> SmtpConnection:
        if not allowed.acquire(blocking=False):
            raise NotNow("421 too many connections")
        return SmtpConnection(SmtpTransport(type="smtp", host="localhost", port=server.port, security="none"), None)

    def letter(number: int) -> Dispatch:
        entry = Entry("throws", "delay", str(number), "", f"<{number}@x>", "plan")
        mail = Mail("a@northwind.example", f"c{number}@example.com", entry.message_id, b"Subject: x\r\n\r\nx\r\n")
        return Dispatch(entry, lambda: mail)

    letters = [letter(number) for number in range(200)]
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.enqueue((one.entry for one in letters), at("2026-11-22 12:00"))
        pace = Pace(per_second=2_000, connections=3, first_pause=0.001)
        tally = send_letters(letters, ledger, connect, pace, lambda: at("2026-11-22 12:00"), Halt(), Teller())
    assert (tally.stopped, tally.states[State.SENT]) == (None, 200)
    assert {len(found) for found in server.taken.values()} == {1}


def test_a_letter_that_another_process_has_taken_is_not_sent(tmp_path: Path, server: MailServer) -> None:
    """The lock keeps two senders apart; if somebody deletes it, the ledger still does."""
    settings = SmtpTransport(type="smtp", host="localhost", port=server.port, security="none")
    entry = Entry("throws", "delay", "1", "", "<1@x>", "plan")
    mail = Mail("a@northwind.example", "c1@example.com", "<1@x>", b"Subject: x\r\n\r\nx\r\n")
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.enqueue([entry], at("2026-11-22 12:00"))
        ledger.mark_sending(entry, at("2026-11-22 12:00"))
        tally = send_letters(
            [Dispatch(entry, lambda: mail)],
            ledger,
            lambda: SmtpConnection(settings, None),
            Pace(),
            lambda: at("2026-11-22 12:00"),
            Halt(),
            Teller(),
        )
        assert (tally.states[State.SENT], server.count) == (0, 0)
        assert ledger.state("throws", "delay", "1") is State.SENDING


def test_a_ledger_that_is_in_use_is_not_called_broken(project: Path, server: MailServer) -> None:
    folder = plan(project, customer(1))
    with closing(sqlite3.connect(project / "private" / "ledger.db")) as rows:
        rows.execute("PRAGMA locking_mode=EXCLUSIVE")
        rows.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        done = meaculpa("list", *NOW, cwd=project)
        assert "cannot be used: database is locked" in done.stdout
        assert time.monotonic() - begun < 20
    assert send(project, folder).returncode == 0


def test_a_server_that_puts_everybody_off_is_given_time(tmp_path: Path, server: MailServer) -> None:
    server.on_rcpt["*"] = [*["450 4.7.0 slow down"] * 15, "250 OK"]
    settings = SmtpTransport(type="smtp", host="localhost", port=server.port, security="none")
    told: list[str] = []

    def letter(number: int) -> Dispatch:
        entry = Entry("throws", "delay", str(number), "", f"<{number}@x>", "plan")
        mail = Mail("a@northwind.example", f"c{number}@example.com", entry.message_id, b"Subject: x\r\n\r\nx\r\n")
        return Dispatch(entry, lambda: mail)

    letters = [letter(number) for number in range(30)]
    with open_ledger(tmp_path / "ledger.db") as ledger:
        ledger.enqueue((one.entry for one in letters), at("2026-11-22 12:00"))
        tally = send_letters(
            letters,
            ledger,
            lambda: SmtpConnection(settings, None),
            # Long enough for all others to have been tried: otherwise a slow machine tries one letter too often.
            Pace(per_second=2_000, first_pause=0.2),
            lambda: at("2026-11-22 12:00"),
            Halt(),
            Teller(trouble=lambda text, _: told.append(text)),
        )
    assert tally.states[State.SENT] == 30
    assert told == ["450 4.7.0 slow down"] * 6


def test_who_has_heard_sorry_is_not_told_so_again_unnoticed(project: Path, server: MailServer) -> None:
    """Only of letters that went out, and as long as their plan is there, it is known what they said."""
    (project / "private" / "codes" / "gift-20.txt").write_text("".join(f"NW-{number}\n" for number in range(20)))
    generous = OFFERS.replace("incident: 60, per_customer: 25", "incident: 600, per_customer: 250")
    (project / "incidents" / f"{THROWS}.md").write_text(incident_text(generous))
    own = project / "site_templates" / "letters" / "en"
    own.mkdir(parents=True)
    packaged = Path(__file__).parents[1] / "site_templates" / "letters" / "en" / "delay.txt.j2"
    (own / "delay.txt.j2").write_text(packaged.read_text() + "\nI am sorry.\n")
    folder = plan(project, customer(1), customer(2))
    assert warnings_of_an_apology(project, customer(1), customer(2)) == 0, "nothing has been sent yet"
    assert send(project, folder).returncode == 0
    assert warnings_of_an_apology(project, customer(1), customer(3)) == 1


def warnings_of_an_apology(project: Path, *rows: dict[str, str]) -> int:
    path = orders(project, *rows)
    command = ("customers", "plan", "throws", "--stage", "apology", "--orders", path, "--json", *NOW)
    done = meaculpa(*command, cwd=project)
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["warnings"].get("MC007", 0))
