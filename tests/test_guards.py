"""Publishers that meet, and servers with bad days: nothing is lost, nobody waits for ever, each failure is said."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import Refused, TargetError
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.carry import Stopped
from meaculpa.publish.s3 import S3Target
from meaculpa.publish.target import Conflict
from meaculpa.render.headers import output_file
from tests.conftest import make_bucket
from tests.faulty import Fault, Faulty, faulty
from tests.memory import MemoryTarget
from tests.test_targets import s3_settings

PATHS = ("assets/a.1.svg", "incidents/2026-11-22-x.html", "history/2026-11.html", "index.html")


def site(text: str) -> dict[str, OutputFile]:
    banner = output_file("banner.json", json.dumps({"v": 1, "at": "2026-11-22T09:20Z", "items": [text]}))
    assets = {"assets/a.1.svg": output_file("assets/a.1.svg", "a picture")}
    return {path: output_file(path, text) for path in PATHS} | assets | {"banner.json": banner}


def texts(target: S3Target | MemoryTarget) -> set[str]:
    """What the files of a target say; one text when they are of one build."""
    said = set()
    for path in (*PATHS[1:], "banner.json"):
        found = target.read(path)
        assert found, path
        said.add(json.loads(found.body)["items"][0] if path == "banner.json" else found.body.decode())
    return said


def index_of(target: S3Target | MemoryTarget) -> tuple[int, tuple[str, ...]]:
    found = target.read(MANIFEST_PATH)
    assert found
    index = read_index(found.body)
    return index.number, index.pending


@pytest.fixture
def bucket(seaweed: str, request: pytest.FixtureRequest) -> S3Settings:
    name = f"guards-{abs(hash(request.node.nodeid)) % 10**9}"
    make_bucket(seaweed, name)
    return s3_settings(seaweed, name)


def through(proxy: Faulty, settings: S3Settings) -> S3Target:
    return S3Target(settings.model_copy(update={"endpoint_url": proxy.url}))


# ---- Several publishers at once


@pytest.mark.parametrize("count", [2, 16])
def test_publishers_at_once_end_in_one_whole_build_and_each_has_its_number(bucket: S3Settings, count: int) -> None:
    publish(site("before"), {}, S3Target(bucket), Options())
    begin = threading.Barrier(count)

    def run(number: int) -> None:
        target = S3Target(bucket)
        begin.wait()
        publish(site(f"publisher {number}"), {}, target, Options(patience=1))

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(run, range(count)))
    said = texts(S3Target(bucket))
    assert len(said) == 1
    number, pending = index_of(S3Target(bucket))
    assert (number, pending) == (1 + count, ())
    last = said.pop().removeprefix("publisher ")
    assert publish(site(f"publisher {last}"), {}, S3Target(bucket), Options()).plan.is_empty


def test_of_publishers_with_older_and_newer_files_the_newest_wins_and_the_others_are_told(bucket: S3Settings) -> None:
    def known(minute: int) -> dict[str, str]:
        return {"2026-11-22-x": f"2026-11-22 09:{minute:02d} UTC"}

    publish(site("minute 0"), known(0), S3Target(bucket), Options())
    begin = threading.Barrier(8)
    refused = list[int]()

    def run(minute: int) -> None:
        target = S3Target(bucket)
        begin.wait()
        try:
            publish(site(f"minute {minute}"), known(minute), target, Options(patience=1))
        except Refused as error:
            assert "your files are behind" in str(error)
            refused.append(minute)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(run, range(1, 9)))
    # Somebody may be refused in the middle; then the newest files are written again by whoever publishes next.
    if index_of(S3Target(bucket))[1]:
        publish(site("minute 8"), known(8), S3Target(bucket), Options(patience=0))
    assert texts(S3Target(bucket)) == {"minute 8"}
    assert 8 not in refused


def test_an_older_writer_that_wakes_up_late_cannot_overwrite_a_newer_pointer() -> None:
    """It was asleep between its beginning and its pointers; meanwhile another one took over and finished."""
    known, newer = {"x": "2026-11-22 09:20 UTC"}, {"x": "2026-11-22 09:48 UTC"}

    class Sleepy(MemoryTarget):
        is_awake = True

        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "index.html" and not self.is_awake:
                self.is_awake = True
                publish(site("newer"), newer, self, Options(patience=0))
            return super().write(file, expected)

    target = Sleepy()
    publish(site("before"), known, target, Options())
    target.is_awake = False
    with pytest.raises(Refused, match="behind"):
        publish(site("older"), known, target, Options())
    assert target.files["index.html"].body == b"newer"
    assert json.loads(target.files["banner.json"].body)["items"] == ["newer"]


# ---- Servers that do not heed conditions


def test_a_server_that_ignores_conditions_is_named_and_nothing_is_published(moto_url: str) -> None:
    make_bucket(moto_url, "careless")
    with faulty(moto_url) as proxy:
        proxy.choose = lambda method, path: Fault.UNCONDITIONAL
        target = through(proxy, s3_settings(moto_url, "careless"))
        for _ in range(2):
            with pytest.raises(TargetError, match=r"ignores the conditions.*conditional_writes: false"):
                publish(site("one"), {}, target, Options())
        assert target.read("index.html") is None
        settings = s3_settings(moto_url, "careless").model_copy(update={"conditional_writes": False})
        careless = through(proxy, settings)
        publish(site("one"), {}, careless, Options())
        publish(site("two"), {}, careless, Options())
        assert texts(careless) == {"two"}


def test_a_server_that_heeds_only_one_of_the_two_conditions_is_named_too() -> None:
    class Half(S3Target):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if expected == "":
                raise Conflict("there is one")
            return "a version"

    settings = S3Settings.model_validate({"type": "s3", "name": "half", "bucket": "half", "region": "eu-west-1"})
    assert not Half(settings).heeds_conditions()


def test_without_conditions_a_look_before_each_write_finds_most_others(moto_url: str) -> None:
    make_bucket(moto_url, "looking")
    settings = s3_settings(moto_url, "looking").model_copy(update={"conditional_writes": False})
    target = S3Target(settings)
    publish(site("one"), {}, target, Options())
    found = target.read("index.html")
    assert found
    target.write(output_file("index.html", "somebody else's"))
    with pytest.raises(TargetError, match="changed by another publisher"):
        target.write(output_file("index.html", "ours"), found.version)


def test_it_is_asked_once_a_process_and_not_when_nothing_changed(bucket: S3Settings, seaweed: str) -> None:
    from meaculpa.publish.published import Standing

    with faulty(seaweed) as proxy:
        target, standing = through(proxy, bucket), Standing()
        publish(site("one"), {}, target, Options(), standing)
        publish(site("two"), {}, target, Options(), standing)
        assert len([path for _, path, _ in proxy.log if path.endswith(".meaculpa/probe")]) == 3
        proxy.log.clear()
        assert publish(site("two"), {}, through(proxy, bucket), Options()).plan.is_empty
        assert [method for method, _, _ in proxy.log] == ["GET"]


# ---- Bad days


@pytest.mark.parametrize(
    "fault", [Fault.DELAY, Fault.SLOW_DOWN, Fault.RESET, Fault.RESET_IN_BODY, Fault.LOST_REPLY], ids=str
)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_what_passes_is_survived_and_is_no_conflict(
    bucket: S3Settings, seaweed: str, fault: Fault, method: str
) -> None:
    publish(site("before"), {}, S3Target(bucket), Options())
    with faulty(seaweed) as proxy:
        target = through(proxy, bucket)
        for part in ("manifest.json", "index.html", "banner.json", "incidents/"):
            proxy.first(2, fault, method, part)
            publish(site(f"{fault} {part}"), {}, target, Options(patience=0))
            assert texts(S3Target(bucket)) == {f"{fault} {part}"}
    assert index_of(S3Target(bucket))[0] == 5, "no run was done twice"


def test_an_answer_that_is_none_is_not_taken_for_one(bucket: S3Settings, seaweed: str) -> None:
    publish(site("before"), {}, S3Target(bucket), Options())
    with faulty(seaweed) as proxy:
        for method in ("GET", "PUT"):
            proxy.first(9, Fault.CORRUPT, method, "manifest.json")
            with pytest.raises(TargetError, match=r"no S3 server|could not be written"):
                publish(site("after"), {}, through(proxy, bucket), Options(patience=0))
    publish(site("after"), {}, S3Target(bucket), Options(patience=0))
    assert texts(S3Target(bucket)) == {"after"}


def test_a_server_that_says_nothing_is_given_up_in_time(
    bucket: S3Settings, seaweed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.publish._SECONDS", 3.0)
    monkeypatch.setattr("meaculpa.publish.s3_requests.READ_SECONDS", 1)
    with faulty(seaweed) as proxy:
        proxy.choose = lambda method, path: Fault.SILENCE
        begin = time.monotonic()
        with pytest.raises(TargetError, match=r"takes too long|could not be read"):
            publish(site("x"), {}, through(proxy, bucket), Options())
        assert time.monotonic() - begin < 20


def test_a_publish_that_is_asked_to_end_does_so_between_two_writes_and_can_be_gone_on_with() -> None:
    target = MemoryTarget()
    publish(site("before"), {}, target, Options())
    written = list[str]()

    class Watched(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            written.append(file.path)
            return super().write(file, expected)

    watched = Watched()
    watched.files = target.files
    with pytest.raises(Stopped, match=r"asked to end. 1 of 4 files were uploaded; run it again"):
        publish(site("after"), {}, watched, Options(stopping=lambda: "incidents/2026-11-22-x.html" in written))
    assert written[-1] == "incidents/2026-11-22-x.html"
    publish(site("after"), {}, watched, Options(patience=0))
    assert texts(watched) == {"after"}


def test_a_bundle_that_comes_back_to_an_earlier_state_loses_nothing(tmp_path: Path) -> None:
    """From one state to another and back: what the first one stored is in use again, not left over."""
    target = MemoryTarget()
    for text in ("one", "two", "one", "two", "one"):
        publish(site(text), {}, target, Options())
        index = read_index(target.files[MANIFEST_PATH].body)
        shards = [f".meaculpa/manifest/{name}.{digest}.json" for name, digest in index.shards.items()]
        assert all(shard in target.files for shard in shards)
