"""Statuspage's exports -> incidents: the JSON of its API, its history feed, and lines of JSON made of that feed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from meaculpa.config import Config
from meaculpa.errors import Refused
from meaculpa.importers import Entry, Import, Outcome
from meaculpa.importers.foreign import Foreign, Told, take
from meaculpa.importers.naming import component_name
from meaculpa.importers.statuspage_feed import planned_window, read_feed
from meaculpa.importers.web_text import as_markdown
from meaculpa.model import ComponentStatus, Impact, Status

_ENDINGS = (".json", ".jsonl", ".atom", ".rss", ".xml")
_LARGEST = 256 * 2**20
_STATUS_OF_IMPACT = {
    Impact.NONE: ComponentStatus.OPERATIONAL,
    Impact.MINOR: ComponentStatus.DEGRADED_PERFORMANCE,
    Impact.MAJOR: ComponentStatus.PARTIAL_OUTAGE,
    Impact.CRITICAL: ComponentStatus.MAJOR_OUTAGE,
    Impact.MAINTENANCE: ComponentStatus.UNDER_MAINTENANCE,
}
_ELSEWHERE = {"history": "history.html", "history.atom": "feed.atom", "history.rss": "feed.rss"}
Found = Foreign | Entry


class _Unclear(ValueError):
    """An incident that cannot be taken; the text says why."""


def import_statuspage(
    sources: Iterable[Path], config: Config, known: Mapping[str, str], taken: frozenset[str]
) -> Import:
    """Convert every incident of some exports, each once; raises Refused when there is none.

    The API says more of an incident than lines of JSON do, and those more than the feed: the first that tells of an
    address is taken.
    """
    # What the components are called comes before what happened to them.
    paths = sorted(
        _files(sources),
        key=lambda path: (_ENDINGS.index(path.suffix.lower()), "components" not in path.name, path.name),
    )
    if not paths:
        raise Refused("there is no export here; see `meaculpa import statuspage --help` for how to get one")
    parts: dict[str, Mapping[str, Any]] = {}
    found = [one for path in paths for one in _read(path, parts)]
    if not found:
        raise Refused(f"no incident in {', '.join(path.name for path in paths)}")
    made = take(_each_once(found), _groups(parts), config, known, taken)
    return replace(made, redirects=made.redirects | _ELSEWHERE if made.redirects else {})


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from (path for path in source.iterdir() if path.is_file() and path.suffix.lower() in _ENDINGS)
        elif source.suffix.lower() in _ENDINGS:
            yield source
        else:
            raise Refused(f"{source} is no export of Statuspage: those end in {', '.join(_ENDINGS)}")


def _each_once(found: Iterable[Found]) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for one in found:
        if isinstance(one, Foreign) and one.address:
            if one.address in seen:
                note = f"told by {seen[one.address]} as well, which was taken"
                yield Entry(one.source, Outcome.ALREADY_THERE, None, (note,))
                continue
            seen[one.address] = one.source
        yield one


def _read(path: Path, parts: dict[str, Mapping[str, Any]]) -> list[Found]:
    if path.stat().st_size > _LARGEST:
        raise Refused(f"{path} is larger than {_LARGEST // 2**20} MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8 text") from None
    if path.suffix.lower() in (".atom", ".rss", ".xml"):
        return list(read_feed(text, path.name))
    if path.suffix.lower() == ".jsonl":
        return [_read_line(line, f"{path.name}:{number}") for number, line in _lines(text)]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "a web page and not JSON: the address answered with that" if text.lstrip()[:1] == "<" else "not JSON"
        raise Refused(f"{path} is {what} ({error})") from None
    if any(isinstance(one, dict) and "labels" in one and "title" in one for one in _list(value)):
        raise Refused(f"{path} is a list of issues; `meaculpa import upptime` takes those")
    return list(_read_api(value, path.name, parts))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _read_api(value: Any, file: str, parts: dict[str, Mapping[str, Any]]) -> Iterator[Found]:
    """The public files, and the lists that the API with a key gives; `parts` are all components named so far."""
    document = value if isinstance(value, dict) else {"incidents": value}
    parts |= _by_id(document.get("components"))
    names = {key: component_name(part.get("name")) for key, part in parts.items()}
    for one in (*_list(document.get("incidents")), *_list(document.get("scheduled_maintenances"))):
        yield _safely(f"{file}: {_name(one)}", lambda label, one=one: _incident(one, label, names))


def _groups(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """The group of each component, by their names."""
    return {
        name: component_name(parts.get(str(one.get("group_id")), {}).get("name")) or None
        for one in parts.values()
        if (name := component_name(one.get("name"))) and not one.get("group")
    }


def _name(one: Any) -> str:
    return str(one.get("name") or one.get("title") or one.get("id")) if isinstance(one, dict) else "?"


def _safely(label: str, convert: Any) -> Found:
    """Whatever an export holds, one incident of it never takes the others with it."""
    try:
        made: Found = convert(label)
    except _Unclear as error:
        return Entry(label, Outcome.NOT_TAKEN, None, (str(error),))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return Entry(label, Outcome.NOT_TAKEN, None, (f"not as Statuspage writes it ({error})",))
    return made


def _incident(one: Mapping[str, Any], label: str, names: Mapping[str, str]) -> Foreign:
    notes: list[str] = []
    listed = {str(part.get("id")): part for part in _list(one.get("components")) if isinstance(part, dict)}
    names = {**{key: component_name(part.get("name")) for key, part in listed.items()}, **names}
    told = _updates(one, names, notes)
    window = _window(one, told, notes)
    impact = Impact.MAINTENANCE if window else _impact(one.get("impact") or one.get("impact_override"), notes)
    parts = _parts_at_first(one, told, impact, notes)
    return Foreign(
        source=label,
        address=_address(one),
        title=_title(one, "name"),
        impact=impact,
        told=tuple(told),
        parts=parts,
        window=window,
        felt=_moment(one["started_at"]) if one.get("started_at") else None,
        notes=tuple(notes),
    )


def _updates(one: Mapping[str, Any], names: Mapping[str, str], notes: list[str]) -> list[Told]:
    oldest_first = _list(one.get("incident_updates"))[::-1]
    told: list[Told] = []
    for update in sorted(oldest_first, key=_shown_at):
        at = _shown_at(update)
        before = told[-1].status if told else Status.INVESTIGATING
        status = _status(update.get("status"), before, notes)
        body = str(update.get("body") or "")
        text = body if status is Status.POSTMORTEM and "<" not in body else as_markdown(body)
        told.append(Told(at, status, text, _affected(update, names, notes)))
    if not told:
        at, status = _moment(one["created_at"]), _status(one.get("status"), Status.INVESTIGATING, notes)
        notes.append("it has no update; its title stands in place of one")
        told = [Told(at, status, as_markdown(str(one["name"])), {})]
    postmortem = one.get("postmortem_body")
    if postmortem and all(update.status is not Status.POSTMORTEM for update in told):
        at = _moment(one.get("postmortem_published_at") or one.get("updated_at") or one["created_at"])
        told.append(Told(max(at, told[-1].at), Status.POSTMORTEM, str(postmortem), {}))
    return told


def _title(one: Mapping[str, Any], key: str) -> str:
    title = one.get(key)
    if not isinstance(title, str) or not title.strip():
        raise _Unclear("it has no title")
    return title


def _shown_at(update: Mapping[str, Any]) -> datetime:
    return _moment(update.get("display_at") or update["created_at"])


def _status(word: object, before: Status, notes: list[str]) -> Status:
    plain = str(word or "").strip().casefold().replace(" ", "_")
    if plain in set(Status):
        return Status(plain)
    if plain not in ("update", ""):
        notes.append(f'the status "{word}" is none of ours; "{before}" goes on')
    return before


def _impact(word: object, notes: list[str]) -> Impact:
    plain = str(word or "none").strip().casefold()
    if plain in set(Impact) and plain != Impact.MAINTENANCE:
        return Impact(plain)
    if plain != Impact.MAINTENANCE:
        notes.append(f'the impact "{word}" is none of ours; minor')
    return Impact.MINOR


def _affected(update: Mapping[str, Any], names: Mapping[str, str], notes: list[str]) -> dict[str, ComponentStatus]:
    """The parts that an update gives a status: known by their code, for their name there begins with their group."""
    found = {}
    for part in _list(update.get("affected_components")):
        status = str(part.get("new_status") or part.get("status"))
        if status in set(ComponentStatus):
            name = names.get(str(part.get("code"))) or component_name(str(part["name"])) or "Unnamed"
            found[name] = ComponentStatus(status)
        else:
            notes.append(f'{part.get("name")}: the status "{status}" is none of ours and left out')
    return found


def _parts_at_first(
    one: Mapping[str, Any], told: list[Told], impact: Impact, notes: list[str]
) -> dict[str, ComponentStatus]:
    """How the parts were when it began: as its first updates say, else as bad as its impact is."""
    names = {component_name(str(part["name"])) or "Unnamed" for part in _list(one.get("components"))}
    said = next((update.parts for update in told if update.parts), {})
    if said and any(status is not ComponentStatus.OPERATIONAL for status in said.values()):
        return dict(said)
    guess = _STATUS_OF_IMPACT[impact]
    if names and guess is not ComponentStatus.OPERATIONAL:
        notes.append(f"how its components were is not in the export; {guess}, after its impact")
    return dict.fromkeys(sorted(names), guess)


def _window(one: Mapping[str, Any], told: list[Told], notes: list[str]) -> tuple[datetime, datetime] | None:
    if not one.get("scheduled_for"):
        return None
    starts = _moment(one["scheduled_for"])
    ends = _moment(one["scheduled_until"]) if one.get("scheduled_until") else told[-1].at
    if ends <= starts and not one.get("scheduled_until"):
        notes.append("its window has no end; an hour stands for it")
        ends = starts + timedelta(hours=1)
    if ends <= starts:
        raise _Unclear(f"its window ends ({ends:%Y-%m-%d %H:%M}) before it begins ({starts:%Y-%m-%d %H:%M})")
    return starts, ends


def _address(one: Mapping[str, Any]) -> str | None:
    """The path of its page there: `incidents/5jfkz8q1mlql`."""
    path = urlsplit(str(one.get("url") or "")).path.strip("/")
    if path:
        return path
    return f"incidents/{one['id']}" if one.get("id") else None


def _read_line(line: str, label: str) -> Found:
    try:
        one = json.loads(line)
    except (ValueError, RecursionError):
        return Entry(label, Outcome.NOT_TAKEN, None, ("not JSON",))
    return _safely(f"{label}: {_name(one)}", lambda label: _from_line(one, label))


def _from_line(one: Mapping[str, Any], label: str) -> Foreign:
    """A line of JSON that others have made of the feed: texts, moments, and the components it was sorted under."""
    notes: list[str] = []
    told: list[Told] = []
    for update in sorted(_list(one["updates"]), key=lambda update: _moment(update["at"])):
        status = _status(update.get("status"), told[-1].status if told else Status.INVESTIGATING, notes)
        told.append(Told(_moment(update["at"]), status, as_markdown(str(update.get("message") or "")), {}))
    if not told:
        raise _Unclear("it has no update")
    is_planned = told[0].status is Status.SCHEDULED or one.get("impact") == Impact.MAINTENANCE
    window = planned_window(told, notes) if is_planned else None
    impact = Impact.MAINTENANCE if window else _impact(one.get("impact"), notes)
    names = {"components": [{"name": name} for name in _list(one.get("components"))]}
    if one.get("components_source"):
        notes.append("its components were guessed by whoever made the export")
    return Foreign(
        source=label,
        address=_address({"url": one.get("url")}),
        title=_title(one, "title"),
        impact=impact,
        told=tuple(told),
        parts=_parts_at_first(names, told, impact, notes),
        window=window,
        felt=_moment(one["downtime_start"]) if one.get("downtime_start") else None,
        notes=tuple(notes),
    )


def _moment(value: object) -> datetime:
    at = datetime.fromisoformat(str(value))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _by_id(value: object) -> dict[str, Mapping[str, Any]]:
    return {str(one.get("id")): one for one in _list(value) if isinstance(one, dict)}
