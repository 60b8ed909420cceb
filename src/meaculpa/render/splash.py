"""Site -> what visitors see while the shop is down: the splash page, its tiny form, the workers that show it."""

import re
from collections.abc import Iterable

from markupsafe import Markup as SafeHtml
from msgspec import Struct
from msgspec.structs import replace

from meaculpa.config import Config
from meaculpa.model import Surface
from meaculpa.render.environment import Theme
from meaculpa.render.scripts import plant
from meaculpa.render.views import (
    Moment,
    Text,
    beyond_title,
    moment,
    text_in,
    with_window,
    with_window_in_words,
)
from meaculpa.render.words import Words
from meaculpa.status import Site, is_shown_on
from meaculpa.timeline import IncidentState

# HAProxy refuses an error page above its buffer of 16 KiB, headers included; an ALB answers with 1,024 at most.
LARGEST = 14_000
LARGEST_TINY = 1_024
_LONGEST_FACT = 400
_SHORTEST_HEADING = 20


class Section(Struct, frozen=True):
    """What the splash page says in one language."""

    lang: str
    dir: str
    heading: str
    text: Text
    facts: tuple[tuple[str, Moment | Text], ...]
    back: str
    retry: str
    retry_note: str
    by_phone: str
    hours: str
    by_mail: str
    by_chat: str
    tell_me: str
    tell_me_email: str
    tell_me_note: str
    status: str
    status_url: str


def splash_page(site: Site, config: Config, theme: Theme) -> str:
    """Render the splash page: the worst incident that reaches it, or what is true whenever the shop is down.

    It speaks every configured language, or the default one alone where all would be more than an edge takes.
    """
    state = _shown(site)
    sections = [_section(state, config, words) for words in theme.words]
    text = _splash(sections, state, config, theme)
    return text if len(text.encode()) <= LARGEST else _splash(sections[:1], state, config, theme)


def tiny_splash_page(site: Site, config: Config, theme: Theme) -> str:
    """Render the splash page for edges that take very little: what matters most, in the default language."""
    section = _section(_shown(site), config, theme.words[0])
    lines: list[SafeHtml] = []
    text = _tiny(section, lines, config, theme)
    while len(text.encode()) > LARGEST_TINY and len(section.heading) > _SHORTEST_HEADING:
        section = replace(section, heading=section.heading[:-9].rstrip() + "…")
        text = _tiny(section, lines, config, theme)
    for line in _tiny_lines(section, config):
        longer = _tiny(section, [*lines, line], config, theme)
        if len(longer.encode()) <= LARGEST_TINY:
            lines, text = [*lines, line], longer
    return text


def splash_worker(config: Config, theme: Theme) -> str:
    """Make the service worker that a shop may serve: it knows where the splash page is."""
    seed = {"site": config.site.url, "retry": str(config.splash.retry_after_seconds)}
    return plant("splash-worker.js", theme.texts["splash-worker.js"], seed)


def _shown(site: Site) -> IncidentState | None:
    return next((state for state in site.open if is_shown_on(state.incident, Surface.SPLASH)), None)


def _splash(sections: list[Section], state: IncidentState | None, config: Config, theme: Theme) -> str:
    return theme.render(
        "splash.html.j2",
        site=config.site,
        sections=sections,
        incident=state.incident.id if state else None,
        phone=_dialled(config),
        retry_seconds=config.splash.retry_after_seconds,
        spread_seconds=config.splash.return_over_seconds,
        tell_me_url=config.splash.tell_me_url,
        accent=config.brand.accent,
        css=SafeHtml(theme.texts["splash.css"]),  # noqa: S704 (our own file)
        js=SafeHtml(theme.texts["splash.js"]),  # noqa: S704 (our own file)
    )


def _tiny(section: Section, lines: list[SafeHtml], config: Config, theme: Theme) -> str:
    return theme.render(
        "splash.tiny.html.j2",
        site=config.site,
        section=section,
        lines=lines,
        retry_seconds=config.splash.retry_after_seconds,
        spread_seconds=config.splash.return_over_seconds,
    )


def _tiny_lines(section: Section, config: Config) -> Iterable[SafeHtml]:
    """What the tiny page says, the most important first."""
    line = SafeHtml("{}: {}")
    if config.site.support.phone:
        yield SafeHtml('<a href="tel:{}">{}</a>').format(_dialled(config), section.by_phone)
    for name, fact in section.facts[::-1]:
        yield line.format(name, fact.text)
    yield SafeHtml('<a href="{}">{}</a>').format(section.status_url, section.status)


def _dialled(config: Config) -> str:
    return re.sub(r"[^+0-9]", "", config.site.support.phone or "")


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
        back=words.say("splash.back"),
        retry=words.say("splash.retry"),
        retry_note=words.say("splash.retry_note"),
        by_phone=words.say("splash.order_by_phone", phone=words.in_order(support.phone or "")),
        hours=words.in_order(support.hours or ""),
        by_mail=words.say("splash.write", email=support.email),
        by_chat=words.say("chat"),
        tell_me=words.say("splash.tell_me"),
        tell_me_email=words.say("splash.tell_me_email"),
        tell_me_note=words.say("splash.tell_me_note"),
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
        if name == "money" and not text:
            # Whoever was paying must know this before anybody has found out more.
            text = Text(words.say("splash.unknown_money"))
        if text:
            facts.append((words.say(name), with_window(_shorten(text), incident, words)))
    if state.next_update and not state.overdue:
        facts.append((words.say("next_update"), moment(state.next_update, words)))
    plain = with_window_in_words(title.text if title else incident.title, incident, words.moment)
    heading = words.say("splash.title", title=plain.rstrip(".!?"))
    rest = Text(beyond_title(summary, title), summary.lang) if summary else Text("")
    return heading, with_window(rest, incident, words), tuple(facts)


def _shorten(text: Text) -> Text:
    return text if len(text.text) <= _LONGEST_FACT else Text(text.text[: _LONGEST_FACT - 1] + "…", text.lang)
