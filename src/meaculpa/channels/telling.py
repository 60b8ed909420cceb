"""Tells what is due: claims it at the targets, sends it, and enters there what became of it."""

import hashlib
import itertools
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.channels import Answer, Notice, Outcome
from meaculpa.channels.news import News
from meaculpa.channels.post import MOST_AT_ONCE, missing_address, send
from meaculpa.channels.record import (
    RECORD_PATH,
    Entry,
    Record,
    bring,
    claim,
    claimed,
    due,
    is_settled,
    merge,
    open_channels,
    read_record,
    recognise,
    release,
    settle,
)
from meaculpa.errors import TargetError
from meaculpa.manifest import MANIFEST_PATH, Index, read_index, retracted_name
from meaculpa.model import OutputFile
from meaculpa.publish.target import ABSENT, Conflict, Target
from meaculpa.render.headers import CONTENT_TYPES

Given = TypeVar("Given")
_SECONDS, _ATTEMPTS, _LONGEST_PAUSE = 10.0, 12, 0.4
_TRIES_TO_ENTER = (1.0, 3.0, 6.0)


def utc_now() -> datetime:
    """The moment that it is."""
    return datetime.now(UTC)


class Attempt(Struct, frozen=True):
    """A notice, and what became of trying to tell it."""

    notice: Notice
    answer: Answer


