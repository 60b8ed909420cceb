"""Markdown as most updates are -> HTML, without the Markdown library.

Paragraphs, points, numbers, headings, marked words, links: what is simple is so narrow that the library makes but one
thing of it, and tests hold one against the other. Whatever else a text holds is the library's (`markup.py`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count, repeat

from meaculpa.model import Markup
from meaculpa.render.marked import to_markdown
from meaculpa.render.safe import LINK_RELATION, as_markup

# An address that stands in the text, in parts. Patterns that begin with a letter or sign are looked for many times as
# fast as those that begin with what must not stand before.
_BEGIN_OF_URL = r"http(?<![\w/@]http)"
_IN_URL = r"[^\s<>()\[\]\"'`]"
_REST_OF_URL = rf"{_IN_URL}*[^\s<>()\[\]\"'`.,;:!?*_~]"
BARE_URL = rf"({_BEGIN_OF_URL}s?://{_REST_OF_URL})"

# What can mean something else than itself.
_SIGNS = ("\\", "`", "<", ">", "_", "|", "![", "~~", " \n", "\n\n\n")
_NO_LETTER = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ENTITY = re.compile(r"&#?\w+;")
_POINT, _NUMBER = "- ", "1. "
_MARK = re.compile(r"- |1\. |#{3,4} |")
# Beginnings of lines, behind their marks, that can make another thing of them.
_OPENS_OTHERS = re.compile(r"[-#=+\s]|\d+[.)]")
# None of these can stand within another, for each leaves out a sign that the others have.
_LINK = re.compile(r"\[([^\[\]/*\n]+)\]\((https?://[^\s()\[\]\"'*]+)\)")
_IN_A_ROW = re.compile(rf"{_IN_URL}+")
_BARE = re.compile(rf"({_BEGIN_OF_URL}(?<!\]\(http)s?://{_REST_OF_URL})")
_MARKED = re.compile(r"(\*\*?)(?!\s)([^*/\[\]<\n]+)(?<!\s)\1(?!\*)")
_MARK_TAGS = {"*": "em", "**": "strong"}
_SPAN_SIGNS = ("[", "]", "*", "://")
_NAMED = rf'<a href="\2" rel="{LINK_RELATION}">\1</a>'
_NAMELESS = rf'<a href="\1" rel="{LINK_RELATION}">\1</a>'
# An update is asked for by its page, by the Markdown beside it and by lists, one soon after the other.
_MOST_KEPT = 512


def is_simple(text: str) -> bool:
    """Whether `render_simple` makes of a text what the library would."""
    return (
        not any(sign in text for sign in _SIGNS)
        and not _NO_LETTER.search(text)
        and _is_stripped(text)
        and _has_simple_spans(text)
        and _has_simple_blocks(text.split("\n\n"))
        and ("&" not in text or not ("://" in text or _ENTITY.search(text)))
    )


@lru_cache(_MOST_KEPT)
def render_simple(text: str) -> Markup:
    """Render a simple text, and write it as Markdown that any renderer makes the same of."""
    blocks = _with_tags(text.replace("&", "&amp;")).split("\n\n")
    html = "\n".join(map(_html, blocks, ["", *blocks], [*blocks[1:], ""]))
    markup = as_markup(html)
    if markup.html != html:
        # An address that is none.
        return Markup(markup.html, (), to_markdown(markup.html))
    blocks = (_BARE.sub(r"[\1](\1)", text) if _has_bare(text) else text).split("\n\n")
    return Markup(html, (), "\n\n".join(map(_markdown, blocks, ["", *blocks])))


def _is_stripped(text: str) -> bool:
    if text.isascii():
        return text != "" and text == text.strip()
    return all(line == line.strip() for line in text.split("\n")) and text == text.strip() != ""


def _has_simple_spans(text: str) -> bool:
    """Whether nothing is left that could be a span, once those that are known are taken out."""
    addresses = text.count("://")
    if "[" in text:
        text, links = _LINK.subn("<", text)
        if addresses != links + text.count("://"):
            # One address holds another.
            return False
    if "://" in text:
        if not all(map(_is_lone, _IN_A_ROW.finditer(text))):
            return False
        text = _BARE.sub("<", text)
    if "*" in text:
        text = _MARKED.sub("", text)
    return not any(sign in text for sign in _SPAN_SIGNS)


def _is_lone(row: re.Match[str]) -> bool:
    """Whether an address does not go on into marked words or a link."""
    return "://" not in row[0] or not ("*" in row[0] or row.string.startswith("<", row.end()))


def _has_bare(text: str) -> bool:
    return text.count("://") > text.count("](http")


def _with_tags(text: str) -> str:
    if _has_bare(text):
        text = _BARE.sub(_NAMELESS, text)
    if "[" in text:
        text = _LINK.sub(_NAMED, text)
    return _MARKED.sub(_tagged, text) if "*" in text else text


def _tagged(marked: re.Match[str]) -> str:
    tag = _MARK_TAGS[marked[1]]
    return f"<{tag}>{marked[2]}</{tag}>"


def _has_simple_blocks(blocks: Sequence[str]) -> bool:
    return all(map(_is_simple_block, blocks, ["", *blocks]))


def _is_simple_block(block: str, before: str) -> bool:
    """Whether all lines of a block have its mark, and what follows it begins as text."""
    mark = _mark(block)
    if not mark and "\n" not in block:
        return not _OPENS_OTHERS.match(block)
    lines = block.split("\n")
    if _NUMBER in (mark, _mark(before)) and {mark, _mark(before)} <= {_POINT, _NUMBER}:
        # Two lists of which the library would make one, with numbers that go on.
        return False
    if mark.startswith("#") and (block.endswith("#") or block != " ".join(block.split())):
        return False
    marks = (f"{number}. " for number in count(1)) if mark == _NUMBER else repeat(mark)
    return all(
        line.startswith(mark) and not _OPENS_OTHERS.match(line, len(mark))
        for line, mark in zip(lines, marks, strict=False)
    )


def _mark(block: str) -> str:
    """What marks the first line of a block; nothing in a paragraph."""
    found = _MARK.match(block)
    return found[0] if found else ""


def _html(block: str, before: str, after: str) -> str:
    mark = _mark(block)
    if not mark:
        return f"<p>{block}</p>"
    if mark not in (_POINT, _NUMBER):
        tag = f"h{len(mark) - 1}"
        return f"<{tag}>{block.removeprefix(mark)}</{tag}>"
    tag = "ul" if mark == _POINT else "ol"
    begins, ends = _begins_list(block, before), _begins_list(after, block)
    points = [line.partition(" ")[2] for line in block.split("\n")]
    # Points that an empty line parts are paragraphs.
    first = "" if begins else f"<li>\n<p>{points.pop(0)}</p>\n</li>"
    last = "" if ends or not points else f"<li>\n<p>{points.pop()}</p>\n</li>"
    items = filter(None, (first, *(f"<li>{point}</li>" for point in points), last))
    return ("" if not begins else f"<{tag}>\n") + "\n".join(items) + ("" if not ends else f"\n</{tag}>")


def _begins_list(block: str, before: str) -> bool:
    return not (block.startswith(_POINT) and before.startswith(_POINT))


def _markdown(block: str, before: str) -> str:
    # Behind a point that is a paragraph stands an empty line.
    return block if _begins_list(block, before) else block.replace("\n", "\n\n", 1)
