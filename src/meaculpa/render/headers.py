"""How each published file is served: one table of content types and caching, and the file made of it.

Pointers are what visitors ask for by a fixed name: fresh within seconds, and served stale for a week
if the origin is gone. What carries a hash in its name never changes.
"""

import hashlib
import re
from functools import lru_cache

from meaculpa.model import OutputFile

POINTER = "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=604800"
BANNER_SCRIPT = "public, max-age=60, stale-while-revalidate=300, stale-if-error=86400"
IMMUTABLE = "public, max-age=31536000, immutable"

# Shops have written the hash of this code into their pages: it stays for as long as the target does.
PINNED = "banner.core."

CONTENT_TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "avif": "image/avif",
    "gif": "image/gif",
    "html": "text/html; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "png": "image/png",
    "rss": "application/rss+xml; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webp": "image/webp",
    "xml": "application/xml; charset=utf-8",
}
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What is more than its ending says.
_TYPES_BY_NAME = {"feed.json": "application/feed+json; charset=utf-8"}
PICTURE_TYPES = ("avif", "gif", "jpeg", "jpg", "png", "svg", "webp")


def cache_control(path: str) -> str:
    """Choose the Cache-Control of a published path."""
    if path.startswith(("assets/", PINNED)):
        return IMMUTABLE
    return BANNER_SCRIPT if path == "banner.js" else POINTER


def is_bare(path: str) -> bool:
    """Whether a published path has no ending, as addresses of earlier status pages have none."""
    return path.rfind(".") <= path.rfind("/") and not path.startswith(".meaculpa/")


def is_earlier(path: str) -> bool:
    """Whether a published path can only be an address of an earlier status page: we have none of that form."""
    return path.count("/") > 1 if path.endswith("/index.html") else is_bare(path)


def on_disk(path: str) -> str:
    """Where a published path lies in a folder: an address without an ending is a folder's index there."""
    return f"{path}/index.html" if is_bare(path) else path


def content_type(path: str) -> str:
    """Choose the Content-Type of a published path; what has no ending is a page."""
    return _TYPES_BY_NAME.get(path) or CONTENT_TYPES["html" if is_bare(path) else path.rpartition(".")[2]]


def fit_for_xml(text: str) -> str:
    """Replace what a text can hold and XML 1.0 cannot (section 2.2)."""
    return _NOT_IN_XML.sub("\ufffd", text)


def output_file(path: str, body: bytes | str, leads_to: str | None = None) -> OutputFile:
    """Make a published file; its digest has two parts, one for the body and one for the headers it is served with."""
    content = body.encode() if isinstance(body, str) else body
    kind = content_type(path)
    caching = cache_control(path)
    digest = f"{hashlib.sha256(content).hexdigest()[:40]}-{_headers_digest(kind, caching)}"
    return OutputFile(path, content, kind, caching, digest, leads_to)


@lru_cache(maxsize=64)
def _headers_digest(kind: str, caching: str) -> str:
    return hashlib.sha256(f"{kind}\n{caching}".encode()).hexdigest()[:8]
