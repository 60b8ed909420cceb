"""Markdown of an update -> safe HTML, and the pictures it shows.

Raw HTML is not a way to write an update: tags are shown as they were typed, comments are left out.
Everything the Markdown library makes passes nh3 (`safe.py`), so nothing that an update can contain runs or restyles
the page.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.fenced_code import FencedBlockPreprocessor, FencedCodeExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import InlineProcessor, LinkInlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import ETX, STX, AtomicString, Registry

from meaculpa.model import Markup
from meaculpa.render.safe import as_markup
from meaculpa.render.simple import BARE_URL

# Blocks and spans of code, and comments: whatever begins first hides what is in it.
_COMMENT = re.compile(
    rf"(?x:{FencedBlockPreprocessor.FENCED_BLOCK_RE.pattern})"
    r"|(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)(?P=ticks)(?!`)"
    r"|(?P<comment><!--.*?-->)",
    re.DOTALL | re.MULTILINE,
)
_POINT = re.compile(r" {0,3}(?:[-*+]|\d{1,9}\.) +\S")
# In the midst of text, only what cannot be anything else: `1986. What a year.` is none.
_OPENS_LIST = re.compile(r" {0,3}(?:[-*+]|1\.) +\S")
_NO_TEXT = re.compile(r" {0,3}[#>|\x02]| {4}|\t")
_LINK = r"\[(?<!!\[)"
# What follows the `[` of most links; whatever has another bracket, a quote, a space or a stash in it takes longer.
_SIMPLE_LINK = re.compile(r"([^\[\]]*)\]\(([^\s()<>'\"\x02]*)\)")
_EMPTY_LINE = re.compile(r"\n +(?=\n)")

# First steps, inline patterns, blocks and last steps of the library, and the signs without which a text cannot match
# them.
_NEEDED_SIGNS_OF_LINES = {"fenced_code_block": "```"}
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
_NEEDED_SIGNS_OF_BLOCKS = {
    "hashheader": "#",
    "hr": "---",
    "quote": ">",
    "reference": "]:",
    "setextheader": "---",
    "table": "|",
}
_NEEDED_SIGNS_OF_TREES = {"unescape": "\\"}
_SIGNS = frozenset((*_NEEDED_SIGNS_OF_LINES.values(), *_NEEDED_SIGNS.values(), *_NEEDED_SIGNS_OF_BLOCKS.values()))
# A rule, or the line that makes a heading of the one above, ends with a sign.
_LINE = "---"
_ENDS_AS_LINE = re.compile(r"[-=*_][^\S\n]*(?:\n|\Z)")
# What can stand for a sign, where that is not the sign itself alone.
_ANOTHER_WAY = {"_": "*", "~~~": "```", " \n": "  \n", "\t\n": "  \n"}
_SIGN_BY_WAY = {**{sign: sign for sign in _SIGNS - {_LINE}}, **_ANOTHER_WAY}
# What makes a link of a name may stand far from it.
_ELSEWHERE = "]:"
# What stands on both sides of these comes together, or on lines of its own, before anything is looked for.
_JOINTS = ("<!--", STX, ETX, "\r")


def render_markup(text: str) -> Markup:
    """Render one update's Markdown; raises RecursionError where it is nested too deep."""
    try:
        return as_markup(_markdown(_signs_in(text)).reset().convert(text))
    except (RecursionError, MemoryError):
        # The library keeps where it was in nested lists; the next text would be rendered as if within them.
        _markdown.cache_clear()
        raise


def _signs_in(text: str) -> frozenset[str]:
    if any(joint in text for joint in _JOINTS):
        return _SIGNS
    found = {sign for way, sign in _SIGN_BY_WAY.items() if way in text}
    return frozenset(found | {_LINE} if _ENDS_AS_LINE.search(text) else found)


