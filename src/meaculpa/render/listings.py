"""What machines read: robots.txt and the sitemaps, an index and a shard a month so that no file lists everything."""

from collections.abc import Iterable, Iterator
from html import escape

from meaculpa.config import Config
from meaculpa.render.headers import output_file
from meaculpa.render.pages import Page
from meaculpa.status import Month, Site

_NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def listings(site: Site, config: Config) -> Iterator[Page]:
    """List robots.txt, and the sitemaps that name the others and what belongs to no month."""
    url = config.site.url
    shards = ["pages", *(name for name, _ in site.history)]
    robots = f"User-agent: *\nAllow: /\nSitemap: {url}/sitemap.xml\n"
    yield _page("robots.txt", robots)
    yield _page("sitemap.xml", _sitemap("sitemapindex", "sitemap", [f"{url}/sitemaps/{name}.xml" for name in shards]))
    fixed = [
        "index.html",
        "history.html",
        "follow.html",
        *(f"incidents/{state.incident.id}.html" for state in site.upcoming),
    ]
    yield _page("sitemaps/pages.xml", _sitemap("urlset", "url", _in_all_languages(fixed, config)))


def month_sitemap(month: Month, config: Config) -> Page:
    """The sitemap of one month."""
    files = [f"history/{month.name}.html", *(f"incidents/{state.incident.id}.html" for state in month.states)]
    return _page(f"sitemaps/{month.name}.xml", _sitemap("urlset", "url", _in_all_languages(files, config)))


def _page(path: str, text: str) -> Page:
    return Page(path, (text,), lambda: output_file(path, text))


def _in_all_languages(files: Iterable[str], config: Config) -> list[str]:
    prefixes = ["", *(f"{locale}/" for locale in config.site.locales[1:])]
    return [f"{config.site.url}/{prefix}{file}" for file in files for prefix in prefixes]


def _sitemap(root: str, item: str, addresses: Iterable[str]) -> str:
    lines = (f"<{item}><loc>{escape(address, quote=False)}</loc></{item}>\n" for address in addresses)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {_NAMESPACE}>\n{"".join(lines)}</{root}>\n'
