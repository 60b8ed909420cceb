"""States -> what the templates show: every text chosen, every time and number already in words."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain, islice

from markupsafe import Markup as SafeHtml
from markupsafe import escape
from msgspec import Struct

from meaculpa.model import Incident, Kind, Markup, Update
from meaculpa.render.safe import TAG
from meaculpa.render.words import Words
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_minute

_NO_SEPARATORS = str.maketrans("", "", "-:")
_PICTURE_SOURCE = re.compile(r'(<img [^>]*?src=")([^"]*)(")')


class Bodies(Struct, frozen=True):
    """The rendered Markdown of all updates by its text, and the published names of pictures."""

    markup: Mapping[str, Markup]
    pictures: Mapping[str, str]

    def show_pictures(self, incident: Incident) -> bool:
        """Whether any text of an incident shows a picture."""
        translated = (body for one in incident.translations.values() for body in one.bodies if body is not None)
        return any(self.markup[text].pictures for text in chain((one.body for one in incident.updates), translated))

    def html(self, text: str, root: str) -> SafeHtml:
        """Give the HTML of a text for a page whose way back to the top is `root`."""

        def published(match: re.Match[str]) -> str:
            # A last good version may show a picture that is no longer there.
            return f"{match[1]}{root}{self.pictures.get(match[2], match[2])}{match[3]}"

        rendered = self.markup[text]
        html = _PICTURE_SOURCE.sub(published, rendered.html) if rendered.pictures else rendered.html
        return SafeHtml(html)  # noqa: S704 (it has passed nh3)


class Moment(Struct, frozen=True):
    """A point in time; in a template it becomes a `<time>` element, with the beginning of its span if it ends one."""

    iso: str
    text: str
    from_iso: str | None = None

    def __html__(self) -> str:
        """Both parts are our own digits and a month's name: nothing in them needs escaping."""
        begin = f' data-from="{self.from_iso}"' if self.from_iso else ""
        return f'<time datetime="{self.iso}"{begin}>{self.text}</time>'


class Text(Struct, frozen=True):
    """A text and its language where that is not the page's (`untranslated`)."""

    text: str
    lang: str | None = None


class UpdateView(Struct, frozen=True):
    """One update as it is shown; `anchor` names it within its incident's page.

    `markdown` is its HTML as Markdown, None where nobody has made that yet.
    """

    anchor: str
    status_word: str
    at: Moment
    html: SafeHtml
    markdown: str | None
    lang: str | None


class IncidentView(Struct, frozen=True):
    """One incident as it is shown, without its updates."""

    id: str
    file: str
    impact: str
    impact_word: str
    status: str
    status_word: str
    title: Text
    description: str
    summary: Text | None
    works: Text | None
    money: Text | None
    since: Moment
    until: Moment | None
    lasted: str | None
    is_live: bool
    is_maintenance: bool
    is_notice: bool
    next_update: Moment | None
    overdue: bool
    back_at: Moment | None
    settled: str | None
    affected: tuple[tuple[str, str, str], ...]
    prevention: tuple[tuple[str, str, str], ...]


def moment(at: datetime, words: Words) -> Moment:
    """Put a point in time into words, with its machine-readable form beside it."""
    return Moment(iso_minute(at), words.moment(at))


def text_in(incident: Incident, name: str, words: Words, default: str) -> Text | None:
    """Find `title`, `summary`, `works` or `money` in the page's language, else in the default one."""
    original: str | None = getattr(incident, name)
    if words.locale == default:
        return Text(words.in_order(original)) if original else None
    translation = incident.translations.get(words.locale)
    translated: str | None = getattr(translation, name) if translation else None
    if translated:
        return Text(words.in_order(translated))
    return Text(original, default) if original else None


def with_window(text: Text, incident: Incident, words: Words) -> Text:
    """Put `<time>` elements for `{start}` and `{end}` of maintenance into a text; the result is safe HTML."""
    return Text(_with_times(escape(text.text), incident, words), text.lang) if incident.starts else text


def with_window_in_words(text: str, incident: Incident, write: Callable[[datetime], str]) -> str:
    """Put the start and end of maintenance into a text that stays plain; `write` puts a moment into words."""
    if incident.starts is None or incident.ends is None:
        return text
    return text.replace("{start}", write(incident.starts)).replace("{end}", write(incident.ends))


def _in_order(html: SafeHtml, words: Words) -> SafeHtml:
    if words.direction == "ltr":
        return html
    parts = [part if part.startswith("<") else words.in_order(part) for part in TAG.split(str(html))]
    return SafeHtml("".join(parts))  # noqa: S704 (parts of safe HTML, and signs of direction)


def _with_times(html: SafeHtml, incident: Incident, words: Words) -> SafeHtml:
    """Put times into safe HTML: elements into its text, words into what stands within a tag."""
    places = {"{start}": incident.starts, "{end}": incident.ends}
    if not any(at and place in html for place, at in places.items()):
        return html
    parts = TAG.split(str(html))
    for place, at in places.items():
        if at:
            plain, element = str(escape(words.moment(at))), str(SafeHtml(moment(at, words)))  # noqa: S704 (our own)
            parts = [part.replace(place, plain if part.startswith("<") else element) for part in parts]
    return SafeHtml("".join(parts))  # noqa: S704 (parts of safe HTML, and our own)


def beyond_title(summary: Text, title: Text | None) -> str:
    """What a summary says that the title above it has not said already: a banner shows it alone, a page does not."""
    if title and summary.text.startswith(title.text) and not summary.text[len(title.text) :][:1].isalnum():
        rest = summary.text[len(title.text) :]
        # A sentence that goes on behind the title's words would lose its beginning.
        if not rest.strip() or rest[0] in ".:;!?":
            return rest.lstrip(" .:;!?")
    return summary.text


