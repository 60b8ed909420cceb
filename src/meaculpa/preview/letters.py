"""The letters of plans, one at a time, as far as the desk looks at them."""

from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from meaculpa.customers.folder import PLAN, Plan, read_letters, read_plan
from meaculpa.errors import Refused
from meaculpa.names import LETTERS

_Stamps = tuple[tuple[int, int, int], ...]


class Planned(Struct, frozen=True):
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
        stamps = {name: self._stamps(name, self._known.get(name)) for name in self._names()}
        return stamps != {name: before for name, (before, _) in self._known.items()}

    def look(self) -> tuple[Planned, ...]:
        """Read the plans, the newest first."""
        found = dict[str, tuple[_Stamps, Planned]]()
        for name in self._names():
            known = self._known.get(name)
            if known and known[0] == self._stamps(name, known):
                found[name] = known
                continue
            # What changes while it is read must look different from this.
            own = self._own_stamps(name)
            planned = self._read(name)
            found[name] = ((*own, *_order_stamps(planned)), planned)
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

    def _stamps(self, name: str, known: tuple[_Stamps, Planned] | None) -> _Stamps:
        """How the files look now that a plan lies in and was made from."""
        return (*self._own_stamps(name), *(_order_stamps(known[1]) if known else ()))

    def _own_stamps(self, name: str) -> _Stamps:
        folder = self._folder / name
        return tuple(_stamp(path) for path in (folder / PLAN, folder / LETTERS, self._ledger))


def _order_stamps(planned: Planned) -> _Stamps:
    """How the file looks from which a plan was made."""
    orders = planned.plan.basis.orders if planned.plan else None
    return (_stamp(Path(orders)),) if orders else ()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
