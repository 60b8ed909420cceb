"""Compiled templates are kept for the next process, where nobody but the user may write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from meaculpa.build.compiled import CompiledTemplates
from meaculpa.project import read_project
from meaculpa.render.environment import Theme, make_theme
from tests.making import incident_text, write_project


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that had to be compiled."""
    names: list[str] = []
    really = Environment._compile

    def noting(self: Environment, source: str, filename: str) -> Any:
        names.append(filename)
        return really(self, source, filename)

    monkeypatch.setattr(Environment, "_compile", noting)
    return names


def theme(tmp_path: Path) -> Theme:
    root = tmp_path / "shop"
    templates = read_project(root if root.is_dir() else write_project(root, one=incident_text())).templates
    found = make_theme(templates, ("en",), CompiledTemplates())
    assert isinstance(found, Theme)
    return found


def render(tmp_path: Path) -> str:
    made = theme(tmp_path)
    facts = {"lang": "en", "dir": "ltr", "say": made.words[0].say, "address": "https://status.shop.example/"}
    return made.render("redirect.html.j2", **facts)


def test_the_next_process_compiles_nothing(tmp_path: Path, cache: Path, compiled: list[str]) -> None:
    first = render(tmp_path)
    assert compiled
    compiled.clear()
    assert render(tmp_path) == first
    assert compiled == []


@pytest.mark.parametrize("content", [b"", b"j2", b"garbage" * 100, None], ids=["empty", "short", "garbage", "cut"])
def test_a_file_that_is_damaged_is_made_again(
    tmp_path: Path, cache: Path, compiled: list[str], content: bytes | None
) -> None:
    first = render(tmp_path)
    kept = [path for path in cache.rglob("*") if path.is_file()]
    for path in kept:
        path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    compiled.clear()
    assert render(tmp_path) == first
    assert compiled


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.chmod(0o777),
        lambda folder: (folder.rename(folder.with_name("away")), folder.write_text("a file")),
    ],
    ids=["others may write there", "no folder"],
)
def test_where_others_may_write_nothing_is_taken_from(
    tmp_path: Path, cache: Path, compiled: list[str], spoil: Callable[[Path], object]
) -> None:
    first = render(tmp_path)
    (folder,) = (cache / "meaculpa" / "templates").iterdir()
    spoil(folder)
    compiled.clear()
    assert render(tmp_path) == first
    assert compiled


def test_without_a_home_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless() -> Path:
        raise RuntimeError("no home directory")

    monkeypatch.setattr(Path, "home", homeless)
    assert render(tmp_path)
