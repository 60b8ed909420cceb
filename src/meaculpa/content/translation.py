"""A translation file of an incident -> what is translated, in the order of the original's updates."""

from meaculpa.config import Config
from meaculpa.content.blocks import RawUpdate, oldest_first, split_updates
from meaculpa.content.front_matter import TranslationMatter, read_translation_matter
from meaculpa.content.text import Halves, split_file
from meaculpa.content.updates import Heading, read_heading
from meaculpa.errors import Problem
from meaculpa.model import INCIDENT_STATUSES, MAINTENANCE_STATUSES, Source, Translation, Update
from meaculpa.times import format_time


def parse_translation(
    source: Source, locale: str, updates: tuple[Update, ...] | None, config: Config
) -> Translation | list[Problem]:
    """Read one translation of an incident; gives it, or every problem.

    `updates` are the original's; without them, because it is broken, nothing is compared with it.
    """
    halves = split_file(source)
    if isinstance(halves, Problem):
        return [halves]
    matter = read_translation_matter(halves, source.path, config.site.timezone)
    bodies, problems = _read_bodies(halves, source.path, updates, config)
    if isinstance(matter, list) or problems:
        return [*(matter if isinstance(matter, list) else []), *problems]
    return _build(source.path, locale, matter, bodies)


def _build(path: str, locale: str, matter: TranslationMatter, bodies: tuple[str | None, ...]) -> Translation:
    texts = (matter.title, matter.summary, matter.works, matter.money)
    return Translation(locale, path, *texts, bodies, matter.reason)


def _read_bodies(
    halves: Halves, path: str, updates: tuple[Update, ...] | None, config: Config
) -> tuple[tuple[str | None, ...], list[Problem]]:
    raw_updates, problems = split_updates(halves.body, halves.body_line, path)
    bodies: list[str | None] = [None] * len(updates or ())
    for raw in oldest_first(raw_updates):
        heading = read_heading(raw, path, config.site.timezone, (*INCIDENT_STATUSES, *MAINTENANCE_STATUSES))
        if isinstance(heading, Problem):
            problems.append(heading)
            continue
        problems += [
            Problem(path, line, "facts do not stand in a translation", "they are taken from the original")
            for line, _, _ in raw.facts[:1]
        ]
        if updates is not None:
            problems += _place(raw, heading, updates, bodies, path)
    return tuple(bodies), problems


def _place(
    raw: RawUpdate, heading: Heading, updates: tuple[Update, ...], bodies: list[str | None], path: str
) -> list[Problem]:
    """Put a translated text beside its original: same time, same status, in order within a minute."""
    same_time = [position for position, update in enumerate(updates) if update.at == heading.at]
    if not same_time:
        return [
            Problem(
                path,
                raw.line,
                f"the original has no update of {format_time(heading.at)}",
                "a translation repeats the original's times",
            )
        ]
    same = [position for position in same_time if updates[position].status is heading.status]
    if not same:
        return [
            Problem(
                path,
                raw.line,
                f'the status is "{heading.status}" here and "{updates[same_time[0]].status}" in the original',
                "a translation repeats the original's status words",
            )
        ]
    free = [position for position in same if bodies[position] is None]
    if not free:
        return [Problem(path, raw.line, "this update is translated a second time", "keep one of the two")]
    bodies[free[0]] = raw.body
    return []
