"""What the people who answer customers need: a reply, a short post, what to say on the phone."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from functools import partial

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, TemplateSyntaxError
from msgspec import Struct

from meaculpa.cadence import ORDER_KINDS
from meaculpa.errors import Refused
from meaculpa.model import Incident, Kind, Status
from meaculpa.render.views import with_window_in_words
from meaculpa.render.words import Words, babel_locale
from meaculpa.timeline import IncidentState

# What the strictest of the usual places for short posts takes.
LONGEST_POST = 280
PARTS = ("reply", "post", "phone")
# What a post can do without, one after the other, until it is short enough.
_DISPENSABLE = ({"works": None}, {"next_update": None, "is_late": False})
_ENDS_SENTENCE = (".", "!", "?", "…", ".”", ".“", '."')


class Kit(Struct, frozen=True):
    """The texts in one language, by part (`PARTS`); `untranslated` names facts that stand in them as they were."""

    locale: str
    texts: Mapping[str, str]
    untranslated: tuple[str, ...] = ()


def make_kit(
    state: IncidentState, locale: str, templates: Mapping[str, bytes], site_url: str, zone: tzinfo
) -> Kit | None:
    """Write the texts; None where the incident or the templates are not there in this language.

    Raises Refused for a template that cannot be rendered.
    """
    language = next((code for code in (locale, locale.split("-")[0]) if f"{code}/reply.txt.j2" in templates), None)
    words = Words(locale, {}, babel_locale(locale))
    moment = partial(words.local_moment, zone=zone)
    said = _said(state.incident, locale)
    if language is None or said is None:
        return None
    incident = state.incident
    told = {name: _sentence(with_window_in_words(text, incident, moment)) for name, text in said.items() if text}
    missing = tuple(name for name in ("works", "money") if not said[name] and getattr(incident, name))
    facts = {
        **{"works": None, "money": None},
        **told,
        "title": told["title"].rstrip(".!?"),
        "untranslated": _as_it_was(incident, missing, moment),
        **_facts(state),
        "page": f"{site_url}/{_page(incident, locale)}",
        "moment": moment,
        "day": partial(words.local_day, zone=zone),
        "clock": partial(words.local_clock, zone=zone),
        "hour": lambda at: f"{at.astimezone(zone):%H:%M}",
    }
    environment = _environment(templates)
    texts = {part: _write(environment, f"{language}/{part}.txt.j2", facts) for part in PARTS}
    for less in _DISPENSABLE:
        if len(texts["post"]) > LONGEST_POST:
            facts |= less
            texts["post"] = _write(environment, f"{language}/post.txt.j2", facts)
    return Kit(locale, texts, missing)


def _facts(state: IncidentState) -> dict[str, object]:
    """Where it stands, as questions that a template asks; `known` is since when we know of it."""
    incident = state.incident
    promise = state.next_update if state.is_open or state.is_upcoming else None
    return {
        "kind": str(incident.kind),
        "is_planned": state.is_maintenance,
        "is_about_orders": incident.kind in ORDER_KINDS,
        "is_notice": incident.kind is Kind.NOTICE,
        "is_over": not state.is_open and not state.is_upcoming,
        "is_upcoming": state.is_upcoming,
        "is_called_off": state.is_called_off,
        "is_unconfirmed": state.unconfirmed,
        "is_fixed": state.status is Status.MONITORING,
        "began": state.began,
        "known": state.updates[0].at,
        "ended": state.ended,
        "starts": incident.starts,
        "ends": incident.ends,
        "next_update": promise,
        "is_late": bool(promise and state.overdue),
        "back_at": state.back_at,
        "settled": state.settled,
    }


def _as_it_was(
    incident: Incident, missing: Collection[str], moment: Callable[[datetime], str]
) -> dict[str, str | None]:
    """What is not translated, in the words of the first language."""
    texts = {"works": incident.works, "money": incident.money}
    return {
        name: with_window_in_words(text, incident, moment) if text and name in missing else None
        for name, text in texts.items()
    }


def _page(incident: Incident, locale: str) -> str:
    folder = f"{locale}/" if locale in incident.translations else ""
    return f"{folder}incidents/{incident.id}.html"


def _said(incident: Incident, locale: str) -> dict[str, str | None] | None:
    """Title, works and money in a language: the one it was written in has no translation of its own."""
    told = incident.translations.get(locale)
    if told is not None and told.title is None:
        return None
    source = told or incident
    return {"title": source.title, "works": source.works, "money": source.money}


def _sentence(text: str) -> str:
    return text if text.endswith(_ENDS_SENTENCE) else f"{text}."


def _environment(templates: Mapping[str, bytes]) -> Environment:
    return Environment(
        loader=DictLoader({name: content.decode("utf-8", "replace") for name, content in templates.items()}),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (plain text)
    )


def _write(environment: Environment, template: str, facts: Mapping[str, object]) -> str:
    try:
        text = environment.get_template(template).render(facts)
    except TemplateError as error:
        where = f"{error.name}:{error.lineno}" if isinstance(error, TemplateSyntaxError) else template
        raise Refused(f"site_templates/kit/{where}: {error}") from None
    return re.sub(r"\n{3,}", "\n\n", text).strip()
