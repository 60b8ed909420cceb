"""What the rules for messages have found, remembered by what they looked at: mostly nothing is new."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from types import ModuleType

from meaculpa.build.record import Record
from meaculpa.config import Config
from meaculpa.customers.people import read_people
from meaculpa.errors import Problem
from meaculpa.lint import is_of_interest
from meaculpa.lint.people import People
from meaculpa.model import Incident
from meaculpa.project import ProjectFiles

# What the record has of them: by the digest of an incident, all that was found in it.
_FINDINGS = "findings"

Found = dict[str, tuple[Problem, ...]]


class Findings:
    """The findings in each incident, for one configuration and those who must not be named."""

    def __init__(self, record: Record | None = None) -> None:
        self._record = record
        self._key = ""
        self._known: Found = {}
        self._recorded: tuple[str, Found] = "", {}

    def follow(
        self,
        incidents: Iterable[Incident],
        files: ProjectFiles,
        config: Config,
        now: datetime,
        everything: bool = False,
    ) -> list[Problem]:
        """Hold incidents that are of interest, or all, against the rules; those that are as before are known."""
        people = read_people(files.root)
        self._recall(config, people)
        before, self._known = self._known, {}
        for incident in incidents:
            if everything or is_of_interest(incident, now):
                known = before.get(incident.digest)
                self._known[incident.digest] = _inspect(incident, files, config, people) if known is None else known
        return [problem for found in self._known.values() for problem in found]

    def keep(self) -> None:
        """Have the record keep them, where they have changed."""
        if self._record and (self._key, self._known) != self._recorded:
            self._record.keep(_FINDINGS, self._key, [(_FINDINGS, self._known)])
            self._recorded = self._key, dict(self._known)

    def _recall(self, config: Config, people: People) -> None:
        """Begin with what an earlier process has found, if it was asked the same."""
        key = _key_of(config, people)
        if key != self._key:
            self._key = key
            recorded = self._record.recall(_FINDINGS, key, Found, dict) if self._record else {}
            self._known = recorded.get(_FINDINGS, {})
            self._recorded = key if recorded else "", dict(self._known)


def load_rules() -> ModuleType:
    """Load the rules: they take a fifth of a start, and mostly nothing is new.

    What runs for weeks loads them while it begins: it must not depend on files that an upgrade replaces.
    """
    from meaculpa.lint import pages

    return pages


def _inspect(incident: Incident, files: ProjectFiles, config: Config, people: People) -> tuple[Problem, ...]:
    found: tuple[Problem, ...] = load_rules().inspect_pages(incident, files.incidents, config, people)
    return found


def _key_of(config: Config, people: People) -> str:
    return hashlib.sha256(f"{config.digest} {_names_of(people)}".encode()).hexdigest()


@lru_cache(maxsize=4)
def _names_of(people: People) -> str:
    named = (sorted(people.names), sorted(people.orders))
    return hashlib.sha256(repr(named).encode("utf-8", "surrogatepass")).hexdigest()
