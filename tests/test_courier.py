"""A thread for each target: the newest build, again and again until it works, and no target waits for another."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.cloudfront import Allowance, Invalidator
from meaculpa.publish.courier import Courier, Delivery, Parcel, Pulse
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.rollback import PREVIOUS, rollback
from meaculpa.publish.stamp import read_stamp
from meaculpa.publish.target import Stored
from meaculpa.render.headers import output_file
from tests.live import eventually
from tests.memory import MemoryTarget

PULSE = Pulse(timedelta(seconds=0.2), timedelta(minutes=15))
RARELY = Pulse(timedelta(minutes=5), timedelta(minutes=15))


def parcel(text: str, known: dict[str, str] | None = None) -> Parcel:
    banner = output_file("banner.json", json.dumps({"v": 1, "at": "2026-11-22T09:20Z", "items": [text]}))
    return Parcel({"index.html": output_file("index.html", text), "banner.json": banner}, known or {})


class Flaky(MemoryTarget):
    """Fails as long as it is told to."""

    is_dead = False
    tries = 0

    def read(self, path: str) -> Stored | None:
        if self.is_dead:
            self.tries += 1
            raise TargetError("the place cannot be reached")
        return super().read(path)


class Rig:
    """A courier, its target, and what it has told."""

    def __init__(self, pulse: Pulse = RARELY) -> None:
        self.target, self.told = Flaky(), list[Delivery]()
        self.courier = Courier(lambda: self.target, "rig", pulse, self.told.append)

    def shows(self, text: str) -> bool:
        return self.page() == text

    def page(self) -> str:
        file = self.target.files.get("index.html")
        return file.body.decode() if file else ""


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.courier.stop(5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.courier._SHORTEST_PAUSE", 0.05)
    monkeypatch.setattr("meaculpa.publish.courier._LONGEST_PAUSE", 0.3)
    monkeypatch.setattr("meaculpa.publish.courier._ASK_AGAIN", 0.2)


def test_a_dead_target_gets_the_newest_build_when_it_is_back(rig: Rig) -> None:
    rig.target.is_dead = True
    for number in range(5):
        rig.courier.bring(parcel(f"build {number}"))
    eventually(lambda: rig.target.tries > 3, "several tries")
    rig.target.is_dead = False
    eventually(lambda: rig.page() == "build 4", "the newest")
    assert [one.report for one in rig.told if one.report], "and says so"
    written = [path for kind, path in rig.target.log if (kind, path) == ("write", "index.html")]
    assert len(written) == 1, "what is older is not made up for"


def test_nobody_waits_for_the_look_at_what_may_be_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Watched(DirectoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            done.append(file.path)
            return super().write(file, expected)

        def lost(self, sizes: Mapping[str, int | None], thoroughly: bool = False) -> set[str]:
            done.append("look")
            return super().lost(sizes, thoroughly)

    monkeypatch.setattr("meaculpa.publish._LOOK_FOR_LOST_SECONDS", 0.0)
    done = list[str]()
    target = Watched("local", tmp_path)
    courier = Courier(lambda: target, "local", RARELY, lambda _: None)
    other = {"404.html": output_file("404.html", "not here")}
    courier.bring(replace(parcel("one"), files={**parcel("one").files, **other}))
    eventually(lambda: "look" in done and done[-1] == "look", "the first look")
    (tmp_path / "404.html").unlink()
    done.clear()
    courier.bring(replace(parcel("two"), files={**parcel("two").files, **other}))
    eventually((tmp_path / "404.html").exists, "what was lost is there again")
    courier.stop(5)
    assert done.index("index.html") < done.index("look") < done.index("404.html")


def test_a_dead_target_holds_up_no_other() -> None:
    dead, alive = Rig(), Rig()
    dead.target.is_dead = True
    for number in range(3):
        for one in (dead, alive):
            one.courier.bring(parcel(f"build {number}"))
        eventually(partial(alive.shows, f"build {number}"), "the other one")
    assert dead.page() == ""
    for one in (dead, alive):
        one.courier.stop(5)


def test_the_stamp_is_renewed_as_long_as_the_files_are_understood() -> None:
    rig = Rig(PULSE)

    def until() -> object:
        stamp = read_stamp(rig.target.files["banner.json"].body)
        return stamp and stamp.valid_until

    rig.courier.bring(parcel("x"))
    eventually(lambda: "banner.json" in rig.target.files, "the first publish")
    first = until()
    eventually(lambda: until() != first, "the next stamp")
    rig.courier.doubt()
    time.sleep(0.3)
    doubtful = until()
    time.sleep(1.2)
    assert until() == doubtful
    rig.courier.bring(parcel("x"))
    eventually(lambda: until() != doubtful, "the stamp again")
    rig.courier.stop(5)


def test_a_target_whose_stamp_can_be_renewed_again_says_so() -> None:
    rig = Rig(PULSE)
    try:
        rig.courier.bring(parcel("build"))
        eventually(lambda: rig.shows("build"), "the build")
        rig.target.is_dead = True
        eventually(lambda: rig.told[-1].error, "that it cannot be reached")
        rig.target.is_dead = False
        eventually(lambda: rig.told[-1] == Delivery("rig"), "that it can")
        said = len(rig.told)
        written = len(rig.target.log)
        eventually(lambda: len(rig.target.log) > written + 4, "further stamps")
        assert len(rig.told) == said, "said once"
    finally:
        rig.courier.stop(5)


def test_a_held_target_is_stamped_and_asked_again_until_it_is_released(rig: Rig) -> None:
    for text in ("good", "bad"):
        publish(parcel(text).files, {}, rig.target, Options())
    rollback(PREVIOUS, rig.target, Options())
    rig.courier.bring(parcel("bad"))
    eventually(lambda: any("rollback" in str(one.error) for one in rig.told), "the refusal")
    eventually(lambda: b"valid_until" in rig.target.files["banner.json"].body, "the stamp")
    assert rig.page() == "good"
    publish(parcel("good").files, {}, rig.target, Options(release=True))
    eventually(lambda: rig.page() == "bad", "what the watcher has")


def test_it_ends_between_two_writes() -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Flaky):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path.startswith("p"):
                begun.set()
                go_on.wait(5)
            return super().write(file, expected)

    target = Slow()
    courier = Courier(lambda: target, "slow", RARELY, lambda _: None)
    courier.bring(Parcel({f"p{n}.html": output_file(f"p{n}.html", "x") for n in range(9)}, {}))
    begun.wait(5)
    courier.stop(0)
    go_on.set()
    courier.stop(5)
    assert not courier.is_alive
    assert len([path for path in target.files if path.startswith("p")]) == 1


def test_whatever_goes_wrong_the_thread_goes_on(rig: Rig) -> None:
    rig.target.allow = lambda seconds: 1 / 0  # type: ignore[assignment, method-assign]
    rig.courier.bring(parcel("x"))
    eventually(lambda: any(isinstance(one.error, ZeroDivisionError) for one in rig.told), "the error")
    del rig.target.allow
    eventually(lambda: rig.page() == "x", "the next try")
    assert rig.courier.is_alive


def test_it_waits_ever_longer_and_after_a_success_begins_anew(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = list[tuple[float, float]]()

    def at_random(least: float, most: float) -> float:
        bounds.append((least, most))
        return 0.01

    monkeypatch.setattr("meaculpa.publish.courier.random.uniform", at_random)
    rig.target.is_dead = True
    rig.courier.bring(parcel("1"))
    eventually(lambda: len(bounds) >= 5, "five failures")
    assert bounds[:5] == [(0.05, 0.1), (0.05, 0.2), (0.05, 0.3), (0.05, 0.3), (0.05, 0.3)]
    rig.target.is_dead = False
    eventually(lambda: rig.shows("1"), "a success")
    eventually(lambda: any(one.report for one in rig.told), "its report")
    bounds.clear()
    rig.target.is_dead = True
    rig.courier.bring(parcel("2"))
    eventually(lambda: bounds, "a failure")
    assert bounds[0] == (0.05, 0.1)


def test_a_refusal_is_not_asked_again_at_once_and_a_new_build_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.courier._ASK_AGAIN", 3600.0)
    newer, older = {"2026-11-22-x": "2026-11-22 12:00 UTC"}, {"2026-11-22-x": "2026-11-22 09:00 UTC"}
    publish(parcel("newer").files, newer, rig.target, Options())
    rig.courier.bring(parcel("older", older))
    eventually(lambda: rig.told, "the refusal")
    time.sleep(0.7)
    assert ["behind" in str(one.error) for one in rig.told] == [True]
    rig.courier.bring(parcel("newest", newer))
    eventually(lambda: rig.shows("newest"), "the newest")


def stamps(rig: Rig) -> int:
    return rig.target.log.count(("write", "banner.json"))


def test_while_it_is_held_a_stamp_is_renewed_only_when_it_is_due(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.courier._ASK_AGAIN", 0.05)
    for text in ("good", "bad"):
        publish(parcel(text).files, {}, rig.target, Options())
    rollback(PREVIOUS, rig.target, Options())
    before = stamps(rig)
    rig.courier.bring(parcel("bad"))
    eventually(lambda: len(rig.told) > 5, "several refusals")
    assert stamps(rig) == before + 1


def test_what_is_published_already_is_answered_for_at_once(rig: Rig) -> None:
    publish(parcel("x").files, {}, rig.target, Options())
    rig.courier.bring(parcel("x"))
    eventually(lambda: b"valid_until" in rig.target.files["banner.json"].body, "the stamp")


def test_a_publish_that_wrote_the_stamp_is_not_followed_by_another(rig: Rig) -> None:
    rig.courier.bring(parcel("x"))
    eventually(lambda: any(one.report for one in rig.told), "the publish")
    time.sleep(0.5)
    assert stamps(rig) == 1


def test_who_was_asked_to_end_says_nothing_of_what_then_fails(rig: Rig) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def read(path: str) -> Stored | None:
        reading.set()
        go_on.wait(5)
        raise TargetError("the place cannot be reached")

    rig.target.read = read  # type: ignore[method-assign]
    rig.courier.bring(parcel("x"))
    reading.wait(5)
    rig.courier.stop(0)
    go_on.set()
    rig.courier.stop(5)
    assert rig.told == []


# ---- CloudFront, the bonus


def test_what_is_asked_for_is_collected_and_asked_once_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[list[str]]()
    monkeypatch.setattr("meaculpa.publish.cloudfront.invalidate", lambda _, items: asked.append(items))
    invalidator = Invalidator("E123", lambda _: None, pause=0.5)
    for number in range(40):
        invalidator.ask([f"{number}/index.html", "banner.js"])
        time.sleep(0.01)
    eventually(lambda: len(asked) == 2, "two requests")
    invalidator.stop()
    assert all(len(items) <= 10 and "/banner.js" in items and "/*" not in items for items in asked)


def test_what_was_asked_for_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[list[str]]()
    monkeypatch.setattr("meaculpa.publish.cloudfront.invalidate", lambda _, items: asked.append(items))
    invalidator = Invalidator("E123", lambda _: None, pause=0.01)
    for path in ("banner.js", "splash.html"):
        invalidator.ask([path])
        eventually(lambda: len(asked) == ["banner.js", "splash.html"].index(path) + 1, path)  # noqa: B023
    invalidator.stop()
    assert asked == [["/banner.js"], ["/splash.html"]]


def test_a_month_of_500_edits_a_day_stays_within_what_is_free() -> None:
    allowance, day = Allowance(0.0), 86_400.0
    named = sum(5 for edit in range(30 * 500) if allowance.take(5, edit * day / 500))
    assert 900 <= named <= 1000
