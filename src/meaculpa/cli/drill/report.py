"""What a drill came to: a report in Markdown, and a line of history for the next one to be compared with."""

import contextlib
import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from meaculpa.cli.drill.scenario import CUSTOMERS, WAITING, Scenario
from meaculpa.cli.drill.score import Score
from meaculpa.files import create_file, one_at_a_time, write_file
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
        lines = (folder / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    played = (_read_line(line) for line in reversed(lines))
    alike = (one["seconds"] for one in played if one.get("scenario") == scenario and one.get("auto") is is_auto)
    return next(alike, {})


def _read_line(line: str) -> dict[str, Any]:
    """A drill that was played; empty for what is no line of ours."""
    try:
        value = json.loads(line)
        seconds = {str(step): float(after) for step, after in value["seconds"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {**value, "seconds": seconds}


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
    path = _new_file(folder, f"{at:%Y-%m-%d-%H%M%S}-{scenario.key}", report.encode())
    line: dict[str, Any] = {
        "at": format_time(at),
        "scenario": scenario.key,
        "auto": is_auto,
        "seconds": {mark.step: round(mark.seconds, 1) for mark in score.marks},
        "missed": [mark.step for mark in score.marks if not mark.is_met],
        "findings": len(score.findings),
    }
    with one_at_a_time(folder):
        history = folder / HISTORY
        before = history.read_bytes() if history.is_file() else b""
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        write_file(history, before + gap + json.dumps(line).encode() + b"\n")
    return path


def _new_file(folder: Path, name: str, body: bytes) -> Path:
    """Write a file under a name that no other drill has taken."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.md"
        with contextlib.suppress(FileExistsError):
            create_file(path, body)
            return path
    raise AssertionError("numbers do not end")
