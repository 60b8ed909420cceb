"""Safe HTML of an update -> Markdown again: all that the page shows, and nothing that it does not.

The source is no way to the same end: it may hold comments, and links that a page would not make.
"""

import re
from collections.abc import Callable
from html import unescape

from msgspec import Struct, field

from meaculpa.render.safe import TAG

_VERBATIM = {"code", "pre"}
_MARKS = ("*", "`")
_INLINE = {"a", "em", "strong", "time"}
_BETWEEN_WORDS = {"", "blockquote", "li"}
_NO_TEXT = {"", "blockquote", "li", "ol", "table", "tbody", "thead", "tr", "ul"}
# Signs that mean something wherever they stand (CommonMark, section 2.4), and at the beginning of a line.
_SIGNS = re.compile(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)")
_NEED_ENTITIES = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)|~(?=~)")
_ANY_SIGN = re.compile(r"[\\`*\[\]_<&~]")
_ENTITIES = {"<": "&lt;", "&": "&amp;", "~": "&#126;"}
_LINE_SIGNS = re.compile(r"^([ \t]*)([#>+=-]|\d+(?=[.)]))", re.MULTILINE)
# Enough for every renderer: the original Markdown wants four spaces, CommonMark as many as the mark is wide.
_INDENT = "    "
_LINE_BREAK = "  \n"
# A list cannot begin with a longer one (CommonMark, section 5.2).
_NUMBER = re.compile(r"[0-9]{1,9}")
_PARTS_ADDRESS = re.compile(r"[\s()]")
_VALUE = re.compile(r'([a-z]+)="([^"]*)"')
# Stands in empty lines of code, which are as many as they are, until all is written; no text has it.
_EMPTY_LINE_OF_CODE = "\x02"
_MORE_THAN_ONE_EMPTY = re.compile(r"\n{3,}")


class _Element(Struct):
    """An element whose end has not come yet, and the Markdown of what it holds so far."""

    tag: str
    values: dict[str, str] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_at_line_start(self) -> bool:
        return not self.pieces or self.pieces[-1].endswith("\n")


def to_markdown(html: str) -> str:
    """Write HTML that has passed nh3 as Markdown that a renderer makes the same HTML of."""
    opened = [_Element("")]
    for place, part in enumerate(TAG.split(html)):
        if place % 2 == 0:
            if part:
                _write_text(unescape(part), opened)
        elif part.startswith("</"):
            _end(opened)
        else:
            _begin(part, opened)
    return _MORE_THAN_ONE_EMPTY.sub("\n\n", opened[0].text).strip().replace(_EMPTY_LINE_OF_CODE, "")


def escape_markdown(text: str) -> str:
    """Write plain text so that a renderer shows just that."""
    return _escape_lines(_escape(text))


def _escape_lines(text: str) -> str:
    # Most pieces are one line that begins with a letter; beginnings of lines are looked for at every sign.
    return text if text[:1].isalpha() and "\n" not in text else _LINE_SIGNS.sub(_escape_line, text)


def _escape(text: str) -> str:
    # Most of what stands between two tags holds none of these signs, and looking costs less than replacing.
    if not _ANY_SIGN.search(text):
        return text
    return _NEED_ENTITIES.sub(lambda match: _ENTITIES[match[0]], _SIGNS.sub(r"\\\g<0>", text))


def _escape_line(match: re.Match[str]) -> str:
    sign = match[2]
    return f"{match[1]}{sign}\\" if sign.isdigit() else f"{match[1]}\\{sign}"


def _begin(tag: str, opened: list[_Element]) -> None:
    """Open an element, or write one that holds nothing."""
    name, _, values = tag[1:-1].partition(" ")
    found = {key: unescape(value) for key, value in _VALUE.findall(values)} if values else {}
    element = _Element(name, found)
    if name in _VOID_WRITERS:
        opened[-1].pieces.append(_VOID_WRITERS[name](element))
    else:
        opened.append(element)


def _end(opened: list[_Element]) -> None:
    """Write the element that ends; nh3 has closed all in their order."""
    element, parent = opened[-1], opened[-2]
    text = _WRITERS[element.tag](element, parent)
    if text.startswith(_MARKS) and _ends_with_mark(parent, text[0]):
        # Two that touch would be read as one.
        parent.pieces.append(" ")
    parent.pieces.append(text)
    opened.pop()


def _ends_with_mark(element: _Element, mark: str) -> bool:
    last = element.pieces[-1] if element.pieces else ""
    return last.endswith(mark) and not last.endswith(f"\\{mark}")


