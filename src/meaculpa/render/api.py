"""Site -> the files of Statuspage's public API (v2), to the letter, so that its clients work unchanged.

Everything in them is English and plain text, whatever the languages of the site: clients look for these very words.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from msgspec import Struct

from meaculpa.archive import by_first_word, by_window, card_of, latest, touched
from meaculpa.config import Config
from meaculpa.model import ComponentStatus, Impact, Incident, Markup, OutputFile, Status, Update
from meaculpa.render.headers import output_file
from meaculpa.render.newest import while_short
from meaculpa.render.pages import Kept, Page, make_room, signature
from meaculpa.render.plain import to_text
from meaculpa.render.views import with_window_in_words
from meaculpa.status import ComponentState, Site
from meaculpa.timeline import IncidentState
from meaculpa.times import utc_midnight

FOLDER = "api/v2/"
# As many as Statuspage gives.
MOST = 50
# Of Markdown, in bytes: the newest incidents, if they are long, make a fifth of what an edit may write.
_LONGEST = 24_000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12
_UNRESOLVED = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)
_ACTIVE = (Status.IN_PROGRESS, Status.VERIFYING)
_OVER = (Status.RESOLVED, Status.COMPLETED)
_WORST_FIRST = tuple(reversed(ComponentStatus))
_DESCRIPTIONS = {
    Impact.NONE: "All Systems Operational",
    Impact.MINOR: "Minor Service Outage",
    Impact.MAJOR: "Partial System Outage",
    Impact.CRITICAL: "Major Service Outage",
    Impact.MAINTENANCE: "Service Under Maintenance",
}

Json = dict[str, Any]


class _Api(Struct, frozen=True, dict=True):
    """The API of one site at one moment."""

    site: Site
    config: Config
    markup: Mapping[str, Markup]
    kept: Kept

    @cached_property
    def page_id(self) -> str:
        """The id of the page."""
        return id_of("page", self.config.site.url)

    @cached_property
    def incidents(self) -> list[IncidentState]:
        """The newest incidents of any state, the newest first."""
        return list(while_short(self.site.highest(MOST, by_first_word), _length, _LONGEST))

    @cached_property
    def unresolved(self) -> list[IncidentState]:
        """All incidents that are not over, the newest first."""
        found = (state for state in self.site.open if state.status in _UNRESOLVED)
        return sorted(found, key=lambda state: (state.updates[0].at, state.incident.id), reverse=True)

    @cached_property
    def maintenances(self) -> list[IncidentState]:
        """Planned work of any state, that of the latest window first."""
        return self.site.planned(MOST)

    def planned(self, *statuses: Status) -> list[IncidentState]:
        """Planned work that stands like this, that of the latest window first."""
        found = [state for state in (*self.site.open, *self.site.upcoming) if state.status in statuses]
        return sorted(found, key=lambda state: by_window(card_of(state)) or (), reverse=True)

    @cached_property
    def changed(self) -> datetime:
        """When anything that the API says has last changed."""
        return self.site.changed or utc_midnight(self.site.now)

    @cached_property
    def common(self) -> tuple[object, ...]:
        """What every file depends on, beside the incidents in it."""
        now = tuple((one.component.id, one.status) for one in self.site.components)
        touched = tuple(sorted(self._touched.items()))
        return (self.config.digest, self.site.overall, self.changed, self._first_word, now, touched)

    @cached_property
    def components(self) -> dict[str, Json]:
        """Every component by our id, and every group by a name that no component can have, in their order."""
        states = {one.component.id: one for one in self.site.components}
        members: dict[str, list[ComponentState]] = {}
        for one in states.values():
            members.setdefault(_group_key(one) or one.component.id, []).append(one)
        found: dict[str, Json] = {}
        for position, (key, inside) in enumerate(members.items(), start=1):
            if key in states:
                found[key] = self._component(states[key], position)
                continue
            found[key] = self._group(key, inside, position)
            for place, one in enumerate(inside, start=1):
                found[one.component.id] = self._component(one, place)
        return found

    def _component(self, state: ComponentState, position: int) -> Json:
        component, began = state.component, self._began(state)
        group = _group_key(state)
        return {
            "id": id_of("component", component.id),
            "name": component.name,
            "status": str(state.status),
            "created_at": _time(began),
            "updated_at": _time(self._touched.get(component.id, began)),
            "position": position,
            "description": None,
            "showcase": True,
            "start_date": component.since.isoformat() if component.since else None,
            "group_id": id_of("group", group) if group else None,
            "page_id": self.page_id,
            "group": False,
            "only_show_if_degraded": False,
        }

    def _group(self, key: str, inside: list[ComponentState], position: int) -> Json:
        children = [self._component(one, place) for place, one in enumerate(inside, start=1)]
        return {
            **children[0],
            "id": id_of("group", key),
            "name": inside[0].component.group,
            "status": str(min((one.status for one in inside), key=_WORST_FIRST.index)),
            "created_at": min(child["created_at"] for child in children),
            "updated_at": max(child["updated_at"] for child in children),
            "position": position,
            "start_date": None,
            "group_id": None,
            "group": True,
            "components": [child["id"] for child in children],
        }

    def _began(self, state: ComponentState) -> datetime:
        """Since when there is anything to say of a component: its own day, or our first word."""
        since = state.component.since
        if since:
            return datetime(since.year, since.month, since.day, tzinfo=UTC)
        return self._first_word

    @cached_property
    def _first_word(self) -> datetime:
        words = [one.updates[0].at for one in self.site.every]
        return min([*words, *(volume.first_word for volume in self.site.volumes)], default=self.changed)

    @cached_property
    def _touched(self) -> dict[str, datetime]:
        """When each component last got another status."""
        spans = [span for state in self.site.every for span in state.spans]
        return latest([touched(spans), *(volume.touched for volume in self.site.volumes)])

    def page(self) -> Json:
        """What every file begins with."""
        zone = self.config.site.timezone.key
        return {
            "id": self.page_id,
            "name": self.config.site.name,
            "url": self.config.site.url,
            "time_zone": "Etc/UTC" if zone == "UTC" else zone,
            "updated_at": _time(self.changed),
        }

    def status(self) -> Json:
        """How the shop is on the whole."""
        overall = self.site.overall
        is_said = overall is not Impact.MAINTENANCE or self.config.api.maintenance_indicator == "maintenance"
        return {"indicator": str(overall if is_said else Impact.NONE), "description": _DESCRIPTIONS[overall]}

    def incident(self, state: IncidentState) -> Json:
        """An incident; its components are those that it ever touched, as they are now."""
        incident, ours = state.incident, id_of("incident", state.incident.id)
        touched = dict.fromkeys([*incident.components, *(span.component for span in state.spans)])
        return {
            "id": ours,
            "name": with_window_in_words(incident.title, incident, _moment),
            "status": str(_status_of(state)),
            "created_at": _time(state.updates[0].at),
            "updated_at": _time(state.changed),
            "monitoring_at": _first(state, Status.MONITORING),
            "resolved_at": _time(state.ended) if state.ended else None,
            "impact": str(incident.impact),
            "shortlink": f"{self.config.site.url}/incidents/{incident.id}.html",
            "started_at": _time(state.began),
            "page_id": self.page_id,
            "incident_updates": self._updates(state),
            "components": [self.components[one] for one in touched if one in self.components],
        }

    def maintenance(self, state: IncidentState) -> Json:
        """Planned work: an incident with a window."""
        starts, ends = state.incident.starts, state.incident.ends
        return {
            **self.incident(state),
            "scheduled_for": _time(starts) if starts else None,
            "scheduled_until": _time(ends) if ends else None,
        }

    def _updates(self, state: IncidentState) -> list[Json]:
        """Its updates, newest first; those that say the same as before are taken from what was kept."""
        common, known = self.kept.get(FOLDER, ((), {}))
        if common != (self.config.digest,):
            known = {}
            self.kept[FOLDER] = (self.config.digest,), known
        key = signature(state)
        if key not in known:
            make_room(known)
            known[key] = self._new_updates(state, id_of("incident", state.incident.id))[::-1]
        found: list[Json] = known[key]
        return found

    def _new_updates(self, state: IncidentState, incident_id: str) -> list[Json]:
        now: dict[str, ComponentStatus] = {}
        found, moments = list[Json](), Counter[datetime]()
        underway = [update for update in state.updates if not state.is_maintenance or update.status in _ACTIVE]
        for update in state.updates:
            changes = _changes(state.incident, update, now, is_first=underway[:1] == [update])
            moments[update.at] += 1
            affected = [self._affected(one, now.get(one), status) for one, status in changes.items()]
            now |= changes
            found.append(
                {
                    "id": id_of("update", f"{state.incident.id} {_time(update.at)} {moments[update.at]}"),
                    "status": str(update.status),
                    "body": self._body(state.incident, update),
                    "incident_id": incident_id,
                    "created_at": _time(update.at),
                    "updated_at": _time(update.at),
                    "display_at": _time(update.at),
                    "affected_components": affected or None,
                    "deliver_notifications": True,
                    "custom_tweet": None,
                    "tweet_id": None,
                }
            )
        return found

    def _body(self, incident: Incident, update: Update) -> str:
        return with_window_in_words(to_text(self.markup[update.body].html), incident, _moment)

    def _affected(self, component: str, before: ComponentStatus | None, after: ComponentStatus) -> Json:
        names = {one.component.id: one.component for one in self.site.components}
        known = names.get(component)
        name = known.name if known else component
        return {
            "code": id_of("component", component),
            "name": f"{known.group} - {name}" if known and known.group else name,
            "old_status": str(before or ComponentStatus.OPERATIONAL),
            "new_status": str(after),
        }


class _Part(Struct, frozen=True):
    """What one file holds: incidents, planned work, components, and how the shop is."""

    incidents: Sequence[IncidentState] | None = None
    maintenances: Sequence[IncidentState] | None = None
    components: bool = False
    status: bool = False

    @property
    def states(self) -> list[IncidentState]:
        """All that it tells of."""
        return [*(self.incidents or ()), *(self.maintenances or ())]


def api_pages(site: Site, config: Config, markup: Mapping[str, Markup], kept: Kept) -> Iterator[Page]:
    """List the eight files; `kept` is what the last time left to be used again."""
    api = _Api(site, config, markup, kept)
    upcoming, active = api.planned(Status.SCHEDULED), api.planned(*_ACTIVE)
    parts = {
        "summary": _Part(api.unresolved, [*active, *upcoming], components=True, status=True),
        "status": _Part(status=True),
        "components": _Part(components=True),
        "incidents": _Part(incidents=api.incidents),
        "incidents/unresolved": _Part(incidents=api.unresolved[:MOST]),
        "scheduled-maintenances": _Part(maintenances=api.maintenances),
        "scheduled-maintenances/upcoming": _Part(maintenances=upcoming[-MOST:]),
        "scheduled-maintenances/active": _Part(maintenances=active[:MOST]),
    }
    for name, part in parts.items():
        path = f"{FOLDER}{name}.json"
        inputs = (*api.common, tuple(signature(state) for state in part.states))
        yield Page(path, inputs, partial(_file, path, api, part))


def _file(path: str, api: _Api, part: _Part) -> OutputFile:
    said: Json = {"page": api.page()}
    if part.components:
        said["components"] = list(api.components.values())
    if part.incidents is not None:
        said["incidents"] = [api.incident(state) for state in part.incidents]
    if part.maintenances is not None:
        said["scheduled_maintenances"] = [api.maintenance(state) for state in part.maintenances]
    if part.status:
        said["status"] = api.status()
    return output_file(path, json.dumps(said, ensure_ascii=False, separators=(",", ":")))


def id_of(kind: str, name: str) -> str:
    """Derive the twelve small letters and digits by which Statuspage knows things, the same for ever."""
    number = int.from_bytes(hashlib.sha256(f"{kind} {name}".encode()).digest()[:9], "big")
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)


def _length(state: IncidentState) -> int:
    return sum(len(update.body.encode()) for update in state.updates)


def _group_key(state: ComponentState) -> str | None:
    # No component can be called so.
    return f"group {state.component.group}" if state.component.group else None


def _status_of(state: IncidentState) -> Status:
    """What was learnt is said after the end, and closes an incident there."""
    is_told = any(update.status is Status.POSTMORTEM for update in state.updates)
    return Status.POSTMORTEM if is_told and state.status is Status.RESOLVED else state.status


def _changes(
    incident: Incident, update: Update, now: Mapping[str, ComponentStatus], is_first: bool
) -> dict[str, ComponentStatus]:
    """The components that an update gives another status; whatever is over leaves all of them well."""
    said = {**(incident.components if is_first else {}), **update.components}
    if update.status in _OVER and not update.components:
        said = dict.fromkeys(now, ComponentStatus.OPERATIONAL)
    return {one: status for one, status in said.items() if now.get(one, ComponentStatus.OPERATIONAL) is not status}


def _first(state: IncidentState, status: Status) -> str | None:
    return next((_time(update.at) for update in state.updates if update.status is status), None)


def _time(at: datetime) -> str:
    """`2026-11-22T09:20:00.000Z`."""
    return f"{at.astimezone(UTC).isoformat()[:19]}.000Z"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"