class Telling(Struct, frozen=True):
    """What one go came to: attempts, and why nothing more could be told at all (None: it could).

    `is_open` says that something is left that nobody has told, or that another process is telling at this moment.
    """

    attempts: tuple[Attempt, ...]
    failure: str | None = None
    is_open: bool = False

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be tried again."""
        return self.failure is None and not self.is_open


class Own(Struct):
    """What one process remembers from one go to the next: its name, and what it has claimed and surely not sent.

    Each claim has a name of its own that begins with that of the process; `sent` is what may have arrived.
    """

    name: str = field(default_factory=lambda: secrets.token_hex(6))
    unsent: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    claims: Iterator[int] = field(default_factory=itertools.count)


class _Go(Struct):
    """One go at telling: what there is to tell, where it is recorded, and what has been tried."""

    news: News
    targets: Sequence[Target]
    stopping: Callable[[], bool]
    clock: Callable[[], datetime]
    own: Own
    attempts: list[Attempt] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def amend(self, change: Callable[[Record], Record]) -> Record:
        """Change the record; one channel at a time, for they all share it."""
        with self.lock:
            return _amend(self.targets, lambda stored: change(release(stored, self.own.name, self.own.unsent)))


def tell(
    news: News,
    targets: Sequence[Target],
    stopping: Callable[[], bool] = lambda: False,
    clock: Callable[[], datetime] = utc_now,
    own: Own | None = None,
) -> Telling:
    """Tell every channel what it has not been told, each at its own pace and in its order.

    Who may send is settled at the targets: a notice is claimed there under a condition before it goes out, and
    whoever finds it claimed leaves it alone. A target that cannot be reached is left out; one must be there. What was
    retracted at any of them is not told, and nothing while a rollback holds all of them.
    """
    go = _Go(news, targets, stopping, clock, own or Own())
    try:
        record = go.amend(lambda stored: recognise(open_channels(stored, news.channels, clock()), news, clock()))
        if _first_of_each(record, go):
            go.news = _without_retracted(news, targets)
            first = _first_of_each(record, go)
            with ThreadPoolExecutor(min(MOST_AT_ONCE, max(1, len(first)))) as threads:
                list(threads.map(partial(_tell_channel, go), first))
            record = read_told(targets)
    except TargetError as error:
        go.failures.append(str(error))
    else:
        is_open = not is_settled(record, go.news, clock())
        return Telling(tuple(go.attempts), go.failures[0] if go.failures else None, is_open)
    return Telling(tuple(go.attempts), go.failures[0], True)


def _first_of_each(record: Record, go: _Go) -> list[Notice]:
    """What each channel that has something to hear is to hear first."""
    every = (due(record, go.news, name, go.clock())[:1] for name in sorted(go.news.channels))
    return [notice for first in every for notice in first]


def read_told(targets: Sequence[Target]) -> Record:
    """Read what the targets know together; raises TargetError where none can be read."""
    return merge(record for _, record, _ in _read_all(targets))


def _without_retracted(news: News, targets: Sequence[Target]) -> News:
    """What may be told: nothing that was retracted, and nothing at all while every target is held.

    Raises TargetError where no target says so.
    """
    found = [answer for answer in _ask_all(targets, _index) if not isinstance(answer, TargetError)]
    if not found or all(index.held for index in found):
        raise TargetError("a rollback holds what is published" if found else "no target says what is published")
    retracted = {name for index in found for name in index.retracted}
    notices = tuple(one for one in news.notices if retracted_name(one.incident) not in retracted)
    return replace(news, notices=notices)


def _index(target: Target) -> Index:
    target.allow(_SECONDS)
    stored = target.read(MANIFEST_PATH)
    return read_index(stored.body) if stored else Index({})


def _tell_channel(go: _Go, first: Notice) -> None:
    """Tell a channel its notices one after the other, `first` first, until it does not take one."""
    if reason := missing_address(first.channel):
        go.attempts.append(Attempt(first, Answer(Outcome.WAITING, reason)))
        return
    try:
        while not go.stopping():
            run = f"{go.own.name}-{next(go.own.claims)}"
            ours = _claim_next(go, first.channel.name, run)
            if ours is None or _send(go, ours, run).outcome is not Outcome.TOLD:
                return
    except TargetError as error:
        go.failures.append(str(error))


def _claim_next(go: _Go, channel: str, run: str) -> Notice | None:
    """Claim what a channel is to hear next; None where there is nothing, or another process was quicker."""
    now, own = go.clock(), go.own
    keys = {notice.key for notice in go.news.notices if notice.channel.name == channel}
    try:
        record = go.amend(lambda stored: claim(stored, due(stored, go.news, channel, now)[:1], run, now))
    except TargetError:
        # The claim may stand there, and nothing was sent for it.
        own.unsent |= keys - own.sent
        raise
    own.unsent -= keys
    return next(iter(claimed(record, go.news.notices, run)), None)


def _send(go: _Go, notice: Notice, run: str) -> Answer:
    """Send a notice that is claimed, and enter what became of it, even if that takes several tries."""
    answer = send(notice.channel, notice.message, go.news.sender)
    go.attempts.append(Attempt(notice, answer))
    if answer.outcome is not Outcome.WAITING:
        go.own.sent.add(notice.key)
    entry = Entry(answer.outcome, go.clock(), notice.digest, run, answer.why)
    for pause in _TRIES_TO_ENTER:
        try:
            go.amend(lambda stored: settle(stored, {notice.key: entry}))
            break
        except TargetError as error:
            failure = error
            time.sleep(pause)
    else:
        go.own.unsent |= {notice.key} - go.own.sent
        raise failure
    return answer


def _amend(targets: Sequence[Target], change: Callable[[Record], Record]) -> Record:
    """Change the record at every target that answers, in their order.

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
    if failures and len(failures) == len(found):
        raise failures[0]
    return known


def _write(target: Target, stored: Record, version: str, known: Record, change: Callable[[Record], Record]) -> Record:
    """Change the record at one target; whoever changed it meanwhile is read again and kept."""
    for _ in range(_ATTEMPTS):
        wanted = change(bring(known, stored))
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
    answers = _ask_all(targets, lambda target: (target, *_read(target)))
    found = [answer for answer in answers if not isinstance(answer, TargetError)]
    failures = [answer for answer in answers if isinstance(answer, TargetError)]
    if not found:
        raise failures[0] if failures else TargetError("there is no target to ask what was told")
    return found


def _ask_all(targets: Sequence[Target], act: Callable[[Target], Given]) -> list[Given | TargetError]:
    """Ask all targets at once; the failure of one is its answer."""

    def attempt(target: Target) -> Given | TargetError:
        try:
            return act(target)
        except TargetError as error:
            return error

    with ThreadPoolExecutor(max(1, len(targets))) as threads:
        return list(threads.map(attempt, targets))


def _read(target: Target) -> tuple[Record, str]:
    target.allow(_SECONDS)
    stored = target.read(RECORD_PATH)
    return (read_record(stored.body), stored.version) if stored else (Record(), ABSENT)
