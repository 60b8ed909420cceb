"""Incident files -> Incidents, and every Problem in all of them."""

import hashlib
from collections.abc import Iterable
from types import MappingProxyType

from msgspec import Struct

from meaculpa.config import Config
from meaculpa.content.blocks import split_updates
from meaculpa.content.files import IncidentFiles, as_text, group_files
from meaculpa.content.front_matter import FrontMatter, read_front_matter
from meaculpa.content.text import Halves, split_file
from meaculpa.content.translation import parse_translation
from meaculpa.content.updates import read_heading, read_update
from meaculpa.errors import Problem
from meaculpa.model import (
    INCIDENT_STATUSES,
    MAINTENANCE_STATUSES,
    Audience,
    Budget,
    Impact,
    Incident,
    Kind,
    Offer,
    Prevention,
    Source,
    Status,
    Surface,
    Translation,
    Update,
)


class Content(Struct, frozen=True):
    """What the incident files say, oldest incident first, and what is wrong with those that are missing."""

    incidents: tuple[Incident, ...]
    problems: tuple[Problem, ...]


class Parsed(Struct, frozen=True):
    """What the files of one incident say; None when its own file has a problem.

    With problems in translations alone the incident is there, without those translations.
    """

    incident: Incident | None
    problems: tuple[Problem, ...] = ()


def parse(sources: Iterable[Source], config: Config) -> Content:
    """Read all incident files; a file with a problem is left out and every problem is told."""
    groups, problems = group_files(sources, config.site.locales)
    parsed = [parse_incident(files, config) for files in groups]
    return collect(parsed, problems)


def collect(parsed: Iterable[Parsed], problems: Iterable[Problem]) -> Content:
    """Put incidents in order, and all problems together."""
    known = list(parsed)
    incidents = [one.incident for one in known if one.incident]
    told = [*problems, *(problem for one in known for problem in one.problems)]
    return Content(tuple(sorted(incidents, key=order)), tuple(sorted(told)))


def order(incident: Incident) -> tuple[object, str]:
    """Sort incidents by when they began."""
    return incident.started, incident.id


def parse_incident(files: IncidentFiles, config: Config) -> Parsed:
    """Read one incident and its translations; gives it, and every problem in its files."""
    path = files.original.path
    halves = split_file(files.original)
    if isinstance(halves, Problem):
        return Parsed(None, (halves,))
    matter = read_front_matter(halves, path, config)
    kind = matter.kind if isinstance(matter, FrontMatter) else None
    updates, problems = _read_updates(halves, path, config, kind)
    if isinstance(matter, list):
        problems = [*matter, *problems]
    else:
        problems += _dated_before_the_start(matter, updates, path)
    translations, wrong = _read_translations(files, updates, config, is_whole=not problems)
    if problems or isinstance(matter, list):
        return Parsed(None, (*problems, *wrong))
    return Parsed(_build(files, matter, updates, translations), tuple(wrong))


def _read_translations(
    files: IncidentFiles, updates: tuple[Update, ...], config: Config, is_whole: bool
) -> tuple[list[Translation], list[Problem]]:
    """Read the translations; beside a broken original only what is wrong with a file by itself is told."""
    found = [
        parse_translation(source, locale, updates if is_whole else None, config)
        for locale, source in files.translations
    ]
    translations = [one for one in found if isinstance(one, Translation)]
    return translations, [problem for one in found if isinstance(one, list) for problem in one]


def _read_updates(
    halves: Halves, path: str, config: Config, kind: Kind | None
) -> tuple[tuple[Update, ...], list[Problem]]:
    """Read the updates, oldest first; those of one minute in the order in which they were made.

    A file that has its newest update on top has the later one of a minute above the earlier one.
    """
    raw_updates, problems = split_updates(halves.body, halves.body_line, path)
    zone, updates = config.site.timezone, []
    for raw in raw_updates:
        heading = read_heading(raw, path, zone, _statuses(kind))
        if isinstance(heading, Problem):
            problems.append(heading)
            continue
        update, found = read_update(raw, heading, path, zone, config.component_names)
        updates.append(update)
        problems += found
    problems += _repeated(updates, path)
    if not raw_updates and not problems:
        problems.append(
            Problem(
                path,
                halves.body_line,
                "the incident has no update",
                "write one like: ## 2026-11-22 09:20 investigating",
            )
        )
    newest_on_top = len(updates) > 1 and updates[0].at > updates[-1].at
    in_order = reversed(updates) if newest_on_top else updates
    return tuple(sorted(in_order, key=lambda update: update.at)), problems


def _statuses(kind: Kind | None) -> tuple[Status, ...]:
    if kind is None:
        return (*INCIDENT_STATUSES, *MAINTENANCE_STATUSES)
    return MAINTENANCE_STATUSES if kind is Kind.MAINTENANCE else INCIDENT_STATUSES


def _repeated(updates: Iterable[Update], path: str) -> list[Problem]:
    seen: dict[tuple[object, ...], int] = {}
    problems = []
    for update in updates:
        key = (update.at, update.status, update.body)
        if key in seen:
            problems.append(
                Problem(path, update.line, f"the same update stands in line {seen[key]}", "keep one of the two")
            )
        seen.setdefault(key, update.line)
    return problems


def _dated_before_the_start(matter: FrontMatter, updates: tuple[Update, ...], path: str) -> list[Problem]:
    problems = []
    if updates and updates[0].status is Status.POSTMORTEM:
        problems.append(Problem(path, updates[0].line, "a postmortem is the first update", "it comes after resolved"))
    problems += [
        Problem(
            path,
            update.line,
            f"this update is dated before the incident began ({update.at:%H:%M} < {matter.started:%H:%M})"
            if update.at.date() == matter.started.date()
            else f"this update is dated before the incident began ({update.at:%Y-%m-%d} < {matter.started:%Y-%m-%d})",
        )
        for update in updates
        if matter.started and update.at < matter.started
    ]
    return problems


def _build(
    files: IncidentFiles, matter: FrontMatter, updates: tuple[Update, ...], translations: list[Translation]
) -> Incident:
    impact = Impact.MAINTENANCE if matter.kind is Kind.MAINTENANCE else matter.impact or Impact.NONE
    return Incident(
        id=files.id,
        path=files.original.path,
        digest=hashlib.sha256("\0".join(files.key).encode()).hexdigest(),
        text_digest=_text_digest(files),
        title=matter.title,
        kind=matter.kind,
        impact=impact,
        updates=updates,
        started=matter.starts or matter.started or updates[0].at,
        show=matter.show or _default_surface(impact),
        components=MappingProxyType(dict(matter.components)),
        summary=matter.summary,
        works=matter.works,
        money=matter.money,
        reason=matter.reason,
        starts=matter.starts,
        ends=matter.ends,
        audience=Audience(**matter.audience.model_dump()),
        prevention=tuple(Prevention(item.what, item.owner, item.due) for item in matter.prevention),
        offers=tuple(Offer(**item.model_dump()) for item in matter.offers),
        budget=Budget(**matter.budget.model_dump()) if matter.budget else None,
        pin=matter.pin,
        draft=matter.draft,
        translations=MappingProxyType({translation.locale: translation for translation in translations}),
    )


def _text_digest(files: IncidentFiles) -> str:
    texts = (as_text(source.content) for source in files.sources)
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _default_surface(impact: Impact) -> Surface:
    if impact is Impact.CRITICAL:
        return Surface.SPLASH
    return Surface.BANNER if impact in (Impact.MAJOR, Impact.MAINTENANCE) else Surface.PAGE
