"""Safe HTML of an update -> plain text, for places that know no marks: chats, phones, feeds."""

import re
from functools import lru_cache
from html.parser import HTMLParser

_ENDS_BLOCK = {"p", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table", "hr"}
_BEGINS_POINT = re.compile(r"(?:-|\d\.) $")
_SPACE = re.compile(r"[ \t\n]+")


# The newest incidents stand in several files, which are made again with each edit of one of them.
@lru_cache(maxsize=2_048)
def to_text(html: str) -> str:
    """Write HTML as text: an empty line between blocks, `- ` for points, addresses behind the words of links."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (line.rstrip() for line in "".join(reader.pieces).strip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


class _Reader(HTMLParser):
    """Collects the pieces of a text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._lists: list[int | None] = []
        self._is_verbatim = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins."""
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._links.append((values.get("href", ""), len(self.pieces)))
        elif tag == "img":
            self.pieces.append(values.get("alt", ""))
        elif tag in ("br", "tr"):
            self._end_line()
        elif tag in ("td", "th"):
            self._separate()
        elif tag in ("ul", "ol"):
            self._end_line()
            self._lists.append(int(values.get("start") or 1) if tag == "ol" else None)
        elif tag == "li":
            self._begin_point()
        elif tag in _ENDS_BLOCK:
            self._is_verbatim = tag == "pre"
            self._end_block()

    def handle_endtag(self, tag: str) -> None:
        """End what the tag ends."""
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in _ENDS_BLOCK:
            self._is_verbatim = False
            self._end_block()

    def handle_data(self, data: str) -> None:
        """Take text over; line ends in it are spaces, as in a browser."""
        text = data if self._is_verbatim else _SPACE.sub(" ", data)
        if not self._is_verbatim and (not self.pieces or self.pieces[-1].endswith(("\n", " "))):
            text = text.lstrip(" ")
        if text:
            self.pieces.append(text)

    def _end_line(self) -> None:
        if self.pieces and not self.pieces[-1].endswith("\n"):
            self.pieces.append("\n")

    def _separate(self) -> None:
        if self.pieces and self.pieces[-1] == " ":
            self.pieces.pop()
        if self.pieces and not self.pieces[-1].endswith("\n"):
            self.pieces.append(" | ")

    def _end_block(self) -> None:
        is_in_point = bool(self._lists)
        if self.pieces and not (is_in_point and _BEGINS_POINT.search(self.pieces[-1])):
            self._end_line()
            if not is_in_point:
                self.pieces.append("\n")

    def _begin_point(self) -> None:
        self._end_line()
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            self.pieces.append(f"{indent}- ")
        else:
            self._lists[-1] = number + 1
            self.pieces.append(f"{indent}{number}. ")

    def _end_link(self, address: str, begin: int) -> None:
        words = "".join(self.pieces[begin:])
        shown = re.sub(r"^(mailto|tel):", "", address)
        if _letters(shown) not in _letters(words):
            self.pieces.append(f" ({shown})")


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)
