"""Signed requests for the objects of one bucket, without the layers of a client that knows all of S3.

Credentials, signatures, certificates, proxies and connections are botocore's. A request costs about half of what it
costs through boto3, and a process that only looks does not load the model of the whole service.
"""

import os
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import ConnectionError as NoConnection
from botocore.exceptions import HTTPClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from meaculpa import __version__
from meaculpa.config import S3Target as S3Settings

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 10, 5
# Seconds, doubled with each try: a line that is cut is worth another try at once, an overloaded server is not.
_PAUSE_WHERE_NOBODY_ANSWERS, _PAUSE_WHERE_TOO_MANY_ASK = 0.1, 0.5
# What passes by itself: a server that is overloaded, or has lost a request.
_PASSING_STATUSES = (429, 500, 502, 503, 504)
_PASSING_CODES = ("RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable")
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]+)</Code>")
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked to."""
        return self.status < 300

    @property
    def code(self) -> str:
        """What S3 calls the failure; where it says nothing (HEAD), the status."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else str(self.status)


class S3Requests:
    """Sends requests for one bucket; `before_each` is called before every try and may raise."""

    def __init__(self, settings: S3Settings, before_each: Callable[[], None], connections: int) -> None:
        self._settings, self._before_each = settings, before_each
        self._session = botocore.session.get_session()
        self._credentials = self._session.get_credentials()
        self._lock = RLock()
        # A server of one's own has no regions, but every request is signed for one.
        self._region = settings.region or self._session.get_config_variable("region") or _DEFAULT_REGION
        self._home = self._find_home()
        # Head and body go out as two packets; neither waits for the other to be confirmed.
        options: dict[str, Any] = {
            "timeout": (CONNECT_SECONDS, READ_SECONDS),
            "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        }
        self._http = URLLib3Session(
            verify=self._session.get_config_variable("ca_bundle") or True,
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
        """Send a request, again while what goes wrong may pass; raises BotoCoreError where nobody answers."""
        attempt = 0
        while True:
            attempt += 1
            self._before_each()
            try:
                answer = self._send(method, key, body, headers or {})
            except (NoConnection, HTTPClientError):
                if attempt == ATTEMPTS:
                    raise
                longest = _PAUSE_WHERE_NOBODY_ANSWERS * 2**attempt
            else:
                if self._has_moved(answer):
                    continue
                if attempt == ATTEMPTS or not _is_passing(answer):
                    return answer
                longest = _PAUSE_WHERE_TOO_MANY_ASK * 2**attempt
            # Full jitter, so that publishers that failed together do not come back together.
            time.sleep(random.uniform(0, longest))  # noqa: S311

    def _send(self, method: str, key: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            address, region = self.address(key), self._region
        request = AWSRequest(method, address, headers=dict(headers), data=body)
        request.headers["User-Agent"] = f"meaculpa/{__version__}"
        request.headers["Accept-Encoding"] = "identity"
        if self._credentials is None:
            raise NoCredentialsError
        S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", region).add_auth(request)
        answer = self._http.send(request.prepare())
        return Answer(answer.status_code, answer.headers, answer.content)

    def _has_moved(self, answer: Answer) -> bool:
        """Whether the bucket turns out to be in another region than was thought; the next try goes there."""
        region = answer.headers.get("x-amz-bucket-region")
        if answer.status not in (301, 307, 400) or not region or self._settings.endpoint_url:
            return False
        with self._lock:
            if region == self._region:
                return False
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


def _is_passing(answer: Answer) -> bool:
    return answer.status in _PASSING_STATUSES or answer.code in _PASSING_CODES
