"""Site -> feeds with one entry per update: Atom, RSS and JSON Feed; further languages have Atom alone."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from itertools import islice
from operator import attrgetter
from urllib.parse import urlsplit

from msgspec import Struct

from meaculpa.archive import by_last_word
from meaculpa.model import OutputFile, Update
from meaculpa.render.headers import fit_for_xml, output_file
from meaculpa.render.newest import while_short
from meaculpa.render.pages import Edition, Page, signature
from meaculpa.render.plain import to_text
from meaculpa.render.views import IncidentView, UpdateView
from meaculpa.status import Site
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_second

ATOM, RSS, JSON = "feed.atom", "feed.rss", "feed.json"
MOST = 50
# Of Markdown, in bytes: three feeds of these make a fifth of what an edit may write.
_LONGEST = 8_000
_NO_ENTRY_YET = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(Struct, frozen=True):
    """One update in a feed; `lang` is its language where that is not the feed's."""

    id: str
    url: str
    title: str
    at: datetime
    html: str
    lang: str | None
    tags: tuple[str, ...]

    @property
    def rfc_3339(self) -> str:
        """Its moment as Atom and JSON Feed write it."""
        return iso_second(self.at)

    @property
    def rfc_822(self) -> str:
        """Its moment as RSS writes it."""
        return _rfc_822(self.at)


class _Spoken(Struct, frozen=True):
    """An update, and where it stands in which incident."""

    state: IncidentState
    update: Update
    number: int

    @property
    def turn(self) -> tuple[datetime, str, int]:
        """What puts updates in order."""
        return self.update.at, self.state.incident.id, self.number


def feeds(edition: Edition) -> Iterator[Page]:
    """List the feeds of one language."""
    spoken = _newest(edition.site)
    inputs = (*edition.common, tuple((one.state.incident.digest, one.number) for one in spoken))
    entries = cache(lambda: _entries(edition, spoken))
    yield Page(edition.prefix + ATOM, inputs, lambda: _markup(edition, entries(), ATOM))
    if not edition.prefix:
        yield Page(RSS, inputs, lambda: _markup(edition, entries(), RSS))
        yield Page(JSON, inputs, lambda: _json(edition, entries()))


def _newest(site: Site) -> list[_Spoken]:
    """The newest updates of all, newest first: those of the incidents that were spoken of last.

    Every language lists the same ones, whatever the lengths of translations.
    """
    newest = islice(_newest_first(site.highest(MOST, by_last_word)), MOST)
    return list(while_short(newest, lambda one: len(one.update.body.encode()), _LONGEST))


def _newest_first(states: Iterable[IncidentState]) -> Iterator[_Spoken]:
    """Give the updates of incidents, newest first; of incidents, which come by their last word, no more are taken."""
    waiting: list[_Spoken] = []
    for state in states:
        spoken = [_Spoken(state, update, place) for place, update in enumerate(state.updates)]
        while waiting and waiting[-1].turn > spoken[-1].turn:
            yield waiting.pop()
        waiting = sorted([*waiting, *spoken], key=attrgetter("turn"))
    yield from reversed(waiting)


def _entries(edition: Edition, spoken: Sequence[_Spoken]) -> list[Entry]:
    """Make the entries; those that say the same as before are taken from what was kept."""
    name = f"{edition.prefix}entries"
    common, before = edition.kept.get(name, ((), {}))
    known = before if common == edition.common else {}
    views: dict[str, tuple[IncidentView, Sequence[UpdateView]]] = {}
    made: dict[object, Entry] = {}
    for one in spoken:
        key = (*signature(one.state), one.number)
        made[key] = known.get(key) or _new_entry(edition, one, views)
    edition.kept[name] = (edition.common, made)
    return list(made.values())


def _new_entry(edition: Edition, one: _Spoken, views: dict[str, tuple[IncidentView, Sequence[UpdateView]]]) -> Entry:
    name = one.state.incident.id
    if name not in views:
        root = f"{edition.config.site.url}/"
        views[name] = (edition.view(one.state), edition.updates(one.state, root)[::-1])
    incident, updates = views[name]
    return _entry(edition, one, incident, updates[one.number])


def _entry(edition: Edition, one: _Spoken, incident: IncidentView, update: UpdateView) -> Entry:
    words = edition.words
    return Entry(
        id=_tag(edition, one, update),
        url=f"{edition.config.site.url}/{edition.prefix}{incident.file}#{update.anchor}",
        title=words.say("feed_entry", status=update.status_word, title=incident.title.text),
        at=one.update.at,
        html=_html(edition, one, update),
        lang=update.lang,
        tags=tuple(_tags(edition, one)),
    )


def _html(edition: Edition, one: _Spoken, update: UpdateView) -> str:
    """The text, and what was promised with it, by the shop's clock: a feed reader runs no script of ours."""
    zone = edition.config.site.timezone
    moments = {
        name: edition.words.local_moment(at, zone) if at else None
        for name, at in (("next_update", one.update.next_update), ("back_at", one.update.back_at))
    }
    return edition.theme.render(
        "entry.html.j2", say=edition.words.say, dir=edition.words.direction, update=update, **moments
    )


def _tags(edition: Edition, one: _Spoken) -> list[str]:
    touched = dict.fromkeys([*one.state.incident.components, *one.update.components])
    return [edition.names.get(name, name) for name in touched]


def _tag(edition: Edition, one: _Spoken, update: UpdateView) -> str:
    """The id of an entry: a tag URI (RFC 4151), which outlives a change of addresses on the same host."""
    host = urlsplit(edition.config.site.url).hostname or "localhost"
    year = f"{one.update.at.astimezone(UTC):%Y}"
    return f"tag:{host},{year}:{edition.prefix}{one.state.incident.id}/{update.anchor}"


def _markup(edition: Edition, entries: Sequence[Entry], file: str) -> OutputFile:
    changed = max((entry.at for entry in entries), default=_NO_ENTRY_YET)
    home = f"{edition.config.site.url}/{edition.prefix}"
    text = edition.theme.render(
        f"{file}.j2",
        site=edition.config.site,
        say=edition.words.say,
        lang=edition.words.locale,
        home=f"{home}index.html",
        url=home + file,
        icon=f"{edition.config.site.url}/favicon.svg",
        entries=entries,
        changed={"rfc_3339": iso_second(changed), "rfc_822": _rfc_822(changed)},
    )
    return output_file(edition.prefix + file, fit_for_xml(text))


def _json(edition: Edition, entries: Sequence[Entry]) -> OutputFile:
    """JSON Feed 1.1 (jsonfeed.org)."""
    site, language = edition.config.site, edition.words.locale
    author = {"name": site.name, "url": site.store_url}
    items = [
        {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            "content_html": entry.html,
            "content_text": to_text(entry.html),
            "date_published": entry.rfc_3339,
            "language": entry.lang or language,
            "tags": entry.tags,
        }
        for entry in entries
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": edition.words.say("status_of", site=site.name),
        "home_page_url": f"{site.url}/index.html",
        "feed_url": f"{site.url}/{JSON}",
        "icon": f"{site.url}/favicon.svg",
        "authors": [author],
        "language": language,
        "items": items,
    }
    return output_file(JSON, json.dumps(feed, ensure_ascii=False, separators=(",", ":")))


def _rfc_822(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
