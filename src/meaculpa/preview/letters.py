"""The letters of plans, one at a time, as far as the desk looks at them."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from meaculpa.customers.folder import LETTERS, PLAN, Plan, read_letters, read_plan
from meaculpa.errors import Refused

_Stamps = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in its folder, or why there is none to be read there."""

    name: str
    plan: Plan | None
    trouble: str = ""


class PlansFolder:
    """The plans in a folder; one that looks as before is not read again. What they hang on besides is `ledger`."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        self._folder, self._ledger = folder, ledger
        self._known: dict[str, tuple[_Stamps, Planned]] = {}

    def sees_change(self) -> bool:
        """Whether a plan, the orders that it was made from, or the ledger look different from when it was read."""
        stamps = {name: self._stamps(name) for name in self._names()}
        return stamps != {name: before for name, (before, _) in self._known.items()}

    def look(self) -> tuple[Planned, ...]:
        """Read the plans, the newest first."""
        found = dict[str, tuple[_Stamps, Planned]]()
        for name in self._names():
            known = self._known.get(name)
            is_same = known is not None and known[0] == self._stamps(name, known[1])
            planned = known[1] if known and is_same else self._read(name)
            found[name] = (self._stamps(name, planned), planned)
        # At once: somebody may be asking for a letter meanwhile.
        self._known = found
        newest = sorted(found.values(), key=lambda one: one[0], reverse=True)
        return tuple(planned for _, planned in newest)

    def letter(self, name: str, number: int) -> dict[str, Any] | None:
        """One letter of a plan, counted from 0; None where there is none."""
        known = self._known.get(name)
        if known is None or known[1].plan is None:
            return None
        try:
            return next(islice(read_letters(known[1].plan.folder), number, None), None)
        except (OSError, ValueError):
            return None

    def _names(self) -> list[str]:
        return [path.parent.name for path in self._folder.glob(f"[!.]*/{PLAN}")]

    def _read(self, name: str) -> Planned:
        try:
            return Planned(name, read_plan(self._folder / name))
        except Refused as error:
            return Planned(name, None, str(error))

    def _stamps(self, name: str, planned: Planned | None = None) -> _Stamps:
        """How the files look that a plan lies in and was made from; those of a known plan without `planned`."""
        of = planned or (self._known[name][1] if name in self._known else None)
        orders = [Path(of.plan.basis.orders)] if of and of.plan and of.plan.basis.orders else []
        folder = self._folder / name
        return tuple(_stamp(path) for path in (folder / PLAN, folder / LETTERS, self._ledger, *orders))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
