"""Tells what is due: claims it at the targets, sends it, and enters what became of it."""

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from meaculpa.channels import Answer, Notice, Outcome
from meaculpa.channels.news import News
from meaculpa.channels.post import missing_address, send
from meaculpa.channels.record import (
    RECORD_PATH,
    Entry,
    Record,
    claim,
    claimed,
    due,
    merge,
    open_channels,
    read_record,
    settle,
)
from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish.target import ABSENT, Conflict, Target
from meaculpa.render.headers import CONTENT_TYPES

_SECONDS, _ATTEMPTS, _LONGEST_PAUSE = 10.0, 12, 0.4


def utc_now() -> datetime:
    """The moment that it is."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A notice, and what became of trying to tell it."""

    notice: Notice
    answer: Answer


@dataclass(frozen=True, slots=True)
class Telling:
    """What one go came to: attempts in their order, and why nothing could be told at all (None: it could)."""

    attempts: tuple[Attempt, ...]
    failure: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be tried again."""
        return self.failure is None and all(one.answer.outcome is not Outcome.WAITING for one in self.attempts)


def tell(
    news: News,
    targets: Sequence[Target],
    stopping: Callable[[], bool] = lambda: False,
    clock: Callable[[], datetime] = utc_now,
) -> Telling:
    """Tell every channel what it has not been told; a channel that does not take something gets nothing after it.

    Who may send is settled at the targets: a notice is claimed there under a condition before it goes out, and
    whoever finds it claimed leaves it alone. A target that cannot be reached is left out; one must be there.
    """
    attempts: list[Attempt] = []
    try:
        while not stopping():
            record = _amend(targets, lambda stored: open_channels(stored, news.channels, clock()))
            silent = {one.notice.channel.name for one in attempts if one.answer.outcome is Outcome.WAITING}
            chosen = _first_of_each(due(record, news, clock()), silent)
            unusable = {one.key: reason for one in chosen if (reason := missing_address(one.channel))}
            attempts += [
                Attempt(one, Answer(Outcome.WAITING, unusable[one.key])) for one in chosen if one.key in unusable
            ]
            usable = [one for one in chosen if one.key not in unusable]
            if usable:
                _send_claimed(usable, targets, news.sender, clock, attempts)
            elif not unusable:
                break
    except TargetError as error:
        return Telling(tuple(attempts), str(error))
    return Telling(tuple(attempts))


def read_told(targets: Sequence[Target]) -> Record:
    """Read what the targets know together; raises TargetError where none can be read."""
    return merge(record for _, record, _ in _read_all(targets))


def _first_of_each(notices: Sequence[Notice], silent: set[str]) -> list[Notice]:
    """The oldest notice of each channel, but for some channels."""
    first: dict[str, Notice] = {}
    for notice in notices:
        if notice.channel.name not in silent:
            first.setdefault(notice.channel.name, notice)
    return list(first.values())


def _send_claimed(
    chosen: Sequence[Notice],
    targets: Sequence[Target],
    sender: str,
    clock: Callable[[], datetime],
    attempts: list[Attempt],
) -> None:
    """Claim notices, send those that nobody else has claimed, side by side, and enter what became of them."""
    run = secrets.token_hex(6)
    record = _amend(targets, lambda stored: claim(stored, chosen, run, clock()))
    ours = claimed(record, chosen, run)
    if not ours:
        return
    with ThreadPoolExecutor(len(ours)) as threads:
        answers = list(threads.map(lambda one: send(one.channel, one.message, sender), ours))
    tried = [Attempt(one, answer) for one, answer in zip(ours, answers, strict=True)]
    attempts += tried
    now = clock()
    ends = {one.notice.key: Entry(one.answer.outcome, now, one.notice.digest, run, one.answer.why) for one in tried}
    _amend(targets, lambda stored: settle(stored, ends))


def _amend(targets: Sequence[Target], change: Callable[[Record], Record]) -> Record:
    """Change the record at every target that answers, in their order, so that the first one decides.

    Gives what all of them know together afterwards; raises TargetError where not one could be changed.
    """
    found = _read_all(targets)
    known = merge(record for _, record, _ in found)
    failures: list[TargetError] = []
    for target, stored, version in found:
        try:
            known = _write(target, stored, version, known, change)
        except TargetError as error:
            failures.append(error)
    if len(failures) == len(found):
        raise failures[0]
    return known


def _write(target: Target, stored: Record, version: str, known: Record, change: Callable[[Record], Record]) -> Record:
    """Change the record at one target; whoever changed it meanwhile is read again and kept."""
    for _ in range(_ATTEMPTS):
        wanted = change(merge([known, stored]))
        if wanted == stored:
            return wanted
        body = wanted.body
        digest = hashlib.sha256(body).hexdigest()
        file = OutputFile(RECORD_PATH, body, CONTENT_TYPES["json"], "private, no-store", digest)
        try:
            target.write(file, version)
        except Conflict:
            time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 (only to come apart)
            stored, version = _read(target)
            continue
        return wanted
    raise TargetError(f"{target.describe()}: too many others write {RECORD_PATH} at this moment")


def _read_all(targets: Sequence[Target]) -> list[tuple[Target, Record, str]]:
    """Read the record at all targets side by side; raises TargetError where none answers."""

    def attempt(target: Target) -> tuple[Target, Record, str] | TargetError:
        try:
            return (target, *_read(target))
        except TargetError as error:
            return error

    with ThreadPoolExecutor(max(1, len(targets))) as threads:
        answers = list(threads.map(attempt, targets))
    found = [answer for answer in answers if not isinstance(answer, TargetError)]
    failures = [answer for answer in answers if isinstance(answer, TargetError)]
    if failures and not found:
        raise failures[0]
    return found


def _read(target: Target) -> tuple[Record, str]:
    target.allow(_SECONDS)
    stored = target.read(RECORD_PATH)
    return (read_record(stored.body), stored.version) if stored else (Record(), ABSENT)
