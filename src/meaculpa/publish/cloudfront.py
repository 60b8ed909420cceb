"""Asks CloudFront to forget what has changed: a bonus, because pointers are fresh within seconds anyway."""

import uuid
from collections.abc import Collection

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

_MOST_PATHS = 10
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 3, 10, 2


def invalidation_paths(paths: Collection[str]) -> list[str]:
    """Name what to forget: exact paths, or everything when there are many (a wildcard costs as much as one path)."""
    addresses = sorted({f"/{path}" for path in paths if not path.startswith((".meaculpa/", "assets/"))})
    return addresses if len(addresses) <= _MOST_PATHS else ["/*"]


def invalidate(distribution: str, paths: Collection[str]) -> str | None:
    """Invalidate published paths; gives None, or why it could not be done. Never raises."""
    items = invalidation_paths(paths)
    if not items:
        return None
    config = BotoConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    try:
        client = boto3.client("cloudfront", region_name="us-east-1", config=config)
        client.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(items), "Items": items},
                "CallerReference": uuid.uuid4().hex,
            },
        )
    except (ClientError, BotoCoreError) as error:
        return str(error)
    return None
