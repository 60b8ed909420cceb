"""Requests that we sign ourselves: the addresses that boto3 would use, and patience with servers that fail."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import EndpointConnectionError

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.publish.s3 import S3Target
from meaculpa.publish.s3_requests import S3Requests
from meaculpa.publish.target import Conflict
from meaculpa.render.headers import output_file

# What to answer to a request of this method and these headers: status, headers, body.
Answering = Callable[[str, str, dict[str, str]], tuple[int, dict[str, str], bytes]]
NOBODY = "http://127.0.0.1:9"
KEY = "de/incidents/a b+c~ü.html"


def settings(
    bucket: str = "northwind-status", region: str | None = "eu-west-1", url: str | None = None
) -> S3Settings:
    facts = {"type": "s3", "name": "primary", "bucket": bucket, "region": region, "endpoint_url": url}
    return S3Settings.model_validate(facts)


@contextmanager
def answering(answer: Answering) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answer(self.command, self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = reply  # noqa: N815 (the server's own names)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("meaculpa.publish.s3_requests._PAUSE_WHERE_TOO_MANY_ASK", 0.001)


# ---- Addresses


@pytest.mark.parametrize(
    "environment",
    [{}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, {"AWS_ENDPOINT_URL_S3": "https://store.example:9000"}],
    ids=["plain", "dual stack", "elsewhere"],
)
@pytest.mark.parametrize("bucket", ["northwind-status", "status.northwind.example"])
@pytest.mark.parametrize("region", ["eu-west-1", "us-west-2", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_the_address_of_a_file_is_the_one_that_boto3_uses(
    bucket: str, region: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    in_path = "AWS_ENDPOINT_URL_S3" in environment or "." in bucket
    config = BotoConfig(s3={"addressing_style": "path" if in_path else "virtual"}, signature_version="s3v4")
    client = boto3.Session().client("s3", region_name=region, config=config)
    theirs = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": KEY}))
    requests = S3Requests(settings(bucket, region), 1)
    assert requests.address(KEY) == f"{theirs.scheme}://{theirs.netloc}{theirs.path}"
    assert requests.address(KEY).endswith(quote(KEY, safe="/~"))


def test_a_region_is_taken_from_the_environment_where_none_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert S3Requests(settings(region=None), 1).region == "eu-north-1"


def test_a_bucket_in_another_region_is_followed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        asked.append(headers["Authorization"].split("/")[2])
        if asked[-1] == "eu-south-2":
            return 200, {"ETag": '"1"'}, b"here"
        return 301, {"x-amz-bucket-region": "eu-south-2"}, b"<Error><Code>PermanentRedirect</Code></Error>"

    with answering(answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        target = S3Target(settings())
        for _ in range(2):
            found = target.read("index.html")
            assert found
            assert found.body == b"here"
    assert asked == ["eu-west-1", "eu-south-2", "eu-south-2"]


# ---- Answers


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_what_passes_is_asked_again(status: int) -> None:
    left = [4]

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        left[0] -= 1
        return (status, {}, b"") if left[0] else (200, {"ETag": '"1"'}, b"in the end")

    with answering(answer) as url:
        found = S3Target(settings(url=url)).read("index.html")
    assert found
    assert found.body == b"in the end"


@pytest.mark.parametrize(
    ("status", "code", "told", "tries"),
    [
        (403, "AccessDenied", "the credentials may not do this", 1),
        (403, "InvalidAccessKeyId", "the access key is unknown", 1),
        (400, "ExpiredToken", "the credentials have expired", 1),
        (404, "NoSuchBucket", "the bucket does not exist", 1),
        (418, "Teapot", r"the server answered 418 \(Teapot\): so it is", 1),
        (403, "RequestTimeTooSkewed", "the clock of this machine is wrong", 1),
        (400, "RequestTimeout", r"the server answered 400 \(RequestTimeout\)", 5),
        (503, "SlowDown", r"the server answered 503 \(SlowDown\)", 5),
    ],
)
def test_what_does_not_pass_is_said(status: int, code: str, told: str, tries: int) -> None:
    asked = list[str]()

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        asked.append(method)
        return (
            status,
            {},
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>so it is</Message></Error>".encode(),
        )

    with answering(answer) as url, pytest.raises(TargetError, match=f"index.html could not be written: {told}"):
        S3Target(settings(url=url)).write(output_file("index.html", "x"))
    assert len(asked) == tries


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "PreconditionFailed", "NoSuchKey"])
def test_each_answer_to_a_broken_condition_is_a_conflict(code: str) -> None:
    """Real S3 answers 409 when two writes meet; no server that runs here does."""

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        assert headers["If-Match"] == '"version"'
        return 409, {}, f"<Error><Code>{code}</Code></Error>".encode()

    with answering(answer) as url, pytest.raises(Conflict):
        S3Target(settings(url=url)).write(output_file("index.html", "x"), '"version"')


def test_where_nobody_answers_it_is_tried_again_and_then_said(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[int]()

    def pause(first: float, tried: int) -> float:
        tries.append(tried)
        return 0.0

    monkeypatch.setattr("meaculpa.publish.s3_requests._pause", pause)
    requests = S3Requests(settings(url=NOBODY), 1)
    with pytest.raises(EndpointConnectionError):
        requests.ask("GET", "index.html")
    assert tries == [1, 2, 3, 4, 5]
    with pytest.raises(TargetError, match=rf"could not be read: nobody answers at {NOBODY}; .*`endpoint_url`"):
        S3Target(settings(url=NOBODY)).read("index.html")


def test_an_answer_that_is_cut_is_asked_for_again() -> None:
    left = [2]

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        left[0] -= 1
        length = {"Content-Length": "9", "Connection": "close"} if left[0] else {}
        return 200, {"ETag": '"1"', **length}, b"cut" if left[0] else b"all of it"

    with answering(answer) as url:
        found = S3Target(settings(url=url)).read("index.html")
    assert found
    assert found.body == b"all of it"


def test_what_a_good_answer_holds_is_no_failure() -> None:
    text = b"Our storage answers <Code>NoSuchKey</Code> and <Code>SlowDown</Code>."
    asked = list[str]()

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        return 200, {"ETag": '"1"'}, text

    with answering(answer) as url:
        found = S3Target(settings(url=url)).read("incidents/x.md")
    assert found
    assert found.body == text
    assert len(asked) == 1


def test_nothing_is_waited_for_longer_than_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.s3_requests._pause", lambda first, tried: 60.0)
    target = S3Target(settings(url=NOBODY))
    target.allow(5)
    with pytest.raises(TargetError, match="nobody answers at"):
        target.read("index.html")
    target.allow(0)
    with pytest.raises(TargetError, match="takes too long"):
        target.read("index.html")


# ---- Credentials


def test_without_credentials_nothing_is_asked_and_the_next_step_is_said(no_credentials: None) -> None:
    with pytest.raises(TargetError, match="no credentials were found; set AWS_ACCESS_KEY_ID"):
        S3Target(settings(url=NOBODY)).read("index.html")


def test_credentials_that_come_later_are_found(no_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda method, path, headers: (200, {"ETag": '"1"'}, b"here")) as url:
        target = S3Target(settings(url=url))
        with pytest.raises(TargetError, match="no credentials"):
            target.read("index.html")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        assert target.read("index.html")


def test_whoever_refuses_to_give_out_credentials_is_heard(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusal = b"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>too old</Message></Error></ErrorResponse>"
    (tmp_path / "token").write_text("a token")
    with answering(lambda method, path, headers: (403, {}, refusal)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/publisher")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        with pytest.raises(TargetError, match="could not be read: the credentials have expired"):
            S3Target(settings(url=NOBODY)).read("index.html")


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


def test_an_address_without_a_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio.internal:9000")
    with pytest.raises(TargetError, match=r"the target primary cannot be used: .*it begins with https://"):
        S3Target(settings())
