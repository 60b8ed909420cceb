"""Rehearsals: every night by itself, one by hand, and nothing real is ever touched."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meaculpa.cli.drill.hands import Game
from meaculpa.cli.drill.play import _within
from meaculpa.cli.drill.report import in_words, keep, last_time
from meaculpa.cli.drill.scenario import Stage, build_stage, read_scenarios
from meaculpa.cli.drill.score import Mark, Score
from meaculpa.config import parse_config
from meaculpa.errors import Severity
from meaculpa.lint.prose import read_prose
from meaculpa.lint.rules import severity_of
from meaculpa.lint.texts import LANGUAGES, inspect_text
from tests.live import eventually
from tests.mailserver import MailServer, mail_server
from tests.making import CONFIG, a_config, at, incident_text, write_project
from tests.terminal import at_a_terminal
from tests.test_cli import files_below, meaculpa

# A drill takes twenty seconds where nothing else runs, and some tests hold two of them.
pytestmark = pytest.mark.timeout(300)

SCENARIOS = ["closed", "late", "part", "price", "stock"]
LETTERS = {"closed": 12, "late": 12, "price": 12, "stock": 12}


def shop(tmp_path: Path, locale: str = "en") -> Path:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text()})
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"[en, de]", f"[{locale}]".encode()))
    return project


def history(project: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (project / "drills" / "history.jsonl").read_text().splitlines()]


def test_there_is_a_scenario_for_each_of_the_five_mistakes() -> None:
    assert sorted(read_scenarios()) == SCENARIOS


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_night_plays_by_itself(tmp_path: Path, name: str, locale: str) -> None:
    project = shop(tmp_path, locale)
    done = meaculpa("drill", name, "--auto", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "Every target was met." in done.stdout
    assert "MC" not in done.stdout, "what the drill types is right"
    (line,) = history(project)
    assert (line["scenario"], line["auto"], line["missed"], line["findings"]) == (name, True, [], 0)
    (report,) = (project / "drills").glob("*.md")
    text = report.read_text(encoding="utf-8")
    assert "| on the page | " in text
    assert (f"{LETTERS.get(name)} of 12 letters arrived." in text) is (name in LETTERS)
    assert ("15 of 15 promised alerts arrived." in text) is (name == "closed")


def test_the_next_one_is_compared_with_the_last_of_its_sort(tmp_path: Path) -> None:
    project = shop(tmp_path)
    first = meaculpa("drill", "part", "--auto", cwd=project).stdout
    assert "last time" not in first
    second = meaculpa("drill", "part", "--auto", "--now", "2026-11-24 10:00", cwd=project).stdout
    before = re.findall(r"the file is written +([\d.]+ s)", first)[0]
    assert re.search(rf"the file is written +[\d.]+ s +last time {re.escape(before)}", second)
    assert len(history(project)) == 2


def test_nothing_real_is_touched(tmp_path: Path) -> None:
    """Targets and mail servers of the project are real ones here, and hear nothing."""
    with mail_server() as server:
        project = _connected(tmp_path, server)
        before = files_below(project)
        done = meaculpa(
            "drill", "closed", "--auto", cwd=project, AWS_ACCESS_KEY_ID="real", MEACULPA_SMTP_PASSWORD="x"
        )
        assert done.returncode == 0, done.stderr
        assert (server.count, server.connections) == (0, 0)
    after = files_below(project)
    assert {path: content for path, content in after.items() if not path.startswith("drills")} == before
    assert not (project / "public").exists()
    assert not (project / "private").exists()


def _connected(tmp_path: Path, server: MailServer) -> Path:
    project = shop(tmp_path)
    target = "  - {name: real, type: s3, bucket: real, endpoint_url: 'http://127.0.0.1:9'}\n"
    mail = (
        "mail:\n  from: orders@northwind.example\n  signed_by: Anna\n"
        f"  transport: {{type: smtp, host: localhost, port: {server.port}, security: none, username: real}}\n"
    )
    text = (project / "meaculpa.yml").read_text() + target + mail
    (project / "meaculpa.yml").write_text(text)
    return project


def test_the_throwaway_shop_is_like_the_real_one_and_leads_nowhere(tmp_path: Path) -> None:
    config = a_config(
        CONFIG
        + b"lint: {allow: [Backend]}\nmail: {from: orders@real.example, transport: {type: ses, region: eu-west-1}}\n"
    )
    templates = tmp_path / "site_templates"
    (templates / "playbooks").mkdir(parents=True)
    (templates / "playbooks" / "outage.en.md").write_text("Ours.")
    stage = build_stage(tmp_path / "stage", config, templates, 2525)
    made = parse_config((stage.folder / "meaculpa.yml").read_bytes())
    assert not isinstance(made, list), made
    assert [target.type for target in made.targets] == ["directory"]
    assert made.mail
    assert made.mail.sender == "drill@drill.invalid"
    assert made.mail.transport.model_dump()["host"] == "127.0.0.1"
    assert made.components == config.components
    assert made.lint == config.lint
    assert made.site == config.site
    assert (stage.folder / "site_templates" / "playbooks" / "outage.en.md").read_text() == "Ours."
    assert not any(name.startswith(("AWS_", "MEACULPA_")) for name in stage.environment)


def test_outside_of_a_project_it_is_the_sample_shop_and_nothing_is_kept(tmp_path: Path) -> None:
    done = meaculpa("drill", "part", "--auto", cwd=tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])


def test_by_hand_the_questions_are_those_of_the_night(tmp_path: Path) -> None:
    project = shop(tmp_path)
    answers = "\nYou cannot pay by card\n2\n\nPayPal works.\nWe charged no card.\n"
    later, over = "\nidentified\n", "\n"
    edit = r'sed -i "s/\[CAUSE\]/we changed a setting/; s/\[DETAILS\]/putting it back/" "$1"; echo >> "$1"'
    code, screen = at_a_terminal(project, "drill", "part", typed=answers + later + over, editor=edit)
    assert code == 0, screen
    assert "Three customers have written within five minutes" in screen
    assert "Every target was met." in screen
    assert history(project)[0]["auto"] is False


ANSWERS = "You cannot pay by card\n2\n\nPayPal works.\nWe charged no card.\n"
FILL = (
    r'sed -i "s/\[CAUSE\]/we changed a setting/; s/\[DETAILS\]/putting it back/; s/\[TIME\]/10:20 UTC/" "$1"'
    '; echo >> "$1"'
)


def at_first(project: Path, first: str, then: str = FILL) -> str:
    """An editor that does something else when it opens for the first time."""
    mark = project.parent / "opened"
    return f'if [ ! -e "{mark}" ]; then touch "{mark}"; {first}; else {then}; fi'


def test_who_writes_nothing_is_asked_again(tmp_path: Path) -> None:
    project = shop(tmp_path)
    typed = f"\n{ANSWERS}\n{ANSWERS}\nidentified\n\n"
    code, screen = at_a_terminal(project, "drill", "part", typed=typed, editor=at_first(project, "true"))
    assert (code, "No incident was written." in screen) == (0, True), screen
    assert len(history(project)) == 1


def test_a_text_that_does_not_go_out_is_mended_with_its_reason_in_view(tmp_path: Path) -> None:
    project = shop(tmp_path)
    wrong = 'sed -i "s/impact: major/impact: majr/" "$1"; echo >> "$1"'
    right = f'sed -i "s/impact: majr/impact: major/" "$1"; {FILL}'
    typed = f"\n{ANSWERS}\n{ANSWERS}\nidentified\n\n"
    code, screen = at_a_terminal(project, "drill", "part", typed=typed, editor=at_first(project, wrong, right))
    assert 'unknown impact "majr"' in screen
    assert code == 0, screen


def test_who_says_no_more_is_asked_again(tmp_path: Path) -> None:
    project = shop(tmp_path)
    # The first text of the update is not saved.
    edit = f'case "$(cat "$1")" in *"title: "*) echo >> "$1";; *) {at_first(project, "true")};; esac'
    typed = f"\n{ANSWERS}\nidentified\n\nidentified\n\n"
    code, screen = at_a_terminal(project, "drill", "part", typed=typed, editor=edit)
    assert (code, "Nothing was added." in screen) == (0, True), screen


def test_what_letters_waited_for_stands_in_the_report(tmp_path: Path) -> None:
    """Who says nothing of what went wrong could send no letter in a real night."""
    project = shop(tmp_path)
    answers = "Your order leaves late\n\nYou can call us.\nWe charged nothing.\n\n"
    # The file that opens again, for its reason, is closed without a change.
    edit = (
        f'if grep -q "^title: " "$1" && [ -e "{tmp_path}/new" ]; then true; else touch "{tmp_path}/new"; {FILL}; fi'
    )
    typed = f"\n{answers}\n\nidentified\n\n"
    code, screen = at_a_terminal(project, "drill", "late", typed=typed, editor=edit)
    assert '"reason" is missing' in screen, screen
    assert "letters could not be planned; the drill itself wrote: reason" in screen
    assert code == 0, screen


def test_the_shop_is_looked_at_for_what_really_speaks_there(tmp_path: Path) -> None:
    project = shop(tmp_path)
    told = {name: meaculpa("drill", name, "--auto", cwd=project).stdout for name in ("closed", "stock")}
    assert ("on the banner" in told["closed"], "on the splash page" in told["closed"]) == (True, True)
    assert ("on the banner" in told["stock"], "on the splash page" in told["stock"]) == (False, False)
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"[en, de]", b"[en]") + b"banner: {off: true}\n")
    assert "on the banner" not in meaculpa("drill", "part", "--auto", cwd=project).stdout


def test_a_shop_that_cannot_be_built_is_told_before_the_clock_runs(tmp_path: Path) -> None:
    done = meaculpa("drill", "part", "--auto", cwd=shop(tmp_path, "tlh"))
    assert (done.returncode, "a copy of this shop cannot be built" in done.stderr) == (1, True), done.stderr


def a_score() -> Score:
    return Score(marks=[Mark("on the page", 12.0, 600)])


@pytest.mark.parametrize("line", [b'["x"]', b'{"scenario": "part", "auto": true}', b'{"scenario": "pa', b"\xff"])
def test_a_damaged_history_costs_no_drill_and_no_history(tmp_path: Path, line: bytes) -> None:
    part = read_scenarios()["part"]
    keep(tmp_path, part, a_score(), True, at("2026-11-24 10:00"), "a report")
    with (tmp_path / "history.jsonl").open("ab") as stream:
        stream.write(line)
    assert last_time(tmp_path, "part", True) == {"on the page": 12.0}
    keep(tmp_path, part, a_score(), True, at("2026-11-24 11:00"), "a report")
    kept = (tmp_path / "history.jsonl").read_bytes().splitlines()
    assert [kept[1], json.loads(kept[-1])["at"]] == [line, "2026-11-24 11:00 UTC"]


def test_two_reports_of_one_second_stand_side_by_side(tmp_path: Path) -> None:
    part, moment = read_scenarios()["part"], at("2026-11-24 10:00")
    names = [keep(tmp_path, part, a_score(), True, moment, text).name for text in ("one", "two")]
    assert names == ["2026-11-24-100000-part.md", "2026-11-24-100000-part-2.md"]


def test_a_place_that_takes_no_report_hides_no_result(tmp_path: Path) -> None:
    project = shop(tmp_path)
    (project / "drills").write_text("in the way")
    done = meaculpa("drill", "part", "--auto", cwd=project)
    assert done.returncode == 0
    assert "The report cannot be kept in drills" in done.stderr
    assert "Every target was met." in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_drill_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    project, place = shop(tmp_path), tmp_path / "place"
    place.mkdir()
    command = [sys.executable, "-m", "meaculpa", "drill", "part", "--auto"]
    process = subprocess.Popen(command, cwd=project, env={**os.environ, "TMPDIR": str(place)}, stdout=subprocess.PIPE)
    eventually(lambda: list(place.glob("meaculpa-drill-*/incidents")), "the throwaway shop is there")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert list(place.iterdir()) == []


def test_a_promise_that_was_sooner_is_the_target() -> None:
    def game(seconds: float) -> Game:
        nobody: Any = None
        stage = Stage(Path("nowhere"), "en", {})
        return Game(read_scenarios()["part"], stage, nobody, True, lambda: seconds, Score())

    soon = datetime.now(UTC) + timedelta(minutes=5)
    assert 6.9 < _within(game(120), soon.isoformat()) < 7.1
    assert _within(game(120), (soon + timedelta(hours=5)).isoformat()) == 60
    assert _within(game(120), None) == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sto"], 'there is no scenario "sto"'),
        (["stock"], "a drill is played at a terminal; without a person: --auto"),
    ],
)
def test_what_cannot_be_played(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = meaculpa("drill", *arguments, cwd=shop(tmp_path))
    assert (done.returncode, message in done.stderr) == (2, True)


@pytest.mark.parametrize("locale", ["en", "de"])
def test_what_a_drill_types_breaks_no_rule(locale: str) -> None:
    for scenario in read_scenarios().values():
        for text in scenario.facts[locale].values():
            hits = inspect_text(read_prose(text).text, LANGUAGES[locale])
            assert [hit for hit in hits if severity_of(hit.rule) is Severity.ERROR] == [], text


def test_spans_in_words() -> None:
    spans = (0.44, 59.96, 60, 80, 600, 3600, 7200, 86_400)
    told = ["0.4 s", "60.0 s", "1 min", "1 min 20 s", "10 min", "60 min", "2 h", "24 h"]
    assert [in_words(span) for span in spans] == told