def view_incident(state: IncidentState, words: Words, default: str, names: Mapping[str, str]) -> IncidentView:
    """Prepare an incident for the templates, in one language; `names` are those of components by id."""
    incident = state.incident
    title = _title(incident, words, default)
    until = incident.ends if state.is_upcoming or (state.is_maintenance and state.is_open) else state.ended
    status = "unconfirmed" if state.unconfirmed else str(state.status)
    return IncidentView(
        id=incident.id,
        file=f"incidents/{incident.id}.html",
        impact=str(incident.impact),
        impact_word=words.say(f"impact.{incident.impact}"),
        status=status,
        status_word=words.say(f"status.{status}"),
        title=title,
        description=_description(incident, title, words, default),
        summary=_summary(incident, title, words, default),
        works=fact_in(incident, "works", words, default),
        money=fact_in(incident, "money", words, default),
        since=moment(state.began, words),
        until=_until(state.began, until, words) if until else None,
        lasted=_lasted(state, words),
        is_live=state.is_open or state.is_upcoming,
        is_maintenance=state.is_maintenance,
        is_notice=incident.kind is Kind.NOTICE and state.is_open,
        next_update=moment(state.next_update, words) if state.next_update else None,
        overdue=state.overdue,
        back_at=moment(state.back_at, words) if state.back_at else None,
        settled=_settled(state, words),
        affected=_affected(state, words, names),
        prevention=tuple((item.what, item.owner, words.day(item.due)) for item in incident.prevention),
    )


def _title(incident: Incident, words: Words, default: str) -> Text:
    title = text_in(incident, "title", words, default) or Text(incident.title)
    return Text(with_window_in_words(title.text, incident, words.moment), title.lang)


def _description(incident: Incident, title: Text, words: Words, default: str) -> str:
    """The incident in one plain sentence, for search results and previews of links."""
    summary = text_in(incident, "summary", words, default)
    return with_window_in_words(summary.text, incident, words.moment) if summary else title.text


def fact_in(incident: Incident, name: str, words: Words, default: str) -> Text | None:
    """Find `works` or `money` in the page's language, with the window's times in it."""
    text = text_in(incident, name, words, default)
    return with_window(text, incident, words) if text else None


def _summary(incident: Incident, title: Text, words: Words, default: str) -> Text | None:
    summary = text_in(incident, "summary", words, default)
    rest = beyond_title(summary, text_in(incident, "title", words, default) or title) if summary else ""
    return with_window(Text(rest, summary.lang), incident, words) if summary and rest else None


def _until(began: datetime, until: datetime, words: Words) -> Moment:
    """The end of a span; on the day it began the clock time is enough."""
    same_day = began.astimezone(UTC).date() == until.astimezone(UTC).date()
    end = moment(until, words)
    return Moment(end.iso, words.clock(until) if same_day else end.text, moment(began, words).iso)


def _lasted(state: IncidentState, words: Words) -> str | None:
    """How long it took, once somebody has said that it is over."""
    if state.ended is None or state.unconfirmed or state.ended <= state.began:
        return None
    return words.duration(state.ended - state.began)


def _settled(state: IncidentState, words: Words) -> str | None:
    if state.settled is None:
        return None
    if state.settled.done == state.settled.total:
        return words.say("settled_all", count=state.settled.total)
    return words.say(
        "settled" if state.is_open else "settled_over", done=state.settled.done, total=state.settled.total
    )


def _affected(state: IncidentState, words: Words, names: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Name the components an incident affects, with how they are; of one that is over, the names alone."""
    if state.is_open:
        components = state.components
    elif state.is_upcoming:
        components = state.incident.components
    else:
        touched = dict.fromkeys([*state.incident.components, *(span.component for span in state.spans)])
        return tuple((names.get(component, component), "", "") for component in touched)
    return tuple(
        (names.get(component, component), str(status), words.say(f"component.{status}"))
        for component, status in components.items()
    )


def view_updates(
    state: IncidentState, words: Words, default: str, bodies: Bodies, root: str, most: int | None = None
) -> tuple[UpdateView, ...]:
    """Prepare an incident's updates, newest first, at most so many, for a page whose way to the top is `root`."""
    translation = state.incident.translations.get(words.locale)
    translated = translation.bodies if translation else (None,) * len(state.incident.updates)
    newest_first = reversed(list(zip(state.updates, translated, update_anchors(state.updates), strict=False)))
    return tuple(
        _update(state.incident, update, body, anchor, words, default, bodies, root)
        for update, body, anchor in islice(newest_first, most)
    )


def update_anchors(updates: Iterable[Update]) -> list[str]:
    """Name updates within their page, the same for ever: `u-20261122T0920Z`, a second one of that minute `...-2`."""
    minutes: Counter[str] = Counter()
    anchors = []
    for update in updates:
        name = "u-" + iso_minute(update.at).translate(_NO_SEPARATORS)
        minutes[name] += 1
        anchors.append(name if minutes[name] == 1 else f"{name}-{minutes[name]}")
    return anchors


def _update(
    incident: Incident,
    update: Update,
    translated: str | None,
    anchor: str,
    words: Words,
    default: str,
    bodies: Bodies,
    root: str,
) -> UpdateView:
    foreign = translated is None and words.locale != default
    text = update.body if translated is None else translated
    rendered, html = bodies.markup[text], bodies.html(text, root)
    shown = _with_times(html if foreign else _in_order(html, words), incident, words)
    return UpdateView(
        anchor=anchor,
        status_word=words.say(f"status.{update.status}"),
        at=moment(update.at, words),
        html=shown,
        markdown=rendered.markdown if shown == rendered.html else None,
        lang=default if foreign else None,
    )
