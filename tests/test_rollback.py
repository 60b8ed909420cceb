"""Back to an earlier build: which ones are kept, what is put back, and that it is held until it is released."""

import contextlib
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.errors import Held, Refused, TargetError
from meaculpa.manifest import MANIFEST_PATH, MOST_BUILDS, Index, Shard, read_index
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.bundle import Bundle, pack, unpack
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.rollback import PREVIOUS, earlier_builds, rollback
from meaculpa.publish.s3 import S3Target
from meaculpa.render.headers import output_file
from tests.conftest import make_bucket
from tests.making import incident_text, write_project
from tests.memory import MemoryTarget
from tests.test_cli import meaculpa
from tests.test_targets import s3_settings

PATHS = ("index.html", "incidents/2026-11-22-x.html", "history/2026-11.html")


def site(text: str, *more: str) -> dict[str, OutputFile]:
    banner = output_file("banner.json", json.dumps({"v": 1, "at": "2026-11-22T09:20Z", "items": [text]}))
    pages = {path: output_file(path, f"{text} {path}") for path in (*PATHS, *more)}
    return {**pages, "banner.json": banner, "assets/a.1.svg": output_file("assets/a.1.svg", "a picture")}


def published(target: MemoryTarget | DirectoryTarget | S3Target, *paths: str) -> list[str]:
    stored = [target.read(path) for path in paths]
    return [one.body.decode() if one else "" for one in stored]


def test_every_one_of_fifty_builds_can_be_put_back() -> None:
    target = MemoryTarget()
    for number in range(60):
        publish(site(f"build {number}", f"incidents/2026-11-{number % 7 + 1:02d}-y.html"), {}, target, Options())
    kept = earlier_builds(target)
    assert len(kept) == MOST_BUILDS == 51
    before = dict(target.files)
    for place, one in enumerate(kept[:-1]):
        target.files = dict(before)
        rollback(one.build, target, Options())
        number = 60 - MOST_BUILDS + place
        assert published(target, "index.html") == [f"build {number} index.html"]
        assert json.loads(target.files["banner.json"].body)["items"] == [f"build {number}"]
        page = f"incidents/2026-11-{number % 7 + 1:02d}-y.html"
        assert published(target, page) == [f"build {number} {page}"]


def test_what_no_build_needs_any_more_is_deleted() -> None:
    target = MemoryTarget()
    for number in range(60):
        publish(site(f"build {number}"), {}, target, Options())
    bundles = [path for path in target.files if path.startswith(".meaculpa/kept/")]
    assert len(bundles) == MOST_BUILDS + 1, "one more than can be used: it goes with the next publish"


def test_a_rollback_is_held_until_it_is_released() -> None:
    target = MemoryTarget()
    publish(site("good"), {}, target, Options())
    publish(site("bad"), {}, target, Options())
    rollback(PREVIOUS, target, Options())
    assert published(target, "index.html") == ["good index.html"]
    for options in (Options(), Options(force=True)):
        with pytest.raises(Held, match="publish --release"):
            publish(site("bad"), {}, target, options)
    assert published(target, "index.html") == ["good index.html"]
    publish(site("mended"), {}, target, Options(release=True))
    publish(site("mended again"), {}, target, Options())
    assert published(target, "index.html") == ["mended again index.html"]


def test_releasing_what_is_equal_to_what_is_held_ends_the_hold() -> None:
    target = MemoryTarget()
    publish(site("good"), {}, target, Options())
    publish(site("bad"), {}, target, Options())
    rollback(PREVIOUS, target, Options())
    publish(site("good"), {}, target, Options(release=True))
    assert read_index(target.files[MANIFEST_PATH].body).held is None


def test_previous_steps_over_runs_that_only_tidied_up() -> None:
    target = MemoryTarget()
    publish(site("one", "incidents/2026-11-01-gone.html"), {}, target, Options(force=True))
    publish(site("two"), {}, target, Options(force=True))
    publish(site("two"), {}, target, Options(force=True))
    assert "incidents/2026-11-01-gone.html" not in target.files
    rollback(PREVIOUS, target, Options())
    assert published(target, "index.html", "incidents/2026-11-01-gone.html") == [
        "one index.html",
        "one incidents/2026-11-01-gone.html",
    ]


def test_a_rollback_can_be_rolled_back() -> None:
    target = MemoryTarget()
    for text in ("one", "two", "three"):
        publish(site(text), {}, target, Options())
    rollback(earlier_builds(target)[0].build, target, Options())
    assert published(target, "index.html") == ["one index.html"]
    with pytest.raises(Refused, match="no earlier build"):
        rollback(PREVIOUS, target, Options())
    rollback(earlier_builds(target)[2].build, target, Options())
    assert published(target, "index.html") == ["three index.html"]


def test_previous_again_goes_further_back() -> None:
    target = MemoryTarget()
    for text in ("one", "two", "three"):
        publish(site(text), {}, target, Options())
    for text in ("two", "one"):
        rollback(PREVIOUS, target, Options())
        assert published(target, "index.html") == [f"{text} index.html"]


@pytest.mark.parametrize("name", ["ffffffffffff", "x", "", "previous"])
def test_a_build_that_is_not_there_is_refused(name: str) -> None:
    target = MemoryTarget()
    with pytest.raises(Refused, match="nothing is published"):
        rollback(name, target, Options())
    publish(site("one"), {}, target, Options())
    with pytest.raises(Refused, match=r"no earlier build|too short"):
        rollback(name, target, Options())


