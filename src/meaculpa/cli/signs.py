"""How the targets do: when what they show was last confirmed, and whether a rollback holds it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from meaculpa.cli.outcomes import at_every_target
from meaculpa.cli.wording import bad, faint, span_words
from meaculpa.errors import Refused, TargetError
from meaculpa.publish import open_target
from meaculpa.publish.heartbeat import Sign, read_sign


class TargetSign(Struct, frozen=True):
    """What a target says of itself, or why it says nothing."""

    name: str
    sign: Sign | None
    error: str | None = None

    def is_wrong(self, now: datetime) -> bool:
        """Whether somebody has to look after it."""
        return self.sign is None or self.sign.is_overdue(now) or self.sign.is_damaged(now)


def read_signs(targets: Sequence[Any], root: Path) -> list[TargetSign]:
    """Ask every target, side by side."""
    return at_every_target(targets, lambda settings: _ask(settings, root))


def _ask(settings: Any, root: Path) -> TargetSign:
    try:
        return TargetSign(settings.name, read_sign(open_target(settings, root)))
    except (TargetError, Refused) as error:
        return TargetSign(settings.name, None, str(error))


def sign_lines(one: TargetSign, now: datetime) -> list[str]:
    """Say how a target does."""
    if one.sign is None:
        return [f"{one.name}: {bad(one.error or '')}"]
    lines = [f"{one.name}: {stamp_words(one.sign, now)}"]
    if one.sign.held:
        lines.append(f"{one.name}: {bad(f'build {one.sign.held} is held there')}: meaculpa publish --release")
    return lines


def stamp_words(sign: Sign, now: datetime) -> str:
    """Say when what is published was last confirmed."""
    stamp = sign.stamp
    if stamp is None and sign.is_published:
        return bad("what was published there is gone or cannot be read: meaculpa publish --force")
    if stamp is None:
        return faint("nothing is published yet")
    if sign.is_damaged(now):
        return bad(f"stamped {span_words(stamp.at - now)} ahead of this machine's clock: one of the clocks is wrong")
    if stamp.valid_until is None:
        return faint(f"published by hand {span_words(now - stamp.at)} ago; no watcher confirms it")
    if sign.is_overdue(now):
        ended = f"{stamp.valid_until:%H:%M} UTC, {span_words(now - stamp.valid_until)} ago"
        return bad(
            f"its watcher's promise ended at {ended}: readers are told that it may be out of date. Start "
            "`meaculpa watch` again, or, if nobody is to watch any more, `meaculpa publish --force`"
        )
    return faint(f"confirmed {span_words(now - stamp.at)} ago by a watcher, good until {stamp.valid_until:%H:%M} UTC")


def sign_data(one: TargetSign, now: datetime) -> dict[str, Any]:
    """The same for programs."""
    stamp = one.sign.stamp if one.sign else None
    return {
        "name": one.name,
        "at": stamp.at.isoformat() if stamp else None,
        "valid_until": stamp.valid_until.isoformat() if stamp and stamp.valid_until else None,
        "overdue": one.sign.is_overdue(now) if one.sign else None,
        "damaged": one.sign.is_damaged(now) if one.sign else None,
        "held": one.sign.held if one.sign else None,
        "error": one.error,
    }
