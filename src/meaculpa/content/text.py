"""The bytes of an incident file -> its lines, or why they cannot be read; front matter from body."""

import re

from msgspec import Struct

from meaculpa.errors import Problem
from meaculpa.model import Source

LARGEST_FILE = 65_536
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Halves(Struct, frozen=True):
    """Front matter and body of a file, each with the number of its first line."""

    front: str
    front_line: int
    body: tuple[str, ...]
    body_line: int


def split_file(source: Source) -> Halves | Problem:
    """Take a file apart at its two `---` lines."""
    text = _decode(source)
    if isinstance(text, Problem):
        return text
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return Problem(source.path, 1, "the front matter is missing", "the first line of an incident file is ---")
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == "---":
            return Halves("\n".join(lines[1 : number - 1]), 2, tuple(lines[number:]), number + 1)
    return Problem(
        source.path, 1, "the front matter is never closed", "put a line --- between it and the first update"
    )


def _decode(source: Source) -> str | Problem:
    content = source.content
    if len(content) > LARGEST_FILE:
        return Problem(
            source.path, 0, "the file is larger than 64 KB", "an incident is text; pictures go into assets/"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(source.path, line, "not UTF-8 text", "save the file as UTF-8")
    if not text.strip():
        return Problem(source.path, 1, "the file is empty", "`meaculpa new` writes one to begin with")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        name = "a NUL byte" if control.group() == "\0" else f"the control character U+{ord(control.group()):04X}"
        return Problem(source.path, line, f"{name} in the text", "remove it")
    return text
