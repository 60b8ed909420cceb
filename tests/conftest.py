"""Real servers and a real browser for the tests that need them."""

import os
import shutil
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config as BotoConfig
from playwright.sync_api import Browser, sync_playwright

from meaculpa.build.memory import Memory
from tests.servers import ACCESS_KEY, SECRET_KEY, seaweedfs

os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="eu-west-1")
# A test must never find the credentials or settings of whoever runs it.
for name in (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
):
    os.environ.pop(name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="many more random cases and edits")


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import HealthCheck, settings

    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=slow)
    settings.register_profile("soak", max_examples=3000, deadline=None, suppress_health_check=slow)
    settings.load_profile("soak" if config.getoption("--soak") else "fast")


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """What builds of one module share: rendering processes are slow to start."""
    memory = Memory()
    yield memory
    memory.pool.close()


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real S3 server."""
    with seaweedfs(tmp_path_factory.mktemp("seaweed")) as url:
        yield url


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The address of moto's imitation of AWS."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def make_bucket(url: str, name: str) -> None:
    config = BotoConfig(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)
    client.create_bucket(Bucket=name)
    client.close()


def find_browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped, or fails where nothing may be missing."""
    path = find_browser()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing; install it (Debian, Ubuntu: apt-get install chromium)")
        pytest.skip("needs Chromium (Debian, Ubuntu: apt-get install chromium)")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=[*flags, "--disable-component-update"])
        yield running
        running.close()
