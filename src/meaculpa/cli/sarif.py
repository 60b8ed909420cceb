"""Problems as SARIF 2.1.0 (OASIS), which code hosts show beside the lines that they are about."""

from collections.abc import Sequence
from typing import Any

from meaculpa import __version__
from meaculpa.errors import Problem, Severity
from meaculpa.lint.rules import MEANINGS, Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# What is no rule about words: a file that cannot be understood.
_A_MISTAKE = "MC000"


def as_sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """Write one run of the check."""
    driver = {"name": "meaculpa", "version": __version__, "rules": _rules()}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in problems],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules() -> list[dict[str, Any]]:
    mistake = {
        "id": _A_MISTAKE,
        "name": "mistake",
        "shortDescription": {"text": "A file that cannot be understood, or will not do what it seems to say."},
        "defaultConfiguration": {"level": "error"},
    }
    return [mistake, *(_rule(rule) for rule in Rule)]


def _rule(rule: Rule) -> dict[str, Any]:
    meaning = MEANINGS[rule]
    return {
        "id": str(rule),
        "name": meaning.name,
        "shortDescription": {"text": f"Not “{meaning.bad}” but “{meaning.good}”"},
        "fullDescription": {"text": meaning.why},
        "help": {"text": f"{meaning.why}\n\nSource: {meaning.source}"},
        "defaultConfiguration": {"level": str(meaning.severity)},
    }


def _result(problem: Problem) -> dict[str, Any]:
    region = {"startLine": max(1, problem.line)} | ({"startColumn": problem.column} if problem.column else {})
    hint = f" ({problem.hint})" if problem.hint else ""
    result: dict[str, Any] = {
        "ruleId": problem.rule or _A_MISTAKE,
        "level": str(problem.severity),
        "message": {"text": f"{problem.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": problem.path, "uriBaseId": "%SRCROOT%"},
                    "region": region,
                }
            }
        ],
    }
    if problem.severity is Severity.NOTE:
        result["suppressions"] = [{"kind": "inSource", "justification": problem.hint}]
    return result
