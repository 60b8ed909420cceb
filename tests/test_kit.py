"""What support says: the page's own facts, in each language, short enough for a post, and clean by the rules."""

import json
from pathlib import Path

import pytest

from meaculpa.lint.prose import read_prose
from meaculpa.lint.texts import LANGUAGES, find_clock_without_zone, inspect_text
from tests.making import CONFIG, incident_text, write_project
from tests.test_cli import meaculpa

FRONT = "impact: major\nworks: You can pay with PayPal.\nmoney: We charged no card.\n"
OPEN = "## 2026-11-22 09:20 UTC investigating\nnext_update: 2026-11-22 10:00 UTC\n\nYou cannot pay by card.\n"
OVER = f"{OPEN}\n## 2026-11-22 11:20 UTC resolved\n\nYou could not pay from 09:20 to 11:20 UTC.\n"
GERMAN = """---
title: Sie können nicht mit Karte bezahlen
works: Sie können mit PayPal bezahlen.
money: Wir haben keine Karte belastet.
---
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text(FRONT, OPEN)})
    (project / "incidents" / "2026-11-22-card.de.md").write_text(GERMAN, encoding="utf-8")
    return project


def kit(project: Path, now: str = "2026-11-22 09:30") -> dict[str, dict[str, str]]:
    done = meaculpa("kit", "card", "--json", "--now", now, cwd=project)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_support_says_what_the_page_says(project: Path) -> None:
    found = kit(project)
    assert list(found) == ["en", "de"]
    page = "https://status.northwind.example/incidents/2026-11-22-card.html"
    assert found["en"]["post"] == (
        f"You cannot pay by card. You can pay with PayPal. Next update by 22 Nov 2026, 10:00 GMT: {page}"
    )
    for part in ("reply", "phone"):
        assert all(fact in found["en"][part] for fact in ("You can pay with PayPal.", "We charged no card.", page))
    assert "Wir haben keine Karte belastet." in found["de"]["reply"]
    assert "https://status.northwind.example/de/incidents/2026-11-22-card.html" in found["de"]["post"]


@pytest.mark.parametrize("text", [OPEN, OVER])
def test_no_rule_finds_anything_in_it(project: Path, text: str) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(FRONT, text))
    for locale, texts in kit(project, "2026-11-22 12:00").items():
        for part in ("reply", "post"):
            prose = read_prose(texts[part]).text
            language = LANGUAGES[locale]
            assert [*inspect_text(prose, language), *find_clock_without_zone(prose, language)] == [], texts[part]


def test_what_is_over_is_said_to_be(project: Path) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(FRONT, OVER))
    found = kit(project, "2026-11-22 12:00")["en"]
    assert "that is over. It lasted from 09:20 to 11:20 GMT on 22 Nov 2026." in found["reply"]
    assert "Next update" not in found["post"]


def test_planned_work_names_its_window(project: Path) -> None:
    front = "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
    update = "## 2026-11-22 09:20 UTC scheduled\n\nYou cannot pay.\n"
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(front, update))
    (project / "incidents" / "2026-11-22-card.de.md").unlink()
    assert (
        "Planned work from 02:00 to 04:00 GMT on 26 Nov 2026: You cannot pay by card." in kit(project)["en"]["reply"]
    )


def test_a_post_is_short_and_loses_what_works_before_it_loses_the_rest(project: Path) -> None:
    front = FRONT.replace("PayPal.", "PayPal, " + "and by many other ways, " * 12 + "too.")
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(front, OPEN))
    post = kit(project)["en"]["post"]
    assert len(post) <= 280
    assert post.startswith("You cannot pay by card. Next update by")


def test_a_language_that_is_not_there_is_named(project: Path) -> None:
    (project / "incidents" / "2026-11-22-card.de.md").unlink()
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:30", cwd=project)
    assert (done.returncode, "Not in de" in done.stderr) == (0, True)
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"[en, de]", b"[fr]"))
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:30", cwd=project)
    assert (done.returncode, "there is no kit in fr" in done.stderr) == (1, True)


def test_a_projects_own_words_win(project: Path) -> None:
    own = project / "site_templates" / "kit" / "en"
    own.mkdir(parents=True)
    (own / "post.txt.j2").write_text("Ours: {{ title }}")
    assert kit(project)["en"]["post"] == "Ours: You cannot pay by card"


def test_before_its_first_word_there_is_nothing_to_say(project: Path) -> None:
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:00", cwd=project)
    assert (done.returncode, "has said nothing yet" in done.stderr) == (1, True)


PLANNED = "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
SCHEDULED = "## 2026-11-22 09:20 UTC scheduled\n\nYou cannot pay.\n"


@pytest.mark.parametrize(
    ("front", "updates", "now", "said", "unsaid"),
    [
        (PLANNED, SCHEDULED, "2026-11-23 09:00", "Planned work from 02:00 to 04:00 GMT on 26 Nov 2026", "ours"),
        (PLANNED, SCHEDULED, "2026-11-26 03:00", "This is planned work, until 26 Nov 2026, 04:00 GMT.", "ours"),
        (PLANNED, SCHEDULED, "2026-11-26 05:00", "we have not confirmed yet that it is done", "over"),
        (
            PLANNED,
            SCHEDULED + "\n## 2026-11-23 09:00 UTC completed\n\nCalled off.\n",
            "2026-11-26 05:00",
            "have called it off",
            "lasted",
        ),
        (
            PLANNED.replace("26 04", "27 04"),
            SCHEDULED,
            "2026-11-23 09:00",
            "Planned work from 26 Nov 2026, 02:00 GMT to 27 Nov 2026, 04:00 GMT",
            "ours",
        ),
        (FRONT, OPEN, "2026-11-22 10:30", "We promised to say more by 22 Nov 2026, 10:00 GMT and are late", "We say"),
        (
            FRONT,
            OPEN + "\n## 2026-11-22 10:20 UTC monitoring\n\nIt works.\n",
            "2026-11-22 10:30",
            "we have fixed this, and are watching it",
            "PayPal",
        ),
        (
            f"started: 2026-11-21 22:30 UTC\n{FRONT}",
            OPEN,
            "2026-11-22 09:30",
            "It began at 21 Nov 2026, 22:30 GMT, and we know of it since 22 Nov 2026, 09:20 GMT",
            "late",
        ),
        ("kind: notice\n", OPEN, "2026-11-22 09:30", "You cannot pay by card.", "ours"),
        (
            "kind: stock\n",
            OPEN + "\n## 2026-11-22 10:20 UTC resolved\nsettled: 3 of 5\n\nDone.\n",
            "2026-11-22 10:30",
            "we have closed this; 3 of 5 orders are made good",
            "that is over",
        ),
        (FRONT.replace("PayPal.", "PayPal"), OPEN, "2026-11-22 09:30", "You can pay with PayPal.", "PayPal\n"),
    ],
)
def test_support_says_where_it_stands(
    project: Path, front: str, updates: str, now: str, said: str, unsaid: str
) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(front, updates))
    reply = kit(project, now)["en"]["reply"]
    assert said in reply
    assert unsaid not in reply


def test_the_window_of_planned_work_is_filled_in(project: Path) -> None:
    text = incident_text(PLANNED, SCHEDULED, title="You cannot log in from {start} to {end}")
    (project / "incidents" / "2026-11-22-card.md").write_text(text)
    assert "You cannot log in from 26 Nov 2026, 02:00 GMT to" in kit(project, "2026-11-23 09:00")["en"]["phone"]


def test_what_is_not_translated_is_not_said_to_be_unknown(project: Path) -> None:
    german = "---\ntitle: Sie k\u00f6nnen nicht mit Karte bezahlen\n---\n"
    (project / "incidents" / "2026-11-22-card.de.md").write_text(german, encoding="utf-8")
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:30", cwd=project)
    assert "Sagen, was geht (noch nicht übersetzt): You can pay with PayPal." in done.stdout
    assert "Not translated in de: works, money." in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (incident_text("draft: true\n", OPEN), "is a draft, so nobody can read it yet"),
        (incident_text(FRONT, OPEN.replace("by card.", "by [CAUSE].")), "MC602"),
    ],
)
def test_support_does_not_say_what_nobody_can_read(project: Path, text: str, message: str) -> None:
    (project / "incidents" / "2026-11-22-card.md").write_text(text)
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:30", cwd=project)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("template", ["{{ nobody }}", "{% if %}", "{% include 'en/none.txt.j2' %}"])
def test_a_template_that_is_wrong_is_named(project: Path, template: str) -> None:
    own = project / "site_templates" / "kit" / "en"
    own.mkdir(parents=True)
    (own / "post.txt.j2").write_text(template)
    done = meaculpa("kit", "card", "--now", "2026-11-22 09:30", cwd=project)
    assert (done.returncode, "site_templates/kit/en/post.txt.j2" in done.stderr) == (1, True), done.stderr
