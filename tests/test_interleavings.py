"""Publishers, rollbacks and retractions that meet each other, or end in the middle, at the worst moment."""

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from meaculpa.errors import Refused, Retracted, TargetError
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.courier import Courier, Parcel, Pulse
from meaculpa.publish.published import Standing
from meaculpa.publish.retract import is_known, mark, retract
from meaculpa.publish.rollback import PREVIOUS, rollback
from meaculpa.publish.target import Conflict, Stored
from meaculpa.render.headers import output_file
from tests.live import eventually
from tests.memory import MemoryTarget

JANE = "2026-11-22-x"
PAGE, OTHER, LAST = f"incidents/{JANE}.html", "incidents/2026-10-22-y.html", "incidents/2026-11-21-z.html"
KNOWN = {JANE: "2026-11-22 09:20 UTC"}
AT_ONCE, MEANT = Options(patience=0), Options(patience=0, force=True)


def site(index: str, banner: str = "", **pages: str) -> dict[str, OutputFile]:
    names = {"x": PAGE, "y": OTHER, "z": LAST}
    state = output_file("banner.json", json.dumps({"v": 1, "at": "2026-11-22T09:20Z", "items": [banner]}))
    files = {names[key]: output_file(names[key], text) for key, text in pages.items()}
    return {"index.html": output_file("index.html", index), "banner.json": state, **files}


class Killed(BaseException):
    """The process ends here."""


