"""One contract for every place to publish to: memory, a folder, moto's S3, and a real S3 server."""

import itertools
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.manifest import MANIFEST_PATH
from meaculpa.plan import Checkout
from meaculpa.publish import Options, publish
from meaculpa.publish.cloudfront import invalidate, invalidation_paths
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.s3 import S3Target
from meaculpa.publish.target import ABSENT, Conflict, Target
from meaculpa.render.headers import POINTER, output_file
from tests.conftest import make_bucket
from tests.memory import MemoryTarget

_numbers = itertools.count()


def s3_settings(url: str, bucket: str) -> S3Settings:
    values = {"type": "s3", "name": "primary", "bucket": bucket, "region": "us-east-1", "endpoint_url": url}
    return S3Settings.model_validate(values)


@pytest.fixture(params=["memory", "directory", "moto", "seaweedfs"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    kind = request.param
    if kind == "memory":
        return MemoryTarget()
    if kind == "directory":
        return DirectoryTarget("local", tmp_path / "public")
    url = request.getfixturevalue("moto_url" if kind == "moto" else "seaweed")
    bucket = f"contract-{kind}-{next(_numbers)}-{abs(hash(str(tmp_path)))}"[:60]
    make_bucket(url, bucket)
    return S3Target(s3_settings(url, bucket))


PAGES = {
    path: output_file(path, f"body of {path}")
    for path in ("index.html", "incidents/2026-11-22-x.html", "banner.json")
}
KNOWN = {"2026-11-22-x": "2026-11-22 09:20 UTC"}


def read(target: Target, path: str) -> bytes | None:
    found = target.read(path)
    return found.body if found else None


def test_what_is_written_is_read(target: Target) -> None:
    assert target.read("a/b.html") is None
    target.write(output_file("a/b.html", "one"))
    target.write(output_file("a/b.html", "two"))
    assert read(target, "a/b.html") == b"two"
    target.delete("a/b.html")
    target.delete("a/b.html")
    assert target.read("a/b.html") is None


def test_a_write_under_a_condition_fails_when_somebody_was_faster(target: Target) -> None:
    target.write(output_file("m.json", "1"), ABSENT)
    with pytest.raises(Conflict):
        target.write(output_file("m.json", "2"), ABSENT)
    found = target.read("m.json")
    assert found
    target.write(output_file("m.json", "3"), found.version)
    with pytest.raises(Conflict):
        target.write(output_file("m.json", "4"), found.version)
    assert read(target, "m.json") == b"3"


def test_the_second_publish_does_nothing(target: Target) -> None:
    first = publish(PAGES, KNOWN, target, Options())
    assert len(first.plan.uploads) == len(PAGES)
    assert publish(PAGES, KNOWN, target, Options()).plan.is_empty
    assert all(read(target, path) == file.body for path, file in PAGES.items())


def test_what_is_missing_is_put_back_when_somebody_asks_to_look(target: Target) -> None:
    publish(PAGES, KNOWN, target, Options())
    lost = next(path for path in PAGES if path.startswith("incidents/"))
    target.delete(lost)
    report = publish(PAGES, KNOWN, target, Options(thorough=True))
    assert [upload.file.path for upload in report.plan.uploads] == [lost]
    assert read(target, lost) == PAGES[lost].body


def test_who_may_not_look_through_a_bucket_sends_everything(seaweed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bucket(seaweed, "unlisted")
    target = S3Target(s3_settings(seaweed, "unlisted"))
    publish(PAGES, KNOWN, target, Options())

    def refuse(_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectsV2")

    monkeypatch.setattr(target._client, "get_paginator", refuse)
    report = publish(PAGES, KNOWN, target, Options(thorough=True))
    assert {upload.file.path for upload in report.plan.uploads} == set(PAGES)


def test_only_what_changed_is_written(target: Target) -> None:
    publish(PAGES, KNOWN, target, Options())
    changed = {**PAGES, "index.html": output_file("index.html", "changed")}
    report = publish(changed, KNOWN, target, Options())
    assert [upload.file.path for upload in report.plan.uploads] == ["index.html"]
    assert read(target, "index.html") == b"changed"


def test_what_is_gone_is_deleted_by_the_next_run_and_nothing_foreign_is(target: Target) -> None:
    target.write(output_file("foreign.html", "not ours"))
    publish(PAGES, KNOWN, target, Options())
    fewer = {path: file for path, file in PAGES.items() if path != "incidents/2026-11-22-x.html"}
    publish(fewer, {}, target, Options(checkout=Checkout(seen=KNOWN)))
    assert read(target, "incidents/2026-11-22-x.html") is not None
    publish(fewer, {}, target, Options(checkout=Checkout(seen=KNOWN)))
    assert read(target, "incidents/2026-11-22-x.html") is None
    assert publish(fewer, {}, target, Options()).plan.is_empty
    assert read(target, "foreign.html") == b"not ours"


def test_a_dry_run_writes_nothing(target: Target) -> None:
    report = publish(PAGES, KNOWN, target, Options(dry_run=True))
    assert len(report.plan.uploads) == len(PAGES)
    assert target.read(MANIFEST_PATH) is None
    assert target.read("index.html") is None


def test_two_publishers_at_once_leave_one_whole_state(target: Target) -> None:
    """The second one planned before the first one wrote: it must read again and plan again."""
    other = {**PAGES, "splash.html": output_file("splash.html", "other")}

    class Slow:
        reads = 0

        def __getattr__(self, name: str) -> object:
            return getattr(target, name)

        def read(self, path: str) -> object:
            found = target.read(path)
            if path == MANIFEST_PATH and self.reads == 0:
                self.reads += 1
                publish(other, KNOWN, target, Options())
            return found

        def write(self, file: object, expected: str | None = None) -> str:
            return target.write(file, expected)  # type: ignore[arg-type]

    publish(PAGES, KNOWN, Slow(), Options())  # type: ignore[arg-type]
    assert publish(PAGES, KNOWN, target, Options(dry_run=True)).plan.uploads == ()
    assert read(target, "splash.html") == b"other", "marked as gone, to be deleted by a later run"


def test_headers_are_stored_with_the_object(seaweed: str) -> None:
    make_bucket(seaweed, "headers")
    publish(PAGES, KNOWN, S3Target(s3_settings(seaweed, "headers")), Options())
    config = BotoConfig(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=seaweed, region_name="us-east-1", config=config)
    found = client.head_object(Bucket="headers", Key="index.html")
    assert (found["ContentType"], found["CacheControl"]) == ("text/html; charset=utf-8", POINTER)
    client.close()


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], []),
        ([".meaculpa/manifest.json", "assets/x.1.png"], []),
        (["index.html", "de/index.html", "banner.json"], ["/banner.json", "/index.html", "/de/index.html"]),
        (["index.html", "de/index.html", ".meaculpa/manifest.json"], []),
        (["incidents/2026-11-22-x.html", "banner.js"], ["/banner.js"]),
        (
            [f"{n}/index.html" for n in "abcdefghijk"] + ["splash.html"],
            ["/splash.html", *(f"/{n}/index.html" for n in "abcdefghi")],
        ),
    ],
)
def test_what_cloudfront_is_told_to_forget_is_little_and_exact(paths: list[str], expected: list[str]) -> None:
    assert invalidation_paths(paths) == expected


