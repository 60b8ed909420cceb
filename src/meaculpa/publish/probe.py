"""Tries a target before it is needed: may we write, read and delete there, and are conditions honoured."""

from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish.target import Target

_TRIAL = OutputFile(".meaculpa/trial", b"meaculpa doctor wrote this\n", "text/plain", "private, no-store", "")
_SECONDS = 20.0


def probe(target: Target) -> bool:
    """Write, read and delete a file of our own, and say whether conditions are honoured; raises TargetError."""
    target.allow(_SECONDS)
    target.write(_TRIAL)
    found = target.read(_TRIAL.path)
    if found is None or found.body != _TRIAL.body:
        raise TargetError(f"{target.describe()} took a file and does not give it back")
    target.delete(_TRIAL.path)
    return target.heeds_conditions()
