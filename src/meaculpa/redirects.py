"""`redirects.yml`: addresses of an earlier status page, and the pages of this site that they lead to."""

import re

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.errors import Problem, Severity
from meaculpa.names import REDIRECTS_FILE
from meaculpa.strict_yaml import YamlMistake, load

LARGEST_REDIRECTS = 2_097_152
# No file system takes longer names, and none of ours begins with a dot.
_PART = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}"
_PATH = re.compile(rf"(?:{_PART}/){{0,15}}{_PART}/?")


class Redirect(Struct, frozen=True):
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
        return ending_of(self.path) not in ("", "html")


def ending_of(path: str) -> str:
    """What stands behind the last dot of a file's name; empty where there is none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else ""


def parse_redirects(content: bytes) -> tuple[tuple[Redirect, ...], list[Problem]]:
    """Read the file; gives what can be read, and every problem: none of them is worth holding up an incident."""
    try:
        document = load(content.decode("utf-8-sig").replace("\r\n", "\n"), longest=LARGEST_REDIRECTS)
    except (YamlMistake, UnicodeDecodeError) as error:
        line, hint = getattr(error, "line", 1), getattr(error, "hint", "save the file as UTF-8")
        message = str(error) if isinstance(error, YamlMistake) else "not UTF-8 text"
        return (), [Problem(REDIRECTS_FILE, line, message, hint, Severity.WARNING)]
    found, problems = [], [replace(one, severity=Severity.WARNING) for one in document.problems(REDIRECTS_FILE)]
    for old, new in document.values.items():
        line = document.line_of((old,))
        if not isinstance(new, str) or not is_path(old) or not is_path(new):
            hint = "write it like incidents/abc123: incidents/2026-11-22-card-payments.html"
            message = f'"{old}: {new}" is not a pair of paths of this site'
            problems.append(Problem(REDIRECTS_FILE, line, message, hint, Severity.WARNING))
        else:
            found.append(Redirect(old, new, line))
    return tuple(found), problems


def is_path(text: str) -> bool:
    """Whether a text is a path from the top of a site that can be a file there."""
    return _PATH.fullmatch(text) is not None
