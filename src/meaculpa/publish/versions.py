"""Which versions of its files this checkout has published from: whose word is replaced, ours or somebody else's."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from meaculpa.files import write_file

_FILE = Path(".meaculpa") / "versions"
_MOST = 20_000


def recall_versions(root: Path) -> frozenset[str]:
    """Read the versions that this checkout has had; none where nothing was kept."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return frozenset((root / _FILE).read_text(encoding="utf-8").splitlines())
    return frozenset()


def keep_versions(root: Path, versions: Iterable[str], had: frozenset[str]) -> frozenset[str]:
    """Add versions to those that this checkout has had; where they cannot be kept, publishing goes on."""
    new = [version for version in versions if version not in had]
    if new:
        lines = [*sorted(had), *new][-_MOST:]
        with contextlib.suppress(OSError):
            write_file(root / _FILE, "\n".join([*lines, ""]).encode())
    return had.union(new)
