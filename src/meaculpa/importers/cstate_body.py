"""The body of a cState file -> the messages in it, each with its time where the file gives one.

cState keeps all messages of an incident in one text, newest first, told apart by whatever its authors agreed
on: `{{< track "2018-04-13 16:50:00" >}}` after a message, `[Final message]` and `[Initial message]` above it,
`*Resolved* -` before it, a bold or bare time on a line of its own. Times are never invented: a message without
one stays in the first message, in the order in which it was written.
"""

import re
from datetime import datetime
from enum import Enum, auto

from msgspec import Struct

from meaculpa.importers.cstate_values import read_moment

_TRACK = re.compile(r"\{\{<\s*track\s+[\"“']?([^\"”'>]*)[\"”']?\s*>\}\}")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BRACKET = re.compile(
    r"\[(?P<word>final|initial|clos(?:e|ing)|open(?:ing)?|updated?|edit|end of)\b(?P<more>[^\]\n]*)\]"
    r"(?!\()[ \t]*(?P<text>.*)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?P<word>final|initial|closing|opening) message:?(?P<text>)", re.IGNORECASE)
_STATUS = re.compile(
    r"\*{1,2}(?P<word>resolved|monitoring|identified|investigating|just began|update)\*{1,2}"
    r"[ \t]*[-–—:][ \t]*(?P<text>.*)",
    re.IGNORECASE,
)
_TIMED = re.compile(
    r"\*{0,2}\[?(?P<label>[A-Za-z ]*?)[-– ]*"
    r"(?P<time>\d{4}-\d{2}-\d{2}[T ]+\d{1,2}[:h]\d{2}(?::\d{2})?(?:\s*(?:UTC|GMT|Z|[+-]\d{2}:?\d{2}))?)\]?:?\*{0,2}"
)


class Role(Enum):
    """What a message is within its incident."""

    FIRST = auto()
    MIDDLE = auto()
    LAST = auto()


_ROLES = {
    **dict.fromkeys(("final", "close", "closing", "end of", "resolved"), Role.LAST),
    **dict.fromkeys(("initial", "open", "opening", "investigating", "just began"), Role.FIRST),
}


class Message(Struct, frozen=True):
    """One message: its role, its text, and its time where the file gives one."""

    role: Role
    text: str
    at: datetime | None = None
    label: str = ""


def split_messages(body: str, notes: list[str]) -> list[Message]:
    """Find the messages of a body, in the order of the file; a body without any marker is one message."""
    if _TRACK.search(body):
        return _split_at_tracks(body, notes)
    hidden = _commented_lines(body)
    messages: list[Message] = []
    current, lines = Message(Role.FIRST, ""), []
    for number, line in enumerate(body.split("\n")):
        marker = None if number in hidden else _read_marker(line, notes)
        if marker is None:
            lines.append(line)
            continue
        messages += _finished(current, lines)
        current, lines = marker, [marker.text] if marker.text else []
    messages += _finished(current, lines)
    if hidden:
        notes.append("comments are kept; they are not published")
    return messages


def _finished(message: Message, lines: list[str]) -> list[Message]:
    text = "\n".join(lines).strip("\n")
    return [Message(message.role, text, message.at, message.label)] if text.strip() else []


def _commented_lines(body: str) -> set[int]:
    """Numbers of the lines that a comment touches: what looks like a marker there is a leftover, not a message."""
    lines: set[int] = set()
    for comment in _COMMENT.finditer(body):
        first = body.count("\n", 0, comment.start())
        lines |= set(range(first, first + comment[0].count("\n") + 1))
    return lines


def _read_marker(line: str, notes: list[str]) -> Message | None:
    timed = _TIMED.fullmatch(line.strip())
    if timed:
        at = read_moment(timed["time"].replace("h", ":"), notes, "the time of a message")
        if at:
            role = _ROLES.get(timed["label"].strip().casefold().split(" ")[0], Role.MIDDLE)
            return Message(role, "", at)
    match = _BRACKET.fullmatch(line) or _PLAIN.fullmatch(line.rstrip()) or _STATUS.fullmatch(line)
    if match is None:
        return None
    text = match["text"].strip()
    if text == "-->":
        notes.append("a stray --> after a marker is left out")
        text = ""
    more = match.groupdict().get("more") or ""
    label = f"{match['word']}{more}".strip()
    return Message(_ROLES.get(match["word"].casefold(), Role.MIDDLE), text, None, label)


def _split_at_tracks(body: str, notes: list[str]) -> list[Message]:
    messages: list[Message] = []
    position = 0
    for track in _TRACK.finditer(body):
        text, at = body[position : track.start()].strip(), read_moment(track[1], notes, "the time of a message")
        position = track.end()
        label = _STATUS.match(text)
        role = _ROLES.get(label["word"].casefold(), Role.MIDDLE) if label else Role.MIDDLE
        messages.append(Message(role, text[label.start("text") :] if label else text, at))
    rest = body[position:].strip()
    if rest:
        messages.append(Message(Role.FIRST, rest))
    return messages
