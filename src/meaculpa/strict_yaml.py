"""YAML text -> plain values with a line for each, refusing what YAML only pretends to mean.

Every scalar stays the text that was written: YAML 1.1 would read `10:30` as 630 and `off` as False.
Anchors, aliases, tags and duplicate keys are refused: the first two are how small files become huge ones,
and of two equal keys one would be lost without a word.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct, field

from meaculpa.errors import Problem

Place = tuple[str | int, ...]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 12
_LONGEST = 16_384
_COLOUR_AS_COMMENT = re.compile(r":\s+(#[0-9a-fA-F]{3,6}\b)")


class YamlMistake(Exception):
    """YAML that cannot be used, with the line where it goes wrong."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint


class Document(Struct, frozen=True):
    """A mapping of texts, lists and mappings, and the line (from 1) where each key or item stands."""

    values: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict)
    duplicates: tuple[tuple[str, int], ...] = ()

    def line_of(self, place: Place) -> int:
        """Find the line of the nearest place that the file really holds."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problems(self, path: str) -> list[Problem]:
        """Tell of each key that stands twice."""
        return [
            Problem(path, line, f'the key "{key}" stands here a second time', "keep one of the two")
            for key, line in self.duplicates
        ]


def load(text: str, first_line: int = 1, longest: int = _LONGEST) -> Document:
    """Read one YAML mapping whose first line is line `first_line` of its file; raises YamlMistake.

    More than `longest` bytes are not looked at.
    """
    if len(text.encode()) > longest:
        raise YamlMistake(
            first_line, f"more than {longest // 1024} KB of YAML", "long texts belong into an incident's updates"
        )
    _refuse_swallowed_values(text, first_line)
    reader = _Reader(first_line, text.split("\n"))
    try:
        events = yaml.parse(text, Loader=_Loader)
        values = reader.read_document(events)
    except yaml.MarkedYAMLError as error:
        raise _from_yaml(error, text, first_line) from None
    except yaml.reader.ReaderError as error:
        raise YamlMistake(first_line, f"a character that may not stand here: {error.character!r}") from None
    return Document(values, reader.lines, tuple(reader.duplicates))


def _refuse_swallowed_values(text: str, first_line: int) -> None:
    """`accent: #0b57d0` would have no value at all."""
    for number, line in enumerate(text.split("\n"), start=first_line):
        match = _COLOUR_AS_COMMENT.search(line)
        if match:
            hint = f'put it in quotes: "{match[1]}"'
            raise YamlMistake(number, f"{match[1]} would be lost, as a comment", hint)


_WORDINGS = (
    (
        "mapping values are not allowed",
        "a second colon in one value",
        'put the whole text in quotes: title: "Checkout: slow"',
    ),
    ("expected alphabetic or numeric character", "a * or & that is not in quotes", 'put the text in quotes: "/*"'),
    ("expected ',' or", "a bracket is not closed, or a text in it needs quotes", 'write it like {accent: "#0b57d0"}'),
    ("unexpected end of stream", "a quotation mark is opened here and never closed", "close it on the same line"),
    ("could not find expected ':'", "this line is no key: value", "write key: value"),
    (
        "character that cannot start any token",
        "a character that may not begin a text",
        "put the whole text in quotes",
    ),
)


def _from_yaml(error: yaml.MarkedYAMLError, text: str, first_line: int) -> YamlMistake:
    """Say in our words what the parser found, and where a person would look for it."""
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "this cannot be read"
    if "unexpected end of stream" in problem:
        mark = error.context_mark or mark
    number = mark.line if mark else 0
    lines = text.split("\n")
    if number < len(lines) and lines[number].lstrip(" ").startswith("\t"):
        return YamlMistake(first_line + number, "a tab stands before this line", "indent with spaces")
    for sign, message, hint in _WORDINGS:
        if sign in problem:
            return YamlMistake(first_line + number, message, hint)
    return YamlMistake(first_line + number, f"not readable as YAML: {problem}")


class _Reader:
    """Builds values from parser events, noting lines and duplicates as it goes."""

    def __init__(self, first_line: int, source: list[str]) -> None:
        self.first_line = first_line
        self.source = source
        self.lines: dict[Place, int] = {}
        self.duplicates: list[tuple[str, int]] = []

    def read_document(self, events: Iterator[Any]) -> dict[str, Any]:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            return {}
        first = next(events)
        if isinstance(first, yaml.ScalarEvent) and first.value == "" and first.implicit[0]:
            return {}
        if not isinstance(first, yaml.MappingStartEvent):
            raise YamlMistake(self._line(first), "this is not a list of keys and values", "write key: value")
        values = self._mapping(first, events, ())
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise YamlMistake(self._line(after), "a second YAML document begins here", "one is enough")
        return values

    def _line(self, event: Any) -> int:
        return self.first_line + int(event.start_mark.line)

    def _refuse_tricks(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlMistake(
                self._line(event),
                "YAML anchors and aliases (& and *) are not used here",
                "quote the text, or write it out",
            )
        if getattr(event, "tag", None):
            raise YamlMistake(self._line(event), f"YAML tags such as {event.tag} are not used here", "quote the text")

    def _refuse_swallowed_text(self, event: Any) -> None:
        """`Order #5 is lost` would be read as `Order`: a comment has a space behind its sign, a number has none."""
        end = event.end_mark
        if not event.style and event.value and end.line < len(self.source):
            rest = self.source[end.line][end.column :]
            if re.match(r"\s+#[^\s#]", rest):
                raise YamlMistake(
                    self.first_line + int(end.line),
                    f'what stands from "{rest.strip()[:20]}" on would be lost, as a comment',
                    "put the whole text in quotes, or a space behind the # of a comment",
                )

    def _value(self, event: Any, events: Iterator[Any], place: Place) -> Any:
        self._refuse_tricks(event)
        if len(place) > _DEEPEST:
            raise YamlMistake(self._line(event), "nested too deep", f"at most {_DEEPEST} levels")
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_swallowed_text(event)
            plain_null = event.implicit[0] and event.value in ("", "~", "null")
            return None if plain_null else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, place)
        return self._mapping(event, events, place)

    def _sequence(self, events: Iterator[Any], place: Place) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*place, len(items))
            self.lines[here] = self._line(event)
            items.append(self._value(event, events, here))
        return items

    def _mapping(self, start: Any, events: Iterator[Any], place: Place) -> dict[str, Any]:
        self._refuse_tricks(start)
        values: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            self._refuse_tricks(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlMistake(self._line(event), "a key must be a plain word", "write key: value")
            key, line = event.value, self._line(event)
            here = (*place, key)
            if key in values:
                self.duplicates.append((key, line))
            self.lines.setdefault(here, line)
            value = self._value(next(events), events, here)
            values.setdefault(key, value)
        return values
