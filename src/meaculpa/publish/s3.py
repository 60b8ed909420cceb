"""An S3 bucket as a target: the data plane only, so that a bad day of the control plane hurts nobody."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish.s3_requests import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, Answer, NoCredentials, S3Requests
from meaculpa.publish.target import ABSENT, Conflict, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_PROBE = OutputFile(".meaculpa/probe", b"", "text/plain", "private, no-store", "")
_MISSING = ("NoSuchKey", "404", "NotFound")
_CONFLICT = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_NEEDED = (
    "the credentials may not do this; they need s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket's "
    "objects and s3:ListBucket on the bucket"
)
_HINTS = {
    "NoSuchBucket": "the bucket does not exist; check `bucket` and `region` in meaculpa.yml",
    "AccessDenied": _NEEDED,
    "403": _NEEDED,
    "NoCredentialsError": "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "AWS_PROFILE, or give the machine a role (docs/aws.md, section 5)",
    "InvalidAccessKeyId": "the access key is unknown",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the credentials have expired",
    "RequestTimeTooSkewed": "the clock of this machine is wrong by more than 15 minutes",
    "NotImplemented": "the server knows no conditional writes; if only one machine ever publishes, say "
    "`conditional_writes: false` for this target in meaculpa.yml",
}


class S3Target:
    """A bucket on S3 or on a server that speaks its language."""

    writers = 8

    def __init__(self, settings: S3Settings) -> None:
        self.name = settings.name
        self._settings = settings
        self._bucket = settings.bucket
        self._is_guarded = settings.conditional_writes
        self._limit: float | None = None
        try:
            self._requests = S3Requests(settings, self.writers, self._seconds_left)
        except (BotoCoreError, ValueError) as error:
            raise TargetError(f"the target {settings.name} cannot be used: {error}") from error

    def describe(self) -> str:
        """Name the place for people."""
        return f"s3://{self._bucket}"

    def allow(self, seconds: float) -> None:
        """Begin nothing more, not even another try, when so many seconds are over."""
        self._limit = time.monotonic() + seconds

    def _seconds_left(self) -> float:
        return math.inf if self._limit is None else self._limit - time.monotonic()

    def _refuse_late(self) -> None:
        if self._seconds_left() <= 0:
            raise TargetError(f"{self.describe()} takes too long")

    def heeds_conditions(self) -> bool:
        """Try to create a file that is there, and to replace a version that is not: neither may happen."""
        if not self._is_guarded:
            return True
        is_created_twice = self._accepts(ABSENT) and self._accepts(ABSENT)
        return not is_created_twice and not self._accepts('"a version that never was"')

    def _accepts(self, expected: str) -> bool:
        try:
            self.write(_PROBE, expected)
        except Conflict:
            return False
        return True

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""
        answer = self._ask("GET", path, "read")
        if answer.code in _MISSING:
            return None
        self._expect_success(answer, "read", path)
        return Stored(answer.body, self._version(answer, path))

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file with its headers and give its version; raises Conflict when it is not as expected."""
        headers = {"Content-Type": file.content_type, "Cache-Control": file.cache_control}
        if file.leads_to:
            headers["x-amz-website-redirect-location"] = f"/{file.leads_to}"
        is_conditional = expected is not None and self._is_guarded
        if is_conditional and expected is not None:
            headers |= {"If-None-Match": "*"} if expected == ABSENT else {"If-Match": expected}
        elif expected is not None:
            self._look_before(file.path, expected)
        answer = self._ask("PUT", file.path, "written", file.body, headers)
        # To a condition on a file that is gone, S3 answers that there is none.
        is_gone = "If-Match" in headers and answer.code in _MISSING
        if is_conditional and (is_gone or answer.code in _CONFLICT):
            raise Conflict(f"{self.describe()}/{file.path} was changed by another publisher")
        self._expect_success(answer, "written", file.path)
        return self._version(answer, file.path)

    def _look_before(self, path: str, expected: str) -> None:
        """Without conditional writes, see at least whether somebody was here; raises Conflict."""
        answer = self._ask("HEAD", path, "read")
        if answer.code in _MISSING:
            version = ABSENT
        else:
            self._expect_success(answer, "read", path)
            version = self._version(answer, path)
        if version != expected:
            raise Conflict(f"{self.describe()}/{path} was changed by another publisher")

    def delete(self, path: str) -> None:
        """Delete a file."""
        answer = self._ask("DELETE", path, "deleted")
        if answer.code not in _MISSING:
            self._expect_success(answer, "deleted", path)

    def _ask(
        self, method: str, path: str, what: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        try:
            return self._requests.ask(method, path, body, headers)
        except NoCredentials as error:
            raise self._failure(what, path, error.code, str(error)) from error
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            hint = "is the network up, and are `region` and `endpoint_url` right?"
            reason = f"nobody answers at {self._requests.host}; {hint}"
            raise self._failure(what, path, "", reason) from error
        except ReadTimeoutError as error:
            reason = f"{self._requests.host} takes the request and does not answer; is the server overloaded?"
            raise self._failure(what, path, "", reason) from error
        except BotoCoreError as error:
            raise self._failure(what, path, type(error).__name__, str(error)) from error

    def _expect_success(self, answer: Answer, what: str, path: str) -> None:
        if not answer.is_good:
            raise self._failure(
                what, path, answer.code, f"the server answered {answer.status} ({answer.code}){answer.message}"
            )

    def _version(self, answer: Answer, path: str) -> str:
        """The version that an answer names; one that names none comes from a portal or a proxy, not from S3."""
        if "ETag" not in answer.headers:
            raise TargetError(f"{self.describe()}/{path}: what answers there is no S3 server; check `endpoint_url`")
        return answer.headers["ETag"]

    def lost(self, sizes: Mapping[str, int | None], thoroughly: bool = False) -> set[str]:
        """Looking costs a request for each thousand files, so it is done when asked for; raises TargetError."""
        if not thoroughly:
            return set()
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
            found = {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", [])}
        except ClientError:
            # Who may not look has to send everything: whoever asks at night must not be stopped by that.
            return set(sizes)
        except BotoCoreError as error:
            raise self._client_failure("listed", "", error) from error
        return {path for path, size in sizes.items() if path not in found or size not in (None, found[path])}

    def forget_versions(self, is_ours: Callable[[str], bool]) -> int:
        """Erase what a versioned bucket keeps of overwritten and deleted files of ours; raises TargetError."""
        try:
            # A mark of deletion goes last: without it what is below would be live again.
            return sum(map(self._erase, self._old_versions(is_ours))) + sum(map(self._erase, self._marks(is_ours)))
        except (ClientError, BotoCoreError) as error:
            raise self._client_failure("erased in its old versions", "", error) from error

    def _old_versions(self, is_ours: Callable[[str], bool]) -> Iterator[list["ObjectIdentifierTypeDef"]]:
        """List page by page what is no longer the newest version."""
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket):
            old = [one for one in page.get("Versions", []) if not one["IsLatest"] and is_ours(one["Key"])]
            yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in old]

    def _marks(self, is_ours: Callable[[str], bool]) -> Iterator[list["ObjectIdentifierTypeDef"]]:
        """List page by page the marks that stand for deleted files."""
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket):
            marks = [one for one in page.get("DeleteMarkers", []) if is_ours(one["Key"])]
            yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in marks]

    def names(self, folder: str) -> list[str]:
        """List the paths of all files whose path begins so; raises TargetError."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder)
            return [one["Key"] for page in pages for one in page.get("Contents", [])]
        except (ClientError, BotoCoreError) as error:
            raise self._client_failure("listed", folder, error) from error

    def _erase(self, versions: list["ObjectIdentifierTypeDef"]) -> int:
        if not versions:
            return 0
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise TargetError(f"{self.describe()}/{failure['Key']}: an old version could not be erased")
        return len(versions)

    def _failure(self, what: str, path: str, code: str, reason: str) -> TargetError:
        return TargetError(f"{self.describe()}/{path} could not be {what}: {_HINTS.get(code, reason)}")

    def _client_failure(self, what: str, path: str, error: Exception) -> TargetError:
        answer = error.response if isinstance(error, ClientError) else {}
        code = str(answer.get("Error", {}).get("Code", type(error).__name__))
        return self._failure(what, path, code, str(error))

    @cached_property
    def _client(self) -> "S3Client":
        """The general client, for what is done once in a while: it takes a while to load."""
        import boto3
        from botocore.config import Config as BotoConfig

        config = BotoConfig(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            s3={"addressing_style": "path"} if self._settings.endpoint_url else {},
        )
        client = boto3.client(
            "s3", region_name=self._requests.region, endpoint_url=self._settings.endpoint_url, config=config
        )
        client.meta.events.register("before-send.s3", lambda **_: self._refuse_late())
        return client
