"""What was told, as a value: kept at the targets, where every machine that publishes finds it."""

import functools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, StringConstraints, TypeAdapter, ValidationError

from meaculpa.channels import Notice, Outcome
from meaculpa.channels.news import NEWS, News
from meaculpa.errors import TargetError

RECORD_PATH = ".meaculpa/notices.json"
_FORMAT = 1
_KEPT = timedelta(days=7)
# A channel that is new hears of what was said shortly before it came.
_BEFORE_IT_CAME = timedelta(hours=1)
# Whoever has not come back by then was ended while sending.
LONGEST_SENDING = timedelta(minutes=2)
_CERTAINTY = (Outcome.WAITING, Outcome.SENDING, Outcome.UNSURE, Outcome.TOLD)

Key = Annotated[str, StringConstraints(pattern=r"^\S+ \S+ \d{4}-\d\d-\d\dT\d\d:\d\dZ(~\w+)?$")]


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a notice, when, why, and which process said so (`run`); `digest` is that of the update.

    `is_moved` says that the update has another time or place since, under which it has an entry of its own.
    """

    outcome: Outcome
    at: AwareDatetime
    digest: str
    run: str
    why: str = ""
    is_moved: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Since when each channel has been told of updates, and what became of each notice, by its key."""

    since: Mapping[str, AwareDatetime] = field(default_factory=dict)
    entries: Mapping[Key, Entry] = field(default_factory=dict)

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


@functools.cache
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


def bring(known: Record, stored: Record) -> Record:
    """Put what we know together with what stands at one target.

    A claim that stands there was granted there: whoever made it may be sending, so it counts more than another claim
    that we only bring along.
    """
    together = merge([known, stored])
    granted = {
        key: entry
        for key, entry in stored.entries.items()
        if entry.outcome is Outcome.SENDING and together.entries[key].outcome is Outcome.SENDING
    }
    return replace(together, entries={**together.entries, **granted})


def _truer(one: Entry, other: Entry) -> Entry:
    """Of what one process said, the later; of two processes, the one that is further, or else was first."""
    if one.run == other.run:
        return max(one, other, key=lambda entry: entry.at)
    return max(one, other, key=lambda entry: (_CERTAINTY.index(entry.outcome), -entry.at.timestamp()))


def recognise(record: Record, news: News, now: datetime) -> Record:
    """Enter updates that were told and have since got another time, another file name, or other words as well.

    Each entry whose update has vanished from the files stands for one update at most: of the same incident with the
    same words or at least the same status, or of another one at the same moment, with the same words or because that
    incident is there no more. What waits and has vanished is forgotten: nobody will tell it.
    """
    vanished = [
        key
        for key, entry in record.entries.items()
        if entry.outcome is not Outcome.WAITING and not entry.is_moved and _update_in(key) not in news.standing
    ]
    entries = {
        key: entry
        for key, entry in record.entries.items()
        if entry.outcome is not Outcome.WAITING or _update_in(key) in news.standing
    }
    there = {update.partition(" ")[0] for update in news.standing}
    for notice in news.notices:
        alike = [key for key in vanished if is_open(record, notice) and _is_alike(key, record, notice, there)]
        if alike:
            key = min(alike, key=lambda one: record.entries[one].digest != notice.digest)
            vanished.remove(key)
            entries[notice.key] = replace(record.entries[key], digest=notice.digest)
            entries[key] = replace(record.entries[key], at=max(now, record.entries[key].at), is_moved=True)
    return replace(record, entries=entries) if entries != record.entries else record


def _is_alike(key: str, record: Record, notice: Notice, there: Collection[str]) -> bool:
    entry, (channel, incident, moment) = record.entries[key], key.split(" ")
    if channel != notice.channel.name:
        return False
    if incident == notice.incident:
        return entry.digest.partition(" ")[0] == notice.digest.partition(" ")[0]
    is_same = entry.digest == notice.digest or incident not in there
    return is_same and moment.partition("~")[0] == notice.moment.partition("~")[0]


def _update_in(key: str) -> str:
    return key.partition(" ")[2]


def due(record: Record, news: News, channel: str, now: datetime) -> list[Notice]:
    """List what a channel is to be told, oldest first; nothing behind a notice that another process is sending."""
    found = []
    for notice in news.notices:
        entry = record.entries.get(notice.key)
        if notice.channel.name != channel or not _is_of_its_time(record, notice, now):
            continue
        if entry and entry.outcome is Outcome.SENDING and not is_lost(entry, now):
            break
        if is_open(record, notice):
            found.append(notice)
    return found


def _is_of_its_time(record: Record, notice: Notice, now: datetime) -> bool:
    is_young = notice.at >= now - NEWS
    return is_young and notice.at >= min(now, record.since.get(notice.channel.name, now)) - _BEFORE_IT_CAME


def is_open(record: Record, notice: Notice) -> bool:
    """Whether nobody has sent it, or tried to with an unknown end."""
    entry = record.entries.get(notice.key)
    return entry is None or entry.outcome is Outcome.WAITING


def is_settled(record: Record, news: News, now: datetime) -> bool:
    """Whether nothing of it is due, and nobody is sending any of it at this moment."""
    entries = [record.entries.get(notice.key) for notice in news.notices]
    is_under_way = any(entry and entry.outcome is Outcome.SENDING and not is_lost(entry, now) for entry in entries)
    return not is_under_way and not any(due(record, news, channel, now) for channel in news.channels)


def open_channels(record: Record, names: Iterable[str], now: datetime) -> Record:
    """Remember since when channels hear of updates, for those that are new; nobody hears from the future."""
    since = {name: min(now, record.since.get(name, now)) for name in names}
    return replace(record, since={**record.since, **since})


def release(record: Record, process: str, unsent: Collection[str]) -> Record:
    """Take back what this process has claimed and surely not sent, because it could not enter that at the time."""
    ours = {
        key: replace(entry, outcome=Outcome.WAITING)
        for key, entry in record.entries.items()
        if key in unsent and entry.run.startswith(process) and entry.outcome is Outcome.SENDING
    }
    return replace(record, entries={**record.entries, **ours}) if ours else record


def claim(record: Record, notices: Iterable[Notice], run: str, now: datetime) -> Record:
    """Say which notices this process is about to send, unless another one has said so; drop what is long over."""
    entries = {key: entry for key, entry in record.entries.items() if now - entry.at < _KEPT}
    for notice in notices:
        if is_open(record, notice):
            entries[notice.key] = Entry(Outcome.SENDING, now, notice.digest, run)
    return replace(record, entries=entries)


def claimed(record: Record, notices: Iterable[Notice], run: str) -> list[Notice]:
    """Find which of these notices are this process's to send now."""
    ours = {key for key, entry in record.entries.items() if entry.run == run and entry.outcome is Outcome.SENDING}
    return [one for one in notices if one.key in ours]


def settle(record: Record, entries: Mapping[str, Entry]) -> Record:
    """Enter what became of notices."""
    return replace(record, entries={**record.entries, **entries})


def is_lost(entry: Entry, now: datetime) -> bool:
    """Whether whoever sent it was ended meanwhile, so that nobody knows whether it arrived."""
    return entry.outcome is Outcome.SENDING and now - entry.at > LONGEST_SENDING
