"""After the letters: what became of them, whom to call, what is settled, and a campaign on another machine."""

import csv
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from meaculpa.content.compose import set_fact
from meaculpa.customers.calls import Why, find_calls
from meaculpa.customers.ledger import State
from tests.live import eventually
from tests.mailserver import MailServer, mail_server
from tests.making import an_incident, incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_customers import NOW, OFFERS, THROWS, customer
from tests.test_customers import orders as write_orders
from tests.test_sending import plan, send, start, states, use_server

LATER = ("--now", "2026-11-23 12:00")


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


def run(project: Path, *command: str) -> Any:
    return meaculpa("customers", *command, cwd=project)


def delayed(project: Path, *rows: dict[str, str]) -> Path:
    folder = plan(project, *({"price": "5.00", **row} for row in rows))
    assert send(project, folder).returncode == 0
    return folder


def settle(project: Path, text: str = "") -> Any:
    if text:
        (project / "private" / "done.csv").write_text(text)
    return run(project, "settle", "throws", *(["private/done.csv"] if text else []), *LATER)


def incident(project: Path) -> str:
    return (project / "incidents" / f"{THROWS}.md").read_text(encoding="utf-8")


# ---- Settling


def test_what_is_settled_is_counted_and_written_into_the_incident(project: Path) -> None:
    delayed(project, customer(1), customer(2), customer(3))
    done = settle(project)
    assert (done.returncode, "Settled 0 of 3 orders" in done.stdout) == (0, True)
    assert "## 2026-11-22 09:20 UTC investigating\nsettled: 0 of 3\n" in incident(project)
    done = settle(project, "order_id,what,on\n1,shipped,2026-11-23\n2,refunded,2026-11-23\n1,shipped,2026-11-23\n")
    assert "Settled 2 of 3 orders: written into incidents/" in done.stdout
    assert "1 order not settled: 3" in done.stdout
    assert "\nsettled: 2 of 3\n" in incident(project)
    assert incident(project).count("settled:") == 1
    assert "Settled 3 of 3 orders" in settle(project, "order_id,what,on\n3,replaced,2026-11-23\n").stdout
    assert "Nothing is in the way of closing it." in run(project, "status", "throws").stdout
    found = json.loads(meaculpa("check", "--json", *LATER, cwd=project).stdout)["problems"]
    assert [one["rule"] for one in found] == ["MC001"], "what was written is understood"


def test_a_refund_that_is_due_is_settled_by_the_refund_alone(project: Path) -> None:
    late = {"promised_ship_on": "2026-11-20", "jurisdiction": "us", "charge_state": "charged"}
    path = project / "orders.csv"
    row = {"ordered_on": "2026-11-01", "new_ship_on": "2026-12-02", **customer(1), **late}
    columns = ["order_id", "email", "name", "item", "price", "currency", *late, "ordered_on", "new_ship_on"]
    with path.open("w", newline="") as stream:
        rows = csv.DictWriter(stream, columns)
        rows.writeheader()
        rows.writerow({"item": "Throw", "price": "5.00", "currency": "EUR", **row})
    done = run(project, "plan", "throws", "--stage", "delay", "--orders", str(path), *NOW)
    assert "the notice is too late for 1 order" in done.stdout
    assert send(project, project / "private" / "plans" / f"{THROWS}-delay").returncode == 0
    done = settle(project, "order_id,what,on\n1,shipped,2026-11-23\n")
    assert "1 refund due: 1" in done.stdout
    assert "Settled 0 of 1 order:" in done.stdout
    assert "1 refund due" in meaculpa("list", *LATER, cwd=project).stdout
    assert "Settled 1 of 1 order:" in settle(project, "order_id,what,on\n1,refunded,2026-11-23\n").stdout


def choose(project: Path, kind: str, give: str, **cells: str) -> None:
    """Let one customer who has paid choose."""
    front = f'kind: {kind}\nreason: We counted one delivery twice.\noffers: [{{when: "true", give: {give}}}]\n'
    (project / "incidents" / f"{THROWS}.md").write_text(incident_text(front), encoding="utf-8")
    row = {**customer(1), "item": "Throw", "price": "54.00", "currency": "EUR", "charge_state": "charged", **cells}
    path = project / "private" / "choices.csv"
    with path.open("w", newline="") as stream:
        rows = csv.DictWriter(stream, list(row))
        rows.writeheader()
        rows.writerow(row)
    done = run(project, "plan", "throws", "--stage", "choice", "--orders", str(path), *NOW)
    assert done.returncode == 0, done.stderr
    assert send(project, project / "private" / "plans" / f"{THROWS}-choice").returncode == 0


