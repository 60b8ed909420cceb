"""Site -> the HTML pages of one language: status page, incidents, months, history, not-found."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from markupsafe import Markup as SafeHtml
from msgspec import Struct, field

from meaculpa.config import Chart, Config
from meaculpa.metrics import Metric
from meaculpa.model import OutputFile
from meaculpa.render import bars, charts
from meaculpa.render.environment import Theme
from meaculpa.render.headers import output_file
from meaculpa.render.structured import announcement
from meaculpa.render.symbols import SYMBOLS, data_uri, favicon
from meaculpa.render.views import Bodies, IncidentView, UpdateView, moment, view_incident, view_updates
from meaculpa.render.words import Words
from meaculpa.status import Month, Site
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_second

# What the status page lists of what is over; the history has it all.
_MOST_RECENT = 10
# Prepared incidents that are kept for the next page of the same one; a month's page takes all of them.
_MOST_PREPARED = 256
# What `text.css` is for.
_RICH = re.compile(r"<(?:h\d|img|pre|code|blockquote|table)\b")


class Page(Struct, frozen=True):
    """A file that can be made: `inputs` is everything it shows, so equal inputs need not be made again.

    Those of a lasting page are texts, numbers, words and moments: they mean the same in another process.
    """

    path: str
    inputs: tuple[object, ...]
    produce: Callable[[], OutputFile]
    is_lasting: bool = True


class Chapter(Struct, frozen=True):
    """Pages that are listed together: as long as `inputs` are equal, all of them are as they were.

    `apart` is how many pages it has, about, where making them leaves nothing behind that others use.
    """

    name: str
    inputs: tuple[object, ...]
    pages: Callable[[], Iterable[Page]]
    apart: int = 0


# Parts of pages that were made before: by name, what all of them depend on, and each by what it shows.
Kept = dict[str, tuple[tuple[object, ...], dict[object, Any]]]


class Edition(Struct, frozen=True, dict=True):
    """The site in one language, with all that its pages have in common.

    `logo` is an address or the picture itself, `preview` the address of one that previews of links can show. `kept`
    is what the last time left to be used again.
    """

    site: Site
    config: Config
    theme: Theme
    words: Words
    bodies: Bodies
    logo: str | None
    preview: str | None
    charts: tuple[tuple[Metric, Chart], ...] = ()
    kept: Kept = field(default_factory=dict)
    _views: dict[str, IncidentView] = field(default_factory=dict)
    _updates: dict[tuple[str, str, int | None], tuple[UpdateView, ...]] = field(default_factory=dict)

    @cached_property
    def prefix(self) -> str:
        """The folder of this language; the default language stands at the top."""
        return "" if self.words.locale == self.config.default_locale else f"{self.words.locale}/"

    @cached_property
    def common(self) -> tuple[object, ...]:
        """What every page of this language depends on."""
        return (
            self.config.digest,
            self.theme.digest,
            self.words.locale,
            self.logo,
            self.preview,
            tuple(self.bodies.pictures.items()),
        )

    def view(self, state: IncidentState) -> IncidentView:
        """Prepare an incident for a page of this language."""
        name = state.incident.id
        if name not in self._views:
            make_room(self._views)
            self._views[name] = view_incident(state, self.words, self.config.default_locale, self.names)
        return self._views[name]

    def updates(self, state: IncidentState, root: str, most: int | None = None) -> tuple[UpdateView, ...]:
        """Prepare an incident's updates, newest first."""
        # Where the page stands matters to pictures alone.
        key = (state.incident.id, root if self.bodies.show_pictures(state.incident) else "", most)
        if key not in self._updates:
            make_room(self._updates)
            self._updates[key] = view_updates(state, self.words, self.config.default_locale, self.bodies, root, most)
        return self._updates[key]

    @cached_property
    def plain_dress(self) -> Mapping[str, str]:
        """Style and script of the status page while its texts are plain: most of them are."""
        return self._dressed(self.theme.texts["page.css"])

    @cached_property
    def charted_dress(self) -> Mapping[str, str]:
        """Style and script of a status page with charts."""
        return self._dressed("".join(self.theme.texts[name] for name in ("page.css", "text.css", "chart.css")))

    @cached_property
    def dress(self) -> Mapping[str, str]:
        """Style and script of every other page."""
        return self._dressed(self.theme.texts["page.css"] + self.theme.texts["text.css"])

    def _dressed(self, css: str) -> Mapping[str, str]:
        turned = self.theme.texts["rtl.css"] if self.words.direction == "rtl" else ""
        return _dress(self.config.brand.accent, css + turned, self.theme.texts["page.js"])

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names of the components by id."""
        return self.config.component_names

    def render(self, template: str, file: str, **facts: Any) -> OutputFile:
        """Render one page of this language."""
        path = self.prefix + file
        root = facts.pop("root", "../" * path.count("/"))
        frame = {**_frame(self, file, root), **facts.pop("dress", self.dress)}
        text = self.theme.render(template, page=frame, site=self.config.site, say=self.words.say, **facts)
        return output_file(path, text)


def make_room(kept: dict[Any, Any]) -> None:
    """Forget what was prepared long ago: pages of an incident are made one after the other."""
    if len(kept) >= _MOST_PREPARED:
        kept.clear()


def pages(edition: Edition) -> Iterator[Page]:
    """List the pages of one language that are about the whole site."""
    drawn = tuple((one.digest, charts.window_of(chart, edition.site.now)) for one, chart in edition.charts)
    index = (*edition.common, edition.site, drawn)
    yield Page(f"{edition.prefix}index.html", index, lambda: _index(edition), is_lasting=False)
    yield Page(f"{edition.prefix}history.html", (*edition.common, edition.site.history), lambda: _history(edition))
    yield Page(f"{edition.prefix}follow.html", (*edition.common, edition.words.locale), lambda: _follow(edition))


def month_page(edition: Edition, month: Month) -> Page:
    """The page of the history that lists a month."""
    signatures = tuple(signature(state) for state in month.states)
    inputs = (*edition.common, signatures, month.newer, month.older)
    return Page(f"{edition.prefix}{_month_file(month.name)}", inputs, lambda: _month(edition, month))


def not_found(edition: Edition) -> Page:
    """The page that answers for any address that is not there: its links are absolute."""
    root = f"{edition.config.site.url}/"
    return Page("404.html", edition.common, lambda: edition.render("404.html.j2", "404.html", root=root))


def refresh_path(theme: Theme) -> str:
    """Name the script that renews a page for its content: pages that are open keep the one they know."""
    return f"assets/refresh.{_name_of(theme.texts['refresh.js'])}.js"


@lru_cache(maxsize=4)
def _name_of(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()[:12]


def incident_file(incident_id: str, ending: str = "html") -> str:
    """Where an incident stands within its language."""
    return f"incidents/{incident_id}.{ending}"


def signature(state: IncidentState) -> tuple[object, ...]:
    """What of an incident can change though its files do not."""
    return (
        state.incident.digest,
        tuple(state.incident.translations),
        state.status,
        len(state.updates),
        state.overdue,
        state.unconfirmed,
        state.back_at,
        state.ended,
    )


def incident_page(edition: Edition, state: IncidentState) -> Page:
    """The page of one incident."""
    file = incident_file(state.incident.id)
    path = edition.prefix + file

    def produce() -> OutputFile:
        root = "../" * path.count("/")
        incident, url = edition.view(state), f"{edition.config.site.url}/{path}"
        return edition.render(
            "incident.html.j2",
            file,
            incident=incident,
            updates=edition.updates(state, root),
            data=announcement(state, incident, edition.config, edition.words.locale, url),
            twin=root + edition.prefix + incident_file(state.incident.id, "md"),
            posted=iso_second(state.updates[0].at),
            modified=iso_second(state.changed),
        )

    return Page(path, (*edition.common, *signature(state)), produce)


def _month(edition: Edition, month: Month) -> OutputFile:
    return edition.render(
        "month.html.j2",
        _month_file(month.name),
        month=edition.words.month(month.states[0].began.date()),
        count=edition.words.say("month_count", count=len(month.states)),
        incidents=[edition.view(state) for state in month.states],
        newer=_month_file(month.newer) if month.newer else None,
        older=_month_file(month.older) if month.older else None,
    )


def _month_file(month: str) -> str:
    return f"history/{month}.html"


def _history(edition: Edition) -> OutputFile:
    months = [
        {
            "file": _month_file(name),
            "name": edition.words.month(date.fromisoformat(f"{name}-01")),
            "count": edition.words.say("month_count", count=count),
        }
        for name, count in edition.site.history
    ]
    return edition.render("history.html.j2", "history.html", months=months)


def _follow(edition: Edition) -> OutputFile:
    url = edition.config.site.url
    return edition.render(
        "follow.html.j2",
        "follow.html",
        url=url,
        webcal=f"webcal://{url.partition('://')[2]}/maintenance.ics",
        default=edition.config.default_locale,
        parts=edition.config.components,
    )


def _index(edition: Edition) -> OutputFile:
    site, words = edition.site, edition.words
    root = "../" * edition.prefix.count("/")
    opened = [_open_incident(edition, state, root) for state in site.open]
    views = [charts.view_chart(metric, chart, site.now, words) for metric, chart in edition.charts]
    shown = [view for view in views if view]
    is_plain = not any(_is_rich(incident["newest"]) for incident in opened)
    dress = edition.charted_dress if shown else edition.plain_dress if is_plain else edition.dress
    return edition.render(
        "index.html.j2",
        "index.html",
        overall=str(site.overall),
        headline=words.say(f"overall.{site.overall}"),
        description=edition.view(site.open[0]).description if site.open else words.say("nothing_open"),
        symbol=SYMBOLS[site.overall][:2],
        changed=moment(site.changed, words) if site.changed else None,
        open=opened,
        dress=dress,
        upcoming=[edition.view(state) for state in site.upcoming],
        recent=[edition.view(state) for state in site.recent[:_MOST_RECENT]],
        groups=_groups(edition),
        bars=bars,
        charts=shown,
        canvas=charts,
    )


def _is_rich(update: UpdateView) -> bool:
    """Whether an update needs more than `page.css`."""
    return update.lang is not None or _RICH.search(update.html) is not None


def _open_incident(edition: Edition, state: IncidentState, root: str) -> dict[str, Any]:
    """An open incident on the status page: what matters now, its newest update, and how many there were before."""
    earlier = len(state.updates) - 1
    return {
        "incident": edition.view(state),
        "newest": edition.updates(state, root, most=1)[0],
        "earlier": edition.words.say("earlier_updates", count=earlier) if earlier else None,
    }


def _groups(edition: Edition) -> list[dict[str, Any]]:
    """Components under their groups' names, in the order of the configuration; few have changed since last time."""
    name = f"{edition.prefix}components"
    common, before = edition.kept.get(name, ((), {}))
    views = bars.view_components(edition.site.components, edition.words, before if common == edition.common else {})
    edition.kept[name] = edition.common, views
    groups: dict[str | None, list[Any]] = {}
    for state, view in views.values():
        groups.setdefault(state.component.group, []).append(view)
    return [{"name": name, "components": components} for name, components in groups.items()]


