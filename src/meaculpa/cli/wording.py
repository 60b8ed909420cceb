"""How the commands speak: one voice, colour only for people, plain lines for programs."""

import json
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import click

from meaculpa.errors import Problem, Severity, has_errors


def say(text: str = "", to_errors: bool = False) -> None:
    """Print a line."""
    click.echo(text, err=to_errors, color=False if os.environ.get("NO_COLOR") else None)


def say_json(value: Any) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def bold(text: str) -> str:
    """Make a text stand out."""
    return click.style(text, bold=True)


def good(text: str) -> str:
    """Colour for what is well."""
    return click.style(text, fg="green")


def bad(text: str) -> str:
    """Colour for what needs somebody."""
    return click.style(text, fg="red", bold=True)


def faint(text: str) -> str:
    """Colour for what is by the way."""
    return click.style(text, dim=True)


def warning(text: str) -> str:
    """Colour for what ought to be better."""
    return click.style(text, fg="yellow")


def unmarked(text: str) -> str:
    """The text without its colours."""
    return click.unstyle(text)


def count(number: int, one: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """Each problem as a line, warnings named as such."""
    return [_line(problem) for problem in problems]


def _line(problem: Problem) -> str:
    text = str(problem)
    place, rest = text.split(": ", 1)
    if problem.severity is Severity.NOTE:
        return faint(text)
    if problem.severity is Severity.WARNING:
        return f"{place}: {warning('warning:')} {rest}"
    return text


def summary(problems: Iterable[Problem], consequence: str) -> str:
    """`2 problems in 1 file. Nothing was published.`."""
    told = list(problems)
    errors = [problem for problem in told if problem.severity is Severity.ERROR]
    files = len({problem.path for problem in errors})
    return f"{count(len(errors), 'problem')} in {count(files, 'file')}. {consequence}".strip()


def say_problems(problems: Iterable[Problem], consequence: str) -> None:
    """Tell every problem, and what follows from them, to standard error."""
    told = list(problems)
    for line in problem_lines(told):
        say(line, to_errors=True)
    if has_errors(told):
        say(bad(summary(told, consequence)), to_errors=True)


def say_findings(findings: Iterable[Problem]) -> None:
    """Tell what the rules for messages find, which keeps nothing from going out, to standard error."""
    told = list(findings)
    for line in problem_lines(told):
        say(line, to_errors=True)
    rules = [problem.rule for problem in told if problem.rule and problem.severity is not Severity.NOTE]
    if rules:
        say(faint(f"It goes out all the same. Why: meaculpa check --explain {rules[0]}"), to_errors=True)


def as_data(problem: Problem) -> dict[str, Any]:
    """A problem for programs."""
    return {
        "path": problem.path,
        "line": problem.line or None,
        "column": problem.column or None,
        "severity": str(problem.severity),
        "rule": problem.rule or None,
        "message": problem.message,
        "hint": problem.hint or None,
    }


def span_words(span: timedelta) -> str:
    """`12 min`, `3 h 5 min`, `4 days`."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def promise_words(due: datetime, now: datetime) -> str:
    """Say how a promised update stands: due in some time, or late."""
    if now >= due:
        return bad(f"promised for {due:%H:%M} UTC, {span_words(now - due)} late")
    return f"next update by {due:%H:%M} UTC, in {span_words(due - now)}"
