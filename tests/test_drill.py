"""Rehearsals: every night by itself, one by hand, and nothing real is ever touched."""

import json
import re
from pathlib import Path

import pytest

from meaculpa.cli.drill.report import in_words
from meaculpa.cli.drill.scenario import build_stage, read_scenarios
from meaculpa.config import parse_config
from meaculpa.errors import Severity
from meaculpa.lint.prose import read_prose
from meaculpa.lint.rules import severity_of
from meaculpa.lint.texts import LANGUAGES, inspect_text
from tests.mailserver import MailServer, mail_server
from tests.making import CONFIG, a_config, incident_text, write_project
from tests.terminal import at_a_terminal
from tests.test_cli import files_below, meaculpa

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
    config = a_config(CONFIG + b"mail: {from: orders@real.example, transport: {type: ses, region: eu-west-1}}\n")
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
    assert made.component_names == config.component_names
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


def test_who_writes_nothing_ends_the_drill(tmp_path: Path) -> None:
    project = shop(tmp_path)
    code, screen = at_a_terminal(project, "drill", "part", typed="\nYou cannot pay\n1\n\n\n\n", editor="true")
    assert (code, "no incident was written, so the drill ends here" in screen) == (1, True), screen
    assert not (project / "drills").exists()


def test_who_says_no_more_is_not_said_to_have_been_in_time(tmp_path: Path) -> None:
    project = shop(tmp_path)
    # The first text is saved, the second is not.
    edit = 'case "$(cat "$1")" in *"title: "*) echo >> "$1";; esac'
    answers = "\nYou cannot pay by card\n2\n\nPayPal works.\nWe charged no card.\n\nidentified\n"
    code, screen = at_a_terminal(project, "drill", "part", typed=answers, editor=edit)
    assert (code, "nothing was added, so the drill ends here" in screen) == (1, True), screen
    assert not (project / "drills").exists()


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
