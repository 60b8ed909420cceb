"""What a trial found, and the shop it was tried on."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.making import CONFIG, at, incident_text

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project

NOW = at("2026-11-22 12:00")
CARD = "2026-11-22-card"


@dataclass(frozen=True, slots=True)
class Figure:
    """One goal, what was asked, what was found, and whether it holds."""

    goal: str
    asked: str
    found: str
    holds: bool


def write_shop(root: Path, targets: str = "") -> Path:
    """Write a shop with some forty files; `targets` replaces its only one."""
    (root / "incidents").mkdir(parents=True)
    text = CONFIG.decode().split("targets:")[0]
    local = "targets:\n  - {name: local, type: directory, path: public}\n"
    (root / "meaculpa.yml").write_text(text + (targets or local))
    for day in range(1, 13):
        date = f"2026-11-{day:02d}"
        updates = f"## {date} 09:20 UTC investigating\n\nx\n\n## {date} 10:20 UTC resolved\n\nx\n"
        (root / "incidents" / f"{date}-earlier.md").write_text(incident_text("", updates))
    say(root, "Before everything")
    return root


def say(root: Path, title: str) -> None:
    """Let the open incident say something else, everywhere at once."""
    (root / "incidents" / f"{CARD}.md").write_text(incident_text("show: splash\n", title=title))


def build_of(root: Path, memory: Memory) -> Build:
    return build(read_project(root), NOW, memory)


def s3_target(name: str, bucket: str, url: str) -> str:
    return f"targets:\n  - {{name: {name}, type: s3, bucket: {bucket}, region: us-east-1, endpoint_url: '{url}'}}\n"


def share(values: Sequence[float], part: float) -> float:
    """The value below which this part of all values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def seconds(values: Sequence[float]) -> str:
    return f"p50 {statistics.median(values):.3f} s, p99 {share(values, 0.99):.3f} s, longest {max(values):.3f} s"
