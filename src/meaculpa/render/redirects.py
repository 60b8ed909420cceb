"""Addresses of an earlier status page -> pages that lead to ours, and copies of our feeds where it had its own."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from meaculpa.config import Config
from meaculpa.model import OutputFile
from meaculpa.redirects import Redirect
from meaculpa.render.environment import Theme
from meaculpa.render.headers import output_file
from meaculpa.render.pages import Page


def redirect_pages(
    redirects: Iterable[Redirect], pages: Mapping[str, Page], config: Config, theme: Theme
) -> Iterator[Page]:
    """List what answers at earlier addresses; every redirect leads to one of `pages`."""
    for one in redirects:
        if one.is_copy:
            yield _copy(one, pages[one.new])
        else:
            inputs = (config.site.url, theme.digest, theme.words[0].locale, one.new)
            yield Page(one.path, inputs, partial(_page, one, config, theme))


def _copy(one: Redirect, page: Page) -> Page:
    return Page(one.old, page.inputs, lambda: output_file(one.old, page.produce().body))


def _page(one: Redirect, config: Config, theme: Theme) -> OutputFile:
    words, address = theme.words[0], f"{config.site.url}/{one.new}"
    text = theme.render("redirect.html.j2", lang=words.locale, dir=words.direction, say=words.say, address=address)
    return output_file(one.path, text, one.new)
