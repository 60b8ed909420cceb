"""Other status pages' files -> incident files, with a report that names every change and every loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a file: taken as it was, taken with named changes, or not taken."""

    TAKEN = "taken"
    CHANGED = "changed"
    NOT_TAKEN = "not taken"
    ALREADY_THERE = "already there"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or incident of the source: what became of it, its new path, and everything worth knowing about it."""

    source: str
    outcome: Outcome
    path: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewComponent:
    """A component that the source knows and the project's configuration does not."""

    id: str
    name: str
    group: str | None


@dataclass(frozen=True, slots=True)
class Import:
    """Everything an importer made: files by path, components to add, an entry per source file or incident.

    `redirects` are new paths by old ones, for `redirects.yml`.
    """

    files: Mapping[str, str]
    components: tuple[NewComponent, ...]
    entries: tuple[Entry, ...]
    redirects: dict[str, str] = field(default_factory=dict)
