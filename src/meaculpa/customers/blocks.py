"""What a template of a letter writes, as parts from which text and HTML are made.

The templates (`letters/<locale>/<stage>.txt.j2`) write plain text: the first line is the subject. Lines that begin
with `|` are facts, with `*` the answers from which the customer chooses, with `-` a list, with `~` the signature.
"""

import functools
import re
import textwrap

from msgspec import Struct

_WIDTH = 76


class Block(Struct, frozen=True):
    """A part of a letter: `lines` are pairs for `facts` and `answers`, and single texts for other kinds."""

    kind: str
    lines: tuple[tuple[str, ...], ...]


_KINDS = {"|": "facts", "*": "answers", "-": "points", "~": "signature"}


def read_blocks(written: str) -> tuple[str, list[Block]]:
    """Cut what a template wrote into its subject and its parts."""
    subject, _, body = written.strip().partition("\n")
    parts = [[line.strip() for line in part.split("\n")] for part in re.split(r"\n[ \t]*\n", body.strip())]
    return " ".join(subject.split()), [_block([line for line in lines if line]) for lines in parts if any(lines)]


def _block(lines: list[str]) -> Block:
    kind = _KINDS.get(lines[0][0], "text")
    if kind == "text":
        return Block(kind, ((" ".join(lines),),))
    texts = [line[1:].strip() for line in lines]
    return Block(
        kind, tuple(tuple(text.split(": ", 1)) if kind in ("facts", "answers") else (text,) for text in texts)
    )


def block_text(block: Block) -> str:
    """A part of a letter as plain text."""
    if block.kind == "facts":
        width = max(len(label) for label, _ in block.lines) + 2
        return "\n".join(f"  {label + ':':<{width}}{value}" for label, value in block.lines)
    if block.kind == "answers":
        return "\n".join(_filled(f"{word}: {text}", "  ", "      ") for word, text in block.lines)
    if block.kind == "points":
        return "\n".join(_filled(text, "- ", "  ") for (text,) in block.lines)
    return "\n".join(_filled(text) for (text,) in block.lines)


def _filled(text: str, first: str = "", rest: str = "") -> str:
    return text if len(first) + len(text) <= _WIDTH and not first else _wrapper(first, rest).fill(text)


@functools.cache
def _wrapper(first: str, rest: str) -> textwrap.TextWrapper:
    return textwrap.TextWrapper(
        _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
