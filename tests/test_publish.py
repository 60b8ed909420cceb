"""Carrying a plan out: order, kills at every write, damaged manifests, folders that must not be mixed."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from meaculpa.config import DirectoryTarget as DirectorySettings
from meaculpa.errors import Refused, TargetError, TooManyRemovals, UnsafePlan
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.model import OutputFile
from meaculpa.plan import Checkout, Group, group_of
from meaculpa.publish import Options, open_target, publish
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.published import Standing
from meaculpa.publish.target import ABSENT, Conflict
from meaculpa.render.headers import output_file
from tests.making import incident_text, write_project
from tests.memory import MemoryTarget
from tests.test_cli import meaculpa

PATHS = ("assets/logo.1.svg", "index.html", "incidents/2026-11-22-x.html", "banner.json", "history/2026-11.html")
FIRST = {path: output_file(path, "first") for path in PATHS}
SECOND = {path: output_file(path, "second") for path in PATHS}
AT_ONCE = Options(patience=0)


def test_assets_come_first_then_pages_then_pointers_then_the_manifest() -> None:
    target = MemoryTarget()
    publish(FIRST, {}, target, Options())
    written = [path for operation, path in target.log if operation == "write"]
    assert written.pop(0) == MANIFEST_PATH, "word of what is going to be written"
    ours = [path for path in written if not path.startswith(".meaculpa/")]
    assert [group_of(path) for path in ours] == sorted((group_of(path) for path in ours), key=list(Group).index)
    assert written[-1] == MANIFEST_PATH
    assert all(path.startswith(".meaculpa/") for path in written[len(ours) :])


def test_an_unchanged_site_costs_one_read() -> None:
    target = MemoryTarget()
    publish(FIRST, {}, target, Options())
    target.log.clear()
    publish(FIRST, {}, target, Options())
    assert target.log == [("read", MANIFEST_PATH)]


class Killed(BaseException):
    """The process ends here."""


class Mortal(MemoryTarget):
    """Ends the process at a write; the write itself is done or not."""

    def __init__(self, files: dict[str, OutputFile], survive: int, lands: bool) -> None:
        super().__init__()
        self.files, self.left, self.lands = dict(files), survive, lands

    def write(self, file: OutputFile, expected: str | None = None) -> str:
        if self.left == 0 and not self.lands:
            raise Killed
        version = super().write(file, expected)
        if self.left == 0:
            raise Killed
        self.left -= 1
        return version


def test_killed_at_any_write_the_next_run_completes_it() -> None:
    whole = MemoryTarget()
    publish(FIRST, {}, whole, AT_ONCE)
    writes = len([one for one in whole.log if one[0] == "write"])
    assert writes == len(PATHS) + 4
    for survive in range(writes):
        for lands in (False, True):
            target = Mortal(whole.files, survive, lands)
            with pytest.raises(Killed):
                publish(SECOND, {}, target, AT_ONCE)
            target.left = 1000
            publish(SECOND, {}, target, AT_ONCE)
            assert all(target.files[path].body == b"second" for path in PATHS)
            assert publish(SECOND, {}, target, AT_ONCE).plan.is_empty


@pytest.mark.parametrize("path", [MANIFEST_PATH, "index.html"])
def test_a_lost_reply_to_our_own_write_is_no_conflict(path: str) -> None:
    """The client's library asks again when it hears nothing; the second time it is refused."""

    class Forgetful(MemoryTarget):
        forgotten = 0

        def write(self, file: OutputFile, expected: str | None = None) -> str:
            version = super().write(file, expected)
            if file.path == path and self.forgotten < 2:
                self.forgotten += 1
                super().write(file, "somebody else's")
            return version

    target = Forgetful()
    publish(FIRST, {}, target, Options())
    assert target.forgotten
    assert target.log.count(("write", "index.html")) == 1
    assert publish(FIRST, {}, target, Options()).plan.is_empty


def test_who_is_overtaken_for_ever_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            raise Conflict("somebody else was faster")

    monkeypatch.setattr("meaculpa.publish._SECONDS", 0.05)
    with pytest.raises(Conflict):
        publish(FIRST, {}, Busy(), AT_ONCE)


