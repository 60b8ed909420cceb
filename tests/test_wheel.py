"""The installed package works away from this repository: its templates are in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the package in it."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(ROOT)], check=True, timeout=300)
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
