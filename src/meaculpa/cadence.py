"""How often customers hear from the shop while something is wrong."""

from datetime import timedelta

from meaculpa.model import Impact, Kind

ORDER_KINDS = (Kind.STOCK, Kind.PRICING, Kind.ORDERS)
_A_DAY, _LONG = timedelta(days=1), timedelta(hours=2)
# At first, and when it has lasted for two hours (PagerDuty, Atlassian: every 20 to 30 minutes, later every 60).
_CADENCE = {
    Impact.CRITICAL: (timedelta(minutes=30), timedelta(minutes=60)),
    Impact.MAJOR: (timedelta(minutes=60), timedelta(minutes=120)),
    Impact.MINOR: (timedelta(minutes=240), timedelta(minutes=240)),
}


def cadence(kind: Kind, impact: Impact | None, lasted: timedelta) -> timedelta | None:
    """Within what time the next update is due; None where nothing is prescribed."""
    if kind in ORDER_KINDS:
        return _A_DAY
    if kind is not Kind.OUTAGE or impact not in _CADENCE:
        return None
    early, late = _CADENCE[impact]
    return early if lasted < _LONG else late
