"""Figures for monitors, read by the programs that read them, and publishing many projects at once."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from meaculpa.cli.figures import Board, SiteFigures, TargetFigures, textfile_name
from tests.live import eventually, running
from tests.making import CONFIG, at, incident_text, write_project
from tests.programs import free_port, program, started

CARD = "2026-11-22-card"
LATE = """\
## 2026-11-22 09:20 UTC investigating
next_update: 2026-11-22 10:00 UTC

You cannot pay by card.
"""
PLANNED = """\
kind: maintenance
starts: 2026-11-23 13:00 UTC
ends: 2026-11-23 14:00 UTC
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    work = incident_text(PLANNED, "## 2026-11-20 09:00 UTC scheduled\n\nWe renew a server.\n", "We renew a server")
    return write_project(tmp_path / "shop", **{CARD: incident_text(updates=LATE), "2026-11-23-work": work})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "figures"
    folder.mkdir()
    return folder


def meaculpa(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "meaculpa", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def publish(project: Path, *more: str | Path) -> "subprocess.CompletedProcess[str]":
    return meaculpa("-C", project, "publish", "--now", "2026-11-22 12:00", *more)


def read(folder: Path) -> dict[tuple[str, str], float]:
    """The values in a folder's files by name and the label beside the site's."""
    found = {}
    for path in folder.glob("*.prom"):
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            assert family.documentation, family.name
            for sample in family.samples:
                rest = [value for name, value in sample.labels.items() if name != "site"]
                found[sample.name, ",".join(rest)] = sample.value
    return found


def test_a_publish_leaves_figures_for_a_monitor(project: Path, folder: Path) -> None:
    assert publish(project, "--metrics", folder).returncode == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names[1] == "meaculpa-status.northwind.example.prom"
    assert names[0].startswith("meaculpa-run-")
    assert len(names) == 2
    found = read(folder)
    assert found["meaculpa_run_success", str(project)] == 1
    assert found["meaculpa_incidents_open", "major"] == 1
    assert found["meaculpa_incidents_open", "critical"] == 0
    assert found["meaculpa_updates_overdue", ""] == 1
    assert found["meaculpa_maintenance_upcoming", ""] == 1
    assert found["meaculpa_maintenance_under_way", ""] == 0
    assert found["meaculpa_incidents", ""] == 2
    assert found["meaculpa_next_update_timestamp_seconds", ""] == at("2026-11-22 10:00").timestamp()
    assert found["meaculpa_built_timestamp_seconds", ""] == at("2026-11-22 12:00").timestamp()
    assert found["meaculpa_target_up", "local"] == 1
    written = [path for path in (project / "public").rglob("*") if path.is_file() and ".meaculpa" not in path.parts]
    assert found["meaculpa_target_changed_files", "local"] == len(written) == found["meaculpa_build_files", ""]
    sizes = sum(path.stat().st_size for path in written if path.name != "banner.json")
    assert found["meaculpa_target_changed_bytes", "local"] >= sizes
    assert publish(project, "--metrics", folder).returncode == 0
    assert read(folder)["meaculpa_target_changed_files", "local"] == 0


def test_the_same_figures_come_as_json(project: Path) -> None:
    said = json.loads(publish(project, "--json").stdout)
    site, target = said["site"], said["targets"][0]
    assert (site["site"], site["overdue"], site["open"]["major"]) == ("https://status.northwind.example", 1, 1)
    assert site["next_update"] == "2026-11-22T10:00:00+00:00"
    assert (site["errors"], site["files"]) == (0, len(target["uploads"]))
    assert target["bytes"] >= site["bytes"]
    assert target["seconds"] >= 0


def test_node_exporter_reads_them(project: Path, folder: Path) -> None:
    publish(project, "--metrics", folder)
    port = free_port()
    command = [program("prometheus-node-exporter", "prometheus-node-exporter"), "--collector.disable-defaults"]
    command += ["--collector.textfile", f"--collector.textfile.directory={folder}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    log = project.parent / "exporter.log"
    with started(command, port, log) as url, urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        scraped = str(answer.read().decode())
    assert "node_textfile_scrape_error 0" in scraped
    assert 'meaculpa_incidents_open{impact="major",site="https://status.northwind.example"} 1' in scraped


def test_a_target_that_fails_is_told_and_its_last_success_stays(folder: Path) -> None:
    site = SiteFigures("https://a.example/b", at("2026-11-22 12:00"), 0.5, 1, 1, 0, {}, 0, None, 0, 0, 0, 0)
    board = Board(folder, Path("/srv/shop"))
    board.tried("early", True, None)
    assert not list(folder.iterdir()), "there is nothing to say before the first build"
    board.built(site, {"primary": 1, "spare": 1})
    board.tried("primary", True, TargetFigures(True, at("2026-11-22 12:01"), 1.5, 3, 0, 4, 500))
    board.tried("spare", False, None)
    board.tried("primary", False, None)
    found = read(folder)
    assert (found["meaculpa_target_up", "primary"], found["meaculpa_target_up", "spare"]) == (0, 0)
    assert found["meaculpa_target_published_timestamp_seconds", "primary"] == at("2026-11-22 12:01").timestamp()
    assert ("meaculpa_target_published_timestamp_seconds", "spare") not in found
    board.tried("primary", True, None)
    assert read(folder)["meaculpa_target_up", "primary"] == 1
    board.broken(at("2026-11-22 12:05"), 2)
    assert read(folder)["meaculpa_problems", "error"] == 2
    board.built(site, {"primary": 1})
    assert ("meaculpa_target_up", "spare") not in read(folder), "nobody publishes there any more"


def test_names_of_files_tell_sites_apart() -> None:
    names = [textfile_name(f"https://{site}") for site in ("a.example", "a.example/b", "a.example:8443", "b.example")]
    assert names == [
        "meaculpa-a.example.prom",
        "meaculpa-a.example-b.prom",
        "meaculpa-a.example-8443.prom",
        "meaculpa-b.example.prom",
    ]


def test_a_folder_that_cannot_be_written_stops_no_publish(project: Path, folder: Path) -> None:
    (folder / "meaculpa-status.northwind.example.prom").mkdir()
    done = publish(project, "--metrics", folder)
    assert done.returncode == 0
    assert (project / "public" / "index.html").is_file()
    assert f"the figures could not be written to {folder}" in done.stderr


@pytest.mark.parametrize("path", [f"incidents/{CARD}.md", "meaculpa.yml"])
def test_a_publish_that_was_refused_is_told_to_the_monitor(project: Path, folder: Path, path: str) -> None:
    (project / path).write_text("broken: [")
    assert publish(project, "--metrics", folder).returncode == 1
    found = read(folder)
    assert found["meaculpa_run_success", str(project)] == 0
    assert found["meaculpa_run_timestamp_seconds", str(project)] == at("2026-11-22 12:00").timestamp()


def test_a_dry_run_writes_no_figures(project: Path, folder: Path) -> None:
    assert publish(project, "--metrics", folder, "--dry-run").returncode == 0
    assert not list(folder.iterdir())


def test_a_watcher_keeps_them_up_to_date(project: Path, folder: Path) -> None:
    with running(project, "watch", "--metrics", str(folder)) as command:
        eventually(lambda: read(folder).get(("meaculpa_target_up", "local")) == 1, "the first figures")
        assert read(folder)["meaculpa_incidents", ""] == 2
        (project / "incidents" / "2026-11-01-old.md").write_text(
            incident_text(updates="## 2026-11-01 09:20 UTC resolved\n\nIt works.\n")
        )
        eventually(lambda: read(folder)["meaculpa_incidents", ""] == 3, "another incident")
        (project / "meaculpa.yml").write_text("format: 1\nsite: []\n")
        eventually(lambda: read(folder)["meaculpa_problems", "error"] > 0, "a mistake")
        eventually(lambda: read(folder)["meaculpa_run_success", str(project)] == 0, "the run that failed")
        assert command.stop() == 0


# ---- Many projects


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Path]:
    for name in ("one", "two", "three"):
        project = write_project(tmp_path / "sites" / name, **{CARD: incident_text(title=f"{name} is down")})
        (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"status.northwind", f"{name}.northwind".encode()))
    (tmp_path / "sites" / "README.md").write_text("Not a project.")
    (tmp_path / "sites" / "empty").mkdir()
    yield tmp_path / "sites"


