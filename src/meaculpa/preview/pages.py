"""Pages as the desk shows them: as published, with a script of the desk's own in front."""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

FRAME_SCRIPT = "/__desk/frame.js"
BANNER_SCRIPT = "/banner.js"

# Up to where the head begins; each of these tags may be left out (HTML, 13.1.2).
_BEGINNING = re.compile(rb"(?:\s*(?:<!--.*?-->|<!doctype[^>]*>|<html[^>]*>|<head[^>]*>))*", re.IGNORECASE | re.DOTALL)
# A saved page's own policy or way elsewhere: one would keep the banner out, the other leave the desk.
_STEERING = re.compile(
    rb"<meta\b[^>]*http-equiv\s*=\s*[\"']?\s*(?:content-security-policy|refresh)\b[^>]*>", re.IGNORECASE
)
_END = re.compile(rb"</body\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """How a page is shown: from which origin, of which build, and how far ahead of the real time."""

    origin: str
    number: int
    shift: timedelta


def with_script(html: bytes, view: View, role: str = "page") -> bytes:
    """Put the desk's script first of all, where no policy of the page forbids it yet."""
    data = f'data-role="{role}" data-build="{view.number}" data-shift="{view.shift.total_seconds()}"'
    script = f'<script src="{view.origin}{FRAME_SCRIPT}" {data}></script>'
    beginning = _BEGINNING.match(html)
    end = beginning.end() if beginning else 0
    return html[:end] + script.encode() + html[end:]


def with_banner(html: bytes, view: View) -> bytes:
    """Make a page of a shop embed the banner of this desk, whatever the page says about its base and its policy."""
    bare = _STEERING.sub(b"", html)
    ends = [match.start() for match in _END.finditer(bare)] or [len(bare)]
    line = f"<script>{_embed(view.origin)}</script>".encode()
    return with_script(bare[: ends[-1]] + line + bare[ends[-1] :], view, "shop")


def shop_policy(origin: str) -> str:
    """What a saved page of a shop may do here: look as it does, and run nothing but the banner.

    Sources name paths (CSP3, 6.7.2.8), so that no script that was saved with the page runs.
    """
    own = b64encode(sha256(_embed(origin).encode()).digest()).decode()
    return (
        f"script-src 'sha256-{own}' {origin}{BANNER_SCRIPT} {origin}{FRAME_SCRIPT}; connect-src {origin}; "
        "object-src 'none'; frame-src 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def _embed(origin: str) -> str:
    return f'import("{origin}{BANNER_SCRIPT}").catch(function(){{}})'
