"""Chapters -> files: only what shows something else than before is made again."""

import hashlib
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from meaculpa.build.bodiless import ROOM, Shelf, ShelvedFile, UnmadeFile
from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.model import OutputFile
from meaculpa.render.pages import Chapter, Page

# What the record has of pages: by path, a fingerprint of the inputs, the digest, the size.
_PAGES = "pages"


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

    @property
    def is_informed(self) -> bool:
        """Whether an earlier process has left word."""
        return bool(self._recorded)

    def make(self, chapters: Iterable[Chapter]) -> dict[str, OutputFile]:
        """Make all files of all chapters, in their order; what fails leaves everything remembered as it was."""
        chapters_made: dict[str, _Made] = {}
        files: dict[str, OutputFile] = {}
        self.made = 0
        shelf = Shelf(self._record)
        for chapter in chapters:
            known = self._chapters.get(chapter.name)
            if known is None or known.inputs != chapter.inputs:
                known = self._make(chapter, known, shelf)
            chapters_made[chapter.name] = known
        if not shelf.is_used:
            chapters_made = _taken_back(chapters_made)
        for made in chapters_made.values():
            files.update(made.files)
        self._chapters = chapters_made
        return files

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

    def _make(self, chapter: Chapter, before: _Made | None, shelf: Shelf) -> _Made:
        pages: dict[str, tuple[tuple[object, ...], OutputFile]] = {}
        lasting = list[str]()
        for page in sorted(chapter.pages(), key=_turn):
            known = before.pages.get(page.path) if before else None
            if known is None or known[0] != page.inputs:
                file = self._unmade(page) if page.is_lasting and known is None else None
                self.made += file is None
                known = (page.inputs, file or shelf.put(page.produce()))
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
