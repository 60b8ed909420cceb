"""What the documents say is what there is."""

import re
from pathlib import Path

import pytest

from meaculpa import __version__
from meaculpa.cli import COMMANDS
from meaculpa.config import Config
from meaculpa.content import parse
from meaculpa.content.front_matter import FrontMatter
from meaculpa.model import Kind, Status
from tests.making import a_config, a_source

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_reference(command: str) -> None:
    assert f"`meaculpa {command}" in REFERENCE


@pytest.mark.parametrize("key", [*FrontMatter.model_fields, *Config.model_fields, *map(str, Kind), *map(str, Status)])
def test_every_key_kind_and_status_is_in_the_reference(key: str) -> None:
    assert re.search(rf"`(\w+\.)?{key}(\.\w+)?`", REFERENCE), key


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)|src=\"([^\"]+)\"", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        link = target[0] or target[1]
        if not link.startswith(("http://", "https://", "assets/")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_incident_in_the_readme_is_one() -> None:
    block = re.search(r"```markdown\n(.*?)```", README, re.DOTALL)
    assert block
    content = parse([a_source("incidents/2026-11-22-card.md", block[1])], a_config())
    assert content.problems == ()
    assert content.incidents[0].updates[0].next_update


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE)


def test_ci_calls_the_command_of_the_readme() -> None:
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make lint types\nmake test")
    assert re.search(r"^check: .*lint types test", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.search(r"^make test", README, re.MULTILINE)


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## {__version__}" in changelog or "## Unreleased" in changelog