def test_what_was_kept_and_is_damaged_or_gone_is_told_and_nothing_is_written() -> None:
    target = MemoryTarget()
    publish(site("one"), {}, target, Options())
    publish(site("two"), {}, target, Options())
    bundle = next(path for path in target.files if path.startswith(".meaculpa/kept/"))
    body = target.files[bundle].body
    changed = body[:60] + b"xxxx" + body[64:]
    for wrong in (b"", body[:-30], body[:-1], b"not an archive", changed, gzip.compress(b"not an archive")):
        target.files[bundle] = OutputFile(bundle, wrong, "", "", "")
        with pytest.raises(TargetError, match="damaged"):
            rollback(PREVIOUS, target, Options())
    del target.files[bundle]
    with pytest.raises(TargetError, match="was not kept or is gone"):
        rollback(PREVIOUS, target, Options())
    assert published(target, "index.html") == ["two index.html"]


def test_equal_bundles_are_equal_bytes_whenever_they_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle(Index({"site": "d"}), {}, {"index.html": b"one" * 1000, "feed.atom": b"two"})
    packed = pack(bundle)
    monkeypatch.setattr("time.time", lambda: 1.0)
    assert pack(bundle) == packed
    assert unpack(packed.body, packed.path) == bundle


@given(st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=4)), max_size=4), st.booleans())
def test_a_bundle_that_somebody_has_changed_is_read_or_refused(
    changes: list[tuple[int, bytes]], is_packed: bool
) -> None:
    packed = pack(Bundle(Index({"site": "d"}), {"d": Shard({"a": "b"})}, {"index.html": b"one", "b.html": b"two"}))
    body = packed.body if is_packed else gzip.decompress(packed.body)
    for place, piece in changes:
        place %= len(body) + 1
        body = body[:place] + piece + body[place + len(piece) :]
    with contextlib.suppress(TargetError):
        unpack(body if is_packed else gzip.compress(body), packed.path)


def test_a_bundle_of_which_somebody_has_packed_a_part_by_itself_is_damaged() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("index.json", Index({"site": "d"}).body)
        archive.writestr("files/index.html", b"one" * 1_000, zipfile.ZIP_LZMA)
    with pytest.raises(TargetError, match="damaged"):
        unpack(gzip.compress(stream.getvalue()), "bundle")


def test_a_file_that_somebody_changed_by_hand_is_not_put_back_as_if_it_were_ours() -> None:
    target = MemoryTarget()
    publish(site("one"), {}, target, Options())
    target.files["index.html"] = output_file("index.html", "changed by hand")
    publish(site("two"), {}, target, Options())
    with pytest.raises(Refused, match=r"index\.html of that build was not kept"):
        rollback(PREVIOUS, target, Options())


def test_what_is_replaced_by_the_same_process_is_not_read_first() -> None:
    from meaculpa.publish.published import Standing

    target, standing = MemoryTarget(), Standing()
    publish(site("one"), {}, target, Options(), standing)
    target.log.clear()
    publish(site("two"), {}, target, Options(), standing)
    reads = [path for kind, path in target.log if kind == "read"]
    assert [path for path in reads if not path.startswith(".meaculpa/")] == []
    rollback(PREVIOUS, target, Options())
    assert published(target, "index.html") == ["one index.html"]


@pytest.mark.parametrize("kind", ["directory", "seaweedfs"])
def test_one_command_puts_a_build_back(tmp_path: Path, seaweed: str, kind: str) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    if kind == "seaweedfs":
        make_bucket(seaweed, "rolled-back")
        bucket = f"  - {{name: local, type: s3, bucket: rolled-back, region: us-east-1, endpoint_url: '{seaweed}'}}\n"
        text = (project / "meaculpa.yml").read_text().split("  - {name: local")[0] + bucket
        (project / "meaculpa.yml").write_text(text)
        target: DirectoryTarget | S3Target = S3Target(s3_settings(seaweed, "rolled-back"))
    else:
        target = DirectoryTarget("local", project / "public")
    assert meaculpa("publish", cwd=project).returncode == 0
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(title="Nonsense"))
    assert meaculpa("publish", cwd=project).returncode == 0
    listed = meaculpa("rollback", cwd=project)
    assert "2026-11-22-card" in listed.stdout
    assert "published now" in listed.stdout.splitlines()[2]
    done = meaculpa("rollback", "previous", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "put back" in done.stdout
    assert "Nonsense" not in published(target, "index.html")[0]
    refused = meaculpa("publish", cwd=project)
    assert (refused.returncode, "publish --release" in refused.stderr) == (1, True)
    assert "is held there" in meaculpa("list", cwd=project).stdout
    assert meaculpa("publish", "--release", cwd=project).returncode == 0
    assert "Nonsense" in published(target, "index.html")[0]


def test_what_the_build_put_back_does_not_know_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    (project / "incidents" / "2026-11-22-login.md").write_text(incident_text(title="Nobody can log in"))
    assert meaculpa("publish", cwd=project).returncode == 0
    done = meaculpa("rollback", "previous", cwd=project)
    assert done.returncode == 0
    assert done.stderr == ("local: that build does not know an incident that was published since: 2026-11-22-login\n")


def test_a_target_that_is_not_held_is_named(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    second = "  - {name: second, type: directory, path: public-b}\n"
    with (project / "meaculpa.yml").open("a") as config:
        config.write(second)
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(title="Nonsense"))
    assert meaculpa("publish", cwd=project).returncode == 0
    done = meaculpa("rollback", "previous", cwd=project)
    assert done.returncode == 1
    assert "Not held: second. Customers may read something else there." in done.stderr
    assert "put back" in done.stdout
