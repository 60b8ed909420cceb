"""A month that is over -> its volume, and the volume as a record keeps it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from sys import intern
from typing import Any

from msgspec.structs import asdict

from meaculpa.archive import Card, Past, Volume, card_of, touched
from meaculpa.build.bodiless import UnmadeFile
from meaculpa.build.remaking import Remaker
from meaculpa.manifest import version_of
from meaculpa.model import ComponentStatus, OutputFile, Source
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


def written(volume: Volume) -> dict[str, Any]:
    """Write a volume as JSON has it."""
    return {
        "past": {**asdict(volume.past), "closed": volume.past.closed.isoformat()},
        "cards": [[one.id, *map(_text, (one.first_word, one.last_word, one.starts))] for one in volume.cards],
        "versions": dict(volume.versions),
        "changed": volume.changed.isoformat(),
        "began": volume.began.isoformat(),
        "touched": {name: at.isoformat() for name, at in volume.touched.items()},
        "spans": [[one.component, str(one.status), _text(one.start), _text(one.end)] for one in volume.spans],
        "files": {path: [file.digest, file.size] for path, file in volume.files.items()},
    }


def read_volume(value: Mapping[str, Any], remaker: Remaker) -> Volume:
    """Read what `written` has written."""
    closed = datetime.fromisoformat(value["past"]["closed"])
    past = Past(**{**value["past"], "closed": closed, "sources": _shared(value["past"]["sources"])})
    return Volume(
        past=past,
        cards=tuple(_card(*one) for one in value["cards"]),
        versions=_shared(value["versions"]),
        changed=datetime.fromisoformat(value["changed"]),
        began=datetime.fromisoformat(value["began"]),
        touched={name: datetime.fromisoformat(at) for name, at in value["touched"].items()},
        spans=tuple(_span(*one) for one in value["spans"]),
        files=_unmade(value["files"], past, remaker),
        read=partial(remaker.read, past),
    )


def _shared(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts that stand in several places, and take memory in one."""
    return {intern(name): intern(text) for name, text in texts.items()}


def _card(incident_id: str, first: str, last: str, starts: str | None) -> Card:
    return Card(intern(incident_id), datetime.fromisoformat(first), datetime.fromisoformat(last), _moment(starts))


def _span(component: str, status: str, start: str, end: str | None) -> Span:
    return Span(component, ComponentStatus(status), datetime.fromisoformat(start), _moment(end))


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
