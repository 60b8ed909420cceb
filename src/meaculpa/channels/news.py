"""What of a site is young enough to be told."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from msgspec import Struct

from meaculpa.channels import Notice
from meaculpa.config import Config
from meaculpa.model import Markup, Update
from meaculpa.render.message import Message, make_message
from meaculpa.render.words import Words
from meaculpa.status import Site
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_minute

# Older than this is no news, and nothing is tried for longer.
NEWS = timedelta(hours=24)
# Longer than anything that was told stays in the record, counted from its update.
_REMEMBERED = timedelta(days=9)


class News(Struct, frozen=True):
    """Notices, oldest first; the names of all channels, and of all updates in the files that may be in a record.

    `sender` is what the shop is called.
    """

    sender: str
    notices: tuple[Notice, ...]
    channels: frozenset[str]
    standing: frozenset[str]


def collect_news(site: Site, config: Config, languages: Mapping[str, Words], bodies: Mapping[str, Markup]) -> News:
    """Write the message of each young update for each channel; drafts and the future are not in a site."""
    standing: set[str] = set()
    notices: list[Notice] = []
    for state in site.every if config.channels else ():
        if state.updates[-1].at < site.now - _REMEMBERED:
            continue
        named = list(_named(state))
        standing.update(name for name, _ in named)
        for number, (name, update) in enumerate(named):
            if update.at >= site.now - NEWS:
                notices += _notices(state, number, name, config, languages, bodies)
    names = frozenset(channel.name for channel in config.channels)
    in_order = tuple(sorted(notices, key=lambda one: one.at))
    return News(config.site.name, in_order, names, frozenset(standing))


def _notices(
    state: IncidentState,
    number: int,
    name: str,
    config: Config,
    languages: Mapping[str, Words],
    bodies: Mapping[str, Markup],
) -> Iterator[Notice]:
    update = state.updates[number]
    messages: dict[str, Message] = {}
    for channel in config.channels:
        locale = channel.locale or config.default_locale
        if locale not in messages:
            messages[locale] = make_message(state, number, languages, locale, config, bodies)
        yield Notice(channel, name, update.at, _digest(update), messages[locale])


def _named(state: IncidentState) -> Iterator[tuple[str, Update]]:
    """Name each update by its incident and moment, and where several have one moment by their words as well."""
    moments = Counter(update.at for update in state.updates)
    for update in state.updates:
        words = f"~{_digest(update).rpartition(' ')[2][:6]}" if moments[update.at] > 1 else ""
        yield f"{state.incident.id} {iso_minute(update.at)}{words}", update


def _digest(update: Update) -> str:
    return f"{update.status} {hashlib.sha256(update.body.encode()).hexdigest()[:16]}"
