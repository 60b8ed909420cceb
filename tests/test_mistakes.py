"""Every mistake that is caught: `mistakes/<name>.md` holds it, `mistakes/<name>.txt` what is said of it."""

from pathlib import Path

import pytest

from meaculpa.content import parse
from tests.making import a_config, a_source

FOLDER = Path(__file__).parent / "mistakes"
FILES = sorted(FOLDER.glob("*.md"))


def messages(file: Path) -> str:
    content = parse([a_source(f"incidents/{file.name}", file.read_bytes())], a_config())
    return "".join(f"{problem}\n" for problem in content.problems)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(file: Path) -> None:
    assert messages(file) == file.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_mistake_has_its_message_beside_it() -> None:
    assert {file.stem for file in FILES} == {file.stem for file in FOLDER.glob("*.txt")}


def test_all_problems_of_all_files_are_told_at_once() -> None:
    sources = [a_source(f"incidents/{file.name}", file.read_bytes()) for file in FILES]
    told = "".join(f"{problem}\n" for problem in parse(sources, a_config()).problems)
    assert all(file.with_suffix(".txt").read_text(encoding="utf-8") in told for file in FILES)