@cache
def _markdown(signs: frozenset[str]) -> Markdown:
    """A renderer for texts in which these signs occur: what cannot match is not tried, which halves the time."""
    markdown = _whole()
    steps: list[tuple[Registry[Any], Mapping[str, str]]] = [
        (markdown.preprocessors, _NEEDED_SIGNS_OF_LINES),
        (markdown.inlinePatterns, _NEEDED_SIGNS),
        (markdown.parser.blockprocessors, _NEEDED_SIGNS_OF_BLOCKS),
        (markdown.treeprocessors, _NEEDED_SIGNS_OF_TREES),
    ]
    for registry, needed in steps:
        for name, sign in needed.items():
            if sign not in signs:
                registry.deregister(name)
    if _ELSEWHERE not in signs:
        markdown.treeprocessors.register(_PlainTextMarker(_ways_within(signs), markdown), "plain_texts", 25)
    # The library puts its steps in order whenever it looks for one; ours are what they are.
    markdown.treeprocessors["inline"].inlinePatterns = list(markdown.inlinePatterns)  # type: ignore[attr-defined]
    markdown.parser.blockprocessors = list(markdown.parser.blockprocessors)  # type: ignore[assignment]
    return markdown


def _ways_within(signs: frozenset[str]) -> tuple[str, ...]:
    """What a piece of text must have one of, for a pattern to match in it, where these signs occur in the whole."""
    within = signs & frozenset(_NEEDED_SIGNS.values())
    return (*within, *(way for way, sign in _ANOTHER_WAY.items() if sign in within))


def _whole() -> Markdown:
    extensions = [FencedCodeExtension(), SaneListExtension(), TableExtension(use_align_attribute=True), _Incident()]
    return Markdown(extensions=extensions)


class _Incident(Extension):
    """What is different in an incident: no raw HTML, links for bare addresses, headings below ours."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the library's name)
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.preprocessors.register(_WhitespaceNormalizer(md), "normalize_whitespace", 30)
        # Before the library takes blocks of code out of the text, at 25.
        md.preprocessors.register(_CommentRemover(md), "comments", 27)
        md.preprocessors.register(_ListOpener(md), "lists", 15)
        md.inlinePatterns.register(_Link(_LINK, md), "link", 160)
        md.inlinePatterns.register(_BareUrl(BARE_URL, md), "bare_url", 115)
        md.treeprocessors.register(_HeadingLowerer(md), "headings", 5)


class _WhitespaceNormalizer(Preprocessor):
    """Does what the library's own does, in less than half the time: one line end, no tabs, nothing in empty lines."""

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines).replace(STX, "").replace(ETX, "").replace("\r\n", "\n").replace("\r", "\n")
        return _EMPTY_LINE.sub("\n", f"{text}\n\n".expandtabs(self.md.tab_length)).split("\n")


class _CommentRemover(Preprocessor):
    """Leaves out `<!-- ... -->`, but not within code."""

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        if "<!--" not in text:
            return lines
        return _COMMENT.sub(lambda match: "" if match["comment"] else match[0], text).split("\n")


class _ListOpener(Preprocessor):
    """Begins a list directly below a line of text, where the library wants an empty line (CommonMark, 5.2)."""

    def run(self, lines: list[str]) -> list[str]:
        if not any(map(_OPENS_LIST.match, lines)):
            return lines
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


class _PlainTextMarker(Treeprocessor):
    """Marks texts in which no pattern can match, so that none is tried."""

    def __init__(self, ways: tuple[str, ...], md: Markdown) -> None:
        super().__init__(md)
        self._ways = ways

    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            text = element.text
            if text and not any(way in text for way in self._ways):
                element.text = AtomicString(text)


class _Link(LinkInlineProcessor):
    """Reads most links, `[words](address)`, at once; the library goes from sign to sign."""

    def handleMatch(  # type: ignore[override]  # noqa: N802 (the library's name)
        self, m: re.Match[str], data: str
    ) -> tuple[ElementTree.Element | str | None, int | None, int | None]:
        simple = _SIMPLE_LINK.match(data, m.end())
        if simple is None:
            return super().handleMatch(m, data)
        element = ElementTree.Element("a", href=simple[2])
        element.text = simple[1]
        return element, m.start(), simple.end()


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
