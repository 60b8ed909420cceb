"""Incidents -> passages: every text that customers read, its language, and where it stands in its file."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from meaculpa.lint.prose import Prose, read_prose
from meaculpa.lint.rules import Rule
from meaculpa.model import Incident, Source, Status, Translation

FIELDS = ("title", "summary", "works", "money", "reason")
_TOLD = r"meaculpa-ignore\s+(?P<{0}>MC\d{{3}}(?:[\s,]+MC\d{{3}})*)\s*(?::\s*(?P<{1}>[^\s:].*?))?"
_IGNORE = re.compile(
    rf"<!--\s*{_TOLD.format('a', 'why')}:?\s*-->|^#\s*{_TOLD.format('b', 'because')}:?[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_MEANT = re.compile(r"<!--[^>]*?meaculpa-ignore|^#[ \t]*meaculpa-ignore", re.MULTILINE | re.IGNORECASE)


class Passage(Struct, frozen=True):
    """A text in a file: a field of the front matter, or the body of an update, whose `status` it then has.

    `base` is where it begins in the file's text, None where that is not certain; `line` is where to look then.
    """

    path: str
    name: str
    locale: str
    raw: str
    prose: Prose
    file: str
    base: int | None
    line: int
    status: Status | None = None

    def place(self, start: int) -> tuple[int, int]:
        """The line and the column, both from 1 on, of a sign of the prose; the column is 0 where it is unknown."""
        return self.place_in_source(self.prose.origin(start))

    def place_in_source(self, start: int) -> tuple[int, int]:
        """The same for a sign of the text as it was written."""
        if self.base is None:
            return self.line, 0
        offset = self.base + start
        return self.file.count("\n", 0, offset) + 1, offset - self.file.rfind("\n", 0, offset)


class Ignored(Struct, frozen=True):
    """Where a file says that a rule does not count, and why; `begin` and `end` are lines."""

    rules: tuple[str, ...]
    reason: str
    line: int
    begin: int
    end: int

    def covers(self, rule: Rule, line: int) -> bool:
        """Whether it is about a finding."""
        return rule in self.rules and self.begin <= line <= self.end


def text_of(source: Source | None) -> str:
    """A file's text as it is counted in lines."""
    return source.content.decode("utf-8-sig", "replace").replace("\r\n", "\n") if source else ""


def passages(incident: Incident, sources: Mapping[str, Source], locale: str) -> Iterator[Passage]:
    """Take an incident apart, its translations included; `locale` is the language it is written in."""
    file = text_of(sources.get(incident.path))
    yield from _fields(incident, incident.path, locale, file)
    for item in incident.prevention:
        yield from (_field(incident.path, "prevention", text, locale, file) for text in (item.what, item.owner))
    for update in incident.updates:
        yield _body(incident.path, locale, update.body, update.status, file, update.line)
    for translation in incident.translations.values():
        file = text_of(sources.get(translation.path))
        yield from _fields(translation, translation.path, translation.locale, file)
        for update, body in zip(incident.updates, translation.bodies, strict=True):
            if body:
                yield _body(translation.path, translation.locale, body, update.status, file, 0)


def _fields(said: Incident | Translation, path: str, locale: str, file: str) -> Iterator[Passage]:
    for name in FIELDS:
        text = getattr(said, name)
        if text:
            yield _field(path, name, text, locale, file)


def _field(path: str, name: str, text: str, locale: str, file: str) -> Passage:
    end = file.find("\n---", 3)
    key = re.search(rf"^{name}:", file[: end if end > 0 else None], re.MULTILINE)
    begin = key.start() if key else 0
    base = file.find(text, begin, end)
    line = file.count("\n", 0, begin) + 1 if key else 0
    return Passage(path, name, locale, text, read_prose(text), file, base if base >= 0 else None, line)


def _body(path: str, locale: str, body: str, status: Status, file: str, line: int) -> Passage:
    body = body.replace("\r\n", "\n")
    begin = 0
    for _ in range(line - 1):
        begin = file.find("\n", begin) + 1
    base = file.find(body, begin) if body else -1
    shown = line or (file.count("\n", 0, base) + 1 if base >= 0 else 0)
    return Passage(path, "", locale, body, read_prose(body), file, base if base >= 0 else None, shown, status)


def ignored(file: str) -> list[Ignored]:
    """Find where a file takes rules back: in an update for that one, in the front matter for all of it."""
    lines = file.split("\n")
    heads = [number for number, line in enumerate(lines, start=1) if line.startswith("## ")]
    found, fence = [], file.find("\n---", 3)
    for match in _IGNORE.finditer(file):
        if match["b"] and match.start() > fence:
            # Below the front matter this heads a paragraph, and customers read it.
            continue
        line = file.count("\n", 0, match.start()) + 1
        before = [head for head in heads if head <= line]
        begin = before[-1] if before else 1
        after = [head for head in heads if head > line]
        end = (after[0] - 1 if after else len(lines)) if before else len(lines)
        rules = tuple(re.findall(r"MC\d{3}", match["a"] or match["b"]))
        found.append(Ignored(rules, " ".join((match["why"] or match["because"] or "").split()), line, begin, end))
    return found


def not_understood(file: str) -> list[int]:
    """The lines of comments that are meant to take a rule back, and are not written as they must be."""
    understood = {file.count("\n", 0, match.start()) + 1 for match in _IGNORE.finditer(file)}
    meant = [file.count("\n", 0, match.start()) + 1 for match in _MEANT.finditer(file)]
    return [line for line in meant if line not in understood]
