"""What the people who answer customers need: a reply, a short post, what to say on the phone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from jinja2 import DictLoader, Environment, StrictUndefined

from meaculpa.model import Incident
from meaculpa.render.words import Words, babel_locale
from meaculpa.status import IncidentState

# What the strictest of the usual places for short posts takes.
LONGEST_POST = 280
PARTS = ("reply", "post", "phone")


@dataclass(frozen=True, slots=True)
class Kit:
    """The texts in one language, by part (`PARTS`)."""

    locale: str
    texts: Mapping[str, str]


def make_kit(
    state: IncidentState, locale: str, templates: Mapping[str, bytes], site_url: str, zone: tzinfo
) -> Kit | None:
    """Write the texts; None where the incident or the templates are not there in this language."""
    language = next((code for code in (locale, locale.split("-")[0]) if f"{code}/reply.txt.j2" in templates), None)
    said = _said(state.incident, locale)
    if language is None or said is None:
        return None
    words = Words(locale, {}, babel_locale(locale))
    facts = said | {
        "is_over": not state.is_open and not state.is_upcoming,
        "is_upcoming": state.is_upcoming,
        "began": state.began,
        "ended": state.ended,
        "ends": state.incident.ends,
        "next_update": state.next_update if state.is_open else None,
        "back_at": state.back_at,
        "page": f"{site_url}/{_page(state.incident, locale)}",
        "moment": partial(words.local_moment, zone=zone),
    }
    sources = {name: content.decode() for name, content in templates.items()}
    environment = Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701
    )
    texts = {part: _write(environment, f"{language}/{part}.txt.j2", facts) for part in PARTS}
    if len(texts["post"]) > LONGEST_POST:
        texts["post"] = _write(environment, f"{language}/post.txt.j2", facts | {"works": None})
    return Kit(locale, texts)


def _page(incident: Incident, locale: str) -> str:
    folder = f"{locale}/" if locale in incident.translations else ""
    return f"{folder}incidents/{incident.id}.html"


def _said(incident: Incident, locale: str) -> dict[str, object] | None:
    """Title, works and money in a language: the one it was written in has no translation of its own."""
    told = incident.translations.get(locale)
    if told is not None and told.title is None:
        return None
    source = told or incident
    return {"title": str(source.title).rstrip(".!?"), "works": source.works, "money": source.money}


def _write(environment: Environment, template: str, facts: Mapping[str, object]) -> str:
    text = environment.get_template(template).render(facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
