"""Mail over Amazon SES: against moto's imitation of it, and against one that fails as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from meaculpa.config import SesTransport
from meaculpa.customers.ledger import Entry, State
from meaculpa.customers.ledger_file import open_ledger
from meaculpa.customers.mail import Mail, write_mail
from meaculpa.customers.outbox import Dispatch
from meaculpa.customers.sending import Halt, Pace, Tally, Teller, send_letters
from meaculpa.customers.ses import SesConnection
from tests.making import at

SENDER = "orders@northwind.example"
LETTER = {"name": "Jürgen", "email": "j@example.com", "subject": "Order 1: später", "text": "Ä", "html": "<p>Ä</p>"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


class Moody:
    """A server that answers each request with the next of `answers`: a status with an error's code, or a cut line."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked = 0
        self.url = ""


@contextmanager
def moody_server() -> Iterator[Moody]:
    ours = Moody()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            ours.asked += 1
            status, code = ours.answers.pop(0) if ours.answers else (200, "")
            if not status:
                self.close_connection = True
                return
            body = json.dumps({"MessageId": f"ses-{ours.asked}"} if status == 200 else {"message": code}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status != 200:
                self.send_header("x-amzn-ErrorType", code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield ours
    finally:
        server.shutdown()
        server.server_close()


def now() -> datetime:
    return at("2026-11-22 12:00")


def send(url: str, folder: Path, count: int = 3) -> tuple[Tally, dict[str, State], list[str]]:
    """Send some letters; gives what came of the run, of each letter, and what was answered."""

    def dispatch(number: int) -> Dispatch:
        name = f"<{number}@northwind.example>"
        entry = Entry("throws", "delay", str(number), str(number), name, "plan")
        return Dispatch(entry, lambda: write_mail(LETTER, SENDER, "help@northwind.example", name, now()))

    letters = [dispatch(number) for number in range(count)]
    settings = SesTransport(type="ses", region="eu-west-1", endpoint_url=url)
    with open_ledger(folder / "ledger.db") as ledger:
        ledger.enqueue((one.entry for one in letters), now())
        pace = Pace(per_second=1000, first_pause=0.001)
        tally = send_letters(letters, ledger, lambda: SesConnection(settings), pace, now, Halt(), Teller())
        found = ledger.standings("throws")
    return tally, {one.recipient: one.state for one in found}, [one.answer for one in found]


def test_letters_go_out(moto_url: str, tmp_path: Path) -> None:
    client = boto3.client("ses", region_name="eu-west-1", endpoint_url=moto_url)
    client.verify_email_identity(EmailAddress=SENDER)
    before = client.get_send_quota()["SentLast24Hours"]
    tally, states, answers = send(moto_url, tmp_path)
    assert tally.stopped is None
    assert states == {"0": State.SENT, "1": State.SENT, "2": State.SENT}
    assert len(set(answers)) == 3, "each has the number that SES has given it"
    assert client.get_send_quota()["SentLast24Hours"] > before


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((400, "MessageRejected"), State.REFUSED),
        ((400, "BadRequestException"), State.REFUSED),
        ((500, "InternalFailure"), State.UNKNOWN),
        ((503, "ServiceUnavailable"), State.UNKNOWN),
        ((0, ""), State.UNKNOWN),
    ],
)
def test_what_is_said_of_one_message_is_kept_and_the_others_go_out(
    tmp_path: Path, answer: tuple[int, str], state: State
) -> None:
    with moody_server() as server:
        server.answers = [answer]
        _, states, _ = send(server.url, tmp_path)
        assert states == {"0": state, "1": State.SENT, "2": State.SENT}
        assert server.asked == 3, "the library repeats nothing by itself"


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException"])
def test_what_comes_too_fast_is_tried_again(tmp_path: Path, code: str) -> None:
    with moody_server() as server:
        server.answers = [(429, code), (429, code)]
        _, states, _ = send(server.url, tmp_path)
        assert set(states.values()) == {State.SENT}
        assert server.asked == 5


@pytest.mark.parametrize(
    "code",
    ["AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "AccessDenied"],
)
def test_what_is_said_of_us_ends_it_and_nobody_is_given_up(tmp_path: Path, code: str) -> None:
    with moody_server() as server:
        server.answers = [(400, code)]
        tally, states, _ = send(server.url, tmp_path)
        assert set(states.values()) == {State.PLANNED}
        assert tally.stopped == f"SES takes nothing from us: {code}: {code}"
        assert server.asked == 1


def test_a_server_that_is_not_there_leaves_everybody_planned(tmp_path: Path) -> None:
    tally, states, _ = send("http://127.0.0.1:1", tmp_path)
    assert set(states.values()) == {State.PLANNED}
    assert str(tally.stopped).startswith("SES cannot be reached")


def test_without_credentials_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    tally, states, _ = send("http://127.0.0.1:1", tmp_path)
    assert set(states.values()) == {State.PLANNED}
    assert "Unable to locate credentials" in str(tally.stopped)


def test_a_message_is_marked_before_the_request() -> None:
    told: list[int] = []
    with moody_server() as server:
        connection = SesConnection(SesTransport(type="ses", region="eu-west-1", endpoint_url=server.url))
        mail = Mail(SENDER, "j@example.com", "<1@x>", b"Subject: x\r\n\r\nx\r\n")
        connection.deliver(mail, lambda: told.append(server.asked))
        connection.close()
    assert told == [0]
