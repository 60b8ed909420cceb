"""What can go wrong: one type for a mistake in a file, and the few exceptions."""

import difflib
import re
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

# What a text from a file could do to a terminal: end the line, colour it, turn its direction round.
_LONGEST_MESSAGE, _KEPT_AT_ITS_END = 500, 150
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Severity(StrEnum):
    """How much a problem matters: an error stops what it stands in, a warning is only told, a note was taken back."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Problem(Struct, frozen=True):
    """One mistake: where it stands, what is wrong, and what would be right.

    `rule` is the number of the rule that found it, `column` counts from 1 on; 0 where it is unknown.
    """

    path: str
    line: int
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    rule: str = ""
    column: int = 0

    def __lt__(self, other: "Problem") -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[str, int, int, str, str, str]:
        return self.path, self.line, self.column, self.rule, self.message, self.hint

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        place += f":{self.column}" if self.line and self.column else ""
        hint = f" ({self.hint})" if self.hint else ""
        message = self.message
        if len(message) > _LONGEST_MESSAGE:
            message = f"{message[: _LONGEST_MESSAGE - _KEPT_AT_ITS_END]} … {message[-_KEPT_AT_ITS_END:]}"
        return _UNSAFE.sub(
            lambda match: f"\\u{ord(match[0]):04x}", f"{place}: {self.rule}{' ' * bool(self.rule)}{message}{hint}"
        )


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any problem is more than a warning."""
    return any(problem.severity is Severity.ERROR for problem in problems)


class MeaculpaError(Exception):
    """Base of every error that a user can cause or that the world can."""


class InvalidInput(MeaculpaError):
    """Files of the project say something that cannot be understood."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class NotAProject(MeaculpaError):
    """No `meaculpa.yml` here or above."""


class Refused(MeaculpaError):
    """What was asked for would do harm; the message names the way out."""


class UnsafePlan(Refused):
    """A plan that would take away more than anybody is likely to want."""


class TooManyRemovals(UnsafePlan):
    """A plan that would take away so many files that a folder is probably missing."""


class Held(Refused):
    """A rollback holds an earlier build at a target; nothing else is published there until it is released."""


class Retracted(Refused):
    """The files hold incidents that were retracted from a target; they must not go there again."""

    def __init__(self, incidents: Iterable[str]) -> None:
        self.incidents = tuple(incidents)
        names = ", ".join(self.incidents)
        super().__init__(f"{names}: retracted, and never published again under that name; take the file away")


class TargetError(MeaculpaError):
    """A target could not be read or written; the message says what was and was not published."""


class Outdated(TargetError):
    """What is remembered of an earlier build does not fit the files any more."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say which of the known words was probably meant, and list them all."""
    names = list(known)
    near = difflib.get_close_matches(word.casefold(), names, n=1)
    listing = "one of: " + ", ".join(names)
    return f'did you mean "{near[0]}"? {listing}' if near else listing
