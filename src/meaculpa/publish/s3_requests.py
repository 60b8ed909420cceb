"""Signed requests for the objects of one bucket, without the layers of a client that knows all of S3.

Credentials, signatures, certificates, proxies and connections are botocore's. A request costs about half of what it
costs through boto3, and a process that only looks does not load the model of the whole service.
"""

import base64
import hashlib
import html
import math
import os
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from msgspec import Struct

from meaculpa import __version__
from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 10, 5
# Seconds, doubled with each try: a line that is cut is worth another try at once, an overloaded server is not.
_PAUSE_WHERE_NOBODY_ANSWERS, _PAUSE_WHERE_TOO_MANY_ASK = 0.05, 0.5
# What passes by itself: a server that is overloaded, or has lost a request.
_PASSING_STATUSES = (429, 500, 502, 503, 504)
_PASSING_CODES = ("RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable")
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]+)</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{1,200})")
_REGION = re.compile(rb"<Region>([a-z0-9-]{2,32})</Region>")
_DEFAULT_REGION = "us-east-1"


class Answer(Struct, frozen=True):
    """What a server said, and the region that it was asked in."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    region: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked to."""
        return self.status < 300

    @property
    def code(self) -> str:
        """What S3 calls the failure; where there is none, or S3 says nothing (HEAD), the status."""
        found = None if self.is_good else _CODE.search(self.body)
        return found[1].decode() if found else str(self.status)

    @property
    def message(self) -> str:
        """What S3 says of the failure for people."""
        found = _MESSAGE.search(self.body)
        return f": {html.unescape(found[1].decode('utf-8', 'replace'))}" if found else ""


class NoCredentials(BotoCoreError):
    """There are no credentials to sign with, or whoever gives them out refuses; `code` is that one's word for why."""

    fmt = "{reason}"

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason=reason)
        self.code = code


