"""Statuspage's history feed (Atom or RSS) -> incidents: an entry holds all updates of one, as HTML without years."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from urllib.parse import urlsplit
from xml.etree import ElementTree

from meaculpa.errors import Refused
from meaculpa.importers import Entry, Outcome
from meaculpa.importers.foreign import Foreign, Told
from meaculpa.importers.web_text import as_markdown
from meaculpa.model import Impact, Status

_ATOM = "{http://www.w3.org/2005/Atom}"
# Where an update begins; its text goes on to where the next one does.
_BEGIN = re.compile(
    r"<p>\s*<small>(?P<when>(?:(?!</?small>).){0,400})</small>\s*<br\s*/?>\s*<strong>(?P<status>[^<]*)</strong>\s*-\s*",
    re.DOTALL,
)
_PLANNED = re.compile(
    r"<p>\s*<strong>\s*THIS IS A SCHEDULED EVENT\s*(?P<when>(?:(?!</?strong>).){0,400})</strong>\s*</p>", re.DOTALL
)
_WHEN = re.compile(r"(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2}),\s*(?P<clock>\d{1,2}:\d{2})\s*(?P<zone>[A-Z]{2,5})?")
_SPAN = re.compile(
    r"(?P<from>[A-Z][a-z]{2}\s+\d{1,2}),\s*(?P<at>\d{1,2}:\d{2})\s*-\s*"
    r"(?:(?P<to>[A-Z][a-z]{2}\s+\d{1,2}),\s*)?(?P<until>\d{1,2}:\d{2})\s*(?P<zone>[A-Z]{2,5})?"
)
_TAG = re.compile(r"<[^>]+>")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Hours from UTC of the names that Statuspage's zones have in English.
_ZONES = {
    **{"UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "IST": 5.5, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3},
    **{"MSK": 3, "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"AKST": -9, "AKDT": -8, "HST": -10, "BRT": -3, "ART": -3},
}


_Cut = tuple[re.Match[str], str]


class _Unclear(ValueError):
    """An entry that cannot be taken; the text says why."""


def read_feed(text: str, name: str) -> Iterator[Foreign | Entry]:
    """Read every entry of a feed; raises Refused when it is none."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (expat limits what entities may grow to)
    except ElementTree.ParseError as error:
        raise Refused(f"{name} is no feed: {error}") from None
    entries = list(root.iter(f"{_ATOM}entry")) or list(root.iter("item"))
    for entry in entries:
        title = (_text(entry, "title") or "?").strip()
        label = f"{name}: {title}"
        try:
            yield _incident(entry, title, label)
        except (_Unclear, ValueError, TypeError, OverflowError) as error:
            yield Entry(label, Outcome.NOT_TAKEN, None, (str(error),))


def _text(entry: ElementTree.Element, *names: str) -> str:
    """The text of the first of some elements that is there."""
    return next((text for name in names if (text := entry.findtext(name) or entry.findtext(_ATOM + name))), "")


def _incident(entry: ElementTree.Element, title: str, label: str) -> Foreign:
    html, notes = _text(entry, "content", "description"), list[str]()
    newest = _published(entry)
    told = _updates(html, newest, notes)
    window = _window(html, told, notes)
    if not window:
        notes.append("a feed names neither impact nor components; minor")
    return Foreign(
        source=label,
        address=_address(entry),
        title=title,
        impact=Impact.MAINTENANCE if window else Impact.MINOR,
        told=tuple(told),
        parts={},
        window=window,
        notes=tuple(notes),
    )


def _published(entry: ElementTree.Element) -> datetime:
    """When the newest update was made: the year that the updates themselves do not name."""
    atom, rss = _text(entry, "updated", "published"), _text(entry, "pubDate")
    if not (atom or rss):
        raise _Unclear("the entry has no date")
    at = datetime.fromisoformat(atom) if atom else parsedate_to_datetime(rss)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _address(entry: ElementTree.Element) -> str | None:
    link = entry.find(f"{_ATOM}link[@rel='alternate']")
    address = link.get("href", "") if link is not None else entry.findtext("link") or ""
    return urlsplit(address).path.strip("/") or None


