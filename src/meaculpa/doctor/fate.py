"""Shared fate: would the status site go down with the shop? Their names, their addresses, what a page loads."""

import contextlib
import re
import socket
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from meaculpa.doctor import Finding, fail, ok, warn

FATE = "shared fate"
_NEXT = "serve the status site from another provider or account, not only under another name"
# Behind these, one address serves many who have nothing else in common.
_SHARED_EDGES = (".cloudfront.net", ".fastly.net", ".akamaiedge.net", ".edgekey.net", ".azureedge.net", ".b-cdn.net")


class Place(Struct, frozen=True):
    """Where a host name leads: its addresses, and the name that it stands for in the end."""

    host: str
    addresses: frozenset[str]
    canonical: str


def find_place(host: str) -> Place | None:
    """Resolve a host name; None where it leads nowhere."""
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
        addresses = frozenset(str(address[4][0]) for address in found)
        canonical = next((address[3] for address in found if address[3]), host)
        return Place(host, addresses, canonical.rstrip(".").casefold())
    return None


def judge_places(status: Place | None, store: Place | None, status_host: str, store_host: str) -> list[Finding]:
    """Say whether two hosts are one place."""
    if status_host.casefold() == store_host.casefold():
        return [fail(FATE, f"the status site lies on the shop's own host, {store_host}", _NEXT)]
    if status is None:
        return [fail(FATE, f"the name {status_host} leads nowhere", "set site.url, or its entry in the DNS")]
    if store is None:
        message = f"the name {store_host} leads nowhere, so nothing can be said of what they share"
        return [warn(FATE, message, "check site.store_url; if the shop's DNS is down, so is this check")]
    shared = sorted(status.addresses & store.addresses)
    if status.canonical == store.canonical:
        return [fail(FATE, f"{status_host} and {store_host} are both {status.canonical}", _NEXT)]
    if not shared:
        return [ok(FATE, f"{status_host} and {store_host} lead to different addresses")]
    if all(place.canonical.endswith(_SHARED_EDGES) for place in (status, store)):
        message = f"{status_host} and {store_host} are served by the same edge network ({shared[0]})"
        return [warn(FATE, message, "if it fails, both do; a standby elsewhere would not (docs/aws.md)")]
    return [fail(FATE, f"{status_host} and {store_host} lead to the same address, {shared[0]}", _NEXT)]


def judge_bucket(bucket: str, endpoint: str | None, status_target: str, store: Place | None) -> list[Finding]:
    """Say whether a target's bucket, or the server that holds it, is where the shop itself is served from."""
    if store is None:
        return []
    if store.canonical.startswith((f"{bucket}.s3.", f"{bucket}.s3-")):
        return [fail(FATE, f"the shop is served from the bucket of {status_target}, {bucket}", "a bucket of its own")]
    host = urlsplit(endpoint).hostname if endpoint else None
    place = find_place(host) if host else None
    if place and place.addresses & store.addresses:
        return [fail(FATE, f"the server of {status_target}, {host}, is the shop's own", _NEXT)]
    return []


def judge_distribution(domain: str, aliases: Iterable[str], status_target: str, store: Place | None) -> list[Finding]:
    """Say whether a target's distribution serves the shop as well."""
    names = {domain.casefold(), *(alias.casefold() for alias in aliases)}
    if store and names & {store.host.casefold(), store.canonical}:
        message = f"the distribution of {status_target}, {domain}, serves the shop as well"
        return [fail(FATE, message, "a distribution of its own, best in another account")]
    return []


def judge_page(html: str, url: str, store_host: str) -> list[Finding]:
    """Say whether a page of the status site loads anything from the shop."""
    loads = sorted({one for one in _loads(html, url) if _is_of(urlsplit(one).hostname or "", store_host)})
    if not loads:
        return []
    message = f"the status page loads {loads[0]} from the shop"
    return [fail(FATE, message, "put it into assets/, or take it out of your templates")]


def _is_of(host: str, store_host: str) -> bool:
    bare = store_host.casefold().removeprefix("www.")
    return host.casefold().removeprefix("www.") == bare


def _loads(html: str, url: str) -> Iterator[str]:
    reader = _Loads()
    reader.feed(html)
    styles = re.findall(r"url\(\s*['\"]?([^'\")\s]+)|@import\s+['\"]([^'\"]+)", html)
    for address in (*reader.found, *(one or other for one, other in styles)):
        with contextlib.suppress(ValueError):
            yield urljoin(url, address)


class _Loads(HTMLParser):
    """Collects what a browser fetches by itself, which a link in the text is not."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what this tag loads."""
        values = {name: value for name, value in attrs if value}
        relation = values.get("rel", "").split()
        if tag == "link" and {"stylesheet", "icon", "preload", "modulepreload", "manifest"} & set(relation):
            self.found += [values.get("href", "")]
        elif tag != "link":
            self.found += [values[name] for name in ("src", "poster", "data") if name in values]
            self.found += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