@pytest.mark.parametrize(("price", "is_settled"), [("49.00", False), ("54.00", True)])
def test_a_swap_for_a_cheaper_item_is_settled_once_the_difference_is_back(
    project: Path, price: str, is_settled: bool
) -> None:
    choose(project, "stock", "comparable_item", comparable_item="Other throw", comparable_price=price)
    done = settle(project, "order_id,what,on\n1,swapped,2026-11-23\n")
    assert f"Settled {int(is_settled)} of 1 order:" in done.stdout
    assert ("1 refund due: 1" in done.stdout) is not is_settled
    assert "Settled 1 of 1 order:" in settle(project, "order_id,what,on\n1,refunded,2026-11-23\n").stdout


def test_who_paid_too_much_gets_money_back_whatever_they_choose(project: Path) -> None:
    choose(project, "pricing", "honour_price", right_price="40.00")
    done = settle(project, "order_id,what,on\n1,shipped,2026-11-23\n")
    assert "1 refund due: 1" in done.stdout
    assert "Settled 1 of 1 order:" in settle(project, "order_id,what,on\n1,refunded,2026-11-23\n").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order_id,what\n1,shipped\n", 'done.csv:1: the column "on" is missing'),
        ("order_id,what,on\n1,shiped,2026-11-23\n", 'done.csv:2: "shiped" settles nothing (did you mean "shipped"?'),
        (
            "order_id,what,on\n1,shipped,23.11.2026\n",
            'done.csv:2: "23.11.2026" is not a date (write it like 2026-11-22)',
        ),
        ("order_id,what,on\n1,shipped,2026-11-24\n", "done.csv:2: 2026-11-24 lies ahead"),
        ("order_id,what,on\n1,nothing_due,2026-11-23\n", "the order 1 has been paid or has money held"),
        ("order_id,what,on\n7,shipped,2026-11-23\n", f"no letter about {THROWS} went to the order 7"),
    ],
)
def test_a_mistake_settles_nothing(project: Path, text: str, message: str) -> None:
    delayed(project, customer(1))
    before = incident(project)
    done = settle(project, text)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    assert incident(project) == before


def test_without_letters_there_is_nothing_to_count(project: Path) -> None:
    done = settle(project)
    assert (done.returncode, "there is nothing to count" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n\nYou.\n", "\nsettled: 1 of 2\n\nYou.\n"),
        ("\nYou wait.\n", "\nsettled: 1 of 2\n\nYou wait.\n"),
        ("\nsettled: 0 of 2\n\nYou.\n", "\nsettled: 1 of 2\n\nYou.\n"),
        (
            "\nnext_update: 2026-11-23 10:00 UTC\nsettled: 0 of 2\n\nYou.\n",
            "\nnext_update: 2026-11-23 10:00 UTC\nsettled: 1 of 2\n\nYou.\n",
        ),
        (
            "\nnext_update: 2026-11-23 10:00 UTC\n\nsettled: 0 of 2 is text\n",
            "\nnext_update: 2026-11-23 10:00 UTC\nsettled: 1 of 2\n\nsettled: 0 of 2 is text\n",
        ),
        ("", "\nsettled: 1 of 2\n"),
    ],
)
def test_a_fact_is_put_where_facts_stand(text: str, expected: str) -> None:
    head = incident_text("kind: orders\n", "## 2026-11-22 09:20 UTC identified")
    update = an_incident("kind: orders\n", "## 2026-11-22 09:20 UTC identified\n\nYou.\n").updates[0]
    for newline in ("\n", "\r\n"):
        found = set_fact((head + text).replace("\n", newline), update, "settled", "1 of 2")
        assert found == (head + expected).replace("\n", newline)


# ---- Status, and what a person decides


