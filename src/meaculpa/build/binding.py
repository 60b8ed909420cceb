"""A month that is over -> its volume, and the volume as a record keeps it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from sys import intern

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.archive import Card, Past, Volume, card_of, touched
from meaculpa.build.bodiless import UnmadeFile
from meaculpa.build.remaking import Remaker
from meaculpa.manifest import version_of
from meaculpa.model import OutputFile, Source
from meaculpa.status import Month
from meaculpa.timeline import IncidentState
from meaculpa.times import format_time
from meaculpa.uptime import DAYS, Span


def bind(
    month: Month, now: datetime, sources: Mapping[str, Source], made: Mapping[str, OutputFile], remaker: Remaker
) -> Volume:
    """Bind a month that is over at `now`: `sources` are all its files, `made` is what was made of them."""
    past = Past(month.name, now, month.newer, month.older, {path: one.digest for path, one in sources.items()})
    spans = [span for state in month.states for span in state.spans]
    oldest = now - timedelta(days=DAYS + 1)
    return Volume(
        past=past,
        cards=tuple(card_of(state) for state in month.states),
        versions=versions_of(month.states),
        changed=max(state.changed for state in month.states),
        began=min(state.began for state in month.states),
        touched=touched(spans),
        spans=tuple(span for span in spans if span.end is None or span.end >= oldest),
        files=_unmade({path: (file.digest, file.size) for path, file in made.items()}, past, remaker),
        read=partial(remaker.read, past),
    )


def versions_of(states: Iterable[IncidentState]) -> dict[str, str]:
    """The versions of incidents as they are shown."""
    return {
        state.incident.id: version_of(format_time(state.updates[-1].at), state.incident.text_digest)
        for state in states
    }


def _unmade(made: Mapping[str, tuple[str, int]], past: Past, remaker: Remaker) -> dict[str, OutputFile]:
    make = partial(remaker.make, past)
    return {path: UnmadeFile(path, digest, size, make, remaker.record) for path, (digest, size) in made.items()}


class Kept(Struct):
    """A volume as a record keeps it: of each file the digest and the size."""

    past: Past
    cards: tuple[Card, ...]
    versions: dict[str, str]
    changed: datetime
    began: datetime
    touched: dict[str, datetime]
    spans: tuple[Span, ...]
    files: dict[str, tuple[str, int]]


def written(volume: Volume) -> Kept:
    """Write a volume down."""
    return Kept(
        past=volume.past,
        cards=tuple(volume.cards),
        versions=dict(volume.versions),
        changed=volume.changed,
        began=volume.began,
        touched=dict(volume.touched),
        spans=tuple(volume.spans),
        files={path: (file.digest, file.size) for path, file in volume.files.items()},
    )


def read_volume(kept: Kept, remaker: Remaker) -> Volume:
    """Read what was written down."""
    past = replace(kept.past, sources=_shared(kept.past.sources))
    return Volume(
        past=past,
        cards=tuple(Card(intern(one.id), one.first_word, one.last_word, one.starts) for one in kept.cards),
        versions=_shared(kept.versions),
        changed=kept.changed,
        began=kept.began,
        touched=kept.touched,
        spans=kept.spans,
        files=_unmade(kept.files, past, remaker),
        read=partial(remaker.read, past),
    )


def _shared(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts that stand in several places, and take memory in one."""
    return {intern(name): intern(text) for name, text in texts.items()}
