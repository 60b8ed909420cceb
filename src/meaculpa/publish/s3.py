"""An S3 bucket as a target: the data plane only, so that a bad day of the control plane hurts nobody."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish.target import ABSENT, Conflict, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 10, 5
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
    "NotImplemented": "the server knows no conditional writes; if only one machine ever publishes, say "
    "`conditional_writes: false` for this target in meaculpa.yml",
}


class S3Target:
    """A bucket on S3 or on a server that speaks its language."""

    writers = 8

    def __init__(self, settings: S3Settings) -> None:
        self.name = settings.name
        self._bucket = settings.bucket
        self._is_guarded = settings.conditional_writes
        self._client: S3Client = _client(settings)
        self._limit: float | None = None
        self._client.meta.events.register("before-send.s3", self._refuse_late)

    def describe(self) -> str:
        """Name the place for people."""
        return f"s3://{self._bucket}"

    def allow(self, seconds: float) -> None:
        """Begin nothing more, not even another try, when so many seconds are over."""
        self._limit = time.monotonic() + seconds

    def _refuse_late(self, **_: object) -> None:
        if self._limit is not None and time.monotonic() > self._limit:
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
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=path)
                return Stored(found["Body"].read(), self._version(found, path))
            except (ResponseStreamingError, IncompleteReadError, ReadTimeoutError) as error:
                # The client's own retries end where the answer begins.
                if attempt == _ATTEMPTS:
                    raise self._failure("read", path, error) from error
            except (ClientError, BotoCoreError) as error:
                if _code(error) in _MISSING:
                    return None
                raise self._failure("read", path, error) from error
        raise AssertionError("the last attempt returns or raises")

    def _version(self, answer: Mapping[str, Any], path: str) -> str:
        """The version that an answer names; one that names none comes from a portal or a proxy, not from S3."""
        if "ETag" not in answer:
            raise TargetError(f"{self.describe()}/{path}: what answers there is no S3 server; check `endpoint_url`")
        return str(answer["ETag"])

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file with its headers and give its version; raises Conflict when it is not as expected."""
        condition: dict[str, Any] = {}
        if expected is not None and self._is_guarded:
            condition = {"IfNoneMatch": "*"} if expected == ABSENT else {"IfMatch": expected}
        elif expected is not None:
            self._look_before(file.path, expected)
        leads: dict[str, Any] = {"WebsiteRedirectLocation": f"/{file.leads_to}"} if file.leads_to else {}
        try:
            written = self._client.put_object(
                Bucket=self._bucket,
                Key=file.path,
                Body=file.body,
                ContentType=file.content_type,
                CacheControl=file.cache_control,
                **condition,
                **leads,
            )
        except (ClientError, BotoCoreError) as error:
            # To a condition on a file that is gone, S3 answers that there is none.
            is_gone = "IfMatch" in condition and _code(error) in _MISSING
            if condition and (is_gone or _code(error) in _CONFLICT):
                raise Conflict(f"{self.describe()}/{file.path} was changed by another publisher") from error
            raise self._failure("written", file.path, error) from error
        return self._version(written, file.path)

    def _look_before(self, path: str, expected: str) -> None:
        """Without conditional writes, see at least whether somebody was here; raises Conflict."""
        try:
            version = self._version(self._client.head_object(Bucket=self._bucket, Key=path), path)
        except (ClientError, BotoCoreError) as error:
            if _code(error) not in _MISSING:
                raise self._failure("read", path, error) from error
            version = ABSENT
        if version != expected:
            raise Conflict(f"{self.describe()}/{path} was changed by another publisher")

    def delete(self, path: str) -> None:
        """Delete a file."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=path)
        except (ClientError, BotoCoreError) as error:
            raise self._failure("deleted", path, error) from error

    def lost(self, sizes: Mapping[str, int | None]) -> set[str]:
        """Looking would cost a request for each file, so nothing is known to be missing."""
        del sizes
        return set()

    def forget_versions(self, is_ours: Callable[[str], bool]) -> int:
        """Erase what a versioned bucket keeps of overwritten and deleted files of ours; raises TargetError."""
        try:
            # A mark of deletion goes last: without it what is below would be live again.
            return sum(map(self._erase, self._old_versions(is_ours))) + sum(map(self._erase, self._marks(is_ours)))
        except (ClientError, BotoCoreError) as error:
            raise self._failure("erased in its old versions", "", error) from error

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
            raise self._failure("listed", folder, error) from error

    def _erase(self, versions: list["ObjectIdentifierTypeDef"]) -> int:
        if not versions:
            return 0
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise TargetError(f"{self.describe()}/{failure['Key']}: an old version could not be erased")
        return len(versions)

    def _failure(self, what: str, path: str, error: Exception) -> TargetError:
        hint = _HINTS.get(_code(error))
        reason = hint or str(error)
        return TargetError(f"{self.describe()}/{path} could not be {what}: {reason}")


def _client(settings: S3Settings) -> "S3Client":
    config = BotoConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=S3Target.writers,
        s3={"addressing_style": "path"} if settings.endpoint_url else {},
    )
    # A server of one's own has no regions, but every request is signed for one.
    region = (
        settings.region or os.environ.get("AWS_DEFAULT_REGION") or ("us-east-1" if settings.endpoint_url else None)
    )
    try:
        return boto3.client("s3", region_name=region, endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise TargetError(f"the target {settings.name} cannot be used: {error}") from error


def _code(error: Exception) -> str:
    """What a server, or for errors of its own the client's library, calls what went wrong."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__