class S3Requests:
    """Sends requests for one bucket; begins no try when `seconds_left` says that there are none."""

    def __init__(
        self, settings: S3Settings, connections: int, seconds_left: Callable[[], float] = lambda: math.inf
    ) -> None:
        self._settings, self._seconds_left = settings, seconds_left
        self._session = botocore.session.get_session()
        if settings.region:
            # Whoever gives out credentials is asked in the same region.
            self._session.set_config_variable("region", settings.region)
        self._credentials = self._find_credentials()
        self._lock = RLock()
        # A server of one's own has no regions, but every request is signed for one.
        self._region = str(self._session.get_config_variable("region") or _DEFAULT_REGION)
        self._home = self._find_home()
        place = urlsplit(self._home)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise ValueError(f"{self._home} is no address of a server; it begins with https://")
        # Head and body go out as two packets; neither waits for the other to be confirmed.
        options: dict[str, Any] = {
            "timeout": (CONNECT_SECONDS, READ_SECONDS),
            "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            "verify": self._session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
        }
        self._http = URLLib3Session(
            proxies=get_environ_proxies(self._home),
            max_pool_connections=connections,
            **options,
        )

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return self._region

    @property
    def host(self) -> str:
        """Who is asked."""
        place = urlsplit(self._home)
        return f"{place.scheme}://{place.netloc}"

    def address(self, key: str) -> str:
        """Where a file of the bucket is."""
        return self._home + quote(key, safe="/~")

    def ask(self, method: str, key: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request, again while what goes wrong may pass.

        Raises BotoCoreError where nobody answers, and TargetError where no time is left for a first try.
        """
        if self._seconds_left() <= 0:
            raise TargetError(f"{self.host} takes too long")
        tried, has_moved = 0, False
        while True:
            tried += 1
            credentials = self._frozen_credentials()
            try:
                answer = self._send(method, key, body, headers or {}, credentials)
            except (NoConnection, HTTPClientError):
                pause = _pause(_PAUSE_WHERE_NOBODY_ANSWERS, tried)
                if tried == ATTEMPTS or pause > self._seconds_left():
                    raise
            else:
                if not has_moved and self._follow(answer):
                    has_moved = True
                    continue
                pause = _pause(_PAUSE_WHERE_TOO_MANY_ASK, tried)
                if tried == ATTEMPTS or not _is_passing(answer) or pause > self._seconds_left():
                    return answer
            time.sleep(pause)

    def _send(self, method: str, key: str, body: bytes, headers: Mapping[str, str], credentials: Any) -> Answer:
        with self._lock:
            address, region = self.address(key), self._region
        request = AWSRequest(method, address, headers=dict(headers), data=body)
        request.headers["User-Agent"] = f"meaculpa/{__version__}"
        if method == "PUT":
            # Buckets whose objects are locked for a time take nothing without it.
            digest = hashlib.md5(body, usedforsecurity=False).digest()
            request.headers["Content-MD5"] = base64.b64encode(digest).decode()
        S3SigV4Auth(credentials, "s3", region).add_auth(request)
        answer = self._http.send(request.prepare())
        length = answer.headers.get("content-length", "")
        if method != "HEAD" and length.isdigit() and int(length) != len(answer.content):
            raise ConnectionClosedError(endpoint_url=address)
        return Answer(answer.status_code, answer.headers, answer.content, region)

    def _frozen_credentials(self) -> Any:
        """The credentials of this moment; raises NoCredentials, whatever goes wrong with whoever gives them out."""
        try:
            with self._lock:
                if self._credentials is None:
                    self._credentials = self._find_credentials()
                found = self._credentials and self._credentials.get_frozen_credentials()
        except ClientError as error:
            raise NoCredentials(str(error.response.get("Error", {}).get("Code", "")), str(error)) from error
        except (BotoCoreError, RuntimeError, ValueError, OSError) as error:
            raise NoCredentials(type(error).__name__, f"the credentials cannot be had: {error}") from error
        if found is None:
            raise NoCredentials("NoCredentialsError", "no credentials were found")
        return found

    def _find_credentials(self) -> Any:
        """What botocore finds; None where there is nothing yet, or whoever should give it out does not answer."""
        try:
            return self._session.get_credentials()
        except (ClientError, RuntimeError, OSError):
            return None

    def _follow(self, answer: Answer) -> bool:
        """Whether the bucket turns out to be in another region than was thought; the next try goes there."""
        if answer.status not in (301, 307, 400) or self._settings.endpoint_url:
            return False
        named = _REGION.search(answer.body)
        region = answer.headers.get("x-amz-bucket-region") or (named[1].decode() if named else "")
        if not re.fullmatch(r"[a-z0-9-]{2,32}", region) or region == answer.region:
            return False
        with self._lock:
            self._region = region
            self._home = self._find_home()
        return True

    def _find_home(self) -> str:
        """The address of the bucket: in its name where that fits the certificate, else in the path."""
        bucket = self._settings.bucket
        own = self._settings.endpoint_url or self._configured_endpoint()
        if own:
            return f"{own.rstrip('/')}/{bucket}/"
        host = "s3"
        if self._session.get_config_variable("use_fips_endpoint"):
            host += "-fips"
        if self._session.get_config_variable("use_dualstack_endpoint"):
            host += ".dualstack"
        host = f"{host}.{self._region}.{self._domain()}"
        return f"https://{host}/{bucket}/" if "." in bucket else f"https://{bucket}.{host}/"

    def _configured_endpoint(self) -> str | None:
        """What AWS_ENDPOINT_URL and its like say."""
        if self._session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        found = ConfiguredEndpointProvider(
            full_config=self._session.full_config,
            scoped_config=self._session.get_scoped_config(),
            client_name="s3",
            environ=os.environ,
        ).provide()
        return str(found) if found else None

    def _domain(self) -> str:
        """The domain of the partition that a region is in (China's and others have their own)."""
        partitions = self._session.get_component("data_loader").load_data("partitions")["partitions"]
        for partition in partitions:
            if re.match(partition["regionRegex"], self._region):
                return str(partition["outputs"]["dnsSuffix"])
        return str(partitions[0]["outputs"]["dnsSuffix"])


def _pause(first: float, tried: int) -> float:
    """Seconds until the next try, with full jitter: those that failed together do not come back together."""
    return random.uniform(0, first * 2**tried)  # noqa: S311


def _is_passing(answer: Answer) -> bool:
    return answer.status in _PASSING_STATUSES or answer.code in _PASSING_CODES
