"""What browsers get is small, and made from the sources that stand beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = sorted((ROOT / "site_templates" / "minified").iterdir())


def test_the_small_forms_are_made_from_their_sources() -> None:
    done = subprocess.run([sys.executable, "scripts/minify", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_each_small_form_has_a_source_and_is_smaller(path: Path) -> None:
    assert path.stat().st_size < (ROOT / "site_templates" / path.name).stat().st_size


def test_nothing_is_above_its_limit() -> None:
    done = subprocess.run([sys.executable, "bench/sizes.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TOO LARGE" not in done.stdout