def _write_text(text: str, opened: list[_Element]) -> None:
    """Write text, with what would mean something escaped; line ends between elements mean nothing."""
    element = opened[-1]
    if element.tag in _VERBATIM:
        element.pieces.append(text)
    elif not text.strip() and element.tag in _NO_TEXT:
        # Between words that are marked, it is the space between them.
        if element.tag in _BETWEEN_WORDS and not element.is_at_line_start:
            element.pieces.append("\n" if "\n" in text else text)
    else:
        if element.pieces and element.pieces[-1] == _LINE_BREAK:
            text = text.removeprefix("\n")
        begins_line = element.is_at_line_start and element.tag not in _INLINE
        first, end, rest = ("", "", _escape(text)) if begins_line else _escape(text).partition("\n")
        element.pieces.append(first + end + _escape_lines(rest) if rest else first + end)


def _as_it_is(element: _Element, _parent: _Element) -> str:
    return element.text.strip("\n") + "\n"


def _paragraph(element: _Element, _parent: _Element) -> str:
    return f"\n\n{element.text.strip()}\n\n"


def _table(element: _Element, _parent: _Element) -> str:
    """A table; one without a head gets an empty one, for Markdown has no other."""
    rows = element.text.strip()
    if " --- |" not in rows:
        columns = rows.split("\n")[0].count(" |")
        rows = f"|{'  |' * columns}\n|{' --- |' * columns}\n{rows}"
    return f"\n\n{rows}\n\n"


def _heading(element: _Element, _parent: _Element) -> str:
    return f"\n\n{'#' * int(element.tag[1])} {' '.join(element.text.split())}\n\n"


def _around(sign: str) -> Callable[[_Element, _Element], str]:
    return lambda element, _parent: f"{sign}{element.text}{sign}" if element.text.strip() else element.text


def _code(element: _Element, parent: _Element) -> str:
    if parent.tag == "pre":
        return element.text
    fence = _fence(element.text, 1)
    pad = " " if element.text.startswith("`") or element.text.endswith("`") else ""
    return f"{fence}{pad}{element.text}{pad}{fence}"


def _fenced(element: _Element, _parent: _Element) -> str:
    fence = _fence(element.text, 3)
    code = re.sub(r"(?<=\n)(?=\n)", _EMPTY_LINE_OF_CODE, element.text.rstrip("\n"))
    return f"\n\n{fence}\n{code}\n{fence}\n\n"


def _fence(text: str, least: int) -> str:
    """As many backticks as the text does not have in a row."""
    return "`" * max(least, *(len(row) + 1 for row in re.findall(r"`+", text)), 0)


def _link(element: _Element, _parent: _Element) -> str:
    address = element.values.get("href", "")
    if not address:
        return element.text
    return f"[{element.text}]({_address(address)})"


def _picture(element: _Element) -> str:
    return f"![{escape_markdown(element.values.get('alt', ''))}]({_address(element.values.get('src', ''))})"


def _address(address: str) -> str:
    return f"<{address}>" if _PARTS_ADDRESS.search(address) else address


def _quote(element: _Element, _parent: _Element) -> str:
    text = _MORE_THAN_ONE_EMPTY.sub("\n\n", element.text).strip()
    return "\n\n" + "\n".join(f"> {line}" if line else ">" for line in text.split("\n")) + "\n\n"


def _list(element: _Element, parent: _Element) -> str:
    around = "\n" if parent.tag == "li" else "\n\n"
    return around + element.text.rstrip() + around


def _point(element: _Element, parent: _Element) -> str:
    mark = "- "
    if parent.tag == "ol":
        start = parent.values.get("start", "")
        number = int(start) if _NUMBER.fullmatch(start) else 1
        mark = f"{number}. "
        parent.values["start"] = str(number + 1)
    lines = _MORE_THAN_ONE_EMPTY.sub("\n\n", element.text).strip().split("\n")
    is_loose = any(piece.startswith("\n\n") for piece in element.pieces)
    return mark + "\n".join(line and _INDENT + line for line in lines).lstrip() + ("\n\n" if is_loose else "\n")


def _cell(element: _Element, _parent: _Element) -> str:
    return " " + " ".join(element.text.replace("|", r"\|").split()) + " |"


def _row(element: _Element, parent: _Element) -> str:
    row = f"|{element.text}\n"
    return row + "|" + " --- |" * len(element.pieces) + "\n" if parent.tag == "thead" else row


_WRITERS: dict[str, Callable[[_Element, _Element], str]] = {
    "p": _paragraph,
    "table": _table,
    **dict.fromkeys(("h3", "h4", "h5", "h6"), _heading),
    "a": _link,
    "blockquote": _quote,
    "code": _code,
    "em": _around("*"),
    "li": _point,
    "ol": _list,
    "pre": _fenced,
    **dict.fromkeys(("thead", "tbody"), _as_it_is),
    "strong": _around("**"),
    "td": _cell,
    "time": lambda element, _parent: element.text,
    "th": _cell,
    "tr": _row,
    "ul": _list,
}
_VOID_WRITERS: dict[str, Callable[[_Element], str]] = {
    "br": lambda _: _LINE_BREAK,
    "hr": lambda _: "\n\n---\n\n",
    "img": _picture,
}
