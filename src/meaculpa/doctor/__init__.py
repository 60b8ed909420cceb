"""Is everything ready for a bad night? What the checks have in common: what they found, and what to do about it."""

from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Struct, frozen=True):
    """What one check found, and the next step where there is one to be done."""

    check: str
    verdict: Verdict
    message: str
    next_step: str = ""


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, message)


def warn(check: str, message: str, next_step: str) -> Finding:
    """Something ought to be better before the night."""
    return Finding(check, Verdict.WARN, message, next_step)


def fail(check: str, message: str, next_step: str) -> Finding:
    """Something will not work."""
    return Finding(check, Verdict.FAIL, message, next_step)
