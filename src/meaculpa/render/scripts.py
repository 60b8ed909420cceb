"""A browser's code and what this site puts into it -> the script that is served."""

import json

from meaculpa.errors import InvalidInput, Problem

_PLACE_OF_SEED = "MEACULPA_SEED"


def plant(name: str, code: str, seed: object) -> str:
    """Put a seed into a script, escaped so that no text in it can end a script or a line.

    Raises InvalidInput when there is not exactly one place for it.
    """
    literal = json.dumps(seed, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        literal = literal.replace(sign, f"\\u{ord(sign):04x}")
    if code.count(_PLACE_OF_SEED) != 1:
        hint = f"it must hold {_PLACE_OF_SEED} once, where the state is put"
        raise InvalidInput([Problem(f"site_templates/{name}", 0, "there is no place for the state", hint)])
    return code.replace(_PLACE_OF_SEED, literal)
