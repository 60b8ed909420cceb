"""The shapes of what people write (pydantic), and pydantic's findings in our own voice."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from meaculpa.errors import Problem, did_you_mean
from meaculpa.strict_yaml import Document, Place
from meaculpa.times import TimeMistake, parse_time

_LONGEST_QUOTE = 60


class Shape(BaseModel):
    """A mapping in which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


S = TypeVar("S", bound=Shape)


def mistake(message: str, hint: str = "") -> PydanticCustomError:
    """Make the error that a validator raises: what is wrong, and what would be right."""
    return PydanticCustomError("mistake", "{what}", {"what": message, "hint": hint})


class Words(Struct, frozen=True):
    """Accepts exactly the words of an enum, in any case, with spaces or hyphens for underscores."""

    known: tuple[str, ...]
    name: str

    def find(self, value: object) -> object:
        """Give the word that is meant."""
        text = _plain_text(value, self.name)
        plain = re.sub(r"[ -]+", "_", text.strip().casefold())
        if plain not in self.known:
            raise mistake(f'unknown {self.name} "{shorten(text)}"', did_you_mean(text, self.known))
        return plain

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.find, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        return {"type": "string", "enum": list(self.known)}


def word_of(words: Iterable[StrEnum], name: str) -> Words:
    """Accept exactly the words of an enum, in any case, with spaces or hyphens for underscores."""
    return Words(tuple(str(word) for word in words), name)


def _plain_text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise mistake(f'"{name}" must be one word', "write it on the same line, after the colon")


def shorten(text: str) -> str:
    """Cut what is quoted in a message to a length that a person reads."""
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"


class Matching(Struct, frozen=True):
    """Accepts texts that match a whole pattern; `hint` says in words what that is."""

    pattern: str
    hint: str

    def check(self, value: object) -> object:
        """Give the text without the space around it."""
        if not isinstance(value, str):
            return value
        if not re.fullmatch(self.pattern, value.strip()):
            raise mistake(f'"{shorten(value)}" is not possible here', self.hint)
        return value.strip()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "description": self.hint}


def matching(pattern: str, hint: str) -> Matching:
    """Accept texts that match a whole pattern."""
    return Matching(pattern, hint)


def _read_time(value: object, info: ValidationInfo) -> object:
    zone = (info.context or {}).get("zone", UTC)
    if not isinstance(value, str):
        raise mistake(f'"{info.field_name}" must be a time', "write it like 2026-11-22 09:20")
    try:
        return parse_time(value, zone)
    except TimeMistake as error:
        raise mistake(str(error), error.hint) from None


def _read_date(value: object) -> object:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise mistake(f'"{shorten(str(value))}" is not a date', "write it like 2026-11-22") from None


