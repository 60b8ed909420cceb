"""An update -> the message that a channel gets: as long as the channel has room for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial

from msgspec import Struct

from meaculpa.config import Config
from meaculpa.model import Impact, Incident, Markup, Status, Update
from meaculpa.render.plain import to_text
from meaculpa.render.views import with_window_in_words
from meaculpa.render.words import Words
from meaculpa.timeline import IncidentState

# One short message on a phone, if all its letters are in the alphabet of phones (3GPP TS 23.038): ours are.
SHORTEST = 160
_LEAST_TITLE = 20


class Tone(StrEnum):
    """How a channel marks a message, in the words of apprise."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


class Message(Struct, frozen=True):
    """A title and the text below it; `shorter` are whole messages, title and all, for less and less room."""

    title: str
    text: str
    shorter: tuple[str, ...]
    tone: Tone


def make_message(
    state: IncidentState,
    number: int,
    languages: Mapping[str, Words],
    locale: str,
    config: Config,
    bodies: Mapping[str, Markup],
) -> Message:
    """Write what update `number` of an incident says, in a language, or in the first one where it is not translated.

    `state` is the incident as it stands: what was promised is told with the newest update only.
    """
    incident, update = state.incident, state.updates[number]
    told = incident.translations.get(locale)
    if told is None or told.title is None or told.bodies[number] is None:
        told, locale = None, config.default_locale
    words = languages[locale]
    moment = partial(words.local_moment, zone=config.site.timezone)
    written = told.title if told and told.title else incident.title
    title = with_window_in_words(written, incident, moment).rstrip(".!?")
    body = told.bodies[number] if told else update.body
    status = words.say(f"status.{update.status}")
    page = f"{config.site.url}/{f'{locale}/' if told else ''}incidents/{incident.id}.html"
    facts = _facts(state, words, config, moment) if update is state.updates[-1] else []
    text = with_window_in_words(to_text(bodies[body or ""].html), incident, moment)
    parts = [f"{status}, {moment(update.at)}", text, "\n".join(facts), page]
    name = config.site.name
    return Message(
        f"{name}: {title}",
        "\n\n".join(part for part in parts if part),
        (_line(f"{name}: {title}", [status, *facts], page), _shortest(title, status, page)),
        _tone(incident, update),
    )


def _facts(state: IncidentState, words: Words, config: Config, moment: Callable[[datetime], str]) -> list[str]:
    """What stands beside the newest update: what is affected, and what was promised."""
    names = config.component_names
    affected = [f"{names.get(one, one)} ({words.say(f'component.{how}')})" for one, how in state.components.items()]
    lines = [f"{words.say('affected')}: {', '.join(affected)}"] if affected and state.is_open else []
    if state.is_upcoming and state.incident.ends:
        lines.append(f"{words.say('window')}: {moment(state.began)} – {moment(state.incident.ends)}")
    if state.next_update:
        lines.append(f"{words.say('next_update')} {moment(state.next_update)}")
    if state.back_at:
        lines.append(words.say("back_at", when=moment(state.back_at)))
    return lines


def _line(title: str, facts: list[str], page: str) -> str:
    return f"{title}. {'. '.join(fact.rstrip('.') for fact in facts)}. {page}"


def _shortest(title: str, status: str, page: str) -> str:
    """As much of the title as one short message has room for; status and address come first."""
    rest = f" - {status}. {page}"
    room = max(_LEAST_TITLE, SHORTEST - len(rest))
    return f"{title if len(title) <= room else title[: room - 3].rstrip() + '...'}{rest}"


def _tone(incident: Incident, update: Update) -> Tone:
    if update.status in (Status.RESOLVED, Status.COMPLETED):
        return Tone.SUCCESS
    if incident.impact in (Impact.NONE, Impact.MAINTENANCE) or update.status is Status.POSTMORTEM:
        return Tone.INFO
    return Tone.FAILURE if incident.impact is Impact.CRITICAL else Tone.WARNING
