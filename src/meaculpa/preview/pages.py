"""Pages as the desk shows them: as published, with a script of the desk's own in front."""

import codecs
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from html import unescape

from msgspec import Struct

FRAME_SCRIPT = "/__desk/frame.js"
BANNER_SCRIPT = "/banner.js"

# Up to where the head begins; each of these tags may be left out (HTML, 13.1.2).
_BEGINNING = re.compile(r"(?:\s*(?:<\?[^>]*>|<!--.*?-->|<!doctype[^>]*>|<html[^>]*>|<head[^>]*>))*", re.I | re.S)
# One start tag, with what may stand between quotes; what is longer is no tag that matters.
_META = re.compile(r"""<meta\b(?>(?:[^<>"']{1,1000}|"[^"]{0,4000}"|'[^']{0,4000}'){0,50})>""", re.I)
# A saved page's own policy would keep the banner out, its own way elsewhere would leave the desk.
_STEERING = re.compile(r"""\bhttp-equiv\s*=\s*["']?\s*(?:content-security-policy|refresh)\b""", re.I)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_-]{2,40})""", re.I)
_LOOKED_AT = 2_048


class View(Struct, frozen=True):
    """How a page is shown: from which origin, of which build, and how far ahead of the real time."""

    origin: str
    build: str
    shift: timedelta


def with_script(html: str, view: View, role: str = "page", more: str = "") -> str:
    """Put the desk's script first of all, where no policy of the page forbids it yet, and `more` behind it."""
    data = f'data-role="{role}" data-build="{view.build}" data-shift="{view.shift.total_seconds()}"'
    script = f'<script src="{view.origin}{FRAME_SCRIPT}" {data}></script>{more}'
    beginning = _BEGINNING.match(html)
    end = beginning.end() if beginning else 0
    return html[:end] + script + html[end:]


def with_banner(html: str, view: View) -> str:
    """Make a page of a shop embed the banner of this desk, whatever the page says about its base and its policy."""
    bare = _META.sub(lambda match: "" if _steers(match[0]) else match[0], html)
    return with_script(bare, view, "shop", f"<script>{_embed(view.origin)}</script>")


def shop_policy(origin: str) -> str:
    """What a saved page of a shop may do here: look as it does, and run nothing but the banner.

    Sources name paths (CSP3, 6.7.2.8), so that no script that was saved with the page runs.
    """
    own = b64encode(sha256(_embed(origin).encode()).digest()).decode()
    return (
        f"script-src 'sha256-{own}' {origin}{BANNER_SCRIPT} {origin}{FRAME_SCRIPT}; connect-src {origin}; "
        "object-src 'none'; frame-src 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def decode(content: bytes) -> str:
    """Read a page that a browser saved: its mark or its meta names the encoding, UTF-8 without one."""
    mark = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    named = _CHARSET.search(content[:_LOOKED_AT])
    for encoding in (mark, named and named[1].decode(), "utf-8"):
        try:
            if encoding:
                return content.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return content.decode("windows-1252", errors="replace")


def _embed(origin: str) -> str:
    return f'import("{origin}{BANNER_SCRIPT}").catch(function(){{}})'


def _steers(tag: str) -> bool:
    return _STEERING.search(unescape(tag)) is not None
