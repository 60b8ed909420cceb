"""What the site's address really answers: is it this site, may the shop read it, is it fresh, is it safe."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.message import Message
from http.client import HTTPException
from urllib.parse import urlsplit

from msgspec import Struct

from meaculpa.doctor import Finding, fail, ok, warn
from meaculpa.publish.stamp import STAMPED, read_stamp

ADDRESS = "address"
_SECONDS, _MOST_BYTES = 10.0, 2_000_000
# A pointer may be seconds old; minutes would be yesterday's state at the worst moment.
_OLDEST = 60
_LAG = timedelta(minutes=3)
_SAFETY = ("X-Content-Type-Options", "Content-Security-Policy")
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
_NEXT = "meaculpa infra, or meaculpa edge status-nginx, prints a configuration that does"


class Answer(Struct, frozen=True):
    """What an address answered: headers by their name in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(url: str, origin: str) -> Answer | str:
    """Fetch an address as a page of the shop would; gives the answer, or why there is none."""
    request = urllib.request.Request(url, headers={"Origin": origin, "User-Agent": "meaculpa doctor"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 (the config takes http(s) only)
            return Answer(answer.status, _small(answer.headers), answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _small(error.headers), b"")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


def _small(headers: Message) -> dict[str, str]:
    return {name.casefold(): value for name, value in headers.items()}


def inspect_site(url: str, store_url: str, published: datetime | None, needs_https: bool) -> list[Finding]:
    """Ask the site's address; `published` is when the newest target was last confirmed, None where none was."""
    parts = urlsplit(store_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    banner = ask(f"{url}/{STAMPED}", origin)
    if isinstance(banner, str):
        return [fail(ADDRESS, f"{url} does not answer: {banner}", "publish, and point the name there (docs/aws.md)")]
    if banner.status != 200 or read_stamp(banner.body) is None:
        message = f"what answers at {url}/{STAMPED} is not this site (status {banner.status})"
        return [fail(ADDRESS, message, "meaculpa publish; then see where the name leads")]
    page = ask(f"{url}/index.html", origin)
    lost = ask(f"{url}/this-page-is-not-there.html", origin)
    findings = [
        *_transport(url, needs_https),
        *_reading(banner),
        *_freshness(banner, published),
        *_safety(url, page),
        *_missing_pages(lost),
    ]
    return findings or [ok(ADDRESS, f"{url} answers as it should")]


def _transport(url: str, needs_https: bool) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in _OWN_MACHINE:
        return
    message = f"{url} is not encrypted: a shop on https cannot load its banner"
    if needs_https:
        message += ", and letters on the page do not open"
    yield fail(ADDRESS, message, "a certificate, and https in site.url")


def _reading(banner: Answer) -> Iterator[Finding]:
    if banner.headers.get("access-control-allow-origin") != "*":
        message = "the shop's pages may not read the state: Access-Control-Allow-Origin is not *"
        yield fail(ADDRESS, message, _NEXT)
    exposed = banner.headers.get("access-control-expose-headers", "").casefold()
    missing = [name for name in ("Date", "Age") if name.casefold() not in exposed]
    if missing:
        message = f"Access-Control-Expose-Headers lacks {' and '.join(missing)}: wrong clocks are not noticed"
        yield warn(ADDRESS, message, _NEXT)


def _freshness(banner: Answer, published: datetime | None) -> Iterator[Finding]:
    caching = banner.headers.get("cache-control", "")
    age = re.search(r"(?:^|[\s,])max-age=(\d+)", caching)
    if age is None or int(age[1]) > _OLDEST:
        shown = f"max-age={age[1]}" if age else "no max-age"
        message = f"{STAMPED} may be kept for too long ({shown} in Cache-Control)"
        yield fail(ADDRESS, message, "serve it as it was published, without a rule of the server's own")
    stamp = read_stamp(banner.body)
    if stamp and published and stamp.at < published - _LAG:
        behind = round((published - stamp.at).total_seconds() / 60)
        message = f"the address shows a state {behind} min older than what is published"
        yield fail(ADDRESS, message, "a cache, or another place than the targets: see where the name leads")


def _safety(url: str, page: Answer | str) -> Iterator[Finding]:
    if isinstance(page, str) or page.status != 200:
        reason = page if isinstance(page, str) else f"status {page.status}"
        yield fail(ADDRESS, f"{url}/index.html cannot be read: {reason}", "meaculpa publish")
        return
    if not page.headers.get("content-type", "").startswith("text/html"):
        shown = page.headers.get("content-type", "nothing")
        yield fail(ADDRESS, f"index.html is served as {shown}", "Content-Type must be text/html; charset=utf-8")
    wanted = (*_SAFETY, "Strict-Transport-Security") if url.startswith("https") else _SAFETY
    missing = [name for name in wanted if name.casefold() not in page.headers]
    if missing:
        yield warn(ADDRESS, f"pages are served without {', '.join(missing)}", _NEXT)


def _missing_pages(lost: Answer | str) -> Iterator[Finding]:
    if isinstance(lost, Answer) and lost.status != 404:
        yield warn(ADDRESS, f"a page that is not there answers {lost.status} instead of 404", _NEXT)
