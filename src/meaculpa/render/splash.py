"""Site -> the page that the shop's edge shows while the shop is down, every language in one file."""

import re
from dataclasses import dataclass

from meaculpa.config import Config
from meaculpa.model import Surface
from meaculpa.render.environment import Theme
from meaculpa.render.views import Moment, Text, beyond_title, moment, text_in
from meaculpa.render.words import Words
from meaculpa.status import IncidentState, Site, is_shown_on


@dataclass(frozen=True, slots=True)
class Section:
    """What the splash page says in one language."""

    lang: str
    dir: str
    heading: str
    text: Text
    facts: tuple[tuple[str, Moment | Text], ...]
    retry: str
    retry_note: str
    by_phone: str
    by_mail: str
    status: str
    status_url: str


def splash_page(site: Site, config: Config, theme: Theme) -> str:
    """Render the splash page: the worst incident that reaches it, or what is true whenever the shop is down."""
    state = next((state for state in site.open if is_shown_on(state.incident, Surface.SPLASH)), None)
    return theme.render(
        "splash.html.j2",
        site=config.site,
        sections=[_section(state, config, words) for words in theme.words],
        phone=re.sub(r"[^+0-9]", "", config.site.support.phone or ""),
        retry_seconds=config.splash.retry_after_seconds,
        spread_seconds=config.splash.return_over_seconds,
    )


def _section(state: IncidentState | None, config: Config, words: Words) -> Section:
    heading, text, facts = _known(state, config, words) if state else _unknown(words)
    support, locale = config.site.support, words.locale
    prefix = "" if locale == config.default_locale else f"{locale}/"
    return Section(
        lang=locale,
        dir=words.direction,
        heading=heading,
        text=text,
        facts=facts,
        retry=words.say("splash.retry"),
        retry_note=words.say("splash.retry_note"),
        by_phone=words.say("splash.order_by_phone", phone=support.phone),
        by_mail=words.say("splash.write", email=support.email),
        status=words.say("splash.status"),
        status_url=f"{config.site.url}/{prefix}index.html",
    )


def _unknown(words: Words) -> tuple[str, Text, tuple[tuple[str, Moment | Text], ...]]:
    facts = ((words.say("money"), Text(words.say("splash.unknown_money"))),)
    return words.say("splash.unknown"), Text(words.say("splash.unknown_text")), facts


def _known(
    state: IncidentState, config: Config, words: Words
) -> tuple[str, Text, tuple[tuple[str, Moment | Text], ...]]:
    default, incident = config.default_locale, state.incident
    title = text_in(incident, "title", words, default)
    summary = text_in(incident, "summary", words, default)
    facts: list[tuple[str, Moment | Text]] = [(words.say("since"), moment(state.began, words))]
    for name in ("works", "money"):
        text = text_in(incident, name, words, default)
        if text:
            facts.append((words.say(name), text))
    if state.next_update and not state.overdue:
        facts.append((words.say("next_update"), moment(state.next_update, words)))
    heading = words.say("splash.title", title=(title.text if title else incident.title).rstrip(".!?"))
    rest = Text(beyond_title(summary, title), summary.lang) if summary else Text("")
    return heading, rest, tuple(facts)
