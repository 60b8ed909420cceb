"""Chapters -> files: only what shows something else than before is made again."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from meaculpa.build.bodiless import ROOM, BodilessFile, Shelf, ShelvedFile, UnmadeFile
from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.halves import can_be_halved, in_halves
from meaculpa.model import OutputFile
from meaculpa.render.pages import Chapter, Page

# What the record has of pages: by path, a fingerprint of the inputs, the digest, the size.
_PAGES = "pages"
# So many pages take longer to make than a copy of the process does.
_MUCH = 400
# A page that a copy has made: its digest, its size, and where its body begins on the shelf.
_Row = tuple[str, int, int]


class _Made(Struct, frozen=True):
    """A chapter as it was made: its inputs, its pages with theirs, and its files."""

    inputs: tuple[object, ...]
    pages: dict[str, tuple[tuple[object, ...], OutputFile]]
    files: dict[str, OutputFile]
    lasting: tuple[str, ...] = ()


class Workshop:
    """Makes files and remembers them by what they show; `made` counts those of the last time.

    What an earlier process has made of the same inputs, as the `record` says, is not made before it is wanted.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._chapters: dict[str, _Made] = {}
        self._record = record
        self._recorded = _recall(record) if record else {}
        self.made = 0

    def is_much(self, chapters: Iterable[Chapter]) -> bool:
        """Whether making chapters takes so long that two processes are faster, copying one of them included."""
        return sum(chapter.apart for chapter in chapters if self._is_new(chapter)) >= _MUCH

    def make(
        self, chapters: Iterable[Chapter], done: Callable[[Chapter], None] = lambda _: None
    ) -> dict[str, OutputFile]:
        """Make all files of all chapters, in their order; what fails leaves everything remembered as it was.

        Of each that had to be made it is told when it is `done`.
        """
        listed = list(chapters)
        self.made = 0
        shelves = [Shelf(self._record), Shelf(self._record)]
        due = [chapter for chapter in listed if self._is_due(chapter)]
        made = self._make_much(due, shelves, done) if self.is_much(due) and can_be_halved() else {}
        for chapter in due:
            if chapter.name not in made:
                made[chapter.name] = self._make(chapter, lambda page: shelves[0].put(page.produce()))
                done(chapter)
        chapters_made = {one.name: made.get(one.name) or self._chapters[one.name] for one in listed}
        if not any(shelf.is_used for shelf in shelves):
            chapters_made = _taken_back(chapters_made)
        files: dict[str, OutputFile] = {}
        for one in chapters_made.values():
            files.update(one.files)
        self._chapters = chapters_made
        return files

    def _is_due(self, chapter: Chapter) -> bool:
        known = self._chapters.get(chapter.name)
        return known is None or known.inputs != chapter.inputs

    def _is_new(self, chapter: Chapter) -> bool:
        """Whether the pages of a chapter have to be made, as far as its first one shows."""
        return self._is_due(chapter) and any(self._unmade(first) is None for first in islice(chapter.pages(), 1))

    def files_of(self, chapter: str) -> Mapping[str, OutputFile]:
        """The files of a chapter as it was made last."""
        return self._chapters[chapter].files

    def keep(self, closed: Collection[str]) -> None:
        """Have the record keep what pages were made of, where that has changed; what is closed is known by itself."""
        if self._record is None:
            return
        made = {
            path: (fingerprint(inputs), file.digest, file.size)
            for name, chapter in self._chapters.items()
            if name not in closed
            for path in chapter.lasting
            for inputs, file in [chapter.pages[path]]
        }
        if made != self._recorded:
            self._record.keep(_PAGES, "", [(_PAGES, made)])
        self._recorded = made

    def forget_all(self) -> None:
        """Make everything anew next time, whatever the record says."""
        self._chapters, self._recorded = {}, {}

    def forget(self, incidents: Collection[str]) -> None:
        """Make the pages of some incidents anew next time."""
        for name, made in self._chapters.items():
            pages = {path: page for path, page in made.pages.items() if id_in(path) not in incidents}
            if len(pages) < len(made.pages):
                self._chapters[name] = _Made((), pages, {})

    def _make_much(
        self, due: Sequence[Chapter], shelves: Sequence[Shelf], done: Callable[[Chapter], None]
    ) -> dict[str, _Made]:
        """Make chapters of which each stands apart, in two processes; none where the copy has no place to write."""
        mine, other = shelves
        apart = [chapter for chapter in due if chapter.apart]
        if self._record is None:
            return {}
        try:
            other.open()
        except OSError:
            return {}

        def here(number: int) -> _Made:
            made = self._make(apart[number], lambda page: mine.put(page.produce()))
            done(apart[number])
            return made

        def there(number: int) -> bytes:
            rows = dict[str, _Row]()

            def note(page: Page) -> OutputFile:
                file = page.produce()
                rows[page.path] = (file.digest, len(file.body), other.lay(file.body))
                return file

            self._make(apart[number], note)
            return msgspec.json.encode(rows)

        def take(number: int, answer: bytes) -> _Made:
            rows = msgspec.json.decode(answer, type=dict[str, _Row])

            def find(page: Page) -> OutputFile:
                digest, size, start = rows[page.path]
                return other.find(BodilessFile(page.path, digest, size), start)

            made = self._make(apart[number], find)
            done(apart[number])
            return made

        made = in_halves(len(apart), here, there, take)
        return {chapter.name: one for chapter, one in zip(apart, made, strict=True)}

    def _make(self, chapter: Chapter, produce: Callable[[Page], OutputFile]) -> _Made:
        before = self._chapters.get(chapter.name)
        pages: dict[str, tuple[tuple[object, ...], OutputFile]] = {}
        lasting = list[str]()
        for page in sorted(chapter.pages(), key=_turn):
            known = before.pages.get(page.path) if before else None
            if known is None or known[0] != page.inputs:
                file = self._unmade(page) if page.is_lasting and known is None else None
                self.made += file is None
                known = (page.inputs, file or produce(page))
            pages[page.path] = known
            if page.is_lasting:
                lasting.append(page.path)
        files = {path: file for path, (_, file) in pages.items()}
        return _Made(chapter.inputs, pages, files, tuple(lasting))

    def _unmade(self, page: Page) -> OutputFile | None:
        known = self._recorded.get(page.path)
        if self._record is None or known is None or known[0] != fingerprint(page.inputs):
            return None
        return UnmadeFile(page.path, known[1], known[2], lambda _: page.produce(), self._record)


