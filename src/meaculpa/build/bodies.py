"""Texts of incidents on their way through the rendering processes: begun early, waited for when needed."""

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meaculpa.build.markup_pool import Answer, Awaited, MarkupPool, TooSlow
from meaculpa.build.record import Record
from meaculpa.errors import Problem
from meaculpa.model import Incident, Markup
from meaculpa.render.simple import is_simple, render_simple

_ANOTHER_CHANCE_SECONDS = 60.0
_NOTHING = Markup("")
# Of so much HTML, in characters, the memory is worth a write to the record.
_MUCH = 2_000_000


def bodies_of(incident: Incident) -> Iterator[tuple[str, str, int]]:
    """Every text of an incident in Markdown, with its file and line."""
    for update in incident.updates:
        yield update.body, incident.path, update.line
    for translation in incident.translations.values():
        for body in translation.bodies:
            if body is not None:
                yield body, translation.path, 0


def simple_texts(incident: Incident) -> list[int]:
    """Which of the texts of an incident, in the order of `bodies_of`, are simple."""
    return [place for place, (text, _, _) in enumerate(bodies_of(incident)) if is_simple(text)]


@dataclass
class Bodies(Mapping[str, Markup]):
    """The markup of every text that was asked for; a text that is refused has none, and `refusals` says why.

    `is_retried` says that a text without markup gets another chance: what was made without it is to be made anew.
    Simple texts are rendered here whenever they are asked for, which costs less than keeping what comes of them; all
    others by the pool, unless the `record` has them. `lacks` says that a text could not be rendered which nobody had
    begun: of a closed month, or one that the record has lost.
    """

    pool: MarkupPool
    record: Record | None = None
    is_retried: bool = False
    lacks: bool = False
    _known: dict[str, Answer] = field(default_factory=dict)
    _coming: dict[str, Awaited] = field(default_factory=dict)
    _simple: set[str] = field(default_factory=set)
    _slow: set[str] = field(default_factory=set)
    _unkept: dict[str, Incident] = field(default_factory=dict)
    _plain: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    _made: set[str] = field(default_factory=set)
    _made_length: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _kept: int = 0
    _kept_plain: int = 0
    _kept_incidents: int = 0

    def note_simple(self, incident: Incident, places: Collection[int]) -> None:
        """Take note of which texts of an incident are simple; those that are not named are looked at."""
        self._simple.update(text for place, (text, _, _) in enumerate(bodies_of(incident)) if place in places)

    def begin(self, incidents: Iterable[Incident]) -> None:
        """Have the texts of incidents rendered that are neither known nor under way."""
        asked = list(incidents)
        with self._lock:
            # What was made of them before is not what they say now.
            self._begin_to_count()
            files = [[text for text, _, _ in bodies_of(incident) if not self._has(text)] for incident in asked]
            if self.record:
                self._unkept.update({incident.id: incident for incident in asked})
                self._known.update(self.record.texts(text for file in files for text in file))
                files = [[text for text in file if text not in self._known] for file in files]
            self._coming.update(self.pool.begin(files))

    def keep(self, ids: Collection[str]) -> None:
        """Have the record keep what incidents say that were begun since the last time, if they are still there."""
        with self._lock:
            said = self._unkept_of(ids)
            self._unkept.clear()
        if self.record:
            self.record.keep_texts(said)

    def put_away(self, incidents: Iterable[Incident]) -> None:
        """Leave to the record, once it is much, what incidents say whose pages are made: it is read there again.

        What cannot be rendered, or shows a picture, is still going to be told of or asked for. Where the record takes
        nothing, all stays.
        """
        with self._lock:
            made = [one for one in incidents if one.id in self._unkept and not self._refusals_of(one, ())]
            self._made.update(one.id for one in made)
            others = (text for one in made for text, _, _ in bodies_of(one) if text not in self._simple)
            self._made_length += sum(len(self[text].html) for text in others)
            if self.record is None or self._made_length < _MUCH:
                return
            said = self._unkept_of(self._made)
            self._begin_to_count()
        if self.record.keep_texts(said):
            texts = {text for one in said.values() for text in one}
            with self._lock:
                self._unkept = {name: one for name, one in self._unkept.items() if name not in said}
                self._known = {text: answer for text, answer in self._known.items() if text not in texts}

    def _begin_to_count(self) -> None:
        self._made_length = 0
        self._made.clear()

    def _unkept_of(self, ids: Collection[str]) -> dict[str, dict[str, Markup]]:
        """What some incidents say that the record does not have yet."""
        said = {}
        for name, incident in self._unkept.items():
            if name in ids:
                answers = {text: self._known.get(text) for text, _, _ in bodies_of(incident)}
                said[name] = {text: one for text, one in answers.items() if isinstance(one, Markup)}
        return said

    def next_chance(self, now: datetime) -> datetime | None:
        """When a text that was too slow is tried again; None where there is none."""
        is_any_slow = any(text in self._known for text in self._slow)
        return now + timedelta(seconds=_ANOTHER_CHANCE_SECONDS + 1) if is_any_slow else None

    def is_plain(self, incident: Incident) -> bool:
        """Whether all texts of an incident are rendered, and nothing outside it can make them wrong."""
        return _key(incident) in self._plain

    def forget_others(self, incidents: Iterable[Incident]) -> None:
        """Drop what no incident says any more, once that has become much; months that were closed are much."""
        known = list(incidents)
        is_little = len(self._known) < 2 * self._kept and len(self._plain) < 2 * self._kept_plain
        if is_little and 2 * len(known) > self._kept_incidents:
            return
        with self._lock:
            self._forget_others(known)

    def _forget_others(self, known: list[Incident]) -> None:
        self._plain &= {_key(incident) for incident in known}
        wanted = {text for incident in known for text, _, _ in bodies_of(incident)}
        self._known = {text: answer for text, answer in self._known.items() if text in wanted}
        self._simple &= wanted
        self._slow &= self._known.keys()
        self._kept, self._kept_plain, self._kept_incidents = len(self._known), len(self._plain), len(known)

    def refusals(self, incidents: Iterable[Incident], assets: Collection[str]) -> list[Problem]:
        """Tell of every text that cannot be rendered and every picture that is not there."""
        problems: list[Problem] = []
        for incident in incidents:
            if not self.is_plain(incident):
                problems += self._refusals_of(incident, assets)
        return problems

    def _refusals_of(self, incident: Incident, assets: Collection[str]) -> list[Problem]:
        others = (one for one in bodies_of(incident) if one[0] not in self._simple)
        answers = [(self._answer(text), path, line) for text, path, line in others]
        if all(isinstance(answer, Markup) and not answer.pictures for answer, _, _ in answers):
            # Nothing outside the incident can make it wrong, so that need not be looked at again.
            self._plain.add(_key(incident))
        return [problem for answer, path, line in answers for problem in _refusals(answer, path, line, assets)]

    def __getitem__(self, text: str) -> Markup:
        answer = self._answer(text)
        return answer if isinstance(answer, Markup) else _NOTHING

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._coming, **dict.fromkeys(self._simple)})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _answer(self, text: str) -> Answer:
        if self._is_simple(text):
            return render_simple(text)
        # Couriers may ask as well, for pages that are made when a target wants them.
        with self._lock:
            known = self._known
            is_unexpected = text not in known and text not in self._coming
            if is_unexpected:
                known.update(self.record.texts([text]) if self.record else {})
                self._coming.update({} if text in known else self.pool.begin([[text]]))
            if text not in known:
                answer = known[text] = self._coming.pop(text).wait()
                if isinstance(answer, TooSlow):
                    self._slow.add(text)
                if is_unexpected and not isinstance(answer, Markup):
                    self.lacks = True
                    # Whoever says it has to be looked at once more.
                    self._plain.clear()
            return known[text]

    def _is_simple(self, text: str) -> bool:
        # One that is under way need not be looked at.
        if text not in self._simple and text not in self._known and text not in self._coming and is_simple(text):
            self._simple.add(text)
        return text in self._simple

    def _has(self, text: str) -> bool:
        if self._is_simple(text):
            return True
        answer = self._known.get(text)
        # A busy machine makes innocent texts slow; after a while they get another chance.
        if isinstance(answer, TooSlow) and time.monotonic() - answer.since > _ANOTHER_CHANCE_SECONDS:
            del self._known[text]
            self._slow.discard(text)
            self.is_retried = True
            answer = None
        return answer is not None or text in self._coming


def _key(incident: Incident) -> tuple[str, tuple[str, ...]]:
    """What an incident says: its files, and the languages that the configuration lets them be read in."""
    return incident.digest, tuple(incident.translations)


def _refusals(answer: Answer, path: str, line: int, assets: Collection[str]) -> Iterator[Problem]:
    if isinstance(answer, Markup):
        for picture in answer.pictures:
            if picture not in assets:
                hint = "pictures lie in the project's assets folder: ![what it shows](assets/name.png)"
                yield Problem(path, line, f'there is no picture "{picture}"', hint)
    elif isinstance(answer, TooSlow):
        yield Problem(path, line, "this text takes too long to render", "shorten it, or leave out unusual markup")
    else:
        yield Problem(path, line, "this text is nested too deep", "use fewer levels of lists and quotes")
