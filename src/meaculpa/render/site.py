"""Site -> every published file, in chapters, each a Page that is made only when its inputs have changed."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from meaculpa.config import Config
from meaculpa.metrics import Metric
from meaculpa.model import Markup, OutputFile, Source
from meaculpa.render.api import api_pages
from meaculpa.render.badges import badges
from meaculpa.render.banner import banner_json, banner_script, banner_state, core_path, core_seed
from meaculpa.render.calendar import calendar
from meaculpa.render.charts import charts_of
from meaculpa.render.environment import Theme
from meaculpa.render.feeds import feeds
from meaculpa.render.headers import CONTENT_TYPES, output_file
from meaculpa.render.letter_page import LETTER_PAGE, letter_page
from meaculpa.render.listings import listings, month_sitemap
from meaculpa.render.pages import (
    Chapter,
    Edition,
    Kept,
    Page,
    incident_page,
    month_page,
    not_found,
    pages,
    refresh_path,
)
from meaculpa.render.splash import splash_page, splash_worker, tiny_splash_page
from meaculpa.render.symbols import favicon
from meaculpa.render.twins import llms_page, twin_page
from meaculpa.render.views import Bodies
from meaculpa.status import Month, Site
from meaculpa.timeline import IncidentState

_LARGEST_INLINE_LOGO = 8_192
_DRAWN_IN_PREVIEWS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def render(
    site: Site,
    config: Config,
    theme: Theme,
    markup: Mapping[str, Markup],
    assets: Mapping[str, Source],
    metrics: Iterable[Metric] = (),
    kept: Kept | None = None,
) -> Iterator[Chapter]:
    """List every file of the site, by chapters: what is over month by month, oldest first, what is ahead, the rest.

    `markup` holds the rendered text of every update, `assets` the pictures, `kept` what the last time left to be used
    again.
    """
    charts = tuple(charts_of(metrics, config.metrics))
    published = {path: hashed_name(source) for path, source in assets.items()}
    bodies = Bodies(markup, published)
    logo, preview = _logo(config, assets, published), _preview(config, published)
    parts = {} if kept is None else kept
    editions = [Edition(site, config, theme, words, bodies, logo, preview, charts, parts) for words in theme.words]
    common = tuple(edition.common for edition in editions)
    for month in reversed(site.months):
        pages = 2 * len(month.states) * len(editions)
        yield Chapter(month.name, (common, month), partial(_month_pages, month, editions), pages)
    yield Chapter("ahead", (common, site.upcoming), partial(_incident_pages, site.upcoming, editions))
    pictures = {published[path]: source for path, source in assets.items()}
    yield Chapter("site", (common, site, charts), lambda: _site_pages(editions, pictures, markup))


def _month_pages(month: Month, editions: Sequence[Edition]) -> Iterator[Page]:
    yield from _incident_pages(month.states, editions)
    yield from (month_page(edition, month) for edition in editions)
    yield month_sitemap(month, editions[0].config)


def _incident_pages(states: Iterable[IncidentState], editions: Sequence[Edition]) -> Iterator[Page]:
    for state in states:
        for edition in editions:
            yield incident_page(edition, state)
            yield twin_page(edition, state)


def _site_pages(
    editions: Sequence[Edition], pictures: Mapping[str, Source], markup: Mapping[str, Markup]
) -> Iterator[Page]:
    first = editions[0]
    site, config, theme = first.site, first.config, first.theme
    for path, source in pictures.items():
        yield Page(path, (source.digest,), partial(output_file, path, source.content))
    for edition in editions:
        yield from pages(edition)
        yield from feeds(edition)
    yield llms_page(first)
    yield from badges(first)
    yield from calendar(first)
    yield not_found(first)
    yield from listings(site, config)
    yield from _pointers(site, config, theme)
    yield from api_pages(site, config, markup, first.kept)


def hashed_name(source: Source) -> str:
    """Name a picture for its content: `assets/logo.svg` becomes `assets/logo.1a2b3c4d5e6f.svg`."""
    path = PurePosixPath(source.path)
    return str(path.with_name(f"{path.stem}.{source.digest[:12]}{path.suffix.lower()}"))


def _logo(config: Config, assets: Mapping[str, Source], published: Mapping[str, str]) -> str | None:
    """A small logo stands in the page itself, which then needs a single request."""
    path = config.brand.logo
    if path is None or path not in assets:
        return None
    source = assets[path]
    if len(source.content) > _LARGEST_INLINE_LOGO:
        return published[path]
    kind = CONTENT_TYPES[path.rsplit(".", 1)[-1].lower()]
    return f"data:{kind};base64,{b64encode(source.content).decode()}"


def _preview(config: Config, published: Mapping[str, str]) -> str | None:
    """The logo, where previews of links can show it: none of them draws SVG."""
    path = config.brand.logo or ""
    return published.get(path) if path.lower().endswith(_DRAWN_IN_PREVIEWS) else None


def _pointers(site: Site, config: Config, theme: Theme) -> Iterator[Page]:
    state = banner_state(site, config, theme.words)
    script = theme.texts["banner.js"]
    core = banner_script(script, core_seed(config))
    unmoved: dict[str, Callable[[], str]] = {
        core_path(core): lambda: core,
        refresh_path(theme): lambda: theme.texts["refresh.js"],
        "splash-worker.js": partial(splash_worker, config, theme),
        "splash-worker.off.js": lambda: theme.texts["splash-worker.off.js"],
    }
    texts: dict[str, Callable[[], str]] = {
        "favicon.svg": partial(favicon, site.overall),
        "splash.html": partial(splash_page, site, config, theme),
        "splash.tiny.html": partial(tiny_splash_page, site, config, theme),
        "banner.js": partial(banner_script, script, state),
        "banner.json": partial(banner_json, state),
    }
    if config.letters:
        unmoved[LETTER_PAGE] = partial(letter_page, config, theme)
    for path, text in unmoved.items():
        yield Page(path, (config.digest, theme.digest), partial(_make, path, text))
    for path, text in texts.items():
        yield Page(path, (config.digest, theme.digest, site), partial(_make, path, text), is_lasting=False)


def _make(path: str, text: Callable[[], str]) -> OutputFile:
    return output_file(path, text())
