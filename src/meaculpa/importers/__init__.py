"""Other status pages' files -> incident files, with a report that names every change and every loss."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class Outcome(StrEnum):
    """What became of a file: taken as it was, taken with named changes, or not taken."""

    TAKEN = "taken"
    CHANGED = "changed"
    NOT_TAKEN = "not taken"
    ALREADY_THERE = "already there"


class Entry(Struct, frozen=True):
    """One file or incident of the source: what became of it, its new path, and everything worth knowing about it."""

    source: str
    outcome: Outcome
    path: str | None
    notes: tuple[str, ...] = ()


class NewComponent(Struct, frozen=True):
    """A component that the source knows and the project's configuration does not."""

    id: str
    name: str
    group: str | None


class Import(Struct, frozen=True):
    """Everything an importer made: files by path, components to add, an entry per source file or incident.

    `redirects` are new paths by old ones, for `redirects.yml`.
    """

    files: Mapping[str, str]
    components: tuple[NewComponent, ...]
    entries: tuple[Entry, ...]
    redirects: dict[str, str] = field(default_factory=dict)
