"""Upptime's issues and git log: each outage once, with what had to be guessed."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from meaculpa.errors import Refused
from meaculpa.importers import Import, Outcome
from meaculpa.importers.upptime import import_upptime
from tests.making import a_config
from tests.test_cli import files_below, meaculpa

CONFIG = "sites:\n  - name: Web shop\n    url: https://www.shop.example\n  - {name: API, url: x, slug: api-v2}\n"
LOG = """\
2024-03-05T12:10:00+01:00 🟩 API is up (200 in 131 ms) [skip ci] [upptime]
2024-03-05T11:30:00+01:00 🟥 API is down (503 in 20 ms) [skip ci] [upptime]
2024-03-05T11:00:00+01:00 🟨 API is degraded (200 in 31000 ms) [skip ci] [upptime]
2024-03-04T09:31:00Z 🟩 Web shop is up (200 in 90 ms) [skip ci] [upptime]
2024-03-04T09:00:00Z 🟥 Web shop is down (0 in 0 ms) [skip ci] [upptime]
2024-03-01T00:00:00Z :arrow_up: Bump version is down to earth
not a line of a log
2024-03-01T00:00:00Z 📝 Update summary [skip ci] [upptime]
"""
ISSUE: dict[str, Any] = {
    "number": 12,
    "title": "🛑 Web shop is down",
    "body": "In [`abc`](https://x.example/abc), Web shop (https://www.shop.example) was **down**:\n- HTTP code: 0\n",
    "labels": [{"name": "status"}, {"name": "web-shop"}],
    "createdAt": "2024-03-04T09:00:20Z",
    "closedAt": "2024-03-04T09:31:30Z",
    "comments": [
        {"body": "We restart it.", "createdAt": "2024-03-04T09:10:00Z"},
        {"body": "**Resolved:** Web shop is back up in `def` after 31 minutes.", "createdAt": "2024-03-04T09:31:20Z"},
    ],
}
PLANNED: dict[str, Any] = {
    "number": 13,
    "title": "Database upgrade",
    "body": "<!--\nstart: 2024-04-02T01:00:00.000Z\nend: 2024-04-02T03:00:00.000Z\n"
    "expectedDown: web-shop, api-v2\n-->\n\n"
    "We upgrade.",
    "labels": [{"name": "maintenance"}],
    "created_at": "2024-04-01T09:00:00Z",
    "closed_at": "2024-04-02T03:05:00Z",
    "comments": 0,
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "web-shop.yml").write_text("url: https://www.shop.example\nstatus: up\n")
    (tmp_path / ".upptimerc.yml").write_text(CONFIG)
    return tmp_path


def imported(repository: Path, *issues: object, log: str = "") -> Import:
    if issues:
        (repository / "issues.json").write_text(json.dumps(list(issues)), encoding="utf-8")
    if log:
        (repository / "log.txt").write_text(log, encoding="utf-8")
    return import_upptime(repository, a_config(), {}, frozenset())


def only(found: Import) -> str:
    (text,) = found.files.values()
    return text


def headings(text: str) -> list[str]:
    return re.findall("^## (.*)$", text, re.MULTILINE)


def test_an_issue_becomes_an_incident(repository: Path) -> None:
    found = imported(repository, ISSUE)
    text = only(found)
    assert text.startswith(
        "---\ntitle: Web shop is down\nimpact: major\ncomponents:\n  web-shop: major_outage\n---\n"
    )
    assert headings(text) == [
        "2024-03-04 09:00 UTC investigating",
        "2024-03-04 09:10 UTC investigating",
        "2024-03-04 09:31 UTC resolved",
    ]
    assert "We restart it." in text and "HTTP code: 0" in text
    assert found.redirects == {"incident/12": "incidents/2024-03-04-web-shop-is-down.html"}
    assert [(one.id, one.name) for one in found.components] == [("web-shop", "Web shop"), ("api", "API")]


def test_an_issue_that_was_closed_without_a_word_is_over_then(repository: Path) -> None:
    found = imported(repository, {**ISSUE, "title": "⚠️ Web shop has degraded performance", "comments": 2})
    assert "impact: minor" in only(found) and "web-shop: degraded_performance" in only(found)
    assert headings(only(found))[-1] == "2024-03-04 09:31 UTC resolved"
    told = "; ".join(found.entries[0].notes)
    assert "nobody wrote that it was over" in told and "its 2 comments are not in the export" in told


def test_planned_work_has_its_window_and_parts(repository: Path) -> None:
    text = only(imported(repository, PLANNED))
    assert "kind: maintenance\n" in text and "starts: 2024-04-02 01:00 UTC\nends: 2024-04-02 03:00 UTC\n" in text
    assert "  web-shop: under_maintenance\n  api: under_maintenance\n" in text
    assert "We upgrade." in text and "expectedDown" not in text
    assert headings(text) == ["2024-04-01 09:00 UTC scheduled"]


def test_work_that_was_closed_early_was_done_then(repository: Path) -> None:
    text = only(imported(repository, {**PLANNED, "closed_at": "2024-04-02T02:00:00Z"}))
    assert headings(text)[-1] == "2024-04-02 02:00 UTC completed"


def test_the_log_tells_of_outages_that_have_no_issue(repository: Path) -> None:
    found = imported(repository, log=LOG)
    assert sorted(found.files) == [
        "incidents/2024-03-04-0900-web-shop-did-not-answer.md",
        "incidents/2024-03-05-1000-api-did-not-answer.md",
    ]
    text = found.files["incidents/2024-03-05-1000-api-did-not-answer.md"]
    assert "impact: major\ncomponents:\n  api: degraded_performance\n" in text
    assert headings(text) == [
        "2024-03-05 10:00 UTC investigating",
        "2024-03-05 10:30 UTC investigating",
        "2024-03-05 11:10 UTC resolved",
    ]
    assert "api: major_outage\n\nAPI did not answer (503 in 20 ms)." in text
    assert all("nobody wrote about it" in entry.notes[0] for entry in found.entries)


def test_what_an_issue_tells_is_not_taken_again_from_the_log(repository: Path) -> None:
    found = imported(repository, ISSUE, log=LOG)
    assert len(found.files) == 2
    (same,) = (entry for entry in found.entries if entry.outcome is Outcome.ALREADY_THERE)
    assert same.source == "log: Web shop, 2024-03-04 09:00 UTC"
    assert same.notes == ("told by issue 12: 🛑 Web shop is down",)


def test_the_log_comes_from_git_where_the_folder_is_a_clone(repository: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=repository, check=True, capture_output=True)

    git("init", "-q")
    for subject in ("🟥 Web shop is down (0 in 0 ms) [skip ci]", "🟩 Web shop is up (200 in 90 ms) [skip ci]"):
        git("commit", "-q", "--allow-empty", "-m", subject)
    assert len(headings(only(imported(repository)))) == 2


@pytest.mark.parametrize(
    ("issue", "why"),
    [
        ({**ISSUE, "pull_request": {}}, "a pull request"),
        ({**ISSUE, "labels": [{"name": "bug"}]}, "neither the label status nor maintenance"),
        ({**PLANNED, "body": "soon"}, "the comment with start and end is missing"),
        ({**ISSUE, "createdAt": None}, "not as GitHub writes it"),
        ({**ISSUE, "comments": [{"body": "x", "createdAt": "then"}]}, "not as GitHub writes it"),
    ],
)
def test_what_is_no_incident_is_named(repository: Path, issue: object, why: str) -> None:
    found = imported(repository, issue, {**ISSUE, "number": 99})
    assert len(found.files) == 1
    (entry,) = (entry for entry in found.entries if entry.outcome is Outcome.NOT_TAKEN)
    assert why in entry.notes[-1]


def test_pages_of_the_api_are_read_as_they_are_paginated(repository: Path) -> None:
    rest = {**ISSUE, "created_at": ISSUE["createdAt"], "closed_at": ISSUE["closedAt"], "comments": 1}
    found = imported(repository, [rest], [{**PLANNED}])
    assert len(found.files) == 2


def test_a_folder_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds neither issues nor a log"):
        import_upptime(tmp_path, a_config(), {}, frozenset())


def test_the_command_does_nothing_twice(repository: Path) -> None:
    (repository / "issues.json").write_text(json.dumps([ISSUE, PLANNED]), encoding="utf-8")
    (repository / "log.txt").write_text(LOG, encoding="utf-8")
    assert meaculpa("init", "shop", cwd=repository).returncode == 0
    shop = repository / "shop"
    done = meaculpa("import", "upptime", repository, cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "2 components added" in done.stdout and "2 redirects added" in done.stdout
    after = files_below(shop)
    again = meaculpa("import", "upptime", repository, cwd=shop)
    assert files_below(shop) == after, again.stdout
    assert meaculpa("build", cwd=shop).returncode == 0