def test_what_is_unknown_is_shown_with_what_to_do(project: Path, server: MailServer) -> None:
    server.on_data["c1@example.com"] = ["cut", "250 OK"]
    delayed(project, customer(1), customer(2))
    said = run(project, "status", "throws").stdout
    assert "delay: 2 letters: 1 sent, 1 unknown" in said
    with sqlite3.connect(project / "private" / "ledger.db") as rows:
        ((name,),) = rows.execute("SELECT message_id FROM letters WHERE recipient = '1'")
    assert f"look for {name} in your mail server’s log" in said
    assert f"meaculpa customers ledger mark {THROWS} delay 1 sent|planned" in said
    assert "1 letter unknown" in meaculpa("list", *LATER, cwd=project).stdout
    assert run(project, "ledger", "mark", "throws", "delay", "1", "sent").returncode == 0
    assert states(project) == {"1": "sent", "2": "sent"}
    done = run(project, "ledger", "mark", "throws", "delay", "1", "planned")
    assert (done.returncode, "is sent: nothing is to be decided" in done.stderr) == (1, True)
    done = run(project, "ledger", "mark", "throws", "delay", "9", "sent")
    assert (done.returncode, "has no letter of stage delay to 9" in done.stderr) == (1, True)


def test_what_was_not_sent_after_all_goes_out(project: Path, server: MailServer) -> None:
    server.on_data["c1@example.com"] = ["cut", "250 OK"]
    folder = delayed(project, customer(1))
    run(project, "ledger", "mark", "throws", "delay", "1", "planned")
    assert "Sent 1 of 1 letter." in send(project, folder).stdout
    assert len(server.taken["c1@example.com"]) == 2


# ---- Calls


def test_calls_are_listed_most_urgent_first_and_safe_for_spreadsheets(project: Path, server: MailServer) -> None:
    server.on_rcpt["c2@example.com"] = ["550 5.1.1 no such user"]
    delayed(project, customer(1, new_ship_on=""), customer(2), customer(3))
    done = run(project, "calls", "throws")
    assert (done.returncode, f"2 customers to call or to write to, in private/calls-{THROWS}.csv" in done.stdout) == (
        0,
        True,
    )
    path = project / "private" / f"calls-{THROWS}.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "1 customer not reached by mail: 2: meaculpa customers calls" in run(project, "status", "throws").stdout
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["order_id"], row["by"], row["how"]) for row in rows] == [
        ("1", "2026-12-24", "call"),
        ("2", "", "call"),
    ]
    assert "example.com" not in done.stdout
    settle(project, "order_id,what,on\n1,shipped,2026-11-23\n")
    run(project, "calls", "throws")
    assert "Customer 1," not in path.read_text(encoding="utf-8-sig")


def test_calls_never_lie_where_they_would_be_published(project: Path) -> None:
    delayed(project, customer(1))
    for place in ("public/calls.csv", "incidents/calls.csv", "calls.csv"):
        done = run(project, "calls", "throws", "--out", place)
        assert (done.returncode, (project / place).exists()) == (1, False)


def test_those_of_earlier_plans_are_called_too(project: Path) -> None:
    delayed(project, customer(1, new_ship_on=""))
    delayed(project, customer(1, new_ship_on=""), customer(2, new_ship_on=""))
    plans = project / "private" / "plans"
    assert sorted(path.name for path in plans.iterdir()) == [f"{THROWS}-delay", f"{THROWS}-delay-1"]
    assert "2 customers to call" in run(project, "calls", "throws").stdout


def letter(
    order_id: str, *gifts: str, silence: str | None = None, until: str | None = None, **cells: str
) -> dict[str, Any]:
    return {
        "order": {"order_id": order_id, **cells},
        "grants": [{"gift": gift} for gift in gifts],
        "silence": silence,
        "until": until,
        "misses_essential_date": "essential_date" in cells,
    }


def test_who_is_called_and_in_which_order() -> None:
    letters = [
        letter("card", "card"),
        letter("call", "call"),
        letter("silent", silence="cancels", until="2026-12-10"),
        letter("essential", essential_date="2026-12-05"),
        letter("bounced"),
        letter("fine", "free_delivery", silence="keeps", until="2026-12-01"),
        letter("settled", "call"),
        {**letter("x"), "order": None},
    ]
    calls = find_calls(letters, {"bounced": State.BOUNCED, "call": State.SENT}, ["settled"])
    assert [call.order["order_id"] for call in calls] == ["essential", "silent", "bounced", "call", "card"]
    assert calls[1].why == (Why.SILENCE_CANCELS,)


def test_two_letters_about_one_order_are_one_call() -> None:
    (call,) = find_calls(
        [letter("1", "call"), letter("1", silence="cancels", until="2026-12-10")], {"1": State.REFUSED}, []
    )
    assert call.why == (Why.SILENCE_CANCELS, Why.NOT_REACHED, Why.PROMISED)


