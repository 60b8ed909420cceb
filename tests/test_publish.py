"""Carrying a plan out: order, kills at every write, damaged manifests, folders that must not be mixed."""

from pathlib import Path

import pytest

from meaculpa.config import DirectoryTarget as DirectorySettings
from meaculpa.errors import Refused, TargetError, UnsafePlan
from meaculpa.manifest import MANIFEST_PATH
from meaculpa.model import OutputFile
from meaculpa.plan import Group, group_of
from meaculpa.publish import Options, open_target, publish
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.render.headers import output_file
from tests.memory import MemoryTarget

PATHS = ("assets/logo.1.svg", "index.html", "incidents/2026-11-22-x.html", "banner.json", "history/2026-11.html")
FIRST = {path: output_file(path, "first") for path in PATHS}
SECOND = {path: output_file(path, "second") for path in PATHS}


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
    publish(FIRST, {}, whole, Options())
    writes = len([one for one in whole.log if one[0] == "write"])
    assert writes == len(PATHS) + 4
    for survive in range(writes):
        for lands in (False, True):
            target = Mortal(whole.files, survive, lands)
            with pytest.raises(Killed):
                publish(SECOND, {}, target, Options())
            target.left = 1000
            publish(SECOND, {}, target, Options())
            assert all(target.files[path].body == b"second" for path in PATHS)
            assert publish(SECOND, {}, target, Options()).plan.is_empty


def test_a_lost_reply_to_our_own_write_is_no_conflict() -> None:
    class Forgetful(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            version = super().write(file, expected)
            if file.path == MANIFEST_PATH and self.told < 2:
                self.told += 1
                super().write(file, "somebody else's")
            return version

        told = 0

    target = Forgetful()
    publish(FIRST, {}, target, Options())
    assert publish(FIRST, {}, target, Options()).plan.is_empty


def test_what_a_failed_run_wrote_does_not_stay_when_it_is_taken_back() -> None:
    """The wrong text went out to some files, then the run failed and the text was corrected to what it was before."""
    whole = MemoryTarget()
    publish(FIRST, {}, whole, Options())
    for survive in range(1, len(PATHS) + 3):
        target = Mortal(whole.files, survive, lands=True)
        with pytest.raises(Killed):
            publish(SECOND, {}, target, Options())
        target.left = 1000
        publish(FIRST, {}, target, Options())
        assert {path: target.files[path].body for path in PATHS} == dict.fromkeys(PATHS, b"first"), survive


def test_a_publisher_that_is_refused_in_the_middle_leaves_word_of_what_it_wrote() -> None:
    """Two at once: the one whose files are behind has already written pages when it learns of the other."""
    known = {"2026-11-22-x": "2026-11-22 09:20 UTC"}
    newer = {"2026-11-22-x": "2026-11-22 09:48 UTC"}
    target = MemoryTarget()
    publish(FIRST, known, target, Options())
    behind = {path: output_file(path, "behind") for path in PATHS}

    class Overtaken(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            version = super().write(file, expected)
            if file.path == "banner.json" and not self.overtaken:
                self.overtaken = True
                publish(SECOND, newer, self, Options())
            return version

        overtaken = False

    race = Overtaken()
    race.files = target.files
    with pytest.raises(UnsafePlan, match="your files are behind"):
        publish(behind, known, race, Options())
    publish(SECOND, newer, race, Options())
    assert {path: race.files[path].body for path in PATHS} == dict.fromkeys(PATHS, b"second")


def test_a_failure_says_how_far_it_came() -> None:
    class Full(MemoryTarget):
        def write(self, file: OutputFile, expected: str | None = None) -> str:
            if file.path == "index.html":
                raise TargetError("index.html could not be written: the disk is full")
            return super().write(file, expected)

    with pytest.raises(TargetError, match=r"disk is full\. 4 of 5 files were uploaded; run it again to go on"):
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
    assert [str(upload.reason) for upload in report.plan.uploads] == ["missing at the target"]
    assert (tmp_path / "banner.json").exists()


def test_shards_that_are_superseded_do_not_pile_up(tmp_path: Path) -> None:
    target = DirectoryTarget("local", tmp_path)
    for number in range(6):
        publish({**FIRST, "index.html": output_file("index.html", str(number))}, {}, target, Options())
    names = [path.name.split(".")[0] for path in (tmp_path / ".meaculpa" / "manifest").iterdir()]
    assert sorted(names) == ["2026-11", "site", "site"]


@pytest.mark.parametrize(
    "path", [".", "..", "incidents", "assets/pub", "site_templates/x", ".git", ".meaculpa/x", "/"]
)
def test_the_project_itself_is_never_a_target(tmp_path: Path, path: str) -> None:
    settings = DirectorySettings.model_validate({"type": "directory", "name": "x", "path": path})
    with pytest.raises(Refused, match="holds the project itself"):
        open_target(settings, tmp_path)
