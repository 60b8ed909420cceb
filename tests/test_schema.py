"""JSON Schema for editors: everything that we take is valid there, and what we refuse is mostly not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from meaculpa.config import parse_config
from meaculpa.content.editors import config_schema, incident_schema
from tests.making import CONFIG, a_config
from tests.test_cli import meaculpa

ROOT = Path(__file__).parents[1]
INCIDENTS = [path for path in sorted((ROOT / "incidents").rglob("*.md")) if path.name.count(".") == 1]


class _AsEditorsRead(yaml.SafeLoader):
    """YAML 1.2, as editors read it: dates stay texts, and only true and false are yes and no."""


_AsEditorsRead.yaml_implicit_resolvers = {
    key: [one for one in resolvers if one[0] not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_AsEditorsRead.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def mistakes(schema: dict[str, Any], text: str) -> list[str]:
    Draft7Validator.check_schema(schema)
    value = yaml.load(text, Loader=_AsEditorsRead)
    return [error.message for error in Draft7Validator(schema).iter_errors(value)]


def front(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("---\n")[1]


@pytest.mark.parametrize(
    "path", [path for path in INCIDENTS if path.name.count(".") == 1], ids=lambda path: path.stem
)
def test_every_incident_of_the_sample_is_valid(path: Path) -> None:
    config = parse_config((ROOT / "meaculpa.yml").read_bytes())
    assert not isinstance(config, list)
    assert mistakes(incident_schema(config), front(path)) == []
    assert mistakes(incident_schema(None), front(path)) == []


def test_our_configurations_are_valid(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    for path in (ROOT / "meaculpa.yml", tmp_path / "shop" / "meaculpa.yml"):
        assert mistakes(config_schema(), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tilte: x\n", "tilte"),
        ("impact: major\n", "title"),
        ("title: x\nimpact: majr\n", "majr"),
        ("title: x\nimpact: maintenance\n", "maintenance"),
        ("title: x\ncomponents: {chekout: partial_outage}\n", "chekout"),
        ("title: x\ncomponents: {checkout: broken}\n", "broken"),
        ("title: x\nstarts: tomorrow\n", "tomorrow"),
        ("title: x\nprevention: [{what: a, owner: b, due: soon}]\n", "soon"),
        ("title: x\nprevention: [{what: a, owner: b}]\n", "due"),
        ("title: x\naudience: {locales: [fr]}\n", "fr"),
        ("title: x\naudience: {paths: [checkout]}\n", "checkout"),
        ("title: x\npin: perhaps\n", "perhaps"),
        (f"title: {'x' * 121}\n", "xxx"),
    ],
)
def test_an_editor_marks_what_is_wrong_in_front_matter(text: str, word: str) -> None:
    found = mistakes(incident_schema(a_config()), text)
    assert any(word in message for message in found), found


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("targets:", "tragets:"), "tragets"),
        (("type: directory", "type: folder"), "folder"),
        (("name: Northwind, url", "nme: Northwind, url"), "nme"),
        (("locales: [en, de]", "locales: [English]"), "English"),
        (('"https://www.northwind.example"', "www.northwind.example"), "www.northwind.example"),
        (("id: storefront", "id: Store Front"), "Store Front"),
        (("format: 1", "format: 2"), "2"),
        (("components:\n", "banner: {poll_seconds: 5}\ncomponents:\n"), "5"),
        (("components:\n", "channels: [{name: a, url: slack://token}]\ncomponents:\n"), "slack"),
    ],
)
def test_an_editor_marks_what_is_wrong_in_the_configuration(change: tuple[str, str], word: str) -> None:
    text = CONFIG.decode()
    assert change[0] in text and mistakes(config_schema(), text) == []
    found = mistakes(config_schema(), text.replace(*change))
    assert any(word in message for message in found), found


def test_the_command_knows_the_components_of_its_project(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    inside = json.loads(meaculpa("schema", "incident", cwd=tmp_path / "shop").stdout)
    assert set(inside["properties"]["components"]["properties"]) == {"storefront", "checkout", "delivery"}
    outside = json.loads(meaculpa("schema", "incident", cwd=tmp_path).stdout)
    assert "additionalProperties" in outside["properties"]["components"]
    assert json.loads(meaculpa("schema", "config", cwd=tmp_path).stdout)["title"] == "meaculpa.yml"
    assert meaculpa("schema", "letters", cwd=tmp_path).returncode == 2


def test_the_snippets_make_incidents_that_we_take(tmp_path: Path) -> None:
    snippets = json.loads((ROOT / "docs" / "editors" / "meaculpa.code-snippets").read_text(encoding="utf-8"))
    assert len(snippets) >= 3
    meaculpa("init", "shop", cwd=tmp_path)
    for number, snippet in enumerate(snippets.values()):
        text = "\n".join(snippet["body"])
        for name, value in {"YEAR": "2026", "MONTH": "11", "DATE": "22", "HOUR": "09", "MINUTE": "20"}.items():
            text = text.replace(f"$CURRENT_{name}", value)
        text = re.sub(r"\$\{\d+\|([^,|]*)[^}]*\|\}", r"\1", text)
        text = re.sub(r"\$\{\d+:([^}]*)\}|\$\d+", lambda match: match[1] or "", text)
        if text.startswith("---"):
            (tmp_path / "shop" / "incidents" / f"from-snippet-{number}.md").write_text(text, encoding="utf-8")
        else:
            path = next((tmp_path / "shop" / "incidents").glob("*.md"))
            path.write_text(path.read_text(encoding="utf-8") + "\n" + text + "\n", encoding="utf-8")
    done = meaculpa("list", "--now", "2026-11-22 12:00", cwd=tmp_path / "shop")
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "problem" not in done.stderr, done.stderr