_TIME_IN_EDITORS = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}[ T]+\d{1,2}:\d{2}",
    "description": "2026-11-22 09:20 UTC",
}
_DATE_IN_EDITORS = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "description": "2026-11-22"}
Time = Annotated[datetime, BeforeValidator(_read_time), WithJsonSchema(_TIME_IN_EDITORS)]
Date = Annotated[date, BeforeValidator(_read_date), WithJsonSchema(_DATE_IN_EDITORS)]
_PRINTABLE = matching(
    r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*",
    "one line of plain text, with no control or direction characters",
)
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Line = Annotated[_Line, _PRINTABLE]
ShortLine = Annotated[_Line, StringConstraints(max_length=120), _PRINTABLE]
Identifier = Annotated[
    str,
    matching(r"[a-z0-9][a-z0-9_-]{0,63}", "small letters, digits, - and _, at most 64, a letter or digit first"),
]
Region = Annotated[str, matching(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", "a code such as GB or US-NY")]
LocaleCode = Annotated[str, matching(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a code such as en or pt-BR")]
PathGlob = Annotated[str, matching(r"/\S*", "a path of the shop, from the first / on, such as /checkout*")]
AudiencePath = Annotated[
    str,
    matching(r"!?/\S*", "a path of the shop, from the first / on, such as /checkout*; with ! before it, not there"),
]
Amount = Annotated[str, matching(r"\d{1,9}(\.\d{1,2})?", "an amount such as 20 or 4.50")]


def check(shape: type[S], document: Document, path: str, context: dict[str, Any]) -> S | list[Problem]:
    """Check a document against a shape; gives the value, or every problem with its line."""
    duplicates = document.problems(path)
    try:
        value = shape.model_validate(document.values, context=context)
    except ValidationError as error:
        found = (_describe(details, shape, document, path) for details in error.errors(include_url=False))
        return [*duplicates, *found]
    return duplicates or value


def _describe(details: ErrorDetails, shape: type[Shape], document: Document, path: str) -> Problem:
    place: Place = tuple(part for part in details["loc"] if part != "[key]")
    place = _without_tags(place, document)
    message, hint = _wording(details, place, shape)
    return Problem(path, document.line_of(place), message, hint)


def _without_tags(place: Place, document: Document) -> Place:
    """Drop the names that pydantic inserts for the chosen member of a union."""
    kept: Place = ()
    for position, part in enumerate(place):
        last = position == len(place) - 1
        if last or isinstance(part, int) or (*kept, part) in document.lines:
            kept = (*kept, part)
    return kept


def _wording(details: ErrorDetails, place: Place, shape: type[Shape]) -> tuple[str, str]:
    context = details.get("ctx", {})
    name = str(place[-1]) if place and isinstance(place[-1], str) else _name_of(place)
    kind = details["type"]
    if kind == "mistake":
        return context["what"], context["hint"]
    if kind == "extra_forbidden":
        return f'unknown key "{name}"', did_you_mean(name, _known_keys(shape, details["loc"][:-1]))
    if kind == "missing":
        return f'"{name}" is missing', ""
    if kind == "union_tag_invalid":
        expected = [word.strip("'") for word in str(context["expected_tags"]).split(", ")]
        return f'unknown type "{shorten(str(context["tag"]))}"', did_you_mean(str(context["tag"]), expected)
    if kind == "literal_error":
        expected = [word.strip("'") for word in re.split(", | or ", str(context["expected"]))]
        if not isinstance(details["input"], str):
            return f'"{name}" must be one word', did_you_mean("", expected)
        return f'unknown {name} "{shorten(details["input"])}"', did_you_mean(details["input"], expected)
    if kind == "string_too_long":
        return f'"{name}" has {len(details["input"])} characters', f"at most {context['max_length']}"
    hint = "write it like [one, two]" if kind in ("list_type", "tuple_type") else ""
    return f'"{name}" {_expected(kind, context) or details["msg"]}', hint


def _expected(kind: str, context: dict[str, Any]) -> str:
    wording = _EXPECTED.get(kind)
    return wording(context) if wording else ""


_EXPECTED: dict[str, Callable[[dict[str, Any]], str]] = {
    "string_type": lambda _: "must be a text",
    "string_too_short": lambda _: "is empty",
    "too_short": lambda _: "is empty",
    "too_long": lambda context: f"has {context['actual_length']} items; at most {context['max_length']} are possible",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "dict_type": lambda _: "must hold keys and values",
    "model_type": lambda _: "must hold keys and values",
    "model_attributes_type": lambda _: "must hold keys and values",
    "union_tag_not_found": lambda _: 'has no "type"',
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
}


def _name_of(place: Place) -> str:
    named = [part for part in place if isinstance(part, str)]
    return f"an item of {named[-1]}" if named else "the file"


def _known_keys(shape: type[Shape], place: tuple[str | int, ...]) -> list[str]:
    """List the keys that a shape knows at a place within it."""
    shapes: list[type[Shape]] = [shape]
    for part in place:
        if isinstance(part, str):
            fields = [info for one in shapes for name, info in one.model_fields.items() if part in (name, info.alias)]
            shapes = [found for info in fields for found in _shapes_in(info.annotation)] or shapes
            shapes = [one for one in shapes if _tag_of(one) == part] or shapes
    return list(dict.fromkeys(info.alias or name for one in shapes for name, info in one.model_fields.items()))


def _tag_of(shape: type[Shape]) -> str | None:
    tag = shape.model_fields.get("type")
    return str(get_args(tag.annotation)[0]) if tag and get_args(tag.annotation) else None


def _shapes_in(annotation: Any) -> list[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated, list, tuple, dict):
        return [found for part in get_args(annotation) if part is not NoneType for found in _shapes_in(part)]
    return []
