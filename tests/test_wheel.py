"""The installed package works away from this repository: its templates are in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def instructions(name: str) -> list[str]:
    """What stands behind an instruction of the container's definition, each time."""
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """The files and folders that go into the image."""
    return [name for line in instructions("COPY") if "--from" not in line for name in line.split()[:-1]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the package in it, made from what the container's definition copies."""
    folder = tmp_path_factory.mktemp("installed")
    for name in copied():
        place = folder / "source" / name
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(folder / "source")], check=True, timeout=300)
    return folder


def test_init_and_build_work_away_from_the_repository(installed: Path, tmp_path: Path) -> None:
    program = str(installed / "venv" / "bin" / "meaculpa")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    for arguments in (["init", "x"], ["-C", "x", "build"], ["init", "y", "--sample"], ["-C", "y", "build"]):
        done = subprocess.run([program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "x" / "public" / "index.html").is_file()
    assert "Northwind" in (tmp_path / "y" / "public" / "de" / "index.html").read_text()
    imported = subprocess.run(
        [str(installed / "venv" / "bin" / "python"), "-c", "import meaculpa; print(meaculpa.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed) in imported.stdout, "the test must not find the repository's own copy"


def test_nothing_else_is_sent_to_who_builds_the_container() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(copied())


def test_the_containers_commands_are_commands(installed: Path, tmp_path: Path) -> None:
    program = str(installed / "venv" / "bin" / "meaculpa")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    subprocess.run([program, "init", "shop"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    entry, health = json.loads(instructions("ENTRYPOINT")[0]), instructions("HEALTHCHECK")[0].split("CMD ")[1]
    watch = [*entry, *json.loads(instructions("CMD")[0]), "--help"]
    for command in (json.loads(health), watch):
        typed = [program, *(part.replace("/shop", str(tmp_path / "shop")) for part in command[1:])]
        assert subprocess.run(typed, env=environment, capture_output=True).returncode == 0, command