# ---- Bounces


def report(message_id: str | None, address: str, action: str = "failed") -> EmailMessage:
    """A failure report as mail servers send it (RFC 3464, appendix E)."""
    text = [
        "From: MAILER-DAEMON@mx.test",
        "To: orders@northwind.example",
        "Subject: Returned mail",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "It did not arrive.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.test",
        "",
        f"Final-Recipient: rfc822; {address}",
        f"Action: {action}",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1",
        "  no such user",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        *([f"Message-ID: {message_id}"] if message_id else ["Subject: x"]),
        "",
        "--b--",
        "",
    ]
    from email import message_from_string
    from email.policy import default

    return message_from_string("\n".join(text), policy=default)


@pytest.mark.parametrize("form", ["mail", "mbox", "folder", "csv"])
def test_mail_that_came_back_is_taken_up(project: Path, server: MailServer, form: str) -> None:
    delayed(project, customer(1), customer(2))
    name = str(server.message("c1@example.com")["Message-ID"])
    reports = [
        report(name, "c1@example.com"),
        report(None, "C1@example.com"),
        report(name, "c2@example.com", "delayed"),
    ]
    other = EmailMessage()
    other["Subject"] = "I am away"
    other.set_content("Until Monday.")
    path = project / "private" / "back"
    if form == "mail":
        path.write_bytes(bytes(reports[0]))
    elif form == "mbox":
        path.write_bytes(
            b"".join(b"From x Mon Nov 23 00:00:00 2026\n" + bytes(one) + b"\n" for one in [*reports, other])
        )
    elif form == "folder":
        (path / "new").mkdir(parents=True)
        for number, one in enumerate([*reports, other]):
            (path / "new" / str(number)).write_bytes(bytes(one))
    else:
        path = path.with_suffix(".csv")
        path.write_text("email,when\nc1@EXAMPLE.com,yesterday\n")
    done = run(project, "ledger", "bounces", str(path))
    assert (done.returncode, done.stdout) == (
        0,
        f"1 letter came back; call these customers: meaculpa customers calls {THROWS}\n",
    )
    assert states(project) == {"1": "bounced", "2": "sent"}
    assert "1 bounced" in run(project, "status", "throws").stdout


def test_a_report_about_nothing_of_ours_is_said(project: Path) -> None:
    delayed(project, customer(1))
    path = project / "private" / "back"
    path.write_bytes(bytes(report("<strange@elsewhere.example>", "c1@example.com")))
    assert (
        run(project, "ledger", "bounces", str(path)).stdout
        == "No further letter of ours came back.\n1 report about no letter of ours.\n"
    )


# ---- To another machine


def test_a_campaign_goes_on_elsewhere_and_nobody_gets_two(project: Path, server: MailServer, tmp_path: Path) -> None:
    folder = plan(project, customer(1, price="5.00"), customer(2, price="5.00"), customer(3, price="5.00"))
    server.on_rcpt["c2@example.com"] = ["554 5.7.1 not today"]
    server.on_data["c3@example.com"] = ["cut", "250 OK"]
    send(project, folder)
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("ledger.*", "plans"))
    done = run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    assert done.returncode == 0, done.stderr
    exported = project / "private" / "campaign.jsonl"
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert "example.com" not in exported.read_text().replace("northwind.example", "")
    done = send(project, folder)
    assert (done.returncode, "were handed over to another machine" in done.stderr) == (1, True)

    done = run(other, "ledger", "import", str(exported))
    assert done.stdout == f"Taken over 3 letters about {THROWS}.\n"
    rows = [
        customer(1, price="5.00"),
        customer(2, price="5.00"),
        customer(3, price="5.00"),
        customer(4, price="5.00"),
    ]
    assert "Sent 1 of 1 letter." in send(other, plan(other, *rows)).stdout
    assert sorted(server.taken) == ["c1@example.com", "c3@example.com", "c4@example.com"]
    assert {address: len(found) for address, found in server.taken.items()} == dict.fromkeys(server.taken, 1)

    back = other / "private" / "back.jsonl"
    assert run(other, "ledger", "export", "throws", str(back)).returncode == 0
    assert run(project, "ledger", "import", str(back)).returncode == 0
    assert states(project) == {"1": "sent", "2": "refused", "3": "unknown", "4": "sent"}
    assert (
        "nobody is left to write to"
        in run(
            project, "plan", "throws", "--stage", "delay", "--orders", str(other / "private" / "orders.csv"), *NOW
        ).stderr
    )