def a_distribution() -> str:
    """Make a distribution where the environment says that CloudFront is; gives its id."""
    client = boto3.client("cloudfront", region_name="us-east-1")
    origin = {"Id": "o", "DomainName": "o.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    settings: Any = {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
    }
    made = client.create_distribution(DistributionConfig=settings)
    client.close()
    return made["Distribution"]["Id"]


def test_an_invalidation_is_made_and_its_failure_never_raises(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", moto_url)
    distribution = a_distribution()
    client = boto3.client("cloudfront", region_name="us-east-1")
    assert invalidate(distribution, ["/index.html"]) is None
    listed = client.list_invalidations(DistributionId=distribution)["InvalidationList"]
    assert listed["Quantity"] == 1
    assert "NoSuchDistribution" in (invalidate("E0000000000000", ["/index.html"]) or "")
    client.close()


@pytest.mark.parametrize(("bucket", "message"), [("missing-bucket", "the bucket does not exist"), ("", "")])
def test_a_bucket_that_is_not_there_is_told(seaweed: str, bucket: str, message: str) -> None:
    if not bucket:
        target = S3Target(s3_settings("http://127.0.0.1:9", "nobody"))
        with pytest.raises(TargetError, match="could not be read"):
            publish(PAGES, KNOWN, target, Options())
        return
    with pytest.raises(TargetError, match=message):
        publish(PAGES, KNOWN, S3Target(s3_settings(seaweed, bucket)), Options())
