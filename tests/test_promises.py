"""Promises to customers: whoever was told "we will write to you" is written to when it works, once, and forgotten."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meaculpa.files import alone
from tests.live import eventually
from tests.mailserver import MailServer, mail_server
from tests.making import incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_customers import customer, orders
from tests.test_sending import use_server

CARD = "2026-11-22-card"
RESOLVED = """
## 2026-11-22 11:30 UTC resolved

You can pay by card again.
"""
NOW = ("--now", "2026-11-22 12:10")
BEFORE = ("--now", "2026-11-22 10:00")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, server: MailServer) -> Path:
    project = write_project(tmp_path / "shop", **{CARD: incident_text("reason: We renewed no certificate.\n")})
    use_server(project, server.port)
    return project


def run(project: Path, *command: str) -> Any:
    return meaculpa("customers", *command, cwd=project)


def patience(project: Path, *rows: dict[str, str]) -> None:
    done = run(project, "plan", "card", "--stage", "patience", "--orders", orders(project, *rows), *BEFORE)
    assert done.returncode == 0, done.stderr
    done = run(project, "send", f"private/plans/{CARD}-patience", *BEFORE)
    assert done.returncode == 0, done.stderr


def promise(project: Path, text: str, *more: str) -> Any:
    (project / "private").mkdir(exist_ok=True)
    (project / "private" / "asked.txt").write_text(text)
    return run(project, "promise", "card", "--emails", "private/asked.txt", *BEFORE, *more)


def resolve(project: Path) -> None:
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(path.read_text() + RESOLVED)


def restore(project: Path) -> Any:
    done = run(project, "plan", "card", "--stage", "restored", *NOW)
    assert done.returncode == 0, done.stderr
    return run(project, "send", f"private/plans/{CARD}-restored", *NOW)


def status(project: Path) -> dict[str, Any]:
    found = json.loads(run(project, "status", "card", "--json").stdout)
    assert isinstance(found, dict)
    return found


def test_whoever_was_promised_a_mail_gets_it_once_and_is_forgotten(project: Path, server: MailServer) -> None:
    patience(project, customer(1), customer(2))
    done = promise(project, "asked@example.com\n\nC2@example.com\nasked@example.com\n")
    assert "Promised to 2 more customers; 4 in all wait for it." in done.stdout
    assert "delete private/asked.txt" in done.stderr
    resolve(project)
    server.taken.clear()
    done = restore(project)
    assert "Sent 3 of 3 letters." in done.stdout
    assert "The addresses that this was promised to are deleted, and the plan with them." in done.stdout
    # Who has an order and asked as well is told of the order, once.
    assert {address: len(found) for address, found in server.taken.items()} == {
        "c1@example.com": 1,
        "c2@example.com": 1,
        "asked@example.com": 1,
    }
    assert server.message("c1@example.com")["Subject"] == "Order 1: our shop works again"
    alert = server.message("asked@example.com")
    assert alert["Subject"] == "Northwind works again"
    text = alert.get_body(("plain",))
    assert text is not None
    assert "You asked us to tell you when it works again" in text.get_content()
    assert status(project)["promises"] == {"open": 0, "kept": 4, "failed": 0}
    everything = b"".join(path.read_bytes() for path in (project / "private").glob("ledger.db*"))
    assert b"example.com" not in everything.replace(b"northwind.example", b"")
    assert not (project / "private" / "plans" / f"{CARD}-restored").exists()
    again = run(project, "plan", "card", "--stage", "restored", *NOW)
    assert (again.returncode, "nobody is promised a mail" in again.stderr) == (1, True)


def test_letters_tell_the_time_of_the_shop_and_no_length_that_nobody_stated(
    project: Path, server: MailServer
) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    path = project / "meaculpa.yml"
    path.write_text(path.read_text().replace("Europe/London", "Europe/Berlin"))
    assert restore(project).returncode == 0
    part = server.message("a@example.com").get_body(("plain",))
    assert part is not None
    text = " ".join(part.get_content().split())
    assert "since 22 Nov 2026, 12:30 CET" in text
    assert "lasted" not in text
    started = project / "incidents" / f"{CARD}.md"
    started.write_text(started.read_text().replace("impact: major", "impact: major\nstarted: 2026-11-22 09:05 UTC"))
    promise(project, "b@example.com\n")
    assert restore(project).returncode == 0
    part = server.message("b@example.com").get_body(("plain",))
    assert part is not None
    assert "began on 22 Nov 2026, 10:05 CET and lasted 2 hours, 25 minutes" in " ".join(part.get_content().split())


def test_the_alert_speaks_the_language_that_was_asked_for(project: Path, server: MailServer) -> None:
    (project / "incidents" / f"{CARD}.de.md").write_text(
        "---\ntitle: Kartenzahlung geht nicht\nreason: Wir haben ein Zertifikat nicht erneuert.\n---\n"
    )
    promise(project, "email,locale\na@example.com,de\nb@example.com,en\nc@example.com,\n")
    resolve(project)
    assert restore(project).returncode == 0
    subjects = {address: server.message(address)["Subject"] for address in server.taken}
    assert subjects == {
        "a@example.com": "Northwind geht wieder",
        "b@example.com": "Northwind works again",
        "c@example.com": "Northwind works again",
    }


def test_a_letter_that_did_not_go_out_promised_nothing(project: Path, server: MailServer) -> None:
    server.on_rcpt["c1@example.com"] = ["550 5.1.1 no such user"]
    patience(project, customer(1), customer(2))
    assert status(project)["promises"]["open"] == 1


def test_a_letter_that_may_have_gone_out_promised_something(project: Path, server: MailServer) -> None:
    server.on_data["c1@example.com"] = ["cut"]
    patience(project, customer(1))
    found = status(project)
    assert (found["letters"], found["promises"]["open"]) == ({"patience": {"unknown": 1}}, 1)
    resolve(project)
    server.on_data.clear()
    server.taken.clear()
    assert restore(project).returncode == 0
    assert list(server.taken) == ["c1@example.com"]


def test_an_alert_that_is_unknown_keeps_its_address_until_somebody_has_looked(
    project: Path, server: MailServer
) -> None:
    promise(project, "a@example.com\nb@example.com\n")
    resolve(project)
    server.on_data["a@example.com"] = ["cut", "250 OK"]
    done = restore(project)
    assert "1 unknown" in done.stdout
    assert (project / "private" / "plans" / f"{CARD}-restored").is_dir()
    told = run(project, "status", "card").stdout
    found = re.search(r"meaculpa (customers ledger mark \S+ restored \S+) sent\|planned", told)
    assert found, told
    assert meaculpa(*found[1].split(), "planned", cwd=project).returncode == 0
    done = run(project, "send", f"private/plans/{CARD}-restored", *NOW)
    assert "Sent 1 of 1 letter." in done.stdout
    assert "are deleted" in done.stdout
    assert status(project)["promises"] == {"open": 0, "kept": 2, "failed": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "asked.txt:1: the file is empty"),
        ("a@example.com\nnobody\n", 'asked.txt:2: "nobody" is not one e-mail address'),
        ("a@example.com, b@example.com\n", 'asked.txt:1: "a@example.com, b@example.com" is not one e-mail address'),
        ("locale\nde\n", 'asked.txt:1: the column "email" is missing (there are: locale)'),
        ("email,locale\na@example.com\n", "asked.txt:2: 1 cells under 2 columns"),
    ],
)
def test_a_list_with_a_mistake_is_told_and_nobody_is_taken_up(project: Path, text: str, message: str) -> None:
    done = promise(project, text)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    assert status(project)["promises"]["open"] == 0


def test_a_file_that_is_no_text_is_told(project: Path) -> None:
    (project / "asked.txt").write_bytes("ä@example.com".encode("latin-1"))
    done = run(project, "promise", "card", "--emails", "asked.txt")
    assert (done.returncode, "asked.txt:1: this is not UTF-8 text" in done.stderr) == (1, True)


def test_list_says_who_waits_and_shouts_when_it_is_time(project: Path) -> None:
    promise(project, "a@example.com\nb@example.com\n")
    done = meaculpa("list", *BEFORE, cwd=project)
    assert f"{CARD}: 2 customers to be told when it works again" in done.stdout
    resolve(project)
    done = meaculpa("list", *NOW, cwd=project)
    shout = f"{CARD}: 2 customers promised a mail when it works, and it has for 40 min: meaculpa customers plan"
    assert shout in done.stdout
    data = json.loads(meaculpa("list", *NOW, "--json", cwd=project).stdout)
    assert (data["customers"][0]["promised"], data["customers"][0]["overdue"]) == (2, True)
    restore(project)
    assert "promised" not in meaculpa("list", *NOW, cwd=project).stdout


def test_watch_shouts_too(project: Path) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    command = [sys.executable, "-m", "meaculpa", "watch"]
    log = project / "watch.log"
    with log.open("w") as output, subprocess.Popen(command, cwd=project, stdout=output, stderr=output) as running:
        try:
            eventually(lambda: "1 customer promised a mail when it works" in log.read_text(), "it shouts")
        finally:
            running.terminate()


def test_a_ledger_that_cannot_be_read_hides_no_incident(project: Path) -> None:
    (project / "private").mkdir(exist_ok=True)
    (project / "private" / "ledger.db").write_bytes(b"no database at all, whatever its name says " * 50)
    done = meaculpa("list", *BEFORE, cwd=project)
    assert "You cannot pay by card" in done.stdout
    assert "private/ledger.db is no ledger" in done.stdout


def test_the_ledger_is_for_its_owner_alone(project: Path) -> None:
    promise(project, "a@example.com\n")
    path = project / "private" / "ledger.db"
    assert path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(path) as rows:
        assert rows.execute("SELECT address FROM promises").fetchall() == [("a@example.com",)]


def test_a_server_that_refuses_everybody_costs_nobody_their_alert(project: Path, server: MailServer) -> None:
    promise(project, "".join(f"a{number}@example.com\n" for number in range(25)))
    resolve(project)
    server.on_rcpt["*"] = ["250 OK", "554 5.7.1 relay access denied"]
    done = restore(project)
    assert done.returncode == 3
    assert status(project)["promises"] == {"open": 24, "kept": 1, "failed": 0}
    server.on_rcpt.clear()
    done = restore(project)
    assert "Sent 24 of 24 letters." in done.stdout
    assert {len(found) for found in server.taken.values()} == {1}
    assert len(server.taken) == 25


def test_a_promise_that_went_to_a_new_address_is_kept_there(project: Path, server: MailServer) -> None:
    patience(project, customer(1))
    (project / "private" / "back.csv").write_text("email\nc1@example.com\n")
    run(project, "ledger", "bounces", "private/back.csv")
    assert status(project)["promises"]["open"] == 0
    patience(project, customer(1, email="jane@example.com"))
    assert status(project)["promises"]["open"] == 1
    resolve(project)
    server.taken.clear()
    assert restore(project).returncode == 0
    assert list(server.taken) == ["jane@example.com"]


def test_an_outage_that_comes_back_makes_promises_anew(project: Path, server: MailServer) -> None:
    patience(project, customer(1))
    promise(project, "a@example.com\n")
    resolve(project)
    assert restore(project).returncode == 0
    path = project / "incidents" / f"{CARD}.md"
    path.write_text(path.read_text() + "\n## 2026-11-22 13:00 UTC investigating\n\nYou cannot pay by card again.\n")
    later = ("--now", "2026-11-22 13:10")
    (project / "private" / "asked.txt").write_text("a@example.com\n")
    run(project, "promise", "card", "--emails", "private/asked.txt", *later)
    done = run(project, "plan", "card", "--stage", "patience", "--orders", orders(project, customer(1)), *later)
    assert done.returncode == 0, done.stderr
    run(project, "send", f"private/plans/{CARD}-patience", *later)
    assert status(project)["promises"]["open"] == 2
    path.write_text(path.read_text() + "\n## 2026-11-22 14:00 UTC resolved\n\nYou can pay by card again.\n")
    server.taken.clear()
    end = ("--now", "2026-11-22 14:10")
    assert run(project, "plan", "card", "--stage", "restored", *end).returncode == 0
    assert "Sent 2 of 2" in run(project, "send", f"private/plans/{CARD}-restored", *end).stdout
    assert sorted(server.taken) == ["a@example.com", "c1@example.com"]


def test_an_alert_that_turned_out_to_be_sent_is_forgotten_on_any_day(project: Path, server: MailServer) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    server.on_data["a@example.com"] = ["cut"]
    restore(project)
    told = run(project, "status", "card").stdout
    found = re.search(r"ledger mark (\S+ restored \S+) ", told)
    assert found
    done = run(project, "ledger", "mark", *found[1].split(), "sent", "--now", "2026-11-24 09:00")
    assert "are deleted, and the plan with them" in done.stdout
    assert list((project / "private" / "plans").iterdir()) == []


def test_who_could_not_be_alerted_is_to_be_called_and_then_forgotten(project: Path, server: MailServer) -> None:
    promise(project, "typo@example.com\n")
    resolve(project)
    server.on_rcpt["typo@example.com"] = ["550 5.1.1 no such user"]
    restore(project)
    assert "1 customer not reached by mail" in run(project, "status", "card").stdout
    done = run(project, "calls", "card")
    assert "1 customer to call" in done.stdout
    assert "typo@example.com" in (project / "private" / f"calls-{CARD}.csv").read_text(encoding="utf-8-sig")
    assert b"typo@" not in (project / "private" / "ledger.db").read_bytes()
    assert "Nothing is in the way of closing it." in run(project, "status", "card").stdout


def test_what_killed_plans_and_other_folders_hold_is_forgotten_too(project: Path) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    remains = project / "private" / "plans" / f".{CARD}-restored.abc"
    remains.mkdir(parents=True)
    (remains / "letters.jsonl").write_text("a@example.com")
    run(project, "plan", "card", "--stage", "restored", "--out", "private/plans/elsewhere", *NOW)
    assert restore(project).returncode == 0
    assert list((project / "private" / "plans").iterdir()) == []


def test_a_test_of_patience_letters_leaves_no_promise(project: Path) -> None:
    run(project, "plan", "card", "--stage", "patience", "--orders", orders(project, customer(1)), *BEFORE)
    done = run(project, "send", f"private/plans/{CARD}-patience", "--test-to", "me@northwind.example", *BEFORE)
    assert done.returncode == 0
    assert status(project)["promises"]["open"] == 0


def test_the_same_list_once_more_tells_nobody_twice(project: Path, server: MailServer) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    assert restore(project).returncode == 0
    (project / "private" / "asked.txt").write_text("a@example.com\nb@example.com\n")
    later = ("--now", "2026-11-22 12:40")
    done = run(project, "promise", "card", "--emails", "private/asked.txt", *later)
    assert "Promised to 1 more customer; 1 in all" in done.stdout
    server.taken.clear()
    assert restore(project).returncode == 0
    assert list(server.taken) == ["b@example.com"]


def test_check_says_who_waits_and_fails_for_it_not_even_strictly(project: Path) -> None:
    promise(project, "a@example.com\n")
    resolve(project)
    done = meaculpa("check", "--json", *NOW, cwd=project)
    found = [one for one in json.loads(done.stdout)["problems"] if one["rule"] == "MC013"]
    assert [one["message"] for one in found] == ["1 customer promised a mail when it works, and it has for 40 min"]
    strict = meaculpa("check", "--strict", *NOW, cwd=project)
    assert "MC013" in strict.stdout


def test_publishing_goes_on_while_letters_are_sent(project: Path) -> None:
    """A command that holds the ledger is no matter of the page's, where no letter on it is due."""
    promise(project, "a@example.com\n")
    with alone(project / "private" / "ledger.lock"):
        done = meaculpa("publish", *BEFORE, cwd=project)
    assert (done.returncode, "ledger" in done.stderr, "at work" in done.stderr) == (0, False, False)
