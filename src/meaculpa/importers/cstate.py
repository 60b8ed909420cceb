"""A cState site (its content folder and config.yml) -> incident files and components."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import yaml

from meaculpa.config import Config
from meaculpa.content import parse_incident
from meaculpa.content.compose import compose_update, quote
from meaculpa.content.files import IncidentFiles
from meaculpa.errors import Refused
from meaculpa.importers import Entry, Import, Outcome
from meaculpa.importers.components import new_components, with_components
from meaculpa.importers.cstate_body import Message, Role, split_messages
from meaculpa.importers.cstate_values import Facts, NotReadable, read_facts, split_front_matter
from meaculpa.importers.fitting import fit_for_update
from meaculpa.importers.naming import LONGEST_ID, component_name, fit_for_file, slug, unique
from meaculpa.model import Impact, Source, Status

_LONGEST_TITLE = 120
_IS_PLANNED = re.compile(r"\b(?:maintenance|upgrade|migration|wartung)", re.IGNORECASE)
_IS_DRAFT = re.compile(r"^draft: true$", re.MULTILINE)
_SECTION_FILES = ("_index.md", "_index.html")


def import_cstate(folder: Path, config: Config) -> Import:
    """Convert every issue of a cState site; raises Refused when the folder holds none."""
    issues = _find_issues(folder)
    systems = _read_systems(folder, issues)
    components = new_components(systems, config)
    ids = {**{name: key for key, name in config.component_names.items()}, **{one.name: one.id for one in components}}
    extended = with_components(config, components)
    files: dict[str, str] = {}
    redirects = {"index.xml": "feed.rss", "issues/": "history.html"}
    entries = []
    for path in sorted(issues.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.name not in _SECTION_FILES:
            entry, text = _convert(path, path.relative_to(issues).as_posix(), ids, extended, set(files))
            entries.append(entry)
            if entry.path and text is not None:
                files[entry.path] = text
                if not _IS_DRAFT.search(text):
                    redirects[_address(path)] = f"{entry.path.removesuffix('.md')}.html"
    return Import(files, tuple(components), tuple(entries), redirects)


def _address(path: Path) -> str:
    """Where cState had an issue: Hugo makes addresses of file names, in small letters, with hyphens for spaces."""
    return f"issues/{re.sub(r'[^a-z0-9._~-]+', '-', path.stem.lower()).strip('-')}/"


def _find_issues(folder: Path) -> Path:
    candidates = (folder / "content" / "issues", folder / "issues", folder)
    for candidate in candidates:
        if candidate.is_dir() and any(path.suffix.startswith(".md") for path in candidate.iterdir()):
            return candidate
    raise Refused(f"{folder} holds no cState issues; give the site's folder, which has content/issues in it")


def _read_systems(folder: Path, issues: Path) -> dict[str, str | None]:
    """Read the systems of config.yml by name, with their category; without any, those that issues name."""
    for name in ("config.yml", "config.yaml", "hugo.yml", "hugo.yaml"):
        if (folder / name).is_file():
            try:
                values = yaml.load((folder / name).read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506 (texts only)
                systems = values["params"]["systems"]
                return {str(one["name"]).strip(): one.get("category") for one in systems}
            except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
                raise Refused(f"{folder / name} does not list params.systems as cState does: {error}") from None
    names: dict[str, str | None] = {}
    for path in sorted(issues.rglob("*.md")):
        try:
            values, _, comments = split_front_matter(path.read_text(encoding="utf-8"))
            names |= dict.fromkeys(read_facts(values, comments, path.name).affected)
        except (NotReadable, UnicodeDecodeError):
            continue
    return names


def _convert(
    path: Path, name: str, ids: Mapping[str, str], config: Config, taken: set[str]
) -> tuple[Entry, str | None]:
    try:
        values, body, comments = split_front_matter(path.read_text(encoding="utf-8"))
        facts = read_facts(values, comments, path.name)
    except UnicodeDecodeError:
        return Entry(name, Outcome.NOT_TAKEN, None, ("not UTF-8 text",)), None
    except (NotReadable, OverflowError) as error:
        return Entry(name, Outcome.NOT_TAKEN, None, (str(error),)), None
    incident_id = _id_of(path, taken, facts.notes)
    text = fit_for_file(_compose(facts, body, ids))
    source = Source(f"incidents/{incident_id}.md", text.encode(), "")
    found = parse_incident(IncidentFiles(incident_id, source, ()), config)
    if found.problems:
        return Entry(name, Outcome.NOT_TAKEN, None, (*facts.notes, *map(str, found.problems))), None
    outcome = Outcome.CHANGED if facts.notes else Outcome.TAKEN
    return Entry(name, outcome, source.path, tuple(dict.fromkeys(facts.notes))), text


def _id_of(path: Path, taken: set[str], notes: list[str]) -> str:
    stem = path.name[: -len(path.suffix)] if path.suffix.startswith(".md") else path.name
    wanted = slug(stem) or "incident"
    incident_id = unique(wanted[:LONGEST_ID].rstrip("-"), {one[len("incidents/") : -len(".md")] for one in taken})
    if incident_id != stem:
        notes.append(f"renamed to {incident_id}")
    return incident_id


def _compose(facts: Facts, body: str, ids: Mapping[str, str]) -> str:
    """Write the incident file: what the front matter says, then the messages as updates."""
    components = {
        ids[component_name(name)]: facts.component_status for name in facts.affected if component_name(name) in ids
    }
    other = [name for name in facts.affected if component_name(name) not in ids]
    first, last, timed = _arrange(split_messages(body, facts.notes), facts)
    if facts.is_notice:
        components = {}
        other = list(facts.affected)
    if other:
        facts.notes.append(f"not in config.yml, named in the text instead: {', '.join(other)}")
        first = f"{first}\n\nAffected: {', '.join(other)}".lstrip("\n")
    if len(facts.title) > _LONGEST_TITLE:
        facts.notes.append("the title is over 120 characters; the whole of it stands in the first message")
        first = f"{facts.title}\n\n{first}"
    updates = [(facts.began, Status.INVESTIGATING, first), *timed]
    is_told = any(at == facts.ended and status is Status.RESOLVED for at, status, _ in timed)
    if facts.ended and (last or not is_told):
        updates.append((facts.ended, Status.RESOLVED, last))
    updates.sort(key=lambda update: update[0])
    if facts.impact is Impact.MINOR and _IS_PLANNED.search(facts.title):
        facts.notes.append("it may have been planned work: then write kind: maintenance, with starts and ends")
    parts = [compose_update(at, status, {}, fit_for_update(text, facts.notes)) for at, status, text in updates]
    return _front_matter(facts, {key: str(value) for key, value in components.items()}) + "\n" + "\n".join(parts)


def _front_matter(facts: Facts, components: Mapping[str, str]) -> str:
    title = facts.title if len(facts.title) <= _LONGEST_TITLE else facts.title[: _LONGEST_TITLE - 1].rstrip() + "…"
    lines = [f"title: {quote(title)}"]
    lines += ["kind: notice"] if facts.is_notice else []
    lines += [f"impact: {facts.impact}"] if facts.impact is not Impact.NONE else []
    lines += ["components:", *(f"  {key}: {value}" for key, value in components.items())] if components else []
    lines += [f"{key}: true" for key in ("pin", "draft") if getattr(facts, key)]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _arrange(messages: list[Message], facts: Facts) -> tuple[str, str, list[tuple[datetime, Status, str]]]:
    """Find the first message, the last, and those between that have a time of their own.

    cState is written newest first; messages without a time join the first one, oldest first.
    """
    ended = facts.ended
    last_ones = [one for one in messages if one.role is Role.LAST and ended and (one.at is None or one.at == ended)]
    last = last_ones[0] if len(last_ones) == 1 else None
    rest = [one for one in messages if one is not last]
    timed = [
        (one.at, Status.RESOLVED if ended and one.at >= ended else Status.INVESTIGATING, one.text)
        for one in rest
        if one.at and one.at > facts.began
    ]
    undated = [one for one in rest if not one.at or one.at <= facts.began]
    openers = [one for one in undated if one.role is Role.FIRST]
    others = [one for one in reversed(undated) if one.role is not Role.FIRST]
    if others:
        facts.notes.append(f"{len(others)} messages without a time of their own stand in the first one")
    texts = [one.text for one in openers] + [_labelled(one) for one in others]
    timed_texts = sorted(timed, key=lambda one: one[0])
    return "\n\n".join(texts), last.text if last else "", timed_texts


def _labelled(message: Message) -> str:
    return f"**{message.label}**\n\n{message.text}" if message.label else message.text
