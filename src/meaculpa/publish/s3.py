"""An S3 bucket as a target: the data plane only, so that a bad day of the control plane hurts nobody."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish.target import ABSENT, Conflict, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 10, 5
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
    "InvalidAccessKeyId": "the access key is unknown",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the credentials have expired",
}


class S3Target:
    """A bucket on S3 or on a server that speaks its language."""

    writers = 8

    def __init__(self, settings: S3Settings) -> None:
        self.name = settings.name
        self._bucket = settings.bucket
        self._client: S3Client = _client(settings)

    def describe(self) -> str:
        """Name the place for people."""
        return f"s3://{self._bucket}"

    def read(self, path: str) -> Stored | None:
        """Read a file; None where there is none."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=path)
            return Stored(found["Body"].read(), found["ETag"])
        except (ClientError, BotoCoreError) as error:
            if _code(error) in _MISSING:
                return None
            raise self._failure("read", path, error) from error

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        """Write a file with its headers and give its version; raises Conflict when it is not as expected."""
        condition: dict[str, Any] = {}
        if expected is not None:
            condition = {"IfNoneMatch": "*"} if expected == ABSENT else {"IfMatch": expected}
        try:
            written = self._client.put_object(
                Bucket=self._bucket,
                Key=file.path,
                Body=file.body,
                ContentType=file.content_type,
                CacheControl=file.cache_control,
                **condition,
            )
        except (ClientError, BotoCoreError) as error:
            if condition and _code(error) in _CONFLICT:
                raise Conflict(f"{self.describe()}/{file.path} was changed by another publisher") from error
            raise self._failure("written", file.path, error) from error
        return written["ETag"]

    def delete(self, path: str) -> None:
        """Delete a file."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=path)
        except (ClientError, BotoCoreError) as error:
            raise self._failure("deleted", path, error) from error

    def lost(self, files: Mapping[str, OutputFile]) -> set[str]:
        """Looking would cost a request for each file, so nothing is known to be missing."""
        del files
        return set()

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
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
