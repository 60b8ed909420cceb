"""What is said while letters are sent, and afterwards."""

import signal as signals
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import click

from meaculpa.cli.wording import bad, count, good, say
from meaculpa.customers.folder import Plan
from meaculpa.customers.ledger import Ledger, State
from meaculpa.customers.sending import Halt, Tally

_FAILED = 3
_MOST_NAMED = 8


def halt_on_signals() -> Halt:
    """The first Ctrl-C ends it between two letters, the second one at once."""
    halt = Halt()

    def stop(number: int, _: object) -> None:
        halt.stop()
        signals.signal(number, signals.SIG_DFL)
        say("\nEnding after this letter. Once more ends it in its midst.", to_errors=True)

    for number in (signals.SIGINT, signals.SIGTERM):
        signals.signal(number, stop)
    return halt


def progress(total: int) -> Callable[[Mapping[State, int]], None]:
    """Show on a terminal how far it is."""
    if not sys.stderr.isatty():
        return lambda _: None
    begun = datetime.now(UTC)

    def told(states: Mapping[State, int]) -> None:
        done = sum(states.values())
        passed = (datetime.now(UTC) - begun).total_seconds()
        left = passed / done * (total - done) / 60 if done else 0
        bar = "█" * (20 * done // total) + "░" * (20 - 20 * done // total)
        click.echo(f"\r{bar} {done:,} of {total:,}, {left:.0f} min to go \033[K", nl=False, err=True)

    return told


def tell_trouble(text: str, pause: float) -> None:
    """Say what is in the way."""
    start = "\r\033[K" if sys.stderr.isatty() else ""
    say(f"{start}{bad(text)}; trying again in {pause:.0f} s", to_errors=True)


def tell_sent(plan: Plan, ledger: Ledger, tally: Tally, number: int, test_to: str | None) -> int:
    """Say what a run came to and what is left to do; gives the exit code."""
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    sent = tally.states[State.SENT]
    if number or test_to:
        to = f" to {test_to} alone; no customer was written to" if test_to else ""
        say(f"{good('Sent')} {sent:,} of {count(number, 'letter')}{to}.")
    if tally.stopped:
        say(bad(f"Stopped: {tally.stopped}"), to_errors=True)
    if test_to:
        return _FAILED if sent < number else 0
    incident, stage = plan.basis.incident, plan.basis.stage
    waiting = len(ledger.waiting(incident, stage, plan.digest))
    unknown = ledger.count(incident, stage, State.UNKNOWN)
    for line in _what_is_left(plan, ledger, tally, waiting, unknown):
        say(line)
    say(f"{'What became of them' if number else 'Nothing is left to send'}: {status_of(incident)}")
    return _FAILED if waiting or tally.stopped else 0


def _what_is_left(plan: Plan, ledger: Ledger, tally: Tally, waiting: int, unknown: int) -> Iterator[str]:
    incident, refused = plan.basis.incident, tally.states[State.REFUSED]
    if refused:
        yield f"{bad(f'{refused:,} refused for good')}; call these customers: meaculpa customers calls {incident}"
    if waiting:
        yield f"{waiting:,} still to be sent. Go on with the same command."
    left = ledger.left_over(incident, plan.basis.stage, plan.digest)
    if left:
        named = ", ".join(left[:_MOST_NAMED]) + (" …" if left[_MOST_NAMED:] else "")
        yield f"{bad(f'{len(left):,} of an earlier plan')} got no letter and are in this one no more: {named}"
    if unknown:
        yield f"{bad(f'{unknown:,} unknown')}; they may have been sent: {status_of(incident)}"


def status_of(incident: str) -> str:
    """Name the command that tells more."""
    return f"meaculpa customers status {incident}"
