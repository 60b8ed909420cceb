"""The sign of life in `banner.json`: a watcher that runs renews it, and anybody can read how old it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.publish.published import Standing
from meaculpa.publish.stamp import STAMPED, Stamp, next_stamp, read_stamp, with_stamp
from meaculpa.publish.target import Conflict, Stored, Target
from meaculpa.render.headers import CONTENT_TYPES, cache_control

_SECONDS, _SECONDS_FOR_A_LOOK = 30.0, 8.0


def renew_stamp(target: Target, standing: Standing, now: datetime, valid_for: timedelta) -> bool:
    """Say that what is published still holds; gives whether it could be said. Raises TargetError.

    Where somebody publishes at this moment, theirs is the newer word.
    """
    target.allow(_SECONDS)
    found = target.read(STAMPED)
    if found is None:
        return False
    file = OutputFile(STAMPED, found.body, CONTENT_TYPES["json"], cache_control(STAMPED), "")
    stamped = with_stamp(file, next_stamp(read_stamp(found.body), now, valid_for))
    try:
        version = target.write(stamped, found.version)
    except Conflict:
        return False
    if standing.version is not None:
        standing.remember(STAMPED, Stored(stamped.body, version))
    return True


@dataclass(frozen=True, slots=True)
class Sign:
    """What a target says of itself: its stamp (None where nothing is published), and the build that is held there."""

    stamp: Stamp | None
    held: str | None

    def is_overdue(self, now: datetime) -> bool:
        """Whether a watcher answered for what is published, and does no longer."""
        return bool(self.stamp and self.stamp.valid_until and now > self.stamp.valid_until)


def read_sign(target: Target) -> Sign:
    """Read when what is published was last confirmed, and whether it is held; raises TargetError."""
    target.allow(_SECONDS_FOR_A_LOOK)
    banner, manifest = target.read(STAMPED), target.read(MANIFEST_PATH)
    return Sign(read_stamp(banner.body) if banner else None, read_index(manifest.body).held if manifest else None)
