"""The stamp on `banner.json`: when its state was last said to hold, and until when that may be believed.

It stands outside every digest, so that renewing it is no change of what is published.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from meaculpa.model import OutputFile
from meaculpa.render.banner import banner_json
from meaculpa.times import iso_second

STAMPED = "banner.json"
_TICK = timedelta(seconds=1)
_FARTHEST_AHEAD = timedelta(days=1)


class Stamp(Struct, frozen=True):
    """When a state was published or last confirmed, and until when a watcher answers for it, if one does."""

    at: datetime
    valid_until: datetime | None = None


def read_stamp(body: bytes) -> Stamp | None:
    """Read the stamp of a published `banner.json`; None when it is none."""
    value = _load(body)
    at = _time(value.get("at"))
    return Stamp(at, _time(value.get("valid_until"))) if at else None


def with_stamp(file: OutputFile, stamp: Stamp) -> OutputFile:
    """Give `banner.json` a stamp; its digest stays that of the content."""
    return OutputFile(file.path, _stamped(file.body, stamp), file.content_type, file.cache_control, file.digest)


def next_stamp(before: Stamp | None, now: datetime, valid_for: timedelta | None) -> Stamp:
    """Choose the stamp of a state that is published now.

    Readers keep the state with the newest `at`, so it never goes back, whoever's clock is wrong. Without `valid_for`
    (nobody is watching) what another watcher promised stands as long as it holds.
    """
    # What is far ahead was written by a wrong clock; readers have not taken it for news.
    at = max(now, before.at + _TICK) if before and before.at < now + _FARTHEST_AHEAD else now
    if valid_for is not None:
        return Stamp(at, at + valid_for)
    promised = before.valid_until if before else None
    return Stamp(at, promised if promised and now < promised < now + _FARTHEST_AHEAD else None)


def is_same_state(one: bytes, other: bytes) -> bool:
    """Whether two states say the same, whatever their stamps are."""
    return _without_stamp(one) == _without_stamp(other)


def _without_stamp(body: bytes) -> object:
    return {key: part for key, part in _load(body).items() if key not in ("at", "valid_until")} or body


def _stamped(body: bytes, stamp: Stamp) -> bytes:
    value = _load(body)
    if not value:
        return body
    until = {"valid_until": iso_second(stamp.valid_until)} if stamp.valid_until else {}
    rest = {key: part for key, part in value.items() if key not in ("v", "at", "valid_until")}
    return banner_json({"v": value.get("v"), "at": iso_second(stamp.at), **until, **rest}).encode()


def _load(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
