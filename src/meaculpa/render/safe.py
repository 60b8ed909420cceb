"""HTML from anywhere -> what is safe of it: a closed list of elements, attributes and addresses."""

import re
from functools import cache

import nh3

from meaculpa.model import Markup

# A tag of safe HTML; a quoted value in it may hold any sign but its quote.
TAG = re.compile(r"""(<[^>"]*(?:"[^"]*"[^>"]*)*>)""")
_PICTURE = re.compile(r'(<img [^>]*?src=")(?:\.\./|/)*([^"]*)(")')

TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
    ),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
URL_SCHEMES = {"http", "https", "mailto", "tel"}
# What every link is given: the page that it leads to learns nothing of ours.
LINK_RELATION = "noopener noreferrer"


def as_markup(html: str) -> Markup:
    """Take what is safe of HTML, wherever it comes from; what has been taken once is taken whole."""
    html = _cleaner().clean(html)
    if "<img" not in html:
        return Markup(html)
    html = _PICTURE.sub(r"\1\2\3", html)
    return Markup(html, tuple(dict.fromkeys(match[2] for match in _PICTURE.finditer(html))))


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=URL_SCHEMES,
        link_rel=LINK_RELATION,
    )
