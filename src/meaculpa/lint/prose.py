"""Markdown -> what a reader sees as running text, each sign knowing where in the source it stood."""

import functools
import re
from bisect import bisect_right

from msgspec import Struct

# What no reader reads as text becomes a gap or a mark; what ends a block becomes a line's end.
_PARTS = re.compile(
    r"""
      (?P<gap> ^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^(?P=fence)[ \t]*$|\Z) | [ \t]*<!--.*?(?:-->|\Z)[ \t]* )
    | (?P<mark> (?P<ticks>`+)[^`\n]+(?P=ticks) | <https?://[^>\s]*> | \bhttps?://[^\s<>)\]]*[^\s<>)\].,;:!?'"] )
    | (?P<target> !?\[(?=[^\[\]\n]*\]\() | \]\([^()\s]*(?:\s+"[^"\n]*")?\) )
    | (?P<end> [ \t]*\n(?:[ \t]*\n\s*|(?=[ \t]*(?:[-*+>|]|\d{1,3}[.)]|\#{1,6})[ \t]))[ \t]* | [ \t]*[|][ \t]* )
    | (?P<lead> ^[ \t]*(?:[-*+>]|\d{1,3}[.)]|\#{1,6})[ \t]+ )
    | (?P<space> [^\S\n]*\n[^\S\n]* | [^\S\n\x20]+\x20* | \x20{2,} )
    | (?P<drop> \*+ | ~~ | (?<!\w)_+(?=[^\W_]) | (?<=[^\W_])_+(?!\w) | \\(?=[^\w\s]) )
    | (?P<plain> [^\s`<>\[\]*_~\\|h\#!-]+(?:\x20[^\s`<>\[\]*_~\\|h\#!-]+)* | [h!] )
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_SHOWN_AS = {"gap": " ", "mark": "…", "target": "", "end": "\n", "lead": "", "space": " ", "drop": ""}
# `a.m.`, `e.g.`, `z. B.` and the like end no sentence; nor does the day in `20. November`.
_SHORT = "".join(rf"(?<!\b{word}\.)" for word in ("[A-Za-z]", "No", "Mr", "Mrs", "Ms", "Dr", "Nr", "ca", "approx"))
_MONTHS = "Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez"
_SENTENCE_END = re.compile(rf"\n|(?:[!?]|\.{_SHORT}(?!(?<=\d\.)\s(?:{_MONTHS})))[\"”“’)\]]*\s+(?=[^\sa-zäöü])")


class Prose(Struct, frozen=True):
    """A text as it is read: one line a paragraph, a heading or a point of a list; `starts` lead to the source."""

    text: str
    starts: tuple[tuple[int, int], ...]

    def origin(self, offset: int) -> int:
        """Where in the source a sign of the text stood."""
        here = self.starts[bisect_right(self.starts, (offset, 1 << 60)) - 1]
        return here[1] + offset - here[0]


class Sentence(Struct, frozen=True):
    """A sentence and where in its text it begins."""

    text: str
    start: int


def read_prose(markdown: str) -> Prose:
    """Take the marks out of a text."""
    pieces, starts = list[str](), [(0, 0)]
    length = position = 0
    for match in _PARTS.finditer(markdown):
        if match.lastgroup == "plain":
            continue
        plain = markdown[position : match.start()]
        kind = str(match.lastgroup)
        shown = _SHOWN_AS["gap" if kind == "fence" else "mark" if kind == "ticks" else kind]
        pieces += [plain, shown]
        length += len(plain) + len(shown)
        position = match.end()
        starts.append((length, position))
    pieces.append(markdown[position:])
    return Prose("".join(pieces), tuple(starts))


@functools.lru_cache(maxsize=64)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Cut a text into sentences; points of a list and headings are sentences of their own."""
    found, position = list[Sentence](), 0
    for match in _SENTENCE_END.finditer(text):
        end = match.start() + (match[0] != "\n")
        found.append(Sentence(text[position:end], position))
        position = match.end()
    found.append(Sentence(text[position:], position))
    return tuple(one for one in found if one.text.strip())
