"""Markdown of an update -> safe HTML, and the pictures it shows.

Raw HTML is not a way to write an update: tags are shown as they were typed, comments are left out.
Everything the Markdown library makes passes nh3 (`safe.py`), so nothing that an update can contain runs or restyles
the page.
"""

import re
from functools import cache
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.fenced_code import FencedCodeExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from meaculpa.model import Markup
from meaculpa.render.safe import as_markup

_COMMENT = re.compile(r"(`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)\1(?!`)|<!--.*?-->", re.DOTALL)
_POINT = re.compile(r" {0,3}(?:[-*+]|\d{1,9}\.) +\S")
# In the midst of text, only what cannot be anything else: `1986. What a year.` is none.
_OPENS_LIST = re.compile(r" {0,3}(?:[-*+]|1\.) +\S")
_NO_TEXT = re.compile(r" {0,3}[#>|\x02]| {4}|\t")
_BARE_URL = r"(?<![\w/@])(https?://[^\s<>()\[\]\"'`]*[^\s<>()\[\]\"'`.,;:!?*_~])"

# Inline patterns, blocks and last steps of the library, and the signs without which a text cannot match them.
_NEEDED_SIGNS = {
    "backtick": "`",
    "escape": "\\",
    "reference": "]:",
    "link": "](",
    "image_link": "![",
    "image_reference": "]:",
    "short_reference": "]:",
    "short_image_ref": "]:",
    "autolink": "<",
    "automail": "<",
    "linebreak": "  \n",
    "entity": "&",
    "em_strong": "*",
    "bare_url": "://",
}
_NEEDED_SIGNS_OF_BLOCKS = {"hashheader": "#", "quote": ">", "reference": "]:", "table": "|"}
_NEEDED_SIGNS_OF_TREES = {"unescape": "\\"}
_SIGNS = tuple(dict.fromkeys((*_NEEDED_SIGNS.values(), *_NEEDED_SIGNS_OF_BLOCKS.values())))


def render_markup(text: str) -> Markup:
    """Render one update's Markdown; raises RecursionError where it is nested too deep."""
    try:
        return as_markup(_markdown(_signs_in(text)).reset().convert(text))
    except (RecursionError, MemoryError):
        # The library keeps where it was in nested lists; the next text would be rendered as if within them.
        _markdown.cache_clear()
        raise


def _signs_in(text: str) -> frozenset[str]:
    # Emphasis is written with either sign; the library has one pattern for both.
    return frozenset(sign for sign in _SIGNS if sign in text or (sign == "*" and "_" in text))


@cache
def _markdown(signs: frozenset[str]) -> Markdown:
    """A renderer for texts in which these signs occur: what cannot match is not tried, which halves the time."""
    extensions = [FencedCodeExtension(), SaneListExtension(), TableExtension(use_align_attribute=True), _Incident()]
    markdown = Markdown(extensions=extensions)
    for name, sign in _NEEDED_SIGNS.items():
        if sign not in signs:
            markdown.inlinePatterns.deregister(name)
    for name, sign in _NEEDED_SIGNS_OF_BLOCKS.items():
        if sign not in signs:
            markdown.parser.blockprocessors.deregister(name)
    for name, sign in _NEEDED_SIGNS_OF_TREES.items():
        if sign not in signs:
            markdown.treeprocessors.deregister(name)
    return markdown


class _Incident(Extension):
    """What is different in an incident: no raw HTML, links for bare addresses, headings below ours."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the library's name)
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.preprocessors.register(_CommentRemover(md), "comments", 20)
        md.preprocessors.register(_ListOpener(md), "lists", 15)
        md.inlinePatterns.register(_BareUrl(_BARE_URL, md), "bare_url", 115)
        md.treeprocessors.register(_HeadingLowerer(md), "headings", 5)


class _CommentRemover(Preprocessor):
    """Leaves out `<!-- ... -->`, but not within code."""

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        if "<!--" not in text:
            return lines
        return _COMMENT.sub(lambda match: match[0] if match[1] else "", text).split("\n")


class _ListOpener(Preprocessor):
    """Begins a list directly below a line of text, where the library wants an empty line (CommonMark, 5.2)."""

    def run(self, lines: list[str]) -> list[str]:
        made: list[str] = []
        is_in_list = is_text = False
        before = ""
        for line in lines:
            opens = is_text and _OPENS_LIST.match(line) is not None
            if opens:
                made.append("")
            is_point = _POINT.match(line) is not None and (opens or is_in_list or not before.strip())
            # A list goes on over empty lines where what follows is indented, and without one in any case.
            goes_on = is_in_list and (bool(before.strip()) or line.startswith((" ", "\t")))
            is_in_list = is_point or (is_in_list and not line.strip()) or goes_on
            is_text = not is_in_list and bool(line.strip()) and not _NO_TEXT.match(line)
            made.append(line)
            before = line
        return made


class _BareUrl(InlineProcessor):
    """Makes a link of an address that stands in the text."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(  # type: ignore[override]  # noqa: N802 (the library's name)
        self, m: re.Match[str], data: str
    ) -> tuple[ElementTree.Element, int, int]:
        del data
        element = ElementTree.Element("a", href=m[1])
        element.text = m[1]
        return element, m.start(0), m.end(0)


class _HeadingLowerer(Treeprocessor):
    """Keeps the page's outline: the incident owns the first two levels."""

    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            if element.tag in ("h1", "h2"):
                element.tag = "h3"
