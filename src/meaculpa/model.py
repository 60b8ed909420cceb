"""The nouns: what a shop, an incident and its updates are. Frozen, and free of behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct


class Kind(StrEnum):
    """What sort of mistake it is."""

    OUTAGE = "outage"
    MAINTENANCE = "maintenance"
    STOCK = "stock"
    PRICING = "pricing"
    ORDERS = "orders"
    NOTICE = "notice"


class Impact(StrEnum):
    """How bad it is for customers, from mild to worst."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"


class Status(StrEnum):
    """Where an incident or a maintenance stands."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"


INCIDENT_STATUSES = (
    Status.INVESTIGATING,
    Status.IDENTIFIED,
    Status.MONITORING,
    Status.RESOLVED,
    Status.POSTMORTEM,
)
MAINTENANCE_STATUSES = (Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED)


class ComponentStatus(StrEnum):
    """What a component can do at the moment, from well to worst."""

    OPERATIONAL = "operational"
    UNDER_MAINTENANCE = "under_maintenance"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"


class Surface(StrEnum):
    """Where an incident is shown; each includes those before it."""

    PAGE = "page"
    BANNER = "banner"
    SPLASH = "splash"


class Audience(Struct, frozen=True):
    """Whom the banner addresses; an empty tuple means everybody."""

    paths: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()


class Prevention(Struct, frozen=True):
    """One thing we change so that it does not happen again."""

    what: str
    owner: str
    due: date


class Settled(Struct, frozen=True):
    """How many affected orders have been made good, of how many."""

    done: int
    total: int


class Update(Struct, frozen=True):
    """One thing said at one time: a status, facts, and text in Markdown."""

    at: datetime
    status: Status
    body: str
    line: int
    components: Mapping[str, ComponentStatus] = field(default_factory=lambda: MappingProxyType({}))
    next_update: datetime | None = None
    back_at: datetime | None = None
    settled: Settled | None = None


class Translation(Struct, frozen=True):
    """What an incident says in another language; `None` and missing updates are not translated yet.

    `bodies` is parallel to the incident's updates, `reason` is for letters.
    """

    locale: str
    path: str
    title: str | None
    summary: str | None
    works: str | None
    money: str | None
    bodies: tuple[str | None, ...]
    reason: str | None = None


class Offer(Struct, frozen=True):
    """One way of making good, for the orders for which `when` holds; `codes` names a file of them."""

    when: str
    give: str
    amount: str | None = None
    cost: str | None = None
    expires: date | None = None
    codes: str | None = None
    also: bool = False


class Budget(Struct, frozen=True):
    """What making good may cost; amounts are decimal texts in `currency`."""

    currency: str
    incident: str | None = None
    per_customer: str | None = None
    approved_by: str | None = None


class Incident(Struct, frozen=True):
    """One incident file and its translations; `updates` are sorted, oldest first, and never empty.

    `starts` and `ends` are set exactly for maintenance. `digest` identifies the content of all its files,
    `text_digest` their text: it is the same in every checkout, whatever ends the lines there. `reason` says what
    we did wrong, for letters.
    """

    id: str
    path: str
    digest: str
    text_digest: str
    title: str
    kind: Kind
    impact: Impact
    updates: tuple[Update, ...]
    started: datetime
    show: Surface
    components: Mapping[str, ComponentStatus] = field(default_factory=lambda: MappingProxyType({}))
    summary: str | None = None
    works: str | None = None
    money: str | None = None
    reason: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    audience: Audience = Audience()
    prevention: tuple[Prevention, ...] = ()
    offers: tuple[Offer, ...] = ()
    budget: Budget | None = None
    pin: bool = False
    draft: bool = False
    translations: Mapping[str, Translation] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was read: its path within the project (`/` between parts) and its bytes.

    `digest` is the SHA-256 of the bytes. A file over the size limit is cut, which `parse` will say.
    """

    path: str
    content: bytes = field(compare=False, repr=False)
    digest: str


@dataclass(frozen=True)
class OutputFile:
    """One published file: bytes, the headers it is served with, and a digest over all of it.

    `leads_to` is where a redirect leads, as a path from the top of the site.
    """

    path: str
    body: bytes = field(repr=False, compare=False)
    content_type: str
    cache_control: str
    digest: str
    leads_to: str | None = None

    @property
    def size(self) -> int:
        """The length of its body in bytes."""
        return len(self.body)


@dataclass(frozen=True, slots=True)
class Markup:
    """An update's text as safe HTML, and the sources of its pictures as they stand in it.

    `markdown` is that HTML as Markdown again, where whoever rendered it has made that as well.
    """

    html: str
    pictures: tuple[str, ...] = ()
    markdown: str | None = field(default=None, compare=False)
