"""`redirects.yml`: addresses of an earlier status page, and the pages of this site that they lead to."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from meaculpa.errors import Problem, Severity
from meaculpa.strict_yaml import YamlMistake, load

REDIRECTS_FILE = "redirects.yml"
LARGEST_REDIRECTS = 2_097_152
_PATH = re.compile(r"(?!\.)(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]+/?")
# A feed is a feed, whatever it was called.
_FEEDS = {"atom", "rss", "xml"}
_ENDING = re.compile(r"\.[A-Za-z0-9]+$")


@dataclass(frozen=True, slots=True)
class Redirect:
    """An earlier address and where it leads, both as paths from the top of the site; and its line in the file."""

    old: str
    new: str
    line: int

    @property
    def path(self) -> str:
        """What is published for it: of a folder's address the folder's index, as every web server knows it."""
        return f"{self.old}index.html" if self.old.endswith("/") else self.old

    @property
    def is_copy(self) -> bool:
        """Whether the old address answers with the file itself: a feed reader follows no page."""
        ending = _ENDING.search(self.old)
        return ending is not None and ending[0] != ".html"


def parse_redirects(content: bytes) -> tuple[tuple[Redirect, ...], list[Problem]]:
    """Read the file; gives what can be read, and every problem: none of them is worth holding up an incident."""
    try:
        document = load(content.decode("utf-8-sig").replace("\r\n", "\n"), longest=LARGEST_REDIRECTS)
    except (YamlMistake, UnicodeDecodeError) as error:
        line, hint = getattr(error, "line", 1), getattr(error, "hint", "save the file as UTF-8")
        return (), [Problem(REDIRECTS_FILE, line, str(error), hint, Severity.WARNING)]
    found, problems = [], [replace(one, severity=Severity.WARNING) for one in document.problems(REDIRECTS_FILE)]
    for old, new in document.values.items():
        line = document.line_of((old,))
        if not isinstance(new, str) or not _is_path(old) or not _is_path(new):
            hint = "write it like incidents/abc123: incidents/2026-11-22-card-payments.html"
            message = f'"{old}: {new}" is not a pair of paths of this site'
            problems.append(Problem(REDIRECTS_FILE, line, message, hint, Severity.WARNING))
        else:
            found.append(Redirect(old, new, line))
    return tuple(found), problems


def _is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None and ".." not in text.split("/")


def unusable(redirects: Iterable[Redirect], pages: Container[str]) -> list[tuple[Redirect, Problem]]:
    """Tell of redirects that lead nowhere or stand where a page of the site does; none of them is published."""
    found = []
    for one in redirects:
        if one.path in pages:
            message, hint = f'"{one.old}" is a page of this site', "remove the line"
        elif one.new not in pages:
            message, hint = f'"{one.old}" leads to "{one.new}", which is not there', "name a page that is published"
        elif one.is_copy and not _is_same_kind(one):
            message, hint = f'"{one.old}" cannot lead to a file of another kind', "pages end in .html or in nothing"
        else:
            continue
        found.append((one, Problem(REDIRECTS_FILE, one.line, message, hint, Severity.WARNING)))
    return found


def _is_same_kind(one: Redirect) -> bool:
    old, new = one.old.rpartition(".")[2], one.new.rpartition(".")[2]
    return old == new or {old, new} <= _FEEDS
