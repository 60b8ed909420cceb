"""Text from elsewhere -> text that can stand under the heading of an update."""

import re
from collections.abc import Iterator

from meaculpa.config import FACT_KEYS
from meaculpa.content.blocks import looks_like_update
from meaculpa.content.text import LARGEST_FILE
from meaculpa.importers.naming import fit_for_file
from meaculpa.render.markup import render_markup

_PICTURE = re.compile(r"!\[(?P<alternative>[^\]\n]*)\]\((?P<address>[^)\s]+)[^)\n]*\)")
_HEADING = re.compile(r"##(?!#)")
_POINT = re.compile(r"[ \t]*(?:[-*+]|\d+[.)]) |    |[ \t]*$")
_FIRST_POINT = re.compile(r"(?:[-*+]|1[.)]) ")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")


def fit_for_update(text: str, notes: list[str]) -> str:
    """Make a text stand under an update's heading.

    Nothing in it is or looks like the heading of an update, every code block and comment is closed, and pictures
    are links: a status page loads nothing from another host.
    """
    lowered = "\n".join(_with_marks_of_ours(fit_for_file(text).split("\n"), notes)).strip("\n")
    closed = _without_open_comment(lowered, notes)
    linked = _PICTURE.sub(_as_link, closed)
    if _shows_pictures(linked):
        linked = linked.replace("![", "[")
    if linked != closed:
        notes.append("pictures became links; put them into assets/ to show them")
    return _without_fact(linked, notes)


def _without_fact(text: str, notes: list[str]) -> str:
    """What begins like a fact of an update (`settled: all`) is text."""
    first, end, rest = text.partition("\n")
    key, colon, value = first.partition(":")
    if not colon or key.strip() not in FACT_KEYS:
        return text
    notes.append(f'"{first.strip()}" looks like a fact of an update; one sign of it is written in another way')
    return f"{key}&#58;{value}{end}{rest}"


def _shows_pictures(text: str) -> bool:
    """Whether there are pictures in a text that are written in some other way."""
    if "![" not in text or len(text) > LARGEST_FILE:
        return False
    try:
        return bool(render_markup(text).pictures)
    except RecursionError:
        return False


def _without_open_comment(text: str, notes: list[str]) -> str:
    begin = text.rfind("<!--")
    if begin < 0 or "-->" in text[begin:]:
        return text
    notes.append("a comment that never ends is shown as it was typed")
    return f"{text[:begin]}&lt;!--{text[begin + len('<!--') :]}"


def _as_link(picture: re.Match[str]) -> str:
    alternative, address = picture["alternative"] or "picture", picture["address"]
    is_address = address.startswith(("http://", "https://"))
    return f"[{alternative}]({address})" if is_address else f"{alternative} ({address})"


def _with_marks_of_ours(lines: list[str], notes: list[str]) -> Iterator[str]:
    fence, before = "", ""
    for line in lines:
        opening = _FENCE.fullmatch(line)
        if fence:
            fence = "" if line.rstrip() == fence else fence
        elif opening:
            fence = opening[1]
        elif _HEADING.match(line):
            notes.append(f'the heading "{line.strip("# ")}" is one level lower')
            line = f"### {line[2:].strip()}"
        elif looks_like_update(line):
            notes.append(f'the line "{line.strip()}" looks like an update; one sign of it is written in another way')
            line = line.replace("-", "&#45;", 1)
        elif _FIRST_POINT.match(line) and not _POINT.match(before):
            # With an empty line before it, every renderer begins a list here.
            yield ""
        yield line
        before = line
    if fence:
        notes.append("a code block that was never closed is closed")
        yield fence