def _taken_back(chapters: dict[str, _Made]) -> dict[str, _Made]:
    """Take what is left on an earlier shelf into memory, once months have been closed and it has room there."""
    lying = [file for made in chapters.values() for file in made.files.values() if isinstance(file, ShelvedFile)]
    if not lying or sum(file.size for file in lying) > ROOM:
        return chapters
    return {name: _in_memory(made) for name, made in chapters.items()}


def _in_memory(made: _Made) -> _Made:
    pages = {
        path: (inputs, file.taken_back() if isinstance(file, ShelvedFile) else file)
        for path, (inputs, file) in made.pages.items()
    }
    return _Made(made.inputs, pages, {path: file for path, (_, file) in pages.items()}, made.lasting)


def _recall(record: Record) -> dict[str, tuple[str, str, int]]:
    return record.recall(_PAGES, "", dict[str, tuple[str, str, int]], dict).get(_PAGES, {})


def fingerprint(inputs: tuple[object, ...]) -> str:
    """What identifies the inputs of a lasting page beyond this process."""
    return hashlib.sha256(repr(inputs).encode("utf-8", "surrogatepass")).hexdigest()


def _turn(page: Page) -> tuple[bool, str]:
    """Incidents first and in the order of their files, which is that of their texts on the way through the pool.

    Whoever asked for the newest first would wait for all.
    """
    return "incidents/" not in page.path, page.path