def test_more_files_get_more_time() -> None:
    class Patient(MemoryTarget):
        def __init__(self) -> None:
            super().__init__()
            self.allowed = list[float]()

        def allow(self, seconds: float) -> None:
            self.allowed.append(seconds)

    target = Patient()
    publish({f"p{n}.html": output_file(f"p{n}.html", "x") for n in range(1000)}, {}, target, AT_ONCE)
    assert target.allowed == [60.0, 260.0]


def test_what_a_failed_run_wrote_does_not_stay_when_it_is_taken_back() -> None:
    """The wrong text went out to some files, then the run failed and the text was corrected to what it was before."""
    whole = MemoryTarget()
    publish(FIRST, {}, whole, AT_ONCE)
    for survive in range(1, len(PATHS) + 3):
        target = Mortal(whole.files, survive, lands=True)
        with pytest.raises(Killed):
            publish(SECOND, {}, target, AT_ONCE)
        target.left = 1000
        publish(FIRST, {}, target, AT_ONCE)
        assert {path: target.files[path].body for path in PATHS} == dict.fromkeys(PATHS, b"first"), survive


def test_a_publisher_that_is_refused_in_the_middle_leaves_word_of_what_it_wrote() -> None:
    """Two at once: the one whose files are behind has already written pages when it learns of the other."""
    known = {"2026-11-22-x": "2026-11-22 09:20 UTC"}
    newer = {"2026-11-22-x": "2026-11-22 09:48 UTC"}
    target = MemoryTarget()
    publish(FIRST, known, target, AT_ONCE)
    behind = {path: output_file(path, "behind") for path in PATHS}

    class Overtaken(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            version = super().write(file, expected)
            if file.path == "banner.json" and not self.overtaken:
                self.overtaken = True
                publish(SECOND, newer, self, AT_ONCE)
            return version

        overtaken = False

    race = Overtaken()
    race.files = target.files
    with pytest.raises(UnsafePlan, match="your files are behind"):
        publish(behind, known, race, AT_ONCE)
    publish(SECOND, newer, race, AT_ONCE)
    assert {path: race.files[path].body for path in PATHS} == dict.fromkeys(PATHS, b"second")


def test_after_a_large_removal_was_forced_publishing_goes_on() -> None:
    many = {f"p{number}.html": output_file(f"p{number}.html", "x") for number in range(40)}
    few = dict(list(many.items())[:5])
    target = MemoryTarget()
    publish(many, {}, target, Options())
    publish(few, {}, target, Options(force=True))
    publish(few, {}, target, Options())
    assert {path for path in target.files if path.endswith(".html")} == set(few)


def test_a_deletion_that_failed_is_tried_again() -> None:
    class Stubborn(MemoryTarget):
        refuses = True

        def delete(self, path: str) -> None:
            if self.refuses:
                raise TargetError(f"{path} could not be deleted")
            super().delete(path)

    target = Stubborn()
    publish(FIRST, {}, target, Options())
    fewer = {path: file for path, file in FIRST.items() if path != "incidents/2026-11-22-x.html"}
    publish(fewer, {}, target, Options())
    with pytest.raises(TargetError, match="could not be deleted"):
        publish(fewer, {}, target, Options())
    target.refuses = False
    publish(fewer, {}, target, Options())
    assert "incidents/2026-11-22-x.html" not in target.files
    assert publish(fewer, {}, target, Options()).plan.is_empty


def test_a_page_that_only_a_killed_run_knew_does_not_stay() -> None:
    secret = {**FIRST, "incidents/2026-11-22-secret.html": output_file("incidents/2026-11-22-secret.html", "secret")}
    whole = MemoryTarget()
    publish(FIRST, {}, whole, AT_ONCE)
    for survive in range(1, 4):
        target = Mortal(whole.files, survive, lands=True)
        with pytest.raises(Killed):
            publish(secret, {}, target, AT_ONCE)
        target.left = 1000
        for _ in range(2):
            publish(FIRST, {}, target, AT_ONCE)
        assert "incidents/2026-11-22-secret.html" not in target.files, survive
        assert read_index(target.files[MANIFEST_PATH].body).pending == ()


def test_killed_twice_in_different_places_one_run_completes_it() -> None:
    whole = MemoryTarget()
    publish(FIRST, {}, whole, AT_ONCE)
    target = Mortal(whole.files, 1, lands=True)
    for attempt, path in enumerate(("incidents/2026-11-22-x.html", "index.html")):
        target.left = 1 + attempt
        with pytest.raises(Killed):
            publish({**FIRST, path: SECOND[path]}, {}, target, AT_ONCE)
    target.left = 1000
    publish(FIRST, {}, target, AT_ONCE)
    assert {path: target.files[path].body for path in PATHS} == dict.fromkeys(PATHS, b"first")
    index = read_index(target.files[MANIFEST_PATH].body)
    assert (index.pending, index.created) == ((), ())


def test_held_back_removals_stay_through_every_later_publish() -> None:
    known = {"2026-11-22-x": "2026-11-22 09:20 UTC"}
    target = MemoryTarget()
    publish(FIRST, known, target, Options())
    fewer = {path: file for path, file in FIRST.items() if "2026-11-22-x" not in path}
    held = Options(hold_removals=True, checkout=Checkout(seen=known))
    for body in ("one", "two"):
        publish({**fewer, "index.html": output_file("index.html", body)}, {}, target, held)
        assert "incidents/2026-11-22-x.html" in target.files
    with pytest.raises(UnsafePlan, match="behind"):
        publish(fewer, {}, target, Options())


def test_while_removals_are_held_back_nothing_that_was_marked_before_is_deleted() -> None:
    known = {"2026-11-22-x": "2026-11-22 09:20 UTC"}
    target = MemoryTarget()
    publish(FIRST, known, target, Options())
    fewer = {path: file for path, file in FIRST.items() if "2026-11-22-x" not in path}
    publish(fewer, {}, target, Options(checkout=Checkout(seen=known)))
    publish(
        {**fewer, "index.html": SECOND["index.html"]},
        {},
        target,
        Options(hold_removals=True, checkout=Checkout(seen=known)),
    )
    assert "incidents/2026-11-22-x.html" in target.files
    for _ in range(2):
        publish(fewer, {}, target, Options(checkout=Checkout(seen=known)))
    assert "incidents/2026-11-22-x.html" not in target.files


def test_of_files_written_side_by_side_a_failure_is_told_and_the_others_are_there() -> None:
    class Wide(MemoryTarget):
        writers = 8

        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "incidents/2026-11-22-x.html":
                raise TargetError("no")
            return super().write(file, expected)

    target, other = Wide(), "incidents/2026-11-23-y.html"
    with pytest.raises(TargetError, match="no"):
        publish({**FIRST, other: output_file(other, "first")}, {}, target, Options())
    assert other in target.files
    assert "history/2026-11.html" not in target.files


def test_a_file_cut_by_hand_is_lost_and_a_changed_one_has_changed(tmp_path: Path) -> None:
    target = DirectoryTarget("local", tmp_path)
    publish(FIRST, {}, target, Options())
    (tmp_path / "history" / "2026-11.html").write_bytes(b"cut")
    plan = publish(
        {**FIRST, "index.html": output_file("index.html", "longer than before")}, {}, target, Options()
    ).plan
    assert {upload.file.path: str(upload.reason) for upload in plan.uploads} == {
        "history/2026-11.html": "missing at the target, or asked for",
        "index.html": "content changed",
    }
    with pytest.raises(TargetError, match="leads out"):
        target.delete("../x")


def test_two_processes_cannot_both_have_been_first(tmp_path: Path) -> None:
    targets = [DirectoryTarget("local", tmp_path) for _ in range(8)]

    def try_it(target: DirectoryTarget) -> bool:
        try:
            target.write(output_file("m.json", "x"), ABSENT)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_it, targets)) == 1


