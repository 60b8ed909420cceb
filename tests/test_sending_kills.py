"""A sending that is killed at any moment: nobody gets two letters, nobody is forgotten, at most one is unknown.

The killed process is a fork of this one, so that hundreds of kills take seconds; it runs what the command runs.
"""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from meaculpa.config import SmtpTransport
from meaculpa.customers.ledger import Entry, State
from meaculpa.customers.ledger_file import open_ledger
from meaculpa.customers.mail import Mail
from meaculpa.customers.outbox import Dispatch
from meaculpa.customers.sending import Halt, Pace, Teller, send_letters
from meaculpa.customers.smtp import SmtpConnection
from tests.mailserver import MailServer, mail_server
from tests.making import at

NOW = at("2026-11-22 12:00")
# Python says so where a process with threads is forked; what runs here in the child begins its own.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
FORK = multiprocessing.get_context("fork")


def dispatch(number: int) -> Dispatch:
    entry = Entry("throws", "delay", str(number), f"customer{number}", f"<{number}@northwind.example>", "plan")
    content = f"Message-ID: <{number}@northwind.example>\r\n\r\nOrder {number}\r\n".encode()
    return Dispatch(entry, lambda: Mail("a@northwind.example", f"c{number}@example.com", entry.message_id, content))


def send_all(
    path: Path, port: int, count: int, connections: int, begun: "multiprocessing.sharedctypes.Synchronized[int]"
) -> None:
    """What `customers send` does between its checks and its words."""
    settings = SmtpTransport(type="smtp", host="127.0.0.1", port=port, security="none")
    with open_ledger(path) as ledger:
        ledger.recover()
        ledger.enqueue((dispatch(number).entry for number in range(count)), NOW)
        waiting = ledger.waiting("throws", "delay", "plan")
        begun.value = 1
        send_letters(
            (dispatch(number) for number in range(count) if str(number) in waiting),
            ledger,
            lambda: SmtpConnection(settings, None),
            Pace(per_second=100_000, connections=connections, first_pause=0.001),
            lambda: NOW,
            Halt(),
            Teller(),
        )


def kill_until_done(path: Path, server: MailServer, count: int, kills: int, connections: int, seed: int) -> int:
    """Kill a sending again and again, then let it end; gives how many of the kills came in its midst."""
    chance, killed = random.Random(seed), 0
    for turn in range(kills + 1):
        begun = FORK.Value("i", 0)
        process = FORK.Process(target=send_all, args=(path, server.port, count, connections, begun))
        process.start()
        if turn < kills:
            while not begun.value and process.is_alive():
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.03))
            assert process.pid
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        killed += process.exitcode == -signal.SIGKILL and server.count < count
        process.close()
    return killed


@pytest.mark.parametrize(("connections", "seed"), [(1, 1), (1, 2), (3, 3)])
def test_killed_at_any_moment_nobody_gets_two_and_nobody_is_forgotten(
    tmp_path: Path, connections: int, seed: int, request: pytest.FixtureRequest
) -> None:
    is_soak = bool(request.config.getoption("--soak"))
    count, kills = (10_000, 1_000) if is_soak else (1_500, 60)
    path = tmp_path / "ledger.db"
    with mail_server() as server:
        killed = kill_until_done(path, server, count, kills, connections, seed)
        with open_ledger(path) as ledger:
            found = {one.recipient: one.state for one in ledger.standings("throws")}
        got = {address: len(messages) for address, messages in server.taken.items()}
    assert killed == kills
    assert max(got.values()) == 1, "nobody gets two"
    assert set(found) == set(map(str, range(count)))
    assert set(found.values()) <= {State.SENT, State.UNKNOWN}
    unknown = {recipient for recipient, state in found.items() if state is State.UNKNOWN}
    assert len(unknown) <= kills * connections
    assert unknown, "the kills came at moments that matter"
    missing = {recipient for recipient in found if f"c{recipient}@example.com" not in got}
    assert missing <= unknown, "who has no letter is not said to have one"
