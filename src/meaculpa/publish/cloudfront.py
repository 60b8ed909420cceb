"""Asks CloudFront to forget what has changed: a bonus, because pointers are fresh within seconds anyway.

What is forgotten can no longer be served stale when the origin is gone, so only what visitors ask for by name is
named, never everything.
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from meaculpa.plan import Group, group_of, is_face

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

MOST_PATHS = 10
_EVERYTHING = "/*"
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 10, 2
_PAUSE = 60.0
# 1,000 paths a month are free: so many at once in a bad night, and so many a day that it is never more.
_SAVED_AT_MOST, _PATHS_A_DAY = 250.0, 25.0


def invalidation_paths(paths: Collection[str]) -> list[str]:
    """Choose what to name: what shops and visitors ask for first; the rest follows within seconds by itself."""
    pointers = [path for path in paths if group_of(path) is Group.POINTERS and not path.startswith(".meaculpa/")]
    # Values over time and the day's bars change nothing else, and would use up what a bad night needs.
    if all(path.rpartition("/")[2] == "index.html" for path in pointers):
        return []
    # Of what people look at first, the default language stands at the top.
    ordered = sorted(pointers, key=lambda path: (not is_face(path), "/" in path, path))
    return [f"/{path}" for path in ordered[:MOST_PATHS]]


def invalidate(distribution: str, items: list[str]) -> str | None:
    """Ask for an invalidation; gives None, or why it could not be had. Never raises."""
    try:
        _create(_client(), distribution, items)
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return None


def invalidate_everything(distribution: str, seconds: float) -> str | None:
    """Have everything forgotten, and wait until it is; gives None, or why that is not certain."""
    try:
        client = _client()
        invalidation = _create(client, distribution, [_EVERYTHING])
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            answer = client.get_invalidation(DistributionId=distribution, Id=invalidation)
            if answer["Invalidation"]["Status"] == "Completed":
                return None
            time.sleep(2)
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return f"invalidation {invalidation} was not completed within {seconds:.0f} s"


def look(distribution: str) -> tuple[str, list[str]] | str:
    """Ask CloudFront for a distribution; gives its own domain name and its aliases, or why it could not be had."""
    try:
        found = _client().get_distribution(Id=distribution)["Distribution"]
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return found["DomainName"], found["DistributionConfig"].get("Aliases", {}).get("Items", [])


def _client() -> "CloudFrontClient":
    config = BotoConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return boto3.client("cloudfront", region_name="us-east-1", config=config)


def _create(client: "CloudFrontClient", distribution: str, items: list[str]) -> str:
    answer = client.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": len(items), "Items": items},
            "CallerReference": uuid.uuid4().hex,
        },
    )
    return answer["Invalidation"]["Id"]


class Allowance:
    """How many paths may still be named: saved up while nothing happens, so that a month stays free of charge."""

    def __init__(self, now: float) -> None:
        self._left, self._at = _SAVED_AT_MOST, now

    def take(self, wanted: int, now: float) -> bool:
        """Take so many, if there are."""
        self._left = min(_SAVED_AT_MOST, self._left + (now - self._at) / 86_400 * _PATHS_A_DAY)
        self._at = now
        if wanted > self._left:
            return False
        self._left -= wanted
        return True


class Invalidator:
    """Collects what has changed and asks at most once a minute, in a thread of its own: nobody waits for it."""

    def __init__(self, distribution: str, tell: Callable[[str | None], None], pause: float = _PAUSE) -> None:
        self._distribution, self._tell, self._pause = distribution, tell, pause
        self._paths: set[str] = set()
        self._lock = threading.Lock()
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._allowance = Allowance(time.monotonic())
        threading.Thread(target=self._run, daemon=True, name=f"invalidate {distribution}").start()

    def ask(self, paths: Collection[str]) -> None:
        """Have paths forgotten soon."""
        with self._lock:
            self._paths |= set(paths)
        self._wake.set()

    def stop(self) -> None:
        """End; what has not been asked for expires by itself."""
        self._stopped.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._stopped.is_set():
                self._ask_now()
            self._stopped.wait(self._pause)

    def _ask_now(self) -> None:
        with self._lock:
            paths, self._paths = self._paths, set()
        items = invalidation_paths(paths)
        if items and self._allowance.take(len(items), time.monotonic()):
            self._tell(invalidate(self._distribution, items))
