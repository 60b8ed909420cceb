"""Coverage-guided fuzzing of everything that reads what others wrote; a process of its own, for so many seconds.

    python -m reliability.fuzz SECONDS FOLDER

FOLDER begins with what lies in it and keeps what reaches new code. Whatever is raised and is not said to be is a
finding: it is printed, and the process ends with another code than 0.
"""

import contextlib
import sys
from html.parser import HTMLParser

import atheris

with atheris.instrument_imports(include=["meaculpa"]):
    from meaculpa.config import parse_config
    from meaculpa.content import parse
    from meaculpa.errors import TargetError
    from meaculpa.manifest import read_index, read_shard
    from meaculpa.metrics import parse_metric
    from meaculpa.model import Source
    from meaculpa.publish.bundle import unpack
    from meaculpa.publish.stamp import read_stamp
    from meaculpa.redirects import parse_redirects
    from meaculpa.render.markup import render_markup
from tests.making import a_config

from meaculpa.render.safe import ATTRIBUTES, TAGS, URL_SCHEMES

_LONGEST = 1_500
_CONFIG = a_config()
_ADDRESSES = ("href", "src")


class _Closed(HTMLParser):
    """Raises AssertionError where HTML holds anything that is not on the closed list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, ()) or name == "rel", (tag, name)
            scheme = (value or "").partition(":")[0].casefold()
            is_local = ":" not in (value or "") or "/" in scheme or "#" in scheme
            assert name not in _ADDRESSES or is_local or scheme in URL_SCHEMES, value


def _markup(data: bytes) -> None:
    with contextlib.suppress(RecursionError):
        _Closed().feed(render_markup(data.decode("utf-8", "replace")).html)


def _incident(data: bytes) -> None:
    content = parse([Source("incidents/2026-11-22-x.md", data, "x")], _CONFIG)
    assert bool(content.incidents) or bool(content.problems)


def _stored(data: bytes) -> None:
    for read in (read_index, lambda body: read_shard(body, "x"), lambda body: unpack(body, "x"), read_stamp):
        with contextlib.suppress(TargetError):
            read(data)


_READERS = (
    _markup,
    _incident,
    _stored,
    parse_config,
    parse_redirects,
    lambda data: parse_metric("metrics/x.csv", data, "x", _CONFIG.site.timezone),
)


def fuzz(data: bytes) -> None:
    """Have one input read by the reader that its first byte names."""
    if data:
        _READERS[data[0] % len(_READERS)](data[1:])


def main() -> None:
    seconds, folder = sys.argv[1:]
    switches = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-timeout=10", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *switches, folder], fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
