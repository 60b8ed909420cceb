"""Incidents as another status page tells them -> incident files of ours."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.config import Config
from meaculpa.content import parse_incident
from meaculpa.content.compose import compose_update, quote, slug_of
from meaculpa.content.files import IncidentFiles
from meaculpa.importers import Entry, Import, Outcome
from meaculpa.importers.components import new_components, with_components
from meaculpa.importers.fitting import fit_for_update
from meaculpa.importers.naming import component_name, fit_for_file, in_one_line, unique
from meaculpa.model import ComponentStatus, Impact, Source, Status
from meaculpa.redirects import is_path
from meaculpa.times import format_time

_LONGEST_TITLE = 120
_PLANNED = (Status.SCHEDULED, Status.IN_PROGRESS, Status.VERIFYING, Status.COMPLETED)
# What each status of the one kind means for the other.
_AS_PLANNED = {
    Status.INVESTIGATING: Status.IN_PROGRESS,
    Status.IDENTIFIED: Status.IN_PROGRESS,
    Status.MONITORING: Status.VERIFYING,
    Status.RESOLVED: Status.COMPLETED,
}
_AS_OUTAGE = {
    Status.SCHEDULED: Status.INVESTIGATING,
    Status.IN_PROGRESS: Status.INVESTIGATING,
    Status.VERIFYING: Status.MONITORING,
    Status.COMPLETED: Status.RESOLVED,
}
# Under these an incident file says nothing of components.
_SAY_NOTHING_OF_PARTS = (Status.SCHEDULED, Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM)


class Told(Struct, frozen=True):
    """One update as it was told elsewhere: Markdown, and the parts (by their names there) it gives a status."""

    at: datetime
    status: Status
    text: str
    parts: Mapping[str, ComponentStatus]


class Foreign(Struct, frozen=True):
    """One incident from elsewhere: `told` oldest first and never empty, `parts` with their status when it began.

    `source` is what the report calls it, `address` its old path, `window` is set exactly for planned work, `felt` is
    since when customers felt it, where that is known. `notes` say what had to be guessed.
    """

    source: str
    address: str | None
    title: str
    impact: Impact
    told: tuple[Told, ...]
    parts: Mapping[str, ComponentStatus]
    window: tuple[datetime, datetime] | None = None
    felt: datetime | None = None
    notes: tuple[str, ...] = ()


def take(
    found: Iterable[Foreign | Entry],
    groups: Mapping[str, str | None],
    config: Config,
    known: Mapping[str, str],
    taken: Collection[str],
) -> Import:
    """Write a file for each incident; what is an Entry already stays in the report as it is.

    `groups` holds the parts of the other page, by name. `known` are ids of what was imported before, by old address;
    `taken` are the ids that the project has.
    """
    listed = list(found)
    foreign = sorted(
        (one for one in listed if isinstance(one, Foreign)), key=lambda one: (one.told[0].at, one.source)
    )
    named = [name for one in foreign for name in (*one.parts, *(name for told in one.told for name in told.parts))]
    components = new_components({**groups, **{name: None for name in named if name not in groups}}, config)
    known_ids = {name: key for key, name in config.component_names.items()} | {one.name: one.id for one in components}
    ids = {name: known_ids[component_name(name)] for name in named if component_name(name) in known_ids}
    reserved = {*taken, *known.values()}
    extended = with_components(config, components)
    files: dict[str, str] = {}
    redirects: dict[str, str] = {}
    entries = [replace(one, source=fit_for_file(one.source)) for one in listed if isinstance(one, Entry)]
    for one in foreign:
        address = one.address if one.address and is_path(one.address) else None
        incident_id = _id_of(one, address, known, reserved, files)
        entry, text = _convert(one, incident_id, ids, extended)
        entries.append(entry)
        if text is not None:
            files[f"incidents/{incident_id}.md"] = text
            if address:
                redirects[address] = f"incidents/{incident_id}.html"
    return Import(files, tuple(components), tuple(entries), redirects)


def _id_of(
    one: Foreign, address: str | None, known: Mapping[str, str], reserved: Collection[str], files: Mapping[str, str]
) -> str:
    """The id that an incident had before, or a new one.

    What has no address cannot be known again by one: its id names the minute, so that it is the same whatever else
    is imported, and a file of that name in the project is what became of it.
    """
    given = {path.removeprefix("incidents/").removesuffix(".md") for path in files}
    before = known.get(address or "")
    if before and before not in given:
        return before
    if address:
        return unique(f"{one.told[0].at:%Y-%m-%d}-{slug_of(one.title)}", {*reserved, *given})
    return unique(f"{one.told[0].at:%Y-%m-%d-%H%M}-{slug_of(one.title)}", given)


def _convert(one: Foreign, incident_id: str, ids: Mapping[str, str], config: Config) -> tuple[Entry, str | None]:
    notes = list(one.notes)
    if not one.window and not any(update.status is Status.RESOLVED for update in one.told):
        notes.append("it is still open: resolve it, or say when you write again")
    if one.address and not is_path(one.address):
        notes.append(f'its address "{fit_for_file(one.address)}" cannot be kept')
    text = fit_for_file(_compose(one, ids, notes))
    source = Source(f"incidents/{incident_id}.md", text.encode(), "")
    problems = parse_incident(IncidentFiles(incident_id, source, ()), config).problems
    if problems:
        return Entry(fit_for_file(one.source), Outcome.NOT_TAKEN, None, (*notes, *map(str, problems))), None
    outcome = Outcome.CHANGED if notes else Outcome.TAKEN
    return Entry(fit_for_file(one.source), outcome, source.path, tuple(dict.fromkeys(notes))), text


def _compose(one: Foreign, ids: Mapping[str, str], notes: list[str]) -> str:
    told = _each_once([_fitting(update, one.window is not None, notes) for update in one.told], notes)
    title = in_one_line(one.title) or "Untitled"
    if len(title) > _LONGEST_TITLE:
        notes.append("the title is over 120 characters; the whole of it stands in the first message")
        told[0] = replace(told[0], text=f"{title}\n\n{told[0].text}")
        title = title[: _LONGEST_TITLE - 1].rstrip() + "…"
    now = _not_well(one.parts, ids)
    updates = []
    for update in told:
        facts = _changes(update, ids, now)
        now = now | facts
        updates.append(compose_update(update.at, update.status, {k: str(v) for k, v in facts.items()}, update.text))
    return f"---\n{_front_matter(one, title, ids, told[0].at)}---\n\n" + "\n".join(updates)


def _not_well(parts: Mapping[str, ComponentStatus], ids: Mapping[str, str]) -> dict[str, ComponentStatus]:
    well = ComponentStatus.OPERATIONAL
    return {ids[name]: status for name, status in parts.items() if name in ids and status is not well}


def _fitting(update: Told, is_planned: bool, notes: list[str]) -> Told:
    """An update with a status that its kind of incident has, and a text that can stand under it."""
    other = (_AS_OUTAGE if not is_planned else _AS_PLANNED).get(update.status)
    if other and (update.status in _PLANNED) is not is_planned:
        notes.append(f'the status "{update.status}" became "{other}"')
    return replace(update, status=other or update.status, text=fit_for_update(update.text, notes))


def _each_once(told: list[Told], notes: list[str]) -> list[Told]:
    """Leave out what was told twice in the same minute with the same words."""
    kept = list({(update.at, update.status, update.text): update for update in reversed(told)}.values())[::-1]
    if len(kept) < len(told):
        notes.append("an update that stood there twice is taken once")
    return kept


def _changes(update: Told, ids: Mapping[str, str], now: Mapping[str, ComponentStatus]) -> dict[str, ComponentStatus]:
    if update.status in _SAY_NOTHING_OF_PARTS:
        return {}
    said = {ids[name]: status for name, status in update.parts.items() if name in ids}
    return {key: status for key, status in said.items() if now.get(key, ComponentStatus.OPERATIONAL) is not status}


def _front_matter(one: Foreign, title: str, ids: Mapping[str, str], first: datetime) -> str:
    lines = [f"title: {quote(title)}"]
    lines.append("kind: maintenance" if one.window else f"impact: {one.impact}")
    parts = _not_well(one.parts, ids)
    lines += ["components:", *(f"  {key}: {status}" for key, status in parts.items())] if parts else []
    if one.window:
        lines += [f"starts: {format_time(one.window[0])}", f"ends: {format_time(one.window[1])}"]
    elif one.felt and one.felt < first:
        lines.append(f"started: {format_time(one.felt)}")
    return "\n".join(lines) + "\n"