def test_who_has_handed_over_is_told_so_by_every_command(project: Path) -> None:
    delayed(project, customer(1))
    run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    assert "handed over to another machine at 20" in run(project, "status", "throws").stdout
    done = run(project, "plan", "throws", "--stage", "delay", "--orders", "private/orders.csv", *NOW)
    assert (done.returncode, "nothing is sent from here" in done.stderr) == (1, True)


def test_what_other_letters_gave_goes_along(project: Path, tmp_path: Path) -> None:
    """No code goes out twice, and nobody gets a second gift within 90 days because another machine goes on."""
    assert send(project, plan(project, customer(1))).returncode == 0
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("ledger.*", "plans"))
    tents = (project / "incidents" / f"{THROWS}.md").read_text()
    (other / "incidents" / "2026-11-19-tents.md").write_text(tents)
    (project / "incidents" / "2026-11-19-tents.md").write_text(tents)
    assert run(project, "ledger", "export", "tents", "private/tents.jsonl").returncode == 0
    done = run(other, "ledger", "import", str(project / "private" / "tents.jsonl"))
    assert done.stdout == "Taken over 0 letters about 2026-11-19-tents.\n"
    file = write_orders(other, customer(1), customer(2))
    done = run(other, "plan", "tents", "--stage", "delay", "--orders", file, *NOW, "--json")
    assert json.loads(done.stdout)["withheld"] == {"repeated": 1}
    text = (other / "private" / "plans" / "2026-11-19-tents-delay" / "letters.jsonl").read_text(encoding="utf-8")
    assert [one["code"] for line in text.splitlines() for one in json.loads(line)["grants"]] == ["NW-2"]


@pytest.mark.parametrize("keep", [0, 1, 2, -1])
def test_an_export_that_is_not_whole_changes_nothing(project: Path, keep: int) -> None:
    delayed(project, customer(1))
    run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    path = project / "private" / "campaign.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:keep]))
    before = states(project)
    done = run(project, "ledger", "import", str(path))
    assert (done.returncode, "is no whole export of a ledger" in done.stderr) == (1, True)
    assert states(project) == before


def test_what_is_known_better_stays(project: Path) -> None:
    delayed(project, customer(1))
    run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    path = project / "private" / "campaign.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["returns"] = rows[0]["mark"]
    for row in rows:
        if row.get("table") == "letters":
            row["state"] = "planned"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(project, "ledger", "import", str(path)).returncode == 0
    assert states(project) == {"1": "sent"}


def test_only_what_comes_back_lets_a_machine_go_on(project: Path, tmp_path: Path) -> None:
    folder = plan(project, customer(1, price="5.00"), customer(2, price="5.00"))
    run(project, "ledger", "export", "throws", "private/first.jsonl")
    done = run(project, "ledger", "import", "private/first.jsonl")
    assert (done.returncode, "does not come back from the machine" in done.stderr) == (1, True)
    assert "were handed over" in send(project, folder).stderr
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("ledger.*", "plans"))
    run(other, "ledger", "import", str(project / "private" / "first.jsonl"))
    run(other, "ledger", "export", "throws", "private/back.jsonl")
    assert run(project, "ledger", "import", str(other / "private" / "back.jsonl")).returncode == 0
    assert send(project, folder).returncode == 0


