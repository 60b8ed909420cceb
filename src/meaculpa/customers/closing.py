"""What is in the way of closing an incident: letters, promises, refunds, orders without an end."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from meaculpa.customers.ledger import Ledger, Standing, State
from meaculpa.customers.lists import Settlement, What
from meaculpa.customers.promises import Kept, count_promises, failed_alerts
from meaculpa.errors import Refused

# Letters of these stages are about orders that have to come to an end; the others promise, which is counted apart.
_OF_ORDERS = ("delay", "choice", "apology")
_GIVES_BACK = {"refund": (What.REFUNDED,), "release": (What.RELEASED, What.REFUNDED)}
_BACK = (What.REFUNDED, What.RELEASED)
_GOODS = (What.SHIPPED, What.REPLACED, What.SOURCED)
# A swap for a cheaper item ends with the difference.
_ENDS = {**_GIVES_BACK, "order": (*_GOODS, What.SWAPPED, *_BACK), "swap": (*_GOODS, *_BACK)}


class Closing(Struct, frozen=True):
    """How an incident stands with its customers; `unsettled`, `not_reached` and `refunds_due` name orders.

    Whoever was refused or came back has not been reached, until their order is settled.
    """

    letters: tuple[Standing, ...]
    promises: Kept
    orders: int
    unsettled: tuple[str, ...]
    not_reached: tuple[str, ...]
    refunds_due: tuple[str, ...]

    @property
    def settled(self) -> int:
        """How many orders are made good."""
        return self.orders - len(self.unsettled)

    @property
    def waiting(self) -> tuple[Standing, ...]:
        """The letters that are still to be sent; an order that was settled without one needs none."""
        settled = {one.recipient for one in self.letters if one.stage in _OF_ORDERS} - set(self.unsettled)
        return tuple(one for one in self.letters if one.state is State.PLANNED and one.recipient not in settled)

    def in_state(self, state: State) -> tuple[Standing, ...]:
        """The letters of which this became."""
        return tuple(one for one in self.letters if one.state is state)

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to do."""
        unclear = (one for one in self.letters if one.state in (State.SENDING, State.UNKNOWN))
        open_letters = (*self.waiting, *unclear)
        return not (self.unsettled or self.not_reached or self.promises.open or any(open_letters))


def close(ledger: Ledger, incident: str) -> Closing:
    """Find what is in the way of closing an incident."""
    letters = ledger.standings(incident)
    settled = _settlements(ledger, incident)
    owed = defaultdict[str, list[Standing]](list)
    for one in letters:
        if one.stage in _OF_ORDERS:
            owed[one.recipient].append(one)
    unsettled = tuple(
        order for order, found in owed.items() if not _is_settled(found, settled.get(order, frozenset()))
    )
    due = tuple(order for order in unsettled if any(_owes_money(one, settled.get(order)) for one in owed[order]))
    lost = {one.recipient for one in letters if one.state in (State.REFUSED, State.BOUNCED)}
    # Who was only promised an alert is on the list of calls once it has been written, and not here any more.
    alerts = (
        {one.recipient for one in letters if one.stage not in _OF_ORDERS}
        - owed.keys()
        - failed_alerts(ledger, incident)
    )
    not_reached = tuple(sorted(lost - alerts - (owed.keys() - set(unsettled)) - settled.keys()))
    return Closing(tuple(letters), count_promises(ledger, incident), len(owed), unsettled, not_reached, due)


def _is_settled(letters: Iterable[Standing], done: frozenset[What]) -> bool:
    """Whether an order has come to an end: its money is back where it has to be, and nothing is open."""
    return all(_is_ended(one, done) for one in letters)


def _is_ended(letter: Standing, done: frozenset[What]) -> bool:
    if letter.due in _ENDS:
        return bool(done.intersection(_ENDS[letter.due]))
    # A letter that owes nothing more ends it by itself, if it is out.
    return bool(done) or (not letter.due and letter.state is State.SENT)


def _owes_money(letter: Standing, done: frozenset[What] | None) -> bool:
    return letter.due in _GIVES_BACK or (letter.due == "swap" and What.SWAPPED in (done or ()))


def _settlements(ledger: Ledger, incident: str) -> Mapping[str, frozenset[What]]:
    found = defaultdict[str, set[What]](set)
    for order_id, what in ledger.rows("SELECT order_id, what FROM settlements WHERE incident = ?", incident):
        found[order_id].add(What(what))
    return {order_id: frozenset(done) for order_id, done in found.items()}


def settle(ledger: Ledger, incident: str, settlements: Iterable[Settlement]) -> int:
    """Take up what was settled; gives how much of it is new. Raises Refused for what cannot be."""
    letters, new = ledger.standings(incident), list(settlements)
    known, with_money = {one.recipient for one in letters}, {one.recipient for one in letters if one.due in _ENDS}
    strange = [one.order_id for one in new if one.order_id not in known]
    if strange:
        raise Refused(f"no letter about {incident} went to the order {strange[0]}; is it this incident?")
    wrong = [one.order_id for one in new if one.what is What.NOTHING_DUE and one.order_id in with_money]
    if wrong:
        raise Refused(
            f"the order {wrong[0]} has been paid or has money held: shipped, refunded or released settles it"
        )
    with ledger.transaction() as rows:
        return sum(
            rows.execute(
                "INSERT INTO settlements VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (incident, one.order_id, one.what, one.on.isoformat()),
            ).rowcount
            for one in new
        )


def decide(ledger: Ledger, incident: str, stage: str, recipient: str, state: State, at: datetime) -> None:
    """Have a person say what became of a letter; raises Refused where that is known."""
    entry = ledger.entry(incident, stage, recipient)
    if entry is None:
        raise Refused(f"{incident} has no letter of stage {stage} to {recipient}")
    found = ledger.final(incident, stage).get(recipient)
    is_open = found is not None and (
        found[0] is State.UNKNOWN or (state is State.PLANNED and found[0] is not State.SENT)
    )
    if not is_open:
        known = found[0] if found else State.PLANNED
        raise Refused(f"the letter to {recipient} is {known}: nothing is to be decided")
    if stage == "restored" and found is not None and found[0] in (State.REFUSED, State.BOUNCED):
        hint = f"take it up again, as it ought to be: meaculpa customers promise {incident} --emails FILE"
        raise Refused(f"the address of {recipient} was refused; {hint}")
    ledger.mark(entry, state, "a person has said so", at)