class Hooked(MemoryTarget):
    """Lets something happen once, right before (or, of a read, right after) an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.kind, self.part, self.skip = "", "", 0
        self.then: Callable[[], object] | None = None

    def at(self, kind: str, part: str, then: Callable[[], object], skip: int = 0) -> None:
        self.kind, self.part, self.then, self.skip = kind, part, then, skip

    def _pass(self, kind: str, path: str) -> None:
        if self.then and kind == self.kind and self.part in path:
            if self.skip:
                self.skip -= 1
                return
            then, self.then = self.then, None
            then()

    def read(self, path: str):  # type: ignore[no-untyped-def]
        found = super().read(path)
        self._pass("read", path)
        return found

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        self._pass("write", file.path)
        return super().write(file, expected)

    def delete(self, path: str) -> None:
        self._pass("delete", path)
        super().delete(path)

    def text(self, path: str) -> str | None:
        return self.files[path].body.decode() if path in self.files else None

    def texts(self) -> tuple[str | None, ...]:
        return tuple(map(self.text, ("index.html", PAGE, OTHER)))

    def says(self, text: str) -> list[str]:
        return [path for path, file in self.files.items() if text.encode() in file.body]


def dies(error: BaseException) -> Callable[[], object]:
    def die() -> object:
        raise error

    return die


def two_builds() -> Hooked:
    target = Hooked()
    publish(site("1", x="x1", y="y1"), {}, target, AT_ONCE)
    publish(site("2", x="x2", y="y1"), {}, target, AT_ONCE)
    return target


# ---- Rollbacks


def test_a_rollback_chooses_anew_when_somebody_has_published_meanwhile() -> None:
    target = two_builds()
    target.at("read", MANIFEST_PATH, lambda: publish(site("3", x="x2", y="y3"), {}, target, AT_ONCE))
    rollback(PREVIOUS, target, AT_ONCE)
    assert target.texts() == ("2", "x2", "y1"), "the build before the one that is there now"


def test_nobody_takes_over_a_rollback_that_is_slow() -> None:
    target = two_builds()

    def watcher() -> None:
        with pytest.raises(Refused, match="holds it there"):
            publish(site("3", x="x2", y="y3"), {}, target, AT_ONCE)

    target.at("write", "index.html", watcher)
    rollback(PREVIOUS, target, AT_ONCE)
    assert target.texts() == ("1", "x1", "y1")


@pytest.mark.parametrize("skip", range(4))
def test_a_rollback_to_the_previous_build_that_failed_goes_on_to_that_build(skip: int) -> None:
    target = two_builds()
    target.at("write", "", dies(TargetError("network")), skip)
    with pytest.raises(TargetError, match="network"):
        rollback(PREVIOUS, target, AT_ONCE)
    rollback(PREVIOUS, target, AT_ONCE)
    assert target.texts() == ("1", "x1", "y1")


def test_after_a_publish_that_was_killed_previous_is_what_was_there_before_it() -> None:
    target = two_builds()
    target.at("write", "banner.json", dies(Killed()))
    with pytest.raises(Killed):
        publish(site("3", "new", x="x3", y="y3", z="z"), {}, target, AT_ONCE)
    rollback(PREVIOUS, target, AT_ONCE)
    assert target.texts() == ("2", "x2", "y1")
    assert json.loads(target.files["banner.json"].body)["items"] == [""]


def test_a_rollback_brings_back_nothing_that_was_retracted() -> None:
    target = Hooked()
    publish(site("Jane", x="Jane"), KNOWN, target, AT_ONCE)
    publish(site("rest"), {}, target, MEANT)
    mark([JANE], target)
    with pytest.raises(Retracted):
        rollback(PREVIOUS, target, AT_ONCE)
    assert target.text("index.html") == "rest"


# ---- Retractions


@pytest.mark.parametrize("kind", ["write", "delete"])
def test_a_retraction_that_was_killed_anywhere_can_be_done_again(kind: str) -> None:
    for skip in range(40):
        target = Hooked()
        publish(site("before"), {}, target, AT_ONCE)
        publish(site("Jane", x="Jane"), KNOWN, target, AT_ONCE)
        publish(site("Jane lives", x="Jane"), KNOWN, target, AT_ONCE)
        target.at(kind, "", dies(Killed()), skip)
        with contextlib.suppress(Killed):
            retract([JANE], site("rest"), {}, target, AT_ONCE)
        if target.then:
            break
        assert is_known(JANE, target), skip
        assert retract([JANE], site("rest"), {}, target, AT_ONCE).failures == ()
        assert target.says("Jane") == []
        assert target.names(".meaculpa/kept/") == []
    assert skip > 3


def test_what_is_published_no_more_and_still_kept_is_known_and_erased() -> None:
    target = Hooked()
    publish(site("Jane", x="Jane"), KNOWN, target, AT_ONCE)
    for _ in range(3):
        publish(site("rest"), {}, target, MEANT)
    assert target.text(PAGE) is None
    assert is_known(JANE, target)
    retract([JANE], site("rest"), {}, target, AT_ONCE)
    assert target.says("Jane") == []


def test_a_page_that_no_manifest_lists_is_deleted_by_its_name() -> None:
    target = Hooked()
    publish(site("x", x="Jane"), KNOWN, target, AT_ONCE)
    del target.files[MANIFEST_PATH]
    publish(site("rest"), {}, target, AT_ONCE)
    assert retract([JANE], site("rest"), {}, target, AT_ONCE).deleted == (PAGE,)
    assert target.text(PAGE) is None


def test_from_an_old_clone_nothing_newer_is_wiped_and_it_is_told() -> None:
    target = Hooked()
    newer = {**KNOWN, "2026-10-22-y": "2026-11-22 12:00 UTC"}
    publish(site("x y", x="Jane", y="new"), newer, target, AT_ONCE)
    done = retract([JANE], site("rest"), {}, target, AT_ONCE)
    assert "your files are behind" in done.failures[0]
    assert (target.text(PAGE), target.text(OTHER)) == (None, "new")


def test_retracting_where_nothing_is_published_yet_is_remembered() -> None:
    target = MemoryTarget()
    retract([JANE], site("rest"), {}, target, AT_ONCE)
    with pytest.raises(Retracted):
        publish(site("Jane", x="Jane"), KNOWN, target, AT_ONCE)


def test_bundles_that_were_left_over_go_with_a_retraction() -> None:
    target = Hooked()
    for number in range(53):
        publish(site(f"{number} Jane", x="Jane"), KNOWN, target, AT_ONCE)
    target.at("delete", "/kept/", dies(Killed()))
    number = 0
    while target.then:
        number += 1
        with contextlib.suppress(Killed):
            publish(site(f"killed {number} Jane", x="Jane"), KNOWN, target, AT_ONCE)
    retract([JANE], site("rest"), {}, target, AT_ONCE)
    assert target.names(".meaculpa/kept/") == []


def test_a_page_that_two_killed_runs_are_between_does_not_stay() -> None:
    """The second one adds a page to a shard that the first one has left unfinished."""
    target = Hooked()
    publish(site("rest", z="z"), {}, target, AT_ONCE)
    target.at("write", "index.html", dies(Killed()))
    with pytest.raises(Killed):
        publish(site("more", z="changed"), {}, target, AT_ONCE)
    target.at("write", "index.html", dies(Killed()))
    with pytest.raises(Killed):
        publish(site("Jane", z="changed", x="Jane"), KNOWN, target, AT_ONCE)
    assert target.text(PAGE) == "Jane"
    for _ in range(2):
        publish(site("rest", z="z"), {}, target, AT_ONCE)
    assert target.text(PAGE) is None


# ---- Deletions, and what is remembered


def test_a_deletion_that_is_overtaken_is_not_done() -> None:
    target = Hooked()
    publish(site("a", x="x"), KNOWN, target, AT_ONCE)
    publish(site("b"), {}, target, MEANT)
    back = {JANE: "2026-11-22 10:00 UTC"}
    # Between its shards and its deletions the first one sleeps.
    target.at("write", "index.html", lambda: publish(site("c", x="back"), back, target, AT_ONCE))
    with pytest.raises(Refused, match="behind"):
        publish(site("d"), {}, target, AT_ONCE)
    assert target.texts()[:2] == ("c", "back")


def test_leftovers_that_came_into_use_again_are_not_deleted() -> None:
    target = Hooked()
    publish(site("1", y="y1"), {}, target, AT_ONCE)
    publish(site("1", y="y2"), {}, target, AT_ONCE)
    target.at("write", "index.html", lambda: publish(site("4", y="y1"), {}, target, AT_ONCE))
    publish(site("3", y="y2"), {}, target, AT_ONCE)
    index = read_index(target.files[MANIFEST_PATH].body)
    assert all(f".meaculpa/manifest/{name}.{digest}.json" in target.files for name, digest in index.shards.items())


def test_leftovers_that_could_not_be_deleted_are_tried_again() -> None:
    class Stubborn(MemoryTarget):
        refuses = True

        def delete(self, path: str) -> None:
            if self.refuses and path.startswith(".meaculpa/manifest/"):
                raise TargetError("no")
            super().delete(path)

    target = Stubborn()
    for number in range(4):
        publish(site(str(number)), {}, target, AT_ONCE)
    target.refuses = False
    for number in range(4, 6):
        publish(site(str(number)), {}, target, AT_ONCE)
    assert len(target.names(".meaculpa/manifest/")) <= 3


def test_a_version_that_was_deleted_is_not_remembered() -> None:
    class LikeS3(Hooked):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if expected and file.path not in self.files:
                raise Conflict(f"{file.path} is gone")
            return super().write(file, expected)

    target, standing = LikeS3(), Standing()
    publish(site("1", x="x1", z="z"), {}, target, MEANT, standing)
    for _ in range(2):
        publish(site("2", z="z"), {}, target, MEANT, standing)
    target.at("write", "index.html", dies(TargetError("network")))
    with pytest.raises(TargetError):
        publish(site("3", z="z3"), {}, target, MEANT, standing)
    publish(site("4", x="x4", z="z3"), {}, target, MEANT, standing)
    assert target.text(PAGE) == "x4"


def test_what_this_process_wrote_itself_is_not_read_again() -> None:
    target, standing = Hooked(), Standing()
    for number in range(3):
        target.log.clear()
        publish(site(str(number)), {}, target, AT_ONCE, standing)
    assert ("read", "index.html") not in target.log


def test_of_two_processes_in_turn_each_keeps_what_the_other_wrote() -> None:
    target, one, other = Hooked(), Standing(), Standing()
    for number, standing in enumerate((one, other, one, other, one)):
        publish(site(str(number)), {}, target, AT_ONCE, standing)
    for number in (3, 2, 1):
        rollback(PREVIOUS, target, AT_ONCE)
        assert target.text("index.html") == str(number)


def test_memory_of_what_was_written_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.published._MOST_REMEMBERED", 1000)
    standing = Standing()
    for number in range(50):
        standing.remember(f"p{number}", Stored(b"x" * 100, "v"))
        standing.remember(f"p{number}", Stored(b"x" * 90, "v"))
    assert len(standing.recent) == 11
    assert standing.size == sum(len(stored.body) for stored in standing.recent.values())
    assert "p49" in standing.recent


def test_a_build_into_the_folder_of_a_target_forgets_nothing_of_it() -> None:
    target = Hooked()
    publish(site("1", x="Jane"), KNOWN, target, AT_ONCE)
    retract([JANE], site("rest"), {}, target, AT_ONCE)
    publish(site("rest 2"), {}, target, AT_ONCE)
    publish(site("rest 3"), {}, target, Options(force=True, is_plain=True))
    index = read_index(target.files[MANIFEST_PATH].body)
    assert (len(index.retracted), len(index.builds)) == (1, 2)


# ---- What a watcher finds at its heartbeat


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meaculpa.publish.courier._LONGEST_PAUSE", 0.3)


def a_courier(target: MemoryTarget) -> Courier:
    pulse = Pulse(timedelta(seconds=0.1), timedelta(minutes=15))
    return Courier(lambda: target, "rig", pulse, lambda _: None)


def test_what_is_gone_is_published_again(quick: None) -> None:
    target = MemoryTarget()
    courier = a_courier(target)
    courier.bring(Parcel(site("1"), {}))
    eventually(lambda: MANIFEST_PATH in target.files, "the first publish")
    for path in ("banner.json", MANIFEST_PATH):
        target.files.pop(path)
        eventually(partial(target.files.__contains__, path), f"{path} again")
    courier.stop(5)


def test_a_state_that_is_not_ours_is_not_vouched_for(quick: None) -> None:
    target = MemoryTarget()
    courier = a_courier(target)
    courier.bring(Parcel(site("1", "said"), {}))
    eventually(lambda: "banner.json" in target.files and MANIFEST_PATH in target.files, "the first publish")
    target.files["banner.json"] = output_file("banner.json", '{"v": 1, "at": "2026-11-22T09:20Z", "items": []}')
    eventually(lambda: json.loads(target.files["banner.json"].body)["items"] == ["said"], "what is published")
    courier.stop(5)


def test_what_a_killed_publish_left_is_completed(quick: None) -> None:
    target, other = MemoryTarget(), Hooked()
    courier = a_courier(target)
    courier.bring(Parcel(site("1", x="x1"), {}))
    eventually(lambda: MANIFEST_PATH in target.files, "the first publish")
    eventually(lambda: not read_index(target.files[MANIFEST_PATH].body).pending, "its end")
    other.files = target.files
    other.at("write", "index.html", dies(Killed()))
    with pytest.raises(Killed):
        publish(site("2", x="x2"), {}, other, AT_ONCE)
    eventually(lambda: other.texts()[:2] == ("1", "x1"), "what the watcher has")
    courier.stop(5)


def test_what_is_delivered_in_doubt_is_not_answered_for(quick: None) -> None:
    class Flaky(MemoryTarget):
        is_dead = True

        def read(self, path: str):  # type: ignore[no-untyped-def]
            if self.is_dead:
                raise TargetError("no")
            return super().read(path)

    target = Flaky()
    courier = a_courier(target)
    courier.bring(Parcel(site("1"), {}))
    courier.doubt()
    target.is_dead = False
    eventually(lambda: "banner.json" in target.files and MANIFEST_PATH in target.files, "the delivery")
    courier.stop(5)
    assert b"valid_until" not in target.files["banner.json"].body
