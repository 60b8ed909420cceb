"""What the other plans beside one have given away and said already."""

from pathlib import Path

from meaculpa.customers.folder import find_plans, read_letters
from meaculpa.lint.letters import apologises
from meaculpa.names import LETTERS


def codes_in_plans(folder: Path, but: Path | None) -> set[str]:
    """Collect the codes that other plans give away: nobody knows which of them has been sent."""
    used = set[str]()
    for path in sorted(folder.glob(f"[!.]*/{LETTERS}")):
        if path.parent != but:
            used |= {grant["code"] for one in read_letters(path.parent) for grant in one["grants"] if grant["code"]}
    return used


def apologised_in_plans(folder: Path, incident: str, but: Path | None) -> dict[str, set[str]]:
    """Find to whom the other plans of an incident apologise: addresses, in small letters, by stage."""
    found = dict[str, set[str]]()
    for plan in find_plans(folder, incident)[0]:
        if plan.folder != but:
            letters = read_letters(plan.folder)
            told = {one["email"].casefold() for one in letters if apologises(one["text"], one["locale"])}
            found[plan.basis.stage] = found.get(plan.basis.stage, set()) | told
    return found