def _updates(html: str, newest: datetime, notes: list[str]) -> list[Told]:
    told: list[Told] = []
    found = list(_BEGIN.finditer(html))
    if not found:
        raise _Unclear("there is no update in the entry")
    ends = [*(match.start() for match in found[1:]), len(html)]
    cut = [(match, _text_of(html[match.end() : end])) for match, end in zip(found, ends, strict=True)]
    latest = newest
    for match, text in _newest_first(cut, newest, notes):
        latest = _moment(_bare(match["when"]), latest, newest, notes)
        told.insert(0, Told(latest, Status.INVESTIGATING, as_markdown(text), {}))
    words = [match["status"] for match, _ in reversed(_newest_first(cut, newest, notes))]
    told = list(_with_statuses(told, words, notes))
    rest = _PLANNED.sub("", html[: found[0].start()])
    if _bare(rest):
        notes.append("text before the updates stands in the first one")
        told[0] = Told(told[0].at, told[0].status, f"{told[0].text}\n\n{as_markdown(rest)}", {})
    return told


def _text_of(html: str) -> str:
    """What stands between the beginnings of two updates, without the end of its paragraph."""
    before, _, behind = html.rpartition("</p>")
    return f"{before}\n\n{behind}" if before else behind


def _newest_first(cut: list[_Cut], newest: datetime, notes: list[str]) -> list[_Cut]:
    """Statuspage writes the newest update on top; what is nearer to the date of the entry is the newer end."""
    try:
        first, last = (_moment(_bare(match["when"]), newest, newest, notes) for match, _ in (cut[0], cut[-1]))
    except _Unclear:
        return cut
    return cut[::-1] if newest - last < newest - first else cut


def _with_statuses(told: list[Told], words: list[str], notes: list[str]) -> Iterator[Told]:
    status = Status.INVESTIGATING
    for update, word in zip(told, words, strict=True):
        plain = word.strip().casefold().replace(" ", "_")
        if plain in set(Status):
            status = Status(plain)
        elif plain != "update":
            notes.append(f'the status "{word}" is none of ours; "{status}" goes on')
        yield Told(update.at, status, update.text, {})


def _bare(html: str) -> str:
    return " ".join(unescape(_TAG.sub("", html)).split())


def _moment(text: str, latest: datetime, newest: datetime, notes: list[str]) -> datetime:
    """Read `Aug 21, 00:37 UTC`: in the year in which it is no later than the update above it."""
    match = _WHEN.search(text)
    if match is None or match["month"] not in _MONTHS:
        raise _Unclear(f'"{text}" is not a time')
    offset = _offset(match["zone"], notes)
    # The feed gives whole minutes of what has seconds.
    limit = latest + timedelta(minutes=1)
    for year in (newest.year + 1, newest.year, newest.year - 1, newest.year - 2, newest.year - 3, newest.year - 4):
        at = _on(match["month"], int(match["day"]), match["clock"], year)
        if at and (at := at - offset) <= limit:
            return at
    raise _Unclear(f'"{text}" is not a day of the calendar')


def _on(month: str, day: int, clock: str, year: int) -> datetime | None:
    hour, minute = map(int, clock.split(":"))
    try:
        return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None


def _offset(zone: str | None, notes: list[str]) -> timedelta:
    if zone and zone not in _ZONES:
        notes.append(f'the zone "{zone}" is not known; its times were taken as UTC')
    return timedelta(hours=_ZONES.get(zone or "UTC", 0))


def _window(html: str, told: list[Told], notes: list[str]) -> tuple[datetime, datetime] | None:
    announced = _PLANNED.search(html)
    if announced:
        span = _SPAN.search(_bare(announced["when"]))
        window = _announced(span, told, notes) if span else None
        if window:
            return window
    if announced or told[0].status is Status.SCHEDULED:
        return planned_window(told, notes)
    return None


def _announced(span: re.Match[str], told: list[Told], notes: list[str]) -> tuple[datetime, datetime] | None:
    """The window that the entry names, in the first year in which it is not over before it was announced."""
    offset, first = _offset(span["zone"], notes), told[0].at
    for year in (first.year, first.year + 1):
        (month, day), (last_month, last_day) = span["from"].split(), (span["to"] or span["from"]).split()
        starts, ends = _on(month, int(day), span["at"], year), _on(last_month, int(last_day), span["until"], year)
        if starts and ends:
            starts, ends = starts - offset, ends - offset
            ends = ends if ends > starts else ends + timedelta(days=1)
            if ends >= first:
                return starts, ends
    return None


def planned_window(told: list[Told], notes: list[str]) -> tuple[datetime, datetime]:
    """The window of planned work of which only the updates are known: from its beginning to its end as they say."""
    begun = [one.at for one in told if one.status in (Status.IN_PROGRESS, Status.VERIFYING)]
    over = [one.at for one in told if one.status in (Status.COMPLETED, Status.RESOLVED)]
    starts = begun[0] if begun else told[0].at
    ends = over[-1] if over else told[-1].at
    notes.append("no window of the planned work in the export; from its first update under way to its last")
    return starts, max(ends, starts + timedelta(minutes=1))
