"""`meaculpa customers send`: the letters of a plan, each once."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from msgspec import Struct

from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, the_incident
from meaculpa.cli.customers.common import (
    changes_since,
    only_sender,
    plan_again,
    project_ledger,
    refuse_handed_over,
    reply_address,
)
from meaculpa.cli.customers.forgetting import forget_if_done
from meaculpa.cli.customers.page_letters import lay_out
from meaculpa.cli.customers.send_words import halt_on_signals, progress, tell_sent, tell_trouble
from meaculpa.cli.wording import bad, count, say
from meaculpa.config import Config, Mail, SesTransport
from meaculpa.customers.columns import is_address
from meaculpa.customers.folder import Plan, read_letters, read_plan
from meaculpa.customers.ledger import Entry, Ledger, Promise, needs_letter
from meaculpa.customers.ledger_file import open_ledger
from meaculpa.customers.mail import Mail as Message
from meaculpa.customers.mail import write_mail
from meaculpa.customers.order import Asked, Stage
from meaculpa.customers.orders import order_of
from meaculpa.customers.outbox import Dispatch
from meaculpa.customers.promises import promise_to
from meaculpa.customers.sending import Pace, Teller, entry_of, send_letters
from meaculpa.customers.transport import Connection
from meaculpa.errors import Refused, TargetError

PASSWORD = "MEACULPA_SMTP_PASSWORD"


@click.command("send")
@click.argument("plan", type=click.Path(path_type=Path, file_okay=False), metavar="PLAN")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; talk to no server, change nothing.")
@click.option("--yes-send", type=click.IntRange(min=0), metavar="N", help="Yes, send exactly so many letters.")
@click.option(
    "--test-to",
    "test_to",
    metavar="ADDRESS",
    help="Send all of them to this address alone; the ledger learns nothing.",
)
@now_option
@click.pass_context
def send_command(
    context: click.Context, plan: Path, dry_run: bool, yes_send: int | None, test_to: str | None, now: datetime | None
) -> int:
    """Send the letters of a PLAN, the folder that `customers plan` wrote, each once.

    Nothing goes out if the incident, the orders or the templates have changed since. The ledger in private/ knows
    what became of each letter: stopped or killed at any moment, the same command goes on, and nobody gets two.
    """
    root = project_root(context)
    found = read_plan(plan)
    _, config = read_all(root, Memory())
    if test_to is not None and not is_address(test_to):
        raise click.UsageError(f'--test-to: "{test_to}" is not one e-mail address')
    mail = _mail(config)
    with only_sender(root), project_ledger(root) as ledger:
        _refuse_stale(found, root, config, ledger, clock(now))
        refuse_handed_over(found.basis.incident, ledger)
        run = _Run(
            found, mail, reply_address(config), now, test_to, ledger.secret() if not test_to else os.urandom(32)
        )
        if test_to is None:
            code = _send(run, ledger, dry_run, yes_send, lambda: _put_on_page(found, root, config, ledger))
            forget_if_done(root, found, ledger)
            return code
        with TemporaryDirectory() as folder, open_ledger(Path(folder) / "test.db") as forgotten:
            return _send(run, forgotten, dry_run, yes_send, lambda: _put_on_page(found, root, config, ledger))


def _put_on_page(plan: Plan, root: Path, config: Config, ledger: Ledger) -> None:
    """Lay the letters out before their links are sent; raises TargetError where no target has them."""
    laid = lay_out(plan, root, config, ledger)
    failed = [one for one in laid if one.error]
    for one in failed:
        say(f"{bad(one.target)}: {one.error}", to_errors=True)
    if config.letters and len(failed) == len(laid):
        raise TargetError("nothing was sent: the letters could be put on no page, and their links would lead nowhere")


class _Run(Struct, frozen=True):
    """One sending: which plan, as whom, at which time (None: the real one), and to whom alone if it is a test."""

    plan: Plan
    mail: Mail
    reply_to: str
    now: datetime | None
    test_to: str | None
    secret: bytes

    def entry(self, letter: Mapping[str, Any]) -> Entry:
        """What the ledger knows of a letter; a test has another name, so that no server takes the real one for it."""
        return entry_of(letter, self.plan, self.mail.sender, self.secret)

    def write(self, letter: Mapping[str, Any]) -> Message:
        """Write the message of a letter."""
        addressed = {**letter, "email": self.test_to or letter["email"]}
        return write_mail(addressed, self.mail.sender, self.reply_to, self.entry(letter).message_id, clock(self.now))


def _send(run: _Run, ledger: Ledger, dry_run: bool, yes_send: int | None, put_on_page: Callable[[], None]) -> int:
    plan, basis = run.plan, run.plan.basis
    final = ledger.final(basis.incident, basis.stage)
    number = sum(1 for one in read_letters(plan.folder) if needs_letter(one["recipient"], one["email"], final))
    if dry_run:
        to = f" to {run.test_to} alone" if run.test_to else ""
        say(f"{count(number, 'letter')} would be sent{to} over {_over(run.mail)}, as {run.mail.sender}.")
        say("Nothing was sent.")
        return 0
    if not run.test_to:
        _refuse_unless_sure(number, yes_send, run.mail)
    open_connection = connect(run.mail)
    put_on_page()
    interrupted = ledger.recover()
    if interrupted:
        say(bad(f"An earlier run ended in the midst of {count(interrupted, 'letter')}."))
    ledger.enqueue((run.entry(one) for one in read_letters(plan.folder)), clock(run.now))
    waiting = ledger.waiting(basis.incident, basis.stage, plan.digest)
    tally = send_letters(
        _dispatches(run, waiting),
        ledger,
        open_connection,
        Pace(run.mail.per_second, run.mail.connections),
        lambda: clock(run.now),
        halt_on_signals(),
        Teller(progress(len(waiting)), tell_trouble),
    )
    return tell_sent(plan, ledger, tally, number, run.test_to)


def _dispatches(run: _Run, waiting: set[str]) -> Iterator[Dispatch]:
    for one in read_letters(run.plan.folder):
        if one["recipient"] in waiting:
            is_promise = run.plan.basis.stage == Stage.PATIENCE and not run.test_to
            yield Dispatch(run.entry(one), partial(run.write, one), _promise(one) if is_promise else None)


def _mail(config: Config) -> Mail:
    if config.mail is None:
        raise Refused('"mail" is missing in meaculpa.yml')
    return config.mail


def connect(mail: Mail) -> Callable[[], Connection]:
    """Make what opens a connection to the mail server; raises Refused where its password is missing."""
    transport = mail.transport
    if isinstance(transport, SesTransport):
        from meaculpa.customers.ses import SesConnection

        return lambda: SesConnection(transport)
    from meaculpa.customers.smtp import SmtpConnection

    password = os.environ.get(PASSWORD)
    if transport.username and not password:
        raise Refused(f"the password of {transport.username} is missing: put it into the variable {PASSWORD}")
    return lambda: SmtpConnection(transport, password)


def _over(mail: Mail) -> str:
    transport = mail.transport
    return "SES" if isinstance(transport, SesTransport) else f"{transport.host}:{transport.port}"


def _promise(letter: Mapping[str, Any]) -> Promise:
    if letter["order"]:
        return promise_to(order_of(letter["order"]), None)
    return promise_to(None, Asked(letter["email"], letter["asked_in"]))


# ---- What stands in the way


def _refuse_stale(plan: Plan, root: Path, config: Config, ledger: Ledger, at: datetime) -> None:
    """Refuse a plan that would be another one if it were made now."""
    changed = changes_since(plan.basis, the_incident(root, plan.basis.incident), root, config, ledger, at)
    if changed:
        raise Refused(f"nothing was sent: {'; '.join(changed)}. Plan it again: {plan_again(plan.basis, root)}")


def _refuse_unless_sure(number: int, yes_send: int | None, mail: Mail) -> None:
    if yes_send is not None and yes_send != number:
        raise Refused(f"nothing was sent: it would be {count(number, 'letter')}, not {yes_send:,}")
    if yes_send is None and number > mail.confirm_above:
        raise Refused(
            f"nothing was sent: these are {count(number, 'letter')}; say --yes-send {number} if you mean it"
        )