def test_a_failure_says_how_far_it_came() -> None:
    class Full(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "index.html":
                raise TargetError("index.html could not be written: the disk is full")
            return super().write(file, expected)

    with pytest.raises(TargetError, match=r"disk is full\. 3 of 5 files were uploaded; run it again to go on"):
        publish(FIRST, {}, Full(), Options())


def test_a_shard_that_somebody_deleted_is_published_again(tmp_path: Path) -> None:
    target = DirectoryTarget("local", tmp_path)
    publish(FIRST, {}, target, Options())
    for shard in (tmp_path / ".meaculpa" / "manifest").iterdir():
        shard.unlink()
    changed = {**FIRST, "index.html": SECOND["index.html"]}
    publish(changed, {}, target, Options())
    assert (tmp_path / "index.html").read_bytes() == b"second"
    assert publish(changed, {}, target, Options()).plan.is_empty


def test_a_published_file_that_somebody_deleted_is_written_again(tmp_path: Path) -> None:
    target = DirectoryTarget("local", tmp_path)
    publish(FIRST, {}, target, Options())
    (tmp_path / "banner.json").unlink()
    report = publish(FIRST, {}, target, Options())
    assert [str(upload.reason) for upload in report.plan.uploads] == ["missing at the target, or asked for"]
    assert (tmp_path / "banner.json").exists()


def test_shards_that_are_superseded_do_not_pile_up(tmp_path: Path) -> None:
    target = DirectoryTarget("local", tmp_path)
    for number in range(6):
        publish({**FIRST, "index.html": output_file("index.html", str(number))}, {}, target, Options())
    names = [path.name.split(".")[0] for path in (tmp_path / ".meaculpa" / "manifest").iterdir()]
    assert sorted(names) == ["2026-11", "site", "site"]


def test_a_folder_that_cannot_be_used_is_one_targets_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    with (project / "meaculpa.yml").open("a") as config:
        config.write(f"  - {{name: wrong, type: directory, path: {tmp_path}/file}}\n")
    done = meaculpa("publish", cwd=project)
    assert (done.returncode, "local" in done.stdout) == (3, True)
    assert "wrong: " in done.stderr
    assert "cannot be used" in done.stderr or "cannot be read" in done.stderr
    listed = meaculpa("list", cwd=project)
    assert "wrong: " in listed.stdout


@pytest.mark.parametrize(
    "path", [".", "..", "incidents", "assets/pub", "site_templates/x", ".git", ".meaculpa/x", "/"]
)
def test_the_project_itself_is_never_a_target(tmp_path: Path, path: str) -> None:
    settings = DirectorySettings.model_validate({"type": "directory", "name": "x", "path": path})
    with pytest.raises(Refused, match="holds the project itself"):
        open_target(settings, tmp_path)


def test_what_is_lost_is_found_again_though_the_publish_that_saw_it_was_refused(tmp_path: Path) -> None:
    target, standing = DirectoryTarget("local", tmp_path), Standing()
    many = {f"incidents/2026-11-{day:02d}-x.html": output_file(f"incidents/{day}", "x") for day in range(1, 29)}
    many = {path: dataclasses.replace(file, path=path) for path, file in many.items()}
    publish({**FIRST, **many}, {}, target, AT_ONCE, standing)
    (tmp_path / "index.html").unlink()
    standing.looked = time.monotonic() - 61
    with pytest.raises(TooManyRemovals):
        publish(FIRST, {}, target, AT_ONCE, standing)
    publish(FIRST, {}, target, replace(AT_ONCE, hold_removals=True), standing)
    assert (tmp_path / "index.html").exists()


def test_what_was_lost_a_moment_after_a_look_is_found_when_somebody_says_so(tmp_path: Path) -> None:
    target, standing = DirectoryTarget("local", tmp_path), Standing()
    publish(FIRST, {}, target, AT_ONCE, standing)
    (tmp_path / "index.html").unlink()
    assert publish(FIRST, {}, target, AT_ONCE, standing).plan.is_empty
    standing.looked = None
    publish(FIRST, {}, target, AT_ONCE, standing)
    assert (tmp_path / "index.html").exists()


def test_what_a_killed_run_created_goes_after_removals_were_held_back() -> None:
    class Dying(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "index.html" and "incidents/2026-11-01-oops.html" in self.files:
                raise TargetError("the line is cut")
            return super().write(file, expected)

    target = Dying()
    publish(FIRST, {}, target, Options())
    oops = {"incidents/2026-11-01-oops.html": output_file("incidents/2026-11-01-oops.html", "oops")}
    with pytest.raises(TargetError):
        publish({**SECOND, **oops}, {}, target, AT_ONCE)
    whole = MemoryTarget()
    whole.files = target.files
    for options in (replace(AT_ONCE, hold_removals=True), AT_ONCE, AT_ONCE):
        publish(FIRST, {}, whole, options)
    assert "incidents/2026-11-01-oops.html" not in whole.files
