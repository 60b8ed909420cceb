"""Chapters -> files: only what shows something else than before is made again."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meaculpa.build.record import Record
from meaculpa.content.files import id_in
from meaculpa.errors import Outdated
from meaculpa.model import OutputFile
from meaculpa.render.headers import cache_control, content_type
from meaculpa.render.pages import Chapter, Page

# What the record has of pages: by path, a fingerprint of the inputs, the digest, the size.
_PAGES = "pages"


class UnmadeFile(OutputFile):
    """A file of which everything is known but its body, which is made when somebody wants it."""

    def __init__(self, path: str, digest: str, size: int, make: Callable[[], OutputFile], record: Record) -> None:
        facts = {"path": path, "digest": digest, "leads_to": None}
        self.__dict__.update(facts, _size=size, _make=make, _record=record)

    @property
    def size(self) -> int:
        """The length of its body in bytes."""
        return int(self.__dict__["_size"])

    @property
    def content_type(self) -> str:
        """What it is served as."""
        return content_type(self.path)

    @property
    def cache_control(self) -> str:
        """How long it may be kept."""
        return cache_control(self.path)

    @property
    def body(self) -> bytes:
        """Make it; raises Outdated where it is not what it was, and then the record is worth nothing."""
        made: OutputFile = self.__dict__["_make"]()
        if made.digest != self.digest:
            self.__dict__["_record"].discard()
            raise Outdated(f"{self.path} is not what it was when it was last made; run it once more")
        return made.body


@dataclass(frozen=True, slots=True)
class _Made:
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
        for chapter in chapters:
            known = self._chapters.get(chapter.name)
            if known is None or known.inputs != chapter.inputs:
                known = self._make(chapter, known)
            chapters_made[chapter.name] = known
            files.update(known.files)
        self._chapters = chapters_made
        return files

    def files_of(self, chapter: str) -> Mapping[str, OutputFile]:
        """The files of a chapter as it was made last."""
        return self._chapters[chapter].files

    def keep(self) -> None:
        """Have the record keep what pages were made of, where that has changed."""
        if self._record is None:
            return
        made = {
            path: (fingerprint(inputs), file.digest, file.size)
            for chapter in self._chapters.values()
            for path in chapter.lasting
            for inputs, file in [chapter.pages[path]]
        }
        if made != self._recorded:
            self._record.keep(_PAGES, "", {_PAGES: made})
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

    def _make(self, chapter: Chapter, before: _Made | None) -> _Made:
        pages: dict[str, tuple[tuple[object, ...], OutputFile]] = {}
        lasting = list[str]()
        for page in sorted(chapter.pages(), key=_turn):
            known = before.pages.get(page.path) if before else None
            if known is None or known[0] != page.inputs:
                file = self._unmade(page) if page.is_lasting and known is None else None
                self.made += file is None
                known = (page.inputs, file or page.produce())
            pages[page.path] = known
            if page.is_lasting:
                lasting.append(page.path)
        files = {path: file for path, (_, file) in pages.items()}
        return _Made(chapter.inputs, pages, files, tuple(lasting))

    def _unmade(self, page: Page) -> OutputFile | None:
        known = self._recorded.get(page.path)
        if self._record is None or known is None or known[0] != fingerprint(page.inputs):
            return None
        return UnmadeFile(page.path, known[1], known[2], page.produce, self._record)


def _recall(record: Record) -> dict[str, tuple[str, str, int]]:
    def read(value: Any) -> dict[str, tuple[str, str, int]]:
        return {path: (str(inputs), str(digest), int(size)) for path, (inputs, digest, size) in value.items()}

    return record.recall(_PAGES, "", read).get(_PAGES, {})


def fingerprint(inputs: tuple[object, ...]) -> str:
    """What identifies the inputs of a lasting page beyond this process."""
    return hashlib.sha256(repr(inputs).encode("utf-8", "surrogatepass")).hexdigest()


def _turn(page: Page) -> tuple[bool, str]:
    """Incidents first and in the order of their files, which is that of their texts on the way through the pool.

    Whoever asked for the newest first would wait for all.
    """
    return "incidents/" not in page.path, page.path
