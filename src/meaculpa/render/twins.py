"""Incidents -> Markdown beside each page, and `llms.txt`, for readers that are programs (llmstxt.org)."""

from meaculpa.model import OutputFile
from meaculpa.render.calendar import CALENDAR
from meaculpa.render.feeds import ATOM
from meaculpa.render.headers import output_file
from meaculpa.render.marked import to_markdown
from meaculpa.render.pages import Edition, Page, incident_file, signature
from meaculpa.render.views import UpdateView, text_in, with_window_in_words
from meaculpa.timeline import IncidentState

LLMS = "llms.txt"
_MOST_RECENT = 10


def twin_page(edition: Edition, state: IncidentState) -> Page:
    """The Markdown of one incident."""
    return Page(_path(edition, state), (*edition.common, *signature(state)), lambda: _twin(edition, state))


def llms_page(edition: Edition) -> Page:
    """What leads programs to the Markdown."""
    return Page(LLMS, (*edition.common, edition.site), lambda: _llms(edition), is_lasting=False)


def _path(edition: Edition, state: IncidentState) -> str:
    return edition.prefix + incident_file(state.incident.id, "md")


def _twin(edition: Edition, state: IncidentState) -> OutputFile:
    incident, words = state.incident, edition.words
    updates = [
        {"status_word": one.status_word, "at": one.at.text, "text": _marked(one), "lang": one.lang}
        for one in edition.updates(state, f"{edition.config.site.url}/")
    ]
    facts = {name: _plain(edition, state, name) for name in ("title", "summary", "works", "money")}
    text = edition.theme.render(
        "incident.md.j2",
        say=words.say,
        incident=edition.view(state),
        updates=updates,
        page=f"{edition.config.site.url}/{edition.prefix}{incident_file(incident.id)}",
        **facts,
    )
    return output_file(_path(edition, state), text)


def _marked(update: UpdateView) -> str:
    return to_markdown(update.html) if update.markdown is None else update.markdown


def _plain(edition: Edition, state: IncidentState, name: str) -> str | None:
    text = text_in(state.incident, name, edition.words, edition.config.default_locale)
    return with_window_in_words(text.text, state.incident, edition.words.moment) if text else None


def _llms(edition: Edition) -> OutputFile:
    """What a program should know of the shop first, with links to the Markdown of what is going on."""
    site, home = edition.site, f"{edition.config.site.url}/"

    def linked(states: tuple[IncidentState, ...]) -> list[dict[str, object]]:
        return [{"incident": edition.view(state), "url": home + _path(edition, state)} for state in states]

    text = edition.theme.render(
        "llms.txt.j2",
        say=edition.words.say,
        site=edition.config.site,
        home=home,
        headline=edition.words.say(f"overall.{site.overall}"),
        now=linked(site.open),
        planned=linked(site.upcoming),
        recent=linked(site.recent[:_MOST_RECENT]),
        feed=home + ATOM,
        calendar=home + CALENDAR,
    )
    return output_file(LLMS, text)
