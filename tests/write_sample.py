"""Writes this repository's sample shop from its templates, for one fixed date: `make sample`."""

from pathlib import Path

from meaculpa.project import read_scaffold
from meaculpa.render.scaffold import sample_shop
from tests.making import at

ROOT = Path(__file__).parents[1]
FIXED = at("2026-11-22 09:36")


def sample_files() -> dict[str, bytes]:
    """The files of the sample shop but for .gitignore, which is the repository's own."""
    return {
        path: body for path, body in sample_shop(read_scaffold("sample"), b"", FIXED).items() if path != ".gitignore"
    }


def main() -> None:
    for old in (ROOT / "incidents").glob("*.md"):
        old.unlink()
    for path, content in sample_files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(content)


if __name__ == "__main__":
    main()
