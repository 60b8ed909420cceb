"""HTML, or text with some HTML in it, from another status page -> Markdown."""

import re

import nh3

from meaculpa.importers.naming import fit_for_file
from meaculpa.render.marked import to_markdown
from meaculpa.render.safe import ATTRIBUTES, TAGS, URL_SCHEMES

# What a browser would take for a tag; anything else in angle brackets is what somebody typed: `<ID>`.
_HTML_TAGS = (
    *("a", "abbr", "b", "big", "blockquote", "br", "center", "cite", "code", "dd", "del", "div", "dl", "dt", "em"),
    *("font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s"),
    *("small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "time", "tr", "tt"),
    *("u", "ul", "var"),
)
# Attributes have a value: `p<q and r>s` is no quotation.
_ATTRIBUTES = r"(?:\s+[a-zA-Z:_-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*\s*/?"
_TYPED = re.compile(rf"<(?!/?(?:{'|'.join(_HTML_TAGS)}){_ATTRIBUTES}>)", re.IGNORECASE)
_SAME = {
    **{"b": "strong", "i": "em", "tt": "code", "kbd": "code", "h1": "h3", "h2": "h3"},
    **dict.fromkeys(("div", "dl", "dt", "dd", "center"), "p"),
}
_RENAMED = re.compile(rf"<(/?)({'|'.join(_SAME)}){_ATTRIBUTES}>", re.IGNORECASE)
_QUOTATION = re.compile(rf"<(/?)q{_ATTRIBUTES}>", re.IGNORECASE)
_PICTURE = re.compile(rf"<img({_ATTRIBUTES})>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>\s*\n?", re.IGNORECASE)
_MORE_BREAKS = re.compile(r"(?:<br>\s*){2,}")
_BLOCK = re.compile(r"<(?:p|ul|ol|table|pre|blockquote|h[1-6]|div)\b", re.IGNORECASE)


def as_markdown(text: str) -> str:
    """Write a text as Markdown that shows what a browser showed; a line end is one, and no word is lost."""
    text = fit_for_file(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    text = _PICTURE.sub(_as_link, text)
    text = _QUOTATION.sub(lambda tag: "”" if tag[1] else "“", text)
    html = _RENAMED.sub(lambda tag: f"<{tag[1]}{_SAME[tag[2].lower()]}>", _TYPED.sub("&lt;", text))
    html = _MORE_BREAKS.sub("\n\n", _BREAK.sub("<br>\n", html))
    if not _BLOCK.search(html):
        html = "".join(f"<p>{_with_breaks(part)}</p>\n" for part in re.split(r"\n\s*\n", html))
    return to_markdown(nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=URL_SCHEMES))


def _with_breaks(text: str) -> str:
    return re.sub(r"(?:<br>)?\n", "<br>\n", text.strip())


def _as_link(picture: re.Match[str]) -> str:
    """A status page loads nothing from another host: what a picture shows is linked."""
    values = dict(re.findall(r"""([a-z]+)\s*=\s*["']?([^"'<>]*)""", picture[1], re.IGNORECASE))
    address, words = values.get("src", ""), values.get("alt") or "picture"
    return f'<a href="{address}">{words}</a>' if address.startswith(("http://", "https://")) else words
