"""What was told, as a value: kept at the targets, where every machine that publishes finds it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from meaculpa.channels import Notice, Outcome
from meaculpa.channels.news import News
from meaculpa.errors import TargetError

RECORD_PATH = ".meaculpa/notices.json"
_FORMAT = 1
_KEPT = timedelta(days=7)
# A channel that is new hears of what was said shortly before it came.
_BEFORE_IT_CAME = timedelta(hours=1)
# Whoever has not come back by then was killed while sending.
LONGEST_SENDING = timedelta(minutes=2)
_CERTAINTY = (Outcome.WAITING, Outcome.SENDING, Outcome.UNSURE, Outcome.TOLD)


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a notice, when, why, and which process said so (`run`); `digest` is that of the update."""

    outcome: Outcome
    at: datetime
    digest: str
    run: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Since when each channel has been told of updates, and what became of each notice, by its key."""

    since: Mapping[str, datetime] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The record as it is stored."""
        value = {"v": _FORMAT, **_adapter().dump_python(self, mode="json")}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def read_record(body: bytes) -> Record:
    """Read a stored record; raises TargetError when it is not one of ours."""
    try:
        value: Any = json.loads(body)
        if value.pop("v", None) != _FORMAT:
            raise TargetError(f"{RECORD_PATH} was written by another version of meaculpa")
        return _adapter().validate_python(value)
    except (ValueError, TypeError, AttributeError, RecursionError, ValidationError):
        raise TargetError(
            f"{RECORD_PATH} is damaged; delete it, and what was said within the last hour is told again"
        ) from None


def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def merge(records: Iterable[Record]) -> Record:
    """Put together what several targets know: the earliest beginning, and of each notice what is most certain."""
    since: dict[str, datetime] = {}
    entries: dict[str, Entry] = {}
    for record in records:
        for name, at in record.since.items():
            since[name] = min(at, since.get(name, at))
        for key, entry in record.entries.items():
            known = entries.get(key)
            entries[key] = entry if known is None else _truer(known, entry)
    return Record(since, entries)


def _truer(one: Entry, other: Entry) -> Entry:
    """Of what one process said, the later; of two processes, the one that is further, or else was first."""
    if one.run == other.run:
        return max(one, other, key=lambda entry: entry.at)
    return max(one, other, key=lambda entry: (_CERTAINTY.index(entry.outcome), -entry.at.timestamp()))


def due(record: Record, news: News, now: datetime) -> list[Notice]:
    """List what is to be told, oldest first.

    An update that was told and then got another time, or a file of another name, has vanished under its old name
    and is known by what it says.
    """
    vanished = {
        (key.partition(" ")[0], entry.digest)
        for key, entry in record.entries.items()
        if entry.outcome is not Outcome.WAITING and key.partition(" ")[2] not in news.standing
    }
    return [
        notice
        for notice in news.notices
        if notice.at >= record.since.get(notice.channel.name, now) - _BEFORE_IT_CAME
        and is_open(record, notice)
        and (notice.channel.name, notice.digest) not in vanished
    ]


def is_open(record: Record, notice: Notice) -> bool:
    """Whether nobody has sent it, or tried to with an unknown end."""
    entry = record.entries.get(notice.key)
    return entry is None or entry.outcome is Outcome.WAITING


def open_channels(record: Record, names: Iterable[str], now: datetime) -> Record:
    """Remember since when channels hear of updates, for those that are new."""
    return replace(record, since={**dict.fromkeys(names, now), **record.since})


def claim(record: Record, notices: Iterable[Notice], run: str, now: datetime) -> Record:
    """Say which notices this process is about to send, unless another one has said so; drop what is long over."""
    entries = {key: entry for key, entry in record.entries.items() if now - entry.at < _KEPT}
    for notice in notices:
        if is_open(record, notice):
            entries[notice.key] = Entry(Outcome.SENDING, now, notice.digest, run)
    return replace(record, entries=entries)


def claimed(record: Record, notices: Iterable[Notice], run: str) -> list[Notice]:
    """Find which of these notices are this process's to send."""
    return [one for one in notices if (entry := record.entries.get(one.key)) and entry.run == run]


def settle(record: Record, entries: Mapping[str, Entry]) -> Record:
    """Enter what became of notices."""
    return replace(record, entries={**record.entries, **entries})


def is_lost(entry: Entry, now: datetime) -> bool:
    """Whether whoever sent it was ended meanwhile, so that nobody knows whether it arrived."""
    return entry.outcome is Outcome.SENDING and now - entry.at > LONGEST_SENDING