def test_a_letter_to_a_new_address_is_news_whatever_became_of_the_old_one(
    project: Path, server: MailServer, tmp_path: Path
) -> None:
    server.on_rcpt["c1@example.com"] = ["550 5.1.1 no such user"]
    delayed(project, customer(1))
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("ledger.*", "plans"))
    run(project, "ledger", "export", "throws", "private/first.jsonl")
    run(other, "ledger", "import", str(project / "private" / "first.jsonl"))
    server.on_data["jane@example.com"] = ["cut", "250 OK"]
    jane = customer(1, email="jane@example.com", price="5.00")
    done = meaculpa("customers", "send", str(plan(other, jane)), "--now", "2026-11-22 13:00", cwd=other)
    assert "1 unknown" in done.stdout
    run(other, "ledger", "export", "throws", "private/back.jsonl")
    run(project, "ledger", "import", str(other / "private" / "back.jsonl"))
    assert states(project) == {"1": "unknown"}


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("letters", "state", "nonsense"),
        ("letters", "at", "nonsense"),
        ("letters", "customer", None),
        ("letters", "goodwill", "NaN"),
        ("letters", "tries", {"a": 1}),
        ("letters", "tries", 10**30),
        ("promises", "address", "a@x.example\r\nBcc: evil@x.example"),
        ("promises", "facts", "{}"),
        ("promises", "facts", "[" * 100_000),
        ("settlements", "what", "nonsense"),
    ],
)
def test_an_export_that_says_something_impossible_changes_nothing(
    project: Path, tmp_path: Path, table: str, name: str, value: object
) -> None:
    delayed(project, customer(1))
    (project / "private" / "asked.txt").write_text("a@example.com\n")
    run(project, "promise", "throws", "--emails", "private/asked.txt")
    settle(project, "order_id,what,on\n1,shipped,2026-11-23\n")
    run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    rows = [json.loads(line) for line in (project / "private" / "campaign.jsonl").read_text().splitlines()]
    next(row for row in rows if row.get("table") == table)[name] = value
    other = write_project(tmp_path / "other")
    (other / "campaign.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(other, "ledger", "import", "campaign.jsonl")
    assert (done.returncode, "is no whole export of a ledger" in done.stderr) == (1, True)
    with sqlite3.connect(other / "private" / "ledger.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM letters").fetchone() == (0,)


def test_whatever_signs_stand_in_it_what_was_exported_can_be_imported(project: Path, tmp_path: Path) -> None:
    (project / "private" / "asked.txt").write_text("email,locale\na@example.com,de\u2028\n", encoding="utf-8")
    run(project, "promise", "throws", "--emails", "private/asked.txt")
    run(project, "ledger", "export", "throws", "private/campaign.jsonl")
    other = write_project(tmp_path / "other")
    assert run(other, "ledger", "import", str(project / "private" / "campaign.jsonl")).returncode == 0


def test_an_old_report_says_nothing_of_a_letter_to_a_new_address(project: Path, server: MailServer) -> None:
    delayed(project, customer(1))
    path = project / "private" / "back"
    path.write_bytes(bytes(report(str(server.message("c1@example.com")["Message-ID"]), "c1@example.com")))
    assert "1 letter came back" in run(project, "ledger", "bounces", str(path)).stdout
    delayed(project, customer(1, email="jane@example.com"))
    assert states(project) == {"1": "sent"}
    assert "1 report about no letter of ours" in run(project, "ledger", "bounces", str(path)).stdout
    assert states(project) == {"1": "sent"}


def test_one_mail_that_cannot_be_read_hides_no_other(project: Path, server: MailServer) -> None:
    delayed(project, customer(1))
    folder = project / "private" / "back"
    folder.mkdir()
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000))
    (folder / "1").write_bytes(deep)
    (folder / "2").write_bytes(bytes(report(str(server.message("c1@example.com")["Message-ID"]), "c1@example.com")))
    done = run(project, "ledger", "bounces", str(folder))
    assert (done.returncode, "1 letter came back" in done.stdout, "1 mail could not be read" in done.stdout) == (
        0,
        True,
        True,
    )


def test_an_order_that_was_settled_without_its_letter_is_closed(project: Path, server: MailServer) -> None:
    server.on_rcpt["c1@example.com"] = ["450 later"]
    path = project / "meaculpa.yml"
    folder = plan(project, customer(1, price="5.00", charge_state="not_charged"))
    with start(project, folder) as running:
        eventually(lambda: states(project) == {"1": "planned"}, "it is put off")
        running.send_signal(2)
        running.communicate(timeout=30)
    assert path.is_file()
    assert "1 letter of stage delay not sent" in run(project, "status", "throws").stdout
    settle(project, "order_id,what,on\n1,nothing_due,2026-11-23\n")
    assert "Nothing is in the way of closing it." in run(project, "status", "throws").stdout


def test_a_line_separator_is_a_sign_like_any_other() -> None:
    text = incident_text(
        "kind: orders\n", "## 2026-11-22 09:20 UTC identified\n\nOne\u2028two\u2028three\u2028four.\n"
    )
    second = "## 2026-11-22 10:20 UTC identified\n\nFive.\n"
    update = an_incident("kind: orders\n", text.partition("---\n\n")[2] + "\n" + second).updates[1]
    found = set_fact(f"{text}\n{second}", update, "settled", "1 of 2")
    assert found.endswith("## 2026-11-22 10:20 UTC identified\nsettled: 1 of 2\n\nFive.\n")
