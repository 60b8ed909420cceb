"""What the incident files of a project say: read again only where files have changed since."""

from collections.abc import Iterator, Mapping

from meaculpa.config import Config
from meaculpa.content import Content, Parsed, collect, parse_incident
from meaculpa.content.files import group_files, id_in
from meaculpa.errors import Problem
from meaculpa.model import Incident, Source


class Contents:
    """Remembers for each incident its files and what they say; files of other incidents cannot change that."""

    def __init__(self) -> None:
        self._settings: str | None = None
        self._sources: Mapping[str, Source] = {}
        self._files: dict[str, dict[str, Source]] = {}
        self._said: dict[str, tuple[list[Parsed], list[Problem]]] = {}
        self._due: dict[str, None] = {}

    def follow(self, sources: Mapping[str, Source], config: Config) -> Iterator[Incident]:
        """Read what has changed; gives each incident that was read, while others are still to come."""
        if self._settings != config.digest:
            self._settings, self._sources = config.digest, {}
            self._files, self._said, self._due = {}, {}, {}
        self._take_note(sources)
        for incident_id in list(self._due):
            if not self._files[incident_id]:
                self._forget(incident_id)
                continue
            groups, problems = group_files(self._files[incident_id].values(), config.site.locales)
            parsed = [parse_incident(group, config) for group in groups]
            self._said[incident_id] = (parsed, problems)
            del self._due[incident_id]
            yield from (one.incident for one in parsed if one.incident)

    def _forget(self, incident_id: str) -> None:
        del self._files[incident_id], self._due[incident_id]
        self._said.pop(incident_id, None)

    @property
    def sources(self) -> Mapping[str, Mapping[str, Source]]:
        """The files of each incident, by its id and their paths."""
        return self._files

    @property
    def content(self) -> Content:
        """All incidents, and every problem."""
        parsed = (one for said, _ in self._said.values() for one in said)
        return collect(parsed, (problem for _, told in self._said.values() for problem in told))

    def _take_note(self, sources: Mapping[str, Source]) -> None:
        """Find the files that are others than before; a source that is the same object is the same file."""
        before = self._sources
        different = {path for path, source in sources.items() if before.get(path) is not source}
        different |= before.keys() - sources.keys()
        for path in sorted(different):
            files = self._files.setdefault(id_in(path), {})
            known = files.pop(path, None)
            if path in sources:
                files[path] = sources[path]
            if known is None or path not in sources or known.digest != sources[path].digest:
                self._due[id_in(path)] = None
        self._sources = sources
