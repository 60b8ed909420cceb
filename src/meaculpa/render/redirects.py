"""Addresses of an earlier status page -> pages that lead to ours, and copies of our feeds where it had its own."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath

from meaculpa.config import Config
from meaculpa.errors import Problem, Severity
from meaculpa.model import OutputFile
from meaculpa.names import REDIRECTS_FILE
from meaculpa.redirects import Redirect, ending_of
from meaculpa.render.environment import Theme
from meaculpa.render.headers import PINNED, on_disk, output_file
from meaculpa.render.pages import Page

# A feed is a feed, whatever it was called.
_FEEDS = {"atom", "rss", "xml"}
# What is served for ever, and what only letters may be.
_OURS = ("assets/", "letters/", PINNED)


def redirect_pages(
    redirects: Iterable[Redirect], files: Mapping[str, OutputFile], config: Config, theme: Theme
) -> Iterator[Page]:
    """List what answers at earlier addresses; every redirect leads to one of `files`."""
    for one in redirects:
        if one.is_copy:
            yield _copy(one, files[one.new])
        else:
            inputs = (config.site.url, theme.digest, theme.words[0].locale, one.new)
            yield Page(one.path, inputs, partial(_page, one, config, theme))


def unusable(redirects: Iterable[Redirect], pages: Collection[str]) -> dict[Redirect, Problem]:
    """Tell of redirects that lead nowhere, or stand where something else does; none of them is published."""
    files = {on_disk(path) for path in pages}
    folders = {folder for path in files for folder in _folders_of(path)}
    found = {}
    for one in redirects:
        place = on_disk(one.path)
        told = _what_is_wrong(one, place, pages, files, folders)
        if told:
            found[one] = Problem(REDIRECTS_FILE, one.line, *told, Severity.WARNING)
        else:
            files.add(place)
            folders.update(_folders_of(place))
    return found


def _what_is_wrong(
    one: Redirect, place: str, pages: Collection[str], files: set[str], folders: set[str]
) -> tuple[str, str] | None:
    if one.path in pages:
        return f'"{one.old}" is a page of this site', "remove the line"
    if one.old.startswith(_OURS):
        return f'"{one.old}" lies where this site keeps files of its own', "remove the line"
    if one.new not in pages:
        return f'"{one.old}" leads to "{one.new}", which is not there', "name a page that is published"
    if one.is_copy and not _is_same_kind(one):
        return f'"{one.old}" cannot lead to a file of another kind', "pages end in .html or in nothing"
    if place in files or place in folders or not files.isdisjoint(_folders_of(place)):
        return f'"{one.old}" stands where another file or folder does', "keep one of the two"
    return None


def _folders_of(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]


def _is_same_kind(one: Redirect) -> bool:
    old, new = ending_of(one.path), ending_of(one.new)
    return old == new or {old, new} <= _FEEDS


def _copy(one: Redirect, file: OutputFile) -> Page:
    return Page(one.path, (file.digest,), lambda: output_file(one.path, file.body))


def _page(one: Redirect, config: Config, theme: Theme) -> OutputFile:
    words, address = theme.words[0], f"{config.site.url}/{one.new}"
    text = theme.render("redirect.html.j2", lang=words.locale, dir=words.direction, say=words.say, address=address)
    return output_file(one.path, text, one.new)
