"""Chapters -> files: only what shows something else than before is made again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from meaculpa.content.files import id_in
from meaculpa.model import OutputFile
from meaculpa.render.pages import Chapter, Page


@dataclass(frozen=True, slots=True)
class _Made:
    """A chapter as it was made: its inputs, its pages with theirs, and its files."""

    inputs: tuple[object, ...]
    pages: dict[str, tuple[tuple[object, ...], OutputFile]]
    files: dict[str, OutputFile]


class Workshop:
    """Makes files and remembers them by what they show; `made` counts those of the last time."""

    def __init__(self) -> None:
        self._chapters: dict[str, _Made] = {}
        self.made = 0

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

    def forget(self, incidents: Collection[str]) -> None:
        """Make the pages of some incidents anew next time."""
        for name, made in self._chapters.items():
            pages = {path: page for path, page in made.pages.items() if id_in(path) not in incidents}
            if len(pages) < len(made.pages):
                self._chapters[name] = _Made((), pages, {})

    def _make(self, chapter: Chapter, before: _Made | None) -> _Made:
        pages: dict[str, tuple[tuple[object, ...], OutputFile]] = {}
        for page in sorted(chapter.pages(), key=_turn):
            known = before.pages.get(page.path) if before else None
            if known is None or known[0] != page.inputs:
                known = (page.inputs, page.produce())
                self.made += 1
            pages[page.path] = known
        return _Made(chapter.inputs, pages, {path: file for path, (_, file) in pages.items()})


def _turn(page: Page) -> tuple[bool, str]:
    """Incidents first and in the order of their files, which is that of their texts on the way through the pool.

    Whoever asked for the newest first would wait for all.
    """
    return "incidents/" not in page.path, page.path
