"""The body of an incident file -> what stands under each heading, untouched by meaning.

Headings inside code blocks and comments are not headings. What looks like one and is none, and blocks that are never
closed, are problems: either would hide an update.
"""

import re
from collections.abc import Iterable

from msgspec import Struct, field

from meaculpa.errors import Problem
from meaculpa.model import Status

HEADING_HINT = "write it like: ## 2026-11-22 09:20 investigating; headings within an update begin with ###"
MOMENT = re.compile(r"\s*(\d{4}-\d{2}-\d{2}(?:[ ]+|T)\d{1,2}:\d{2}(?::\d{2})?)(.*)")
_HEADING = re.compile(r"##(?!#)(.*)")
_BEGINS_NOTHING = re.compile(r"[^#`~\s\d]")
_FENCE = re.compile(r"(`{3,}|~{3,})[^`]*")
_FACT = re.compile(r"([A-Za-z0-9_-]+):(?:[ \t]+(.*))?")
_TIGHT_FACT = re.compile(r"(next_update|back_at|settled):(\S.*)")
_STATUSES = frozenset(map(str, Status))
_STRAY_HEADING = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]*)?\d{4}-\d{2}-\d{2}[ T]+\d{1,2}:\d{2}"
    r"[^.,;]{0,40}?[ :·–—-]([A-Za-z]+(?:[ _-][A-Za-z]+)?)[ #]*"
)


class RawUpdate(Struct, frozen=True):
    """What stands under one heading, before its meaning is checked; `facts` are (line, key, value)."""

    line: int
    heading: str
    facts: tuple[tuple[int, str, str], ...]
    body: str


def split_updates(lines: Iterable[str], first_line: int, path: str) -> tuple[list[RawUpdate], list[Problem]]:
    """Cut a body at its headings; gives what stands under each, and every problem."""
    scanner = _Scanner(path)
    raw: list[RawUpdate] = []
    current: tuple[int, str] | None = None
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=first_line):
        heading = scanner.read(number, line)
        if heading is None:
            block.append((number, line))
            continue
        raw += _finish(current, block, scanner)
        current, block = (number, heading), []
    scanner.end()
    return [*raw, *_finish(current, block, scanner)], scanner.problems


def oldest_first(raw_updates: list[RawUpdate]) -> list[RawUpdate]:
    """Turn a file round that has its newest update on top, as far as its headings tell by themselves."""
    moments = [match[1].replace("T", " ") for raw in raw_updates if (match := MOMENT.match(raw.heading))]
    return raw_updates[::-1] if len(moments) > 1 and moments[0] > moments[-1] else raw_updates


class _Scanner(Struct):
    """Goes through a body line by line, knowing whether it is in a code block or a comment."""

    path: str
    problems: list[Problem] = field(default_factory=list)
    fence: tuple[int, str] | None = None
    comment: int | None = None

    def read(self, number: int, line: str) -> str | None:
        """Take the next line; gives what stands behind `##` where it heads an update."""
        if self.fence is None and self.comment is None and _is_text(line):
            return None
        heading = _HEADING.fullmatch(line)
        if heading and MOMENT.fullmatch(heading[1]):
            self._leave_what_hides_it(number)
        if heading and self.fence is None and self.comment is None:
            return heading[1]
        if self.comment is None:
            self._follow_fence(number, line)
        if self.fence is None:
            self._follow_comment(number, line)
            if self.comment is None and looks_like_update(line):
                hint = "an update begins with ## at the very beginning of its line"
                self.complain(number, "this looks like an update, but stands within the one above", hint)
        return None

    def end(self) -> None:
        """Tell of what is still open at the end of the file."""
        if self.fence:
            self.complain(self.fence[0], "this code block is never closed", f"end it with a line {self.fence[1]}")
        if self.comment:
            self.complain(self.comment, "this comment is never closed", "end it with -->")

    def complain(self, number: int, message: str, hint: str) -> None:
        """Note a problem of a line."""
        self.problems.append(Problem(self.path, number, message, hint))

    def _leave_what_hides_it(self, number: int) -> None:
        if self.fence:
            hint = f"close the block that line {self.fence[0]} opens with {self.fence[1]}"
            self.complain(number, "an update begins inside a code block", hint)
        if self.comment:
            self.complain(
                number, "an update begins inside a comment", f"end the comment of line {self.comment} with -->"
            )
        self.fence = self.comment = None

    def _follow_fence(self, number: int, line: str) -> None:
        """Code blocks as the Markdown library's fenced_code sees them: from the first column on."""
        if self.fence:
            self.fence = None if line.rstrip() == self.fence[1] else self.fence
            return
        opening = _FENCE.fullmatch(line)
        self.fence = (number, opening[1]) if opening else None

    def _follow_comment(self, number: int, line: str) -> None:
        """Where a comment begins that its line does not end, and where it ends; code spans do not count."""
        if self.comment is None and "<!--" not in line:
            return
        rest = line if self.comment else re.sub(r"`[^`]*`", "", line)
        while True:
            if self.comment:
                _, end, rest = rest.partition("-->")
                if not end:
                    return
                self.comment = None
            _, begin, rest = rest.partition("<!--")
            if not begin:
                return
            self.comment = number


def _is_text(line: str) -> bool:
    """Whether a line can be nothing else, as most are: the others are looked at more closely."""
    return not line or (_BEGINS_NOTHING.match(line) is not None and "<!--" not in line)


def looks_like_update(line: str) -> bool:
    """Whether a line that is no heading reads like that of an update."""
    match = _STRAY_HEADING.fullmatch(line)
    if match is None:
        return False
    words = re.split(r"[ -]", match[1].casefold())
    return "_".join(words) in _STATUSES or words[-1] in _STATUSES


def _finish(current: tuple[int, str] | None, block: list[tuple[int, str]], scanner: _Scanner) -> list[RawUpdate]:
    if current is None:
        text = next((number for number, line in block if line.strip()), None)
        if text:
            scanner.complain(text, "text before the first update", HEADING_HINT)
        return []
    facts, rest = _split_facts(block)
    body = "\n".join(line.rstrip("\n") for _, line in rest).strip("\n").rstrip()
    return [RawUpdate(current[0], current[1], tuple(facts), body)]


def _split_facts(block: list[tuple[int, str]]) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """Fact lines run from the first line to the first empty one, if the first looks like one."""
    if not block or not match_fact(block[0][1]):
        return [], block
    facts: list[tuple[int, str, str]] = []
    for position, (number, line) in enumerate(block):
        if not line.strip():
            return facts, block[position:]
        match = match_fact(line)
        facts.append((number, match[1], (match[2] or "").strip()) if match else (number, "", line.strip()))
    return facts, []


def match_fact(line: str) -> re.Match[str] | None:
    """Match a line that states a fact: key, colon, value."""
    return _FACT.fullmatch(line.strip()) or _TIGHT_FACT.fullmatch(line.strip())
