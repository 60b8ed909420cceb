"""The commands as people call them: what they print, what they write, how they end."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from meaculpa.cli import COMMANDS, outcomes
from tests.making import CONFIG, incident_text, write_project

NOW = "2026-11-22 12:00"


def meaculpa(*arguments: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meaculpa", *map(str, arguments)]
    environment = {**os.environ, "NO_COLOR": "1", **more}
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})


def files_below(folder: Path) -> dict[str, bytes]:
    """All files but meaculpa's own notes, such as locks."""
    notes = folder / ".meaculpa"
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(notes))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# ---- Help and mistakes of usage


def test_help_lists_every_command() -> None:
    done = meaculpa("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert meaculpa().stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = meaculpa(command, "--help")
    assert done.returncode == 0
    assert "Usage: meaculpa" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bild"], 'there is no command "bild" (did you mean "build"?'),
        (["-C", "nowhere", "build"], "there is no folder nowhere"),
        (["build", "--now", "noon"], '"noon" is not a time'),
        (["build", "--nwo"], "No such option"),
        (["serve", "--port", "99999"], "99999"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_a_mistake_of_usage_is_one_clear_message_and_exit_code_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = meaculpa(*arguments, cwd=write_project(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr


def test_without_a_project_the_way_to_one_is_named(tmp_path: Path) -> None:
    done = meaculpa("build", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no meaculpa.yml" in done.stderr
    assert "`meaculpa init DIR` makes a project" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_completion(shell: str) -> None:
    assert "_MEACULPA_COMPLETE" in meaculpa("completion", shell).stdout


def test_completion_completes_commands() -> None:
    done = meaculpa(_MEACULPA_COMPLETE="bash_complete", COMP_WORDS="meaculpa pub", COMP_CWORD="1")
    assert "publish" in done.stdout


# ---- init


def test_a_new_project_builds_at_once(tmp_path: Path) -> None:
    assert meaculpa("init", "shop", cwd=tmp_path).returncode == 0
    assert meaculpa("-C", "shop", "check", "--strict", cwd=tmp_path).returncode == 0
    assert meaculpa("-C", "shop", "build", cwd=tmp_path).returncode == 0


def test_editors_find_the_schema_of_a_new_project(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    text = (tmp_path / "shop" / "meaculpa.yml").read_text()
    mark, name = text.splitlines()[0].split("$schema=")
    assert mark == "# yaml-language-server: "
    schema = json.loads((tmp_path / "shop" / name).read_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    assert (tmp_path / "shop" / name).read_text() == meaculpa("schema", "config").stdout


def test_the_workflow_publishes_without_a_secret(tmp_path: Path) -> None:
    meaculpa("init", "shop", cwd=tmp_path)
    workflow = yaml.safe_load((tmp_path / "shop" / ".github" / "workflows" / "publish.yml").read_text())
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    steps = workflow["jobs"]["publish"]["steps"]
    assert [step["run"] for step in steps if "run" in step][-1] == "meaculpa publish"
    role = next(step for step in steps if "configure-aws-credentials" in step.get("uses", ""))
    assert role["with"] == {"role-to-assume": "${{ vars.AWS_ROLE }}", "aws-region": "${{ vars.AWS_REGION }}"}
    assert steps.index(role) < len(steps) - 1
    assert "secrets." not in str(workflow)


def test_init_never_overwrites(project: Path) -> None:
    before = files_below(project)
    done = meaculpa("init", project)
    assert done.returncode == 1
    assert "is already there" in done.stderr
    assert files_below(project) == before


# ---- check, list


PROMISED = "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 10:00 UTC\n\nYou cannot pay by card.\n"


def test_check_tells_all_problems_and_ends_with_1(project: Path) -> None:
    (project / "incidents" / "2026-11-22-card.md").unlink()
    (project / "incidents" / "a.md").write_text(incident_text("impact: majr\n"))
    (project / "incidents" / "b.md").write_text("")
    done = meaculpa("check", cwd=project)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        'incidents/a.md:3: unknown impact "majr" (did you mean "major"? one of: none, minor, major, critical)',
        "incidents/b.md:1: the file is empty (`meaculpa new` writes one to begin with)",
        "2 problems in 2 files.",
    ]


def test_check_speaks_json(project: Path) -> None:
    (project / "incidents" / "2026-11-22-card.md").unlink()
    (project / "incidents" / "a.md").write_text(incident_text("impact: majr\n"))
    found = json.loads(meaculpa("check", "--json", cwd=project).stdout)
    assert found["ok"] is False
    assert found["problems"][0]["path"] == "incidents/a.md"
    assert found["problems"][0]["line"] == 3


def test_check_warns_of_an_update_in_the_future(project: Path) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(updates=PROMISED))
    done = meaculpa("check", "--now", "2026-11-22 09:10", cwd=project)
    assert done.returncode == 0
    assert "warning: this update is in the future and stays hidden until 2026-11-22 09:20 UTC" in done.stdout
    assert meaculpa("check", "--strict", "--now", "2026-11-22 09:10", cwd=project).returncode == 1


def test_list_shows_what_was_promised_overdue_first(project: Path) -> None:
    late = incident_text(
        "impact: minor\n", "## 2026-11-22 09:00 investigating\nnext_update: 2026-11-22 10:00\n\nx\n", "Late"
    )
    (project / "incidents" / "late.md").write_text(late)
    shown = meaculpa("list", "--now", NOW, cwd=project).stdout
    assert shown.index("Late") < shown.index("You cannot pay by card")
    assert "promised for 10:00 UTC, 2 h late" in shown
    assert "no next update promised" in shown
    found = json.loads(meaculpa("list", "--json", "--now", NOW, cwd=project).stdout)
    assert [one["overdue"] for one in found["incidents"]] == [True, False]


# ---- build


def test_build_twice_gives_byte_equal_trees(project: Path) -> None:
    for out in ("one", "two"):
        assert meaculpa("build", "--now", NOW, "--out", project / out, cwd=project).returncode == 0
    assert files_below(project / "one") == files_below(project / "two")


def test_an_edit_and_a_build_give_the_tree_of_a_fresh_build(project: Path) -> None:
    meaculpa("build", "--now", NOW, cwd=project)
    (project / "incidents" / "2026-11-22-card.md").rename(project / "incidents" / "2026-11-21-other.md")
    meaculpa("build", "--now", NOW, cwd=project)
    meaculpa("build", "--now", NOW, "--out", "fresh", cwd=project)
    assert files_below(project / "public") == files_below(project / "fresh")


def test_a_build_with_a_problem_writes_nothing(project: Path) -> None:
    (project / "incidents" / "a.md").write_text("broken")
    done = meaculpa("build", cwd=project)
    assert done.returncode == 1
    assert "1 problem in 1 file. Nothing was written." in done.stderr
    assert not (project / "public").exists()


@pytest.mark.parametrize("out", [".", "..", "incidents"])
def test_build_never_mixes_output_with_sources(project: Path, out: str) -> None:
    before = files_below(project)
    done = meaculpa("build", "--out", out, cwd=project)
    assert done.returncode == 1
    assert "holds the project itself" in done.stderr
    assert files_below(project) == before


def test_build_speaks_json(project: Path) -> None:
    found = json.loads(meaculpa("build", "--json", "--now", NOW, cwd=project).stdout)
    assert {"path": "index.html", "reason": "new"} in found["uploads"]


# ---- publish


@pytest.mark.parametrize("command", [("build",), ("publish",), ("publish", "--keep-going")])
def test_programs_are_told_of_broken_files(project: Path, command: tuple[str, ...]) -> None:
    (project / "incidents" / "2026-11-22-broken.md").write_text("impact: huge\n")
    done = meaculpa(*command, "--json", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert "incidents/2026-11-22-broken.md" in [one["path"] for one in json.loads(done.stdout)["problems"]]


def test_programs_are_told_what_keeps_a_strict_publish_back(project: Path) -> None:
    card = project / "incidents" / "2026-11-22-card.md"
    card.write_text(incident_text(updates="## 2026-11-22 09:20 investigating\n\nIt works again soon.\n"))
    done = meaculpa("publish", "--strict", "--json", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert "MC401" in [one["rule"] for one in json.loads(done.stdout)["problems"]]
    done = meaculpa("publish", "--json", "--now", NOW, cwd=project)
    assert done.returncode == 0
    assert "MC401" in [one["rule"] for one in json.loads(done.stdout)["problems"]]


def test_a_publish_that_lasts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said, is_said = list[str](), threading.Event()

    def say(text: str, to_errors: bool) -> None:
        said.append(text)
        if to_errors and len(said) == 2:
            is_said.set()

    monkeypatch.setattr(outcomes, "_SILENCE_SECONDS", 0.01)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(outcomes, "say", say)
    with outcomes.told_that_it_lasts("shop"):
        assert is_said.wait(30)
    count = len(said)
    assert all("shop: still at it after" in text for text in said)
    time.sleep(0.05)
    assert len(said) == count, "nothing is said of what has ended"


def test_publish_says_what_it_did_and_the_second_one_does_nothing(project: Path) -> None:
    first = meaculpa("publish", "--now", NOW, cwd=project).stdout
    assert re.search(r"^local \(.*public\): published: \d+ changed, 0 unchanged$", first, re.MULTILINE)
    assert "already up to date" in meaculpa("publish", "--now", NOW, cwd=project).stdout


def test_a_dry_run_gives_a_reason_for_each_file_and_writes_nothing(project: Path) -> None:
    done = meaculpa("publish", "--dry-run", "--now", NOW, cwd=project)
    assert re.search(r"pointers\s+index\.html\s+new", done.stdout)
    assert not (project / "public").exists()


def test_publish_with_a_problem_publishes_nothing(project: Path) -> None:
    (project / "incidents" / "a.md").write_text("broken")
    done = meaculpa("publish", cwd=project)
    assert done.returncode == 1
    assert "1 problem in 1 file. Nothing was published." in done.stderr
    assert not (project / "public").exists()


def test_publish_keeps_going_with_last_good_versions(project: Path) -> None:
    meaculpa("publish", "--now", NOW, cwd=project)
    (project / "incidents" / "2026-11-22-card.md").write_text("broken")
    (project / "incidents" / "2026-11-22-new.md").write_text(incident_text(title="You cannot log in"))
    done = meaculpa("publish", "--keep-going", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert "Broken files keep their last good version" in done.stderr
    page = (project / "public" / "index.html").read_text()
    assert "You cannot log in" in page
    assert "You cannot pay by card" in page


def test_publish_refuses_files_that_are_behind(project: Path) -> None:
    meaculpa("publish", "--now", NOW, cwd=project)
    (project / "incidents" / "2026-11-22-card.md").unlink()
    done = meaculpa("publish", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert "your files are behind" in done.stderr
    assert meaculpa("publish", "--force", "--now", NOW, cwd=project).returncode == 0


def test_one_dead_target_does_not_hold_up_the_other(project: Path) -> None:
    dead = b"  - {name: dead, type: s3, bucket: nobody, region: eu-west-1, endpoint_url: 'http://127.0.0.1:9'}\n"
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"targets:\n", b"targets:\n" + dead))
    done = meaculpa("publish", "--now", NOW, cwd=project)
    assert done.returncode == 3
    assert "dead: s3://nobody" in done.stderr
    assert (project / "public" / "index.html").exists()


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        (CONFIG.split(b"targets:")[0], [], "meaculpa.yml has no targets"),
        (CONFIG, ["--target", "lokal"], 'there is no target "lokal" (did you mean "local"?'),
    ],
)
def test_a_target_that_is_not_there_is_told(project: Path, config: bytes, arguments: list[str], message: str) -> None:
    (project / "meaculpa.yml").write_bytes(config)
    done = meaculpa("publish", *arguments, cwd=project)
    assert done.returncode == 1
    assert message in done.stderr


# ---- new, update, resolve


def test_a_new_incident_is_on_the_site_at_once(project: Path) -> None:
    done = meaculpa(
        "new",
        "You cannot log in",
        "--impact",
        "critical",
        "--component",
        "storefront=partial_outage",
        "--works",
        "You can order: as a guest.",
        "--money",
        "Nothing is lost.",
        "--now",
        NOW,
        cwd=project,
    )
    path = project / done.stdout.strip()
    assert path.name == "2026-11-22-you-cannot-log-in.md"
    text = path.read_text()
    assert "next_update: 2026-11-22 12:30 UTC" in text
    assert 'works: "You can order: as a guest."' in text
    assert meaculpa("build", "--now", NOW, cwd=project).returncode == 0
    assert "You cannot log in" in (project / "public" / "index.html").read_text()
    assert "You cannot log in" in (project / "public" / "splash.html").read_text()


@pytest.mark.parametrize("kind", ["outage", "stock", "pricing", "orders", "notice"])
def test_every_kind_has_a_first_message(project: Path, kind: str) -> None:
    (project / "incidents" / "2026-11-22-card.md").unlink()
    facts = ("--works", "You can order as usual.", "--money", "We charged no card twice.")
    done = meaculpa("new", "Your order is late", "--kind", kind, *facts, "--now", NOW, cwd=project)
    assert done.returncode == 0, done.stderr
    assert meaculpa("check", "--strict", "--now", NOW, cwd=project).returncode == 0


def test_a_projects_own_first_message_wins(project: Path) -> None:
    own = project / "site_templates" / "playbooks" / "outage.en.md"
    own.parent.mkdir(parents=True)
    own.write_text("Es geht nicht: {{ title }}.")
    done = meaculpa("new", "Keine Zahlung", "--now", NOW, cwd=project)
    assert (project / done.stdout.strip()).read_text().endswith("Es geht nicht: Keine Zahlung.\n")


def test_times_are_read_in_the_sites_zone_and_a_clock_time_is_of_the_day(project: Path) -> None:
    summer = "2026-07-01 12:00"
    window = ("--starts", "2026-07-02 02:00", "--ends", "2026-07-02 04:00")
    done = meaculpa("new", "You cannot check out", "--kind", "maintenance", *window, "--now", summer, cwd=project)
    assert 'starts: "2026-07-02 01:00 UTC"' in (project / done.stdout.strip()).read_text()
    done = meaculpa("new", "x", "--started", "12:30", "--next-update", "14:15", "--now", summer, cwd=project)
    text = (project / done.stdout.strip()).read_text()
    assert 'started: "2026-07-01 11:30 UTC"' in text
    assert "next_update: 2026-07-01 13:15 UTC" in text


def test_whoever_writes_is_told_what_was_promised_and_that_nobody_reads_it_yet(project: Path) -> None:
    done = meaculpa("new", "You cannot log in", "--impact", "critical", "--now", NOW, cwd=project)
    assert "The next update is promised by 2026-11-22 12:30 UTC." in done.stderr
    assert "meaculpa publish" in done.stderr
    draft = meaculpa("new", "Not yet", "--draft", "--now", NOW, cwd=project)
    assert "it stays off the site" in draft.stderr
    assert "a draft, not on the site" in meaculpa("list", "--now", NOW, cwd=project).stdout


def test_work_that_nobody_has_confirmed_is_in_the_list(project: Path) -> None:
    window = "kind: maintenance\nstarts: 2026-11-22 02:00\nends: 2026-11-22 04:00\n"
    (project / "incidents" / "window.md").write_text(incident_text(window, "## 2026-11-20 09:00 scheduled\n\nx\n"))
    assert "nobody has said that the work is done" in meaculpa("list", "--now", NOW, cwd=project).stdout


def test_maintenance_needs_its_window(project: Path) -> None:
    assert "--starts and --ends" in meaculpa("new", "x", "--kind", "maintenance", cwd=project).stderr
    window = ("--starts", "2026-11-23 02:00", "--ends", "2026-11-23 04:00")
    done = meaculpa("new", "You cannot check out", "--kind", "maintenance", *window, "--now", NOW, cwd=project)
    text = (project / done.stdout.strip()).read_text()
    assert "from 02:00 GMT to 04:00 GMT on 23 November 2026" in text
    assert "## 2026-11-22 12:00 UTC scheduled" in text


def test_the_same_title_twice_makes_two_files(project: Path) -> None:
    names = [meaculpa("new", "Again", "--now", NOW, cwd=project).stdout.strip() for _ in range(2)]
    assert names == ["incidents/2026-11-22-again.md", "incidents/2026-11-22-again-2.md"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Two\nlines"], "not possible here"),
        (["x" * 130], '"title" has 130 characters'),
        (["x", "--component", "chekout=major_outage"], 'unknown component "chekout" (did you mean "checkout"?'),
        (["x", "--component", "checkout=broken"], 'unknown component status "broken"'),
        (["x", "-m", "one\n\n## two"], "is not the heading of an update"),
        (["x", "-m", "one\n\n## 2026-11-22 11:00 resolved"], "would not be read as it is meant"),
        (["x", "-m", "  "], "the text is empty"),
        ([], "say what customers cannot do"),
    ],
)
def test_a_new_incident_that_would_be_wrong_is_not_written(project: Path, arguments: list[str], message: str) -> None:
    before = files_below(project)
    done = meaculpa("new", *arguments, "--now", NOW, cwd=project)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert files_below(project) == before


def test_an_update_is_appended_with_its_facts(project: Path) -> None:
    done = meaculpa(
        "update",
        "card",
        "identified",
        "-m",
        "We know why.",
        "--next-update",
        "1h30m",
        "--component",
        "checkout=degraded performance",
        "--now",
        NOW,
        cwd=project,
    )
    assert done.returncode == 0, done.stderr
    text = (project / "incidents" / "2026-11-22-card.md").read_text()
    assert text.endswith(
        "\n\n## 2026-11-22 12:00 UTC identified\ncheckout: degraded_performance\nnext_update: 2026-11-22 13:30 UTC\n"
        "\nWe know why.\n"
    )


def test_an_update_goes_on_top_where_the_newest_stands_on_top(project: Path) -> None:
    path = project / "incidents" / "2026-11-22-card.md"
    newest_first = "## 2026-11-22 10:00 identified\r\n\r\nb\r\n\r\n## 2026-11-22 09:00 investigating\r\n\r\na\r\n"
    path.write_bytes(incident_text(updates=newest_first).encode())
    meaculpa("update", "card", "monitoring", "-m", "c", "--now", NOW, cwd=project)
    content = path.read_bytes().decode()
    assert re.findall(r"^## .* (\w+)\r$", content, re.MULTILINE) == ["monitoring", "identified", "investigating"]


def test_a_list_that_cannot_know_says_so(project: Path) -> None:
    path = project / "incidents" / "2026-11-22-card.md"
    path.write_text(path.read_text().replace("impact: major", "impact: majr"))
    done = meaculpa("list", "--now", NOW, cwd=project)
    assert (done.returncode, "No open incident in the files that can be read" in done.stdout) == (1, True)
    found = json.loads(meaculpa("list", "--json", "--now", NOW, cwd=project).stdout)
    assert (found["overall"], [one["path"] for one in found["problems"]]) == (None, ["incidents/2026-11-22-card.md"])


def test_a_site_can_be_built_above(project: Path) -> None:
    done = meaculpa("build", "--out", "../above", "--now", NOW, cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project.parent / "above" / "index.html").exists()


def test_resolve_states_from_when_to_when(project: Path) -> None:
    assert meaculpa("resolve", "card", "--now", NOW, cwd=project).returncode == 0
    text = (project / "incidents" / "2026-11-22-card.md").read_text()
    assert "## 2026-11-22 12:00 UTC resolved" in text
    assert "from 22 Nov 2026, 09:20 GMT to 12:00 GMT, 2 hours, 40 minutes" in text
    assert "No open incident" in meaculpa("list", "--now", NOW, cwd=project).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing", "identified", "-m", "x"], 1, 'there is no incident "nothing"'),
        (["card", "identified"], 2, "say what customers should read now: -m TEXT"),
        (["card", "identifed", "-m", "x"], 2, "identifed"),
        (["card", "scheduled", "-m", "x"], 1, 'the status "scheduled" is for maintenance'),
        (["card", "identified", "-m", "## not text"], 1, "is not the heading of an update"),
        (["card", "identified", "-m", "## 2026-11-22 11:00 resolved"], 1, "would not be read as it is meant"),
        (["card", "identified", "-m", "```\nnever closed"], 1, "this code block is never closed"),
    ],
)
def test_an_update_that_would_be_wrong_changes_nothing(
    project: Path, arguments: list[str], code: int, message: str
) -> None:
    before = files_below(project)
    done = meaculpa("update", *arguments, "--now", NOW, cwd=project)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert files_below(project) == before


def test_updates_at_the_same_time_are_all_kept(project: Path) -> None:
    command = [sys.executable, "-m", "meaculpa", "update", "card", "monitoring", "--now", NOW, "-m"]
    running = [subprocess.Popen([*command, f"Text {number}."], cwd=project) for number in range(6)]
    assert [process.wait(timeout=60) for process in running] == [0] * 6
    text = (project / "incidents" / "2026-11-22-card.md").read_text()
    assert all(f"Text {number}." in text for number in range(6))


def test_what_is_over_is_not_resolved_again(project: Path) -> None:
    meaculpa("resolve", "card", "--now", NOW, cwd=project)
    done = meaculpa("resolve", "card", "--now", "2026-11-25 12:00", cwd=project)
    assert done.returncode == 1
    assert "is over already" in done.stderr


def test_line_ends_of_windows_in_a_text_are_no_mistake(project: Path) -> None:
    assert meaculpa("update", "card", "identified", "-m", "one\r\n\r\ntwo", "--now", NOW, cwd=project).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--now", "9999-12-31 23:00"],
        ["update", "card", "identified", "-m", "x", "--next-update", "9" * 5000],
    ],
)
def test_absurd_numbers_are_a_mistake_of_usage(project: Path, arguments: list[str]) -> None:
    assert meaculpa(*arguments, cwd=project).returncode == 2


def test_a_part_of_an_id_must_fit_one_incident(project: Path) -> None:
    (project / "incidents" / "2026-11-20-card.md").write_text(
        incident_text(updates="## 2026-11-20 09:00 resolved\n\nx\n")
    )
    done = meaculpa("resolve", "card", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert '"card" fits 2 incidents: 2026-11-20-card, 2026-11-22-card' in done.stderr


def test_output_that_nobody_reads_is_no_error(project: Path) -> None:
    command = f"{sys.executable} -m meaculpa publish --dry-run | head -n 1"
    done = subprocess.run(command, shell=True, cwd=project, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_folder_may_be_named_by_the_way_to_it(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop")
    (project / "deeper").mkdir()
    done = meaculpa("-C", "..", "build", cwd=project / "deeper")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [("build", "--out", "public"), ("publish",)])
def test_a_link_that_leads_to_itself_is_told_of(project: Path, command: tuple[str, ...]) -> None:
    (project / "public").symlink_to("public")
    done = meaculpa(*command, "--now", NOW, cwd=project)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "public" in done.stderr.splitlines()[-1]
