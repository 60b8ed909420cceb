"""Taking off what should never have been published: every trace within reach, and never again under that name."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as BotoConfig

from meaculpa.errors import Retracted, TargetError
from meaculpa.manifest import MANIFEST_PATH, read_index
from meaculpa.publish import Options, publish
from meaculpa.publish.retract import retract
from meaculpa.render.headers import output_file
from tests.live import eventually, running
from tests.making import CONFIG, incident_text, write_project
from tests.memory import MemoryTarget
from tests.test_cli import meaculpa

SECRET = "2026-11-22-secret"
PAGE = f"incidents/{SECRET}.html"
KNOWN = {SECRET: "2026-11-22 09:20 UTC"}
REST = {path: output_file(path, "rest") for path in ("index.html", "history/2026-11.html", "banner.json")}
WITH = {path: output_file(path, "Jane Doe") for path in (*REST, PAGE)}


def test_every_trace_of_it_is_erased_and_it_never_comes_back() -> None:
    target = MemoryTarget()
    publish(REST, {}, target, Options())
    publish(WITH, KNOWN, target, Options())
    publish({**WITH, "index.html": output_file("index.html", "Jane Doe lives")}, KNOWN, target, Options())
    done = retract((SECRET,), REST, {}, target, Options())
    assert (done.deleted, done.builds, done.failures) == ((PAGE,), 3, ())
    assert not [path for path, file in target.files.items() if b"Jane" in file.body]
    assert not [path for path in target.files if path.startswith(".meaculpa/kept/")]
    assert not [path for path, file in target.files.items() if SECRET.encode() in file.body]
    with pytest.raises(Retracted, match=SECRET):
        publish(WITH, KNOWN, target, Options(force=True))
    index = read_index(target.files[MANIFEST_PATH].body)
    assert ([one.incidents for one in index.builds], index.bundles, index.superseded) == ([()], (), ())
    publish({**REST, "index.html": output_file("index.html", "next")}, {}, target, Options())
    assert len(read_index(target.files[MANIFEST_PATH].body).retracted) == 1


def test_retracting_releases_a_hold_that_may_show_it() -> None:
    from meaculpa.publish.rollback import PREVIOUS, rollback

    target = MemoryTarget()
    publish(WITH, KNOWN, target, Options())
    publish(REST, {}, target, Options(force=True))
    rollback(PREVIOUS, target, Options())
    assert target.files["index.html"].body == b"Jane Doe"
    retract((SECRET,), REST, {}, target, Options())
    assert not [path for path, file in target.files.items() if b"Jane" in file.body]


def test_what_cannot_be_erased_is_told_and_the_rest_is_done() -> None:
    class Versioned(MemoryTarget):
        def forget_versions(self, is_ours: object) -> int:
            raise TargetError("the credentials may not do this")

    target = Versioned()
    publish(WITH, KNOWN, target, Options())
    done = retract((SECRET,), REST, {}, target, Options())
    assert done.failures == ("the credentials may not do this",)
    assert PAGE not in target.files


def a_bucket(url: str, name: str) -> Any:
    config = BotoConfig(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.mark.parametrize("server", ["moto_url", "seaweed"])
def test_the_command_erases_old_versions_too_and_leaves_foreign_files(
    tmp_path: Path, server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    name = f"retracted-{server.replace('_', '-')}"
    client = a_bucket(url, name)
    client.put_object(Bucket=name, Key="foreign.txt", Body=b"one")
    client.put_object(Bucket=name, Key="foreign.txt", Body=b"two")
    project = write_project(
        tmp_path / "shop", **{SECRET: incident_text(title="Jane Doe"), "2026-11-21-x": incident_text()}
    )
    bucket = f"  - {{name: primary, type: s3, bucket: {name}, region: us-east-1, endpoint_url: '{url}'}}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.split(b"  - {name: local")[0] + bucket.encode())
    assert meaculpa("publish", cwd=project).returncode == 0
    (project / "incidents" / f"{SECRET}.md").write_text(incident_text(title="Jane Doe again"))
    assert meaculpa("publish", cwd=project).returncode == 0
    done = meaculpa("retract", SECRET, "--yes", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "set aside in private/retracted/" in done.stdout
    assert "Not within reach" in done.stdout
    versions = client.list_object_versions(Bucket=name)
    bodies = [
        client.get_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
        for one in versions["Versions"]
    ]
    assert not [body for body in bodies if b"Jane" in body or SECRET.encode() in body]
    assert b"one" in bodies, "somebody else's old version"
    assert "already up to date" in meaculpa("publish", cwd=project).stdout
    for path in ("index.html", "banner.json", "incidents/2026-11-21-x.html"):
        assert client.get_object(Bucket=name, Key=path)["Body"].read(), "what stays is still there"
    assert "DeleteMarkers" not in versions
    client.close()


def test_a_cache_that_may_still_show_it_is_told(
    tmp_path: Path, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", moto_url)
    a_bucket(moto_url, "behind-a-cache").close()
    project = write_project(tmp_path / "shop", **{SECRET: incident_text(title="Jane Doe")})
    bucket = f"type: s3, bucket: behind-a-cache, region: us-east-1, endpoint_url: '{moto_url}'"
    target = f"  - {{name: primary, {bucket}, cloudfront_distribution: E0000000000000}}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.split(b"  - {name: local")[0] + target.encode())
    assert meaculpa("publish", cwd=project).returncode == 0
    done = meaculpa("retract", SECRET, "--yes", cwd=project)
    assert done.returncode == 3
    assert "CloudFront may still show it" in done.stderr


def test_files_are_set_aside_for_their_owner_only_and_a_clone_cannot_bring_them_back(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text(), "2026-11-21-x": incident_text()})
    (project / "incidents" / f"{SECRET}.de.md").write_text("---\ntitle: Geheim\n---\n")
    assert meaculpa("publish", cwd=project).returncode == 0
    clone = {path.name: path.read_text() for path in (project / "incidents").iterdir()}
    assert meaculpa("retract", SECRET, "--yes", cwd=project).returncode == 0
    aside = project / "private" / "retracted"
    assert sorted(path.name for path in aside.iterdir()) == [f"{SECRET}.de.md", f"{SECRET}.md"]
    assert (aside.stat().st_mode & 0o077, (aside / f"{SECRET}.md").stat().st_mode & 0o077) == (0, 0)
    assert not (project / ".meaculpa" / "last-good" / "incidents" / f"{SECRET}.md").exists()
    for name, text in clone.items():
        (project / "incidents" / name).write_text(text)
    (project / "incidents" / "2026-11-21-x.md").write_text(incident_text(title="The rest goes out"))
    done = meaculpa("publish", cwd=project)
    assert (done.returncode, f"{SECRET}: retracted, and never published again" in done.stderr) == (1, True)
    assert "The rest goes out" in (project / "public" / "index.html").read_text()
    assert not (project / "public" / PAGE).exists()


def test_a_watcher_leaves_out_what_was_retracted_and_goes_on(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text(), "2026-11-21-x": incident_text()})
    text = (project / "incidents" / f"{SECRET}.md").read_text()
    assert meaculpa("publish", cwd=project).returncode == 0
    assert meaculpa("retract", SECRET, "--yes", cwd=project).returncode == 0
    (project / "incidents" / f"{SECRET}.md").write_text(text)
    with running(project, "watch") as command:
        eventually(lambda: "retracted, and never published again" in command.said, "the refusal")
        (project / "incidents" / "2026-11-21-x.md").write_text(incident_text(title="The rest goes out"))
        eventually(lambda: "The rest goes out" in (project / "public" / "index.html").read_text(), "the rest")
        assert not (project / "public" / PAGE).exists()
        assert command.said.count("retracted, and never published again") == 1
        assert "works again" not in command.said


def test_where_others_name_it_is_told(tmp_path: Path) -> None:
    other = incident_text(updates=f"## 2026-11-22 09:20 investigating\n\nAs in [this]({SECRET}.html).\n")
    project = write_project(tmp_path / "shop", **{SECRET: incident_text(), "2026-11-21-x": other})
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"path: public", b"path: served"))
    for command in ("build", "publish"):
        assert meaculpa(command, cwd=project).returncode == 0
    done = meaculpa("retract", SECRET, "--yes", cwd=project)
    text = (project / "incidents" / "2026-11-21-x.md").read_text()
    line = text[: text.index(SECRET)].count("\n") + 1
    assert f"incidents/2026-11-21-x.md:{line} still names it" in done.stdout
    assert f"public/{PAGE} still names it" in done.stdout


def test_a_part_of_a_name_is_no_name(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text()})
    done = meaculpa("retract", "secret", "--yes", cwd=project)
    assert (done.returncode, f"the name must be whole (did you mean {SECRET}?)" in done.stderr) == (1, True)
    assert "--unseen" not in done.stderr


def test_a_name_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    done = meaculpa("retract", "2026-11-22-secrt", "--yes", cwd=project)
    assert (done.returncode, f"did you mean {SECRET}?" in done.stderr) == (1, True)
    assert meaculpa("retract", SECRET, cwd=project).returncode == 2, "not without --yes where nobody can be asked"
    assert (project / "public" / PAGE).exists()


@pytest.mark.parametrize("name", ["2026-11-22-secrt", "2026-11-22-secret.de", "../../etc", ""])
def test_a_mistyped_name_harms_nothing_though_a_target_is_dead(tmp_path: Path, name: str) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    dead = "  - {name: dead, type: s3, bucket: bbb, region: us-east-1, endpoint_url: 'http://127.0.0.1:9'}\n"
    with (project / "meaculpa.yml").open("a") as config:
        config.write(dead)
    before = (project / "public" / ".meaculpa" / "manifest.json").read_bytes()
    assert meaculpa("retract", name, "--yes", cwd=project).returncode == 1
    assert (project / "public" / ".meaculpa" / "manifest.json").read_bytes() == before


def test_a_dead_target_is_told_and_the_other_one_is_reached(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", **{SECRET: incident_text(), "2026-11-21-x": incident_text()})
    assert meaculpa("publish", cwd=project).returncode == 0
    dead = "  - {name: dead, type: s3, bucket: bbb, region: us-east-1, endpoint_url: 'http://127.0.0.1:9'}\n"
    with (project / "meaculpa.yml").open("a") as config:
        config.write(dead)
    done = meaculpa("retract", SECRET, "--yes", cwd=project)
    assert (done.returncode, "not reached" in done.stderr) == (3, True)
    assert not (project / "public" / PAGE).exists()
    assert meaculpa("list", cwd=project).returncode == 3
