"""What a drill came to: a report in Markdown, and a line of history for the next one to be compared with."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from meaculpa.cli.drill.play import Score
from meaculpa.cli.drill.scenario import CUSTOMERS, WAITING, Scenario
from meaculpa.files import write_file
from meaculpa.times import format_time

HISTORY = "history.jsonl"


def in_words(seconds: float) -> str:
    """`4.2 s`, `3 min 20 s`, `24 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 120 and not minutes % 60:
        return f"{minutes // 60} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def last_time(folder: Path, scenario: str, is_auto: bool) -> dict[str, float]:
    """How long each step took when this was played last in the same way; empty where it never was."""
    try:
        lines = (folder / HISTORY).read_text(encoding="utf-8").splitlines()
        played = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError):
        return {}
    alike = [one for one in played if one.get("scenario") == scenario and one.get("auto") is is_auto]
    return dict(alike[-1]["seconds"]) if alike else {}


def rows(score: Score, before: dict[str, float]) -> list[tuple[str, str, str, str]]:
    """The steps for a table: what, after how long, the target, and how long it took last time."""
    return [
        (
            mark.step,
            in_words(mark.seconds),
            f"{in_words(mark.target)}{'' if mark.is_met else ', MISSED'}" if mark.target else "",
            in_words(before[mark.step]) if mark.step in before else "",
        )
        for mark in score.marks
    ]


def write_report(
    scenario: Scenario, score: Score, is_auto: bool, at: datetime, table: Sequence[Sequence[str]]
) -> str:
    """Write the report."""
    how = "by itself (--auto): the machine's part alone" if is_auto else "by hand"
    lines = [
        f"# Drill: {scenario.name}",
        "",
        f"{format_time(at)}, played {how}.",
        "",
        "| step | after | target | last time |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in table),
        "",
    ]
    if scenario.stage:
        lines.append(f"{score.arrived} of {score.letters} letters arrived.")
    if scenario.is_promised:
        lines.append(f"{score.alerts} of {CUSTOMERS + WAITING} promised alerts arrived.")
    lines += ["", "## What the rules for messages found", ""]
    lines += [f"- {one}" for one in score.findings] or ["Nothing."]
    return "\n".join(lines) + "\n"


def keep(folder: Path, scenario: Scenario, score: Score, is_auto: bool, at: datetime, report: str) -> Path:
    """Keep report and history in the project; gives the report's place."""
    path = folder / f"{at:%Y-%m-%d-%H%M%S}-{scenario.key}.md"
    write_file(path, report.encode())
    history = folder / HISTORY
    before = history.read_bytes() if history.is_file() else b""
    line: dict[str, Any] = {
        "at": format_time(at),
        "scenario": scenario.key,
        "auto": is_auto,
        "seconds": {mark.step: round(mark.seconds, 1) for mark in score.marks},
        "missed": [mark.step for mark in score.marks if not mark.is_met],
        "findings": len(score.findings),
    }
    write_file(history, before + json.dumps(line).encode() + b"\n")
    return path
