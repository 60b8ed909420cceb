"""What the incident files of a project say: read again only where files have changed since."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import Struct

from meaculpa.config import Config
from meaculpa.content import Content, Parsed, collect, parse_incident
from meaculpa.content.files import group_files, id_in
from meaculpa.errors import Problem
from meaculpa.halves import can_be_halved, in_halves
from meaculpa.model import Incident, Source

_TOGETHER = 32
# So many incidents take longer to read than a copy of the process does.
_MUCH = 400


class _Said(Struct, frozen=True):
    """What the files of one incident say, what is wrong with them, and what was found in it on the way."""

    parsed: list[Parsed]
    problems: list[Problem]
    found: list[int]


class Contents:
    """Remembers for each incident its files and what they say; files of other incidents cannot change that."""

    def __init__(self) -> None:
        self._settings: str | None = None
        self._sources: Mapping[str, Source] = {}
        self._files: dict[str, dict[str, Source]] = {}
        self._said: dict[str, tuple[list[Parsed], list[Problem]]] = {}
        self._due: dict[str, None] = {}

    def follow(
        self,
        sources: Mapping[str, Source],
        config: Config,
        look: Callable[[Incident], list[int]] = lambda _: [],
    ) -> Iterator[tuple[Incident, list[int]]]:
        """Read what has changed; gives each incident that was read, while others are still to come.

        Beside it stands what `look` found in it, whatever that is: it is done where the incident is read.
        """
        if self._settings != config.digest:
            self._settings, self._sources = config.digest, {}
            self._files, self._said, self._due = {}, {}, {}
        self._take_note(sources)
        for incident_id in [one for one in self._due if not self._files[one]]:
            self._forget(incident_id)
        due = list(self._due)
        batches = [due[start : start + _TOGETHER] for start in range(0, len(due), _TOGETHER)]
        for batch, read in zip(batches, self._read_batches(batches, config, look), strict=True):
            for incident_id, said in zip(batch, read, strict=True):
                self._said[incident_id] = (said.parsed, said.problems)
                del self._due[incident_id]
                yield from ((one.incident, said.found) for one in said.parsed if one.incident)

    def _read_batches(
        self, batches: Sequence[Sequence[str]], config: Config, look: Callable[[Incident], list[int]]
    ) -> Iterable[list[_Said]]:
        """Read incidents, half of many in a copy of the process."""

        def here(number: int) -> list[_Said]:
            return [_read(self._files[incident_id].values(), config, look) for incident_id in batches[number]]

        if sum(map(len, batches)) < _MUCH or not can_be_halved():
            return map(here, range(len(batches)))
        encoder = msgspec.msgpack.Encoder(enc_hook=_as_dictionary)
        decoder = msgspec.msgpack.Decoder(list[_Said])
        return in_halves(
            len(batches), here, lambda number: encoder.encode(here(number)), lambda _, answer: decoder.decode(answer)
        )

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


def _read(sources: Iterable[Source], config: Config, look: Callable[[Incident], list[int]]) -> _Said:
    groups, problems = group_files(sources, config.site.locales)
    parsed = [parse_incident(group, config) for group in groups]
    return _Said(parsed, problems, [place for one in parsed if one.incident for place in look(one.incident)])


def _as_dictionary(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(type(value))
