"""Which versions of its files this checkout has published from: whose word is replaced, ours or somebody else's."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from sys import intern

from meaculpa.files import write_file
from meaculpa.names import VERSIONS

# In the order in which they came; only the keys matter.
Versions = Mapping[str, None]

_FEWEST = 1_000


def recall_versions(root: Path) -> Versions:
    """Read the versions that this checkout has had; none where nothing was kept."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = (root / VERSIONS).read_text(encoding="utf-8").splitlines()
        return dict.fromkeys(map(intern, lines))
    return {}


def keep_versions(
    root: Path, versions: Collection[str], had: Versions, renewed: Iterable[str] | None = None
) -> Versions:
    """Add versions to those that this checkout has had; where they cannot be kept, publishing goes on.

    Those of now are always among them, and of older ones the newest. Of a caller who knows which are `renewed` since
    the last time, only those are looked at.
    """
    new = [version for version in (versions if renewed is None else renewed) if version not in had]
    if not new:
        return had
    kept = {**had, **dict.fromkeys(new)}
    with contextlib.suppress(OSError):
        if len(kept) <= max(_FEWEST, 2 * len(versions)):
            _append(root / VERSIONS, new)
        else:
            kept = _without_oldest(kept, versions)
            write_file(root / VERSIONS, "".join(f"{version}\n" for version in kept).encode())
    return kept


def _without_oldest(kept: Versions, versions: Collection[str]) -> dict[str, None]:
    """Forget so many that it is not to be done again for a while."""
    now = set(versions)
    older = [version for version in kept if version not in now]
    return dict.fromkeys([*older[-max(_FEWEST, len(now)) // 2 :], *versions])


def _append(path: Path, versions: Collection[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("".join(f"{version}\n" for version in versions))
