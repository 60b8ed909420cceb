"""The sign of life in `banner.json`: a watcher that runs renews it, and anybody can read how old it is."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from meaculpa.manifest import MANIFEST_PATH, Index, read_index
from meaculpa.model import OutputFile
from meaculpa.publish.published import Standing
from meaculpa.publish.stamp import STAMPED, Stamp, is_same_state, next_stamp, read_stamp, with_stamp
from meaculpa.publish.target import Conflict, Stored, Target
from meaculpa.render.headers import CONTENT_TYPES, cache_control

_SECONDS, _SECONDS_FOR_A_LOOK = 30.0, 8.0
_CLOCKS_MAY_DIFFER = timedelta(minutes=10)


class Finding(StrEnum):
    """What a heartbeat finds: all is well, somebody is at it, or there is something to be published again."""

    CONFIRMED = "confirmed"
    BUSY = "somebody else publishes"
    UNFINISHED = "a publish has not ended"
    CHANGED = "somebody else has published since"
    DAMAGED = "not as it was published"


def renew_stamp(
    target: Target, standing: Standing, now: datetime, valid_for: timedelta, ours: bytes | None = None
) -> Finding:
    """Say that what is published still holds, if it does; raises TargetError.

    Only what we know to be ours is confirmed, or what a rollback holds: `ours` is the state that we published last.
    What a run has left unfinished is not. Where somebody publishes at this moment, theirs is the newer word.
    """
    target.allow(_SECONDS)
    found, manifest = target.read(STAMPED), target.read(MANIFEST_PATH)
    if manifest is None:
        return Finding.UNFINISHED
    if found is None or read_stamp(found.body) is None:
        return Finding.DAMAGED
    index, is_last = read_index(manifest.body), manifest.version == standing.version
    if index.pending:
        return Finding.UNFINISHED
    if not index.held and not is_last:
        return Finding.CHANGED
    if not index.held and ours and not is_same_state(found.body, ours):
        return Finding.DAMAGED
    file = OutputFile(STAMPED, found.body, CONTENT_TYPES["json"], cache_control(STAMPED), "")
    stamped = with_stamp(file, next_stamp(read_stamp(found.body), now, valid_for))
    try:
        version = target.write(stamped, found.version)
    except Conflict:
        return Finding.BUSY
    if is_last:
        standing.remember(STAMPED, Stored(stamped.body, version))
    return Finding.CONFIRMED


class Sign(Struct, frozen=True):
    """What a target says of itself: its stamp (None where nothing is published), and the build that is held there."""

    stamp: Stamp | None
    held: str | None
    is_published: bool = False

    def is_damaged(self, now: datetime) -> bool:
        """Whether something was published that cannot be read any more, or with a clock that is far ahead."""
        is_ahead = self.stamp is not None and self.stamp.at > now + _CLOCKS_MAY_DIFFER
        return is_ahead or (self.is_published and self.stamp is None)

    def is_overdue(self, now: datetime) -> bool:
        """Whether a watcher answered for what is published, and does no longer."""
        return bool(self.stamp and self.stamp.valid_until and now > self.stamp.valid_until)


def read_sign(target: Target) -> Sign:
    """Read when what is published was last confirmed, and whether it is held; raises TargetError."""
    target.allow(_SECONDS_FOR_A_LOOK)
    banner, manifest = target.read(STAMPED), target.read(MANIFEST_PATH)
    index = read_index(manifest.body) if manifest else Index({})
    return Sign(read_stamp(banner.body) if banner else None, index.held, index.number > 0)
