"""Text from elsewhere -> text that can stand under the heading of an update."""

import re
from collections.abc import Iterator

_PICTURE = re.compile(r"!\[(?P<alternative>[^\]\n]*)\]\((?P<address>[^)\s]+)[^)\n]*\)")
_HEADING = re.compile(r"##(?!#)")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")


def fit_for_update(text: str, notes: list[str]) -> str:
    """Make a text stand under an update's heading.

    No heading of an update is in it, every code block is closed, and pictures are links: a status page loads
    nothing from another host.
    """
    lowered = "\n".join(_with_lower_headings(text.split("\n"), notes)).strip("\n")
    linked = _PICTURE.sub(_as_link, lowered)
    if linked != lowered:
        notes.append("pictures became links; put them into assets/ to show them")
    return linked


def _as_link(picture: re.Match[str]) -> str:
    alternative, address = picture["alternative"] or "picture", picture["address"]
    is_address = address.startswith(("http://", "https://"))
    return f"[{alternative}]({address})" if is_address else f"{alternative} ({address})"


def _with_lower_headings(lines: list[str], notes: list[str]) -> Iterator[str]:
    fence = ""
    for line in lines:
        opening = _FENCE.fullmatch(line)
        if fence:
            fence = "" if line.rstrip() == fence else fence
        elif opening:
            fence = opening[1]
        elif _HEADING.match(line):
            notes.append(f'the heading "{line.strip("# ")}" is one level lower')
            line = f"### {line[2:].strip()}"
        yield line
    if fence:
        notes.append("a code block that was never closed is closed")
        yield fence
