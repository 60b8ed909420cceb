"""Which file is which: the id and language in a file's name, and an incident with its translations."""

import re
from collections.abc import Iterable

from msgspec import Struct

from meaculpa.errors import Problem
from meaculpa.model import Source

INCIDENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NAME = re.compile(r"(?P<id>[^.]+)(?:\.(?P<locale>[A-Za-z0-9-]+))?\.md")


class IncidentFiles(Struct, frozen=True):
    """The file of one incident and its translations by locale."""

    id: str
    original: Source
    translations: tuple[tuple[str, Source], ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """All its files."""
        return (self.original, *(source for _, source in self.translations))

    @property
    def key(self) -> tuple[str, ...]:
        """What identifies the content of all its files."""
        return tuple(text for source in self.sources for text in (source.path, source.digest))


def id_in(path: str) -> str:
    """The id of the incident that a file belongs to by its name, well formed or not."""
    return path.rpartition("/")[2].partition(".")[0]


def as_text(content: bytes) -> bytes:
    """A file's content as it is in every checkout, whatever ends the lines there."""
    return content.replace(b"\r\n", b"\n")


def group_files(sources: Iterable[Source], locales: tuple[str, ...]) -> tuple[list[IncidentFiles], list[Problem]]:
    """Put each incident's file and its translations together; tells of files that fit nowhere."""
    originals: dict[str, Source] = {}
    translations: dict[str, dict[str, Source]] = {}
    problems: list[Problem] = []
    for source in sorted(sources, key=lambda one: one.path):
        name = _read_name(source, locales)
        if isinstance(name, Problem):
            problems.append(name)
            continue
        incident_id, locale = name
        taken = originals if locale is None else translations.setdefault(incident_id, {})
        key = locale or incident_id
        if key in taken:
            problems.append(
                Problem(
                    source.path,
                    0,
                    f"a second file for the same incident; the first is {taken[key].path}",
                    "file names are unique across all folders",
                )
            )
        else:
            taken[key] = source
    problems += _orphans(originals, translations)
    groups = [
        IncidentFiles(incident_id, source, tuple(sorted(translations.get(incident_id, {}).items())))
        for incident_id, source in originals.items()
    ]
    return groups, problems


def _read_name(source: Source, locales: tuple[str, ...]) -> tuple[str, str | None] | Problem:
    name = source.path.rsplit("/", 1)[-1]
    match = _NAME.fullmatch(name)
    if match is None or not INCIDENT_ID.fullmatch(match["id"]):
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        hint = "small letters, digits and hyphens, at most 64, then .md: 2026-11-22-card-payments.md"
        return Problem(source.path, 0, f'"{name}" is not a name for an incident file', hint)
    locale = match["locale"]
    if locale is None:
        return match["id"], None
    if locale not in locales:
        return Problem(
            source.path,
            0,
            f'"{locale}" is not a language of this site',
            f"site.locales in meaculpa.yml has: {', '.join(locales)}",
        )
    if locale == locales[0]:
        return Problem(
            source.path,
            0,
            f'"{locale}" is the language incidents are written in first',
            f"name the file {match['id']}.md",
        )
    return match["id"], locale


def _orphans(originals: dict[str, Source], translations: dict[str, dict[str, Source]]) -> list[Problem]:
    return [
        Problem(
            source.path,
            0,
            "a translation of an incident that is not there",
            f"the original is named {missing}.md",
        )
        for missing in translations.keys() - originals.keys()
        for source in translations[missing].values()
    ]