def _frame(edition: Edition, file: str, root: str) -> Mapping[str, Any]:
    """What surrounds every page: language, security policy, icon, styles, links to the other languages."""
    config = edition.config
    return {
        "lang": edition.words.locale,
        "dir": edition.words.direction,
        "root": root,
        "base": root + edition.prefix,
        "canonical": None if file == "404.html" else f"{config.site.url}/{edition.prefix}{file}",
        "icon": _icon(edition, file, root),
        "preview": f"{config.site.url}/{edition.preview}" if edition.preview else None,
        "logo": edition.logo if edition.logo is None or ":" in edition.logo else root + edition.logo,
        "phone": re.sub(r"[^+0-9]", "", config.site.support.phone or ""),
        "languages": _languages(edition, file, root),
        # An address without a dot in front would be the name of a module.
        "refresh": f"./{root}{refresh_path(edition.theme)}",
    }


def _icon(edition: Edition, file: str, root: str) -> str:
    """The status page holds its icon, so that it needs one request; a missing page cannot rely on any other."""
    if file == "index.html":
        return data_uri(favicon(edition.site.overall))
    return "data:," if file == "404.html" else f"{root}favicon.svg"


def _languages(edition: Edition, file: str, root: str) -> list[dict[str, str]]:
    config = edition.config
    if file == "404.html":
        return []
    languages = []
    for words in edition.theme.words:
        prefix = "" if words.locale == config.default_locale else f"{words.locale}/"
        address = f"{config.site.url}/{prefix}{file}"
        languages.append(
            {"code": words.locale, "name": words.own_name, "href": f"{root}{prefix}{file}", "url": address}
        )
    return languages


def _dress(accent: str, css: str, script: str) -> Mapping[str, str]:
    """Style and script of a page, and the policy that allows them and nothing else."""
    css = f":root{{--accent:{accent}}}{css}"
    return {
        "css": SafeHtml(css),  # noqa: S704 (our own file)
        "js": SafeHtml(script),  # noqa: S704 (our own file)
        # Signs that a double-quoted attribute may hold as they are.
        "csp": SafeHtml(content_security_policy(css, script)),  # noqa: S704 (our own words and hashes)
    }


def content_security_policy(css: str, script: str) -> str:
    """Allow a page its own style and script, files of its own site, and nothing else (CSP Level 3, hashes)."""

    def digest(text: str) -> str:
        return "'sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {digest(css)}; script-src {digest(script)} 'self'; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
    )