def everything(sites: Path) -> list[Path]:
    return sorted(sites.iterdir())


def test_many_projects_are_published_by_one_command(sites: Path, folder: Path) -> None:
    done = meaculpa("publish", "--all", *everything(sites), "--metrics", folder, "--now", "2026-11-22 12:00")
    assert done.returncode == 0, done.stderr
    for name in ("one", "two", "three"):
        assert f"{name} is down" in (sites / name / "public" / "index.html").read_text()
        assert (folder / f"meaculpa-{name}.northwind.example.prom").is_file()
    assert "3 projects published." in done.stdout
    assert "README.md: no meaculpa.yml there, left alone" in done.stderr
    assert "empty: no meaculpa.yml there, left alone" in done.stderr


def test_one_broken_project_does_not_hold_up_the_others(sites: Path) -> None:
    (sites / "two" / "incidents" / f"{CARD}.md").write_text("no incident")
    (sites / "three" / "public").write_text("in the way")
    done = meaculpa("publish", "--all", *everything(sites), "--now", "2026-11-22 12:00")
    assert done.returncode == 3, "the gravest"
    assert "one is down" in (sites / "one" / "public" / "index.html").read_text()
    assert f"{CARD}.md" in done.stdout
    assert "2 of 3 projects failed: " in done.stderr


def test_many_projects_speak_json_together(sites: Path) -> None:
    (sites / "two" / "incidents" / f"{CARD}.md").write_text("no incident")
    done = meaculpa("publish", "--all", *everything(sites), "--json", "--dry-run", "--now", "2026-11-22 12:00")
    said = json.loads(done.stdout)["projects"]
    assert [(Path(one["project"]).name, one["exit_code"]) for one in said] == [("one", 0), ("three", 0), ("two", 1)]
    assert said[0]["site"]["site"] == "https://one.northwind.example"
    assert any(CARD in line for line in said[2]["errors"])
    assert not (sites / "one" / "public").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("publish", "sites/one"), "several projects need --all"),
        (("-C", "sites", "publish", "--all", "sites/one"), "leave -C out"),
        (("publish", "--all"), "none of these folders holds a meaculpa.yml"),
        (("publish", "--all", "sites/empty"), "none of these folders holds a meaculpa.yml"),
    ],
)
def test_odd_commands_are_refused(
    sites: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(sites.parent)
    done = meaculpa(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
