"""What may stand in front matter and in `meaculpa.yml` -> JSON Schema, so that editors complete and check it."""

import json
from collections.abc import Mapping
from typing import Any

from meaculpa.config import Config
from meaculpa.content.front_matter import FrontMatter
from meaculpa.schema import Shape

# The draft that editors know; nothing in ours needs a later one.
_DRAFT = "http://json-schema.org/draft-07/schema#"
Json = dict[str, Any]


def as_text(schema: Json) -> str:
    """Write a schema as a file holds it."""
    return json.dumps(schema, ensure_ascii=False, indent=2)


def config_schema() -> Json:
    """Describe `meaculpa.yml`."""
    return _schema(Config, "meaculpa.yml")


def incident_schema(config: Config | None) -> Json:
    """Describe the front matter of an incident; with a project's own components and languages where it is given."""
    schema = _schema(FrontMatter, "The front matter of an incident")
    if config:
        states = schema["properties"]["components"].pop("additionalProperties")
        names = config.component_names.items()
        schema["properties"]["components"] |= {
            "properties": {key: {**states, "description": name} for key, name in names},
            "additionalProperties": False,
        }
        audience = schema["$defs"]["AudienceShape"]["properties"]
        audience["locales"]["items"] = {"type": "string", "enum": list(config.site.locales)}
    return schema


def _schema(shape: type[Shape], title: str) -> Json:
    made = _plain(shape.model_json_schema(by_alias=True))
    return {"$schema": _DRAFT, **made, "title": title}


def _plain(part: Any) -> Any:
    """A schema for what a YAML reader makes of a file: `1` is a number there, and a key without a value null."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    made = {key: _plain(value) for key, value in part.items() if key not in ("title", "default", "discriminator")}
    if isinstance(part.get("properties"), Mapping):
        made["properties"] = {key: _plain(value) for key, value in part["properties"].items()}
    return _with_numbers(made)


def _with_numbers(made: Json) -> Json:
    if made.get("type") != "string":
        return made
    if "enum" in made or "const" in made:
        words = made.get("enum") or [made["const"]]
        numbers = [int(word) for word in words if word.isdigit()]
        return {
            **{key: value for key, value in made.items() if key not in ("type", "const")},
            "enum": words + numbers,
        }
    return {**made, "type": ["string", "number", "boolean"]}
