"""Words that are ready before the night: every kind, every language, every status, and the questions at a "
"terminal."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from meaculpa.errors import Severity
from meaculpa.lint.pages import inspect_pages
from meaculpa.lint.people import NOBODY
from meaculpa.model import Kind, Status
from meaculpa.project import read_scaffold
from meaculpa.render.playbook import first_status, ready_text
from tests.making import CONFIG, a_config, a_source, an_incident, at, incident_text, write_project
from tests.terminal import at_a_terminal
from tests.test_cli import meaculpa

BEGAN = at("2026-11-22 09:05")
FACTS = {
    "en": {"title": "You cannot pay by card", "works": "You can pay with PayPal.", "money": "We charged no card."},
    "de": {
        "title": "Sie können nicht mit Karte bezahlen",
        "works": "Sie können mit PayPal bezahlen.",
        "money": "Wir haben keine Karte belastet.",
    },
}
SECTIONS = {Kind.MAINTENANCE: ("scheduled", "in_progress", "completed", "called_off")}
OF_INCIDENTS = ("investigating", "identified", "monitoring", "resolved")


def sections(kind: Kind) -> tuple[str, ...]:
    return SECTIONS.get(kind, ("investigating", "resolved") if kind is Kind.NOTICE else OF_INCIDENTS)


def ready(kind: Kind, locale: str, section: str, **more: object) -> str | None:
    facts = {
        **FACTS[locale],
        "started": BEGAN,
        "known": BEGAN,
        "is_critical": True,
        "starts": BEGAN,
        "ends": BEGAN + timedelta(hours=2),
        "began": BEGAN,
        "ended": BEGAN + timedelta(hours=2),
        "same_day": True,
    }
    return ready_text(read_scaffold("playbooks"), kind, locale, section, facts | more)


ALL = [
    (kind, locale, section) for kind, locale in itertools.product(Kind, ("en", "de")) for section in sections(kind)
]


@pytest.mark.parametrize(("kind", "locale", "section"), ALL)
@pytest.mark.parametrize("is_bare", [False, True])
def test_every_text_that_is_ready_is_honest(kind: Kind, locale: str, section: str, *, is_bare: bool) -> None:
    """With nothing but a title it says less, and nothing wrong; only gaps that block are left to be filled."""
    bare = {"works": None, "money": None, "started": None} if is_bare else {}
    text = ready(kind, locale, section, **bare)
    assert text
    assert "None" not in text
    status = "scheduled" if section == "called_off" else section
    window = "starts: 2026-11-22 09:05 UTC\nends: 2026-11-22 11:05 UTC\n" if kind is Kind.MAINTENANCE else ""
    impact = "" if kind is Kind.MAINTENANCE else "impact: none\n" if kind is Kind.NOTICE else "impact: critical\n"
    promise = "next_update: 2026-11-22 09:40 UTC\n" if status in OF_INCIDENTS[:3] else ""
    body = f"## 2026-11-22 09:20 UTC {status}\n{promise}\n{text}\n"
    front = f"kind: {kind}\n{impact}{window}works: x\nmoney: x\n"
    config = a_config(CONFIG.replace(b"[en, de]", f"[{locale}]".encode()))
    incident = an_incident(front, body)
    found = inspect_pages(
        incident, {incident.path: a_source(incident.path, incident_text(front, body))}, config, NOBODY
    )
    told = [one for one in found if one.line > 8 and one.rule != "MC602"]
    assert [one for one in told if one.severity is Severity.ERROR] == [], text
    assert told == [], text
    has_gap = any(one.rule == "MC602" for one in found)
    assert has_gap <= (section in ("identified", "monitoring")), "what is certain needs nobody"


@pytest.mark.parametrize(("kind", "locale", "section"), ALL)
def test_a_ready_text_holds_the_facts(kind: Kind, locale: str, section: str) -> None:
    text = ready(kind, locale, section) or ""
    if section == str(first_status(kind)):
        assert all(fact in text for fact in FACTS[locale].values())
    if section in ("resolved", "completed") and kind in (Kind.OUTAGE, Kind.MAINTENANCE):
        assert "09:05 UTC" in text
        assert "11:05 UTC" in text


def test_a_language_without_a_playbook_takes_the_wider_one_then_english() -> None:
    assert ready_text({"notice.en.md": b"x"}, Kind.NOTICE, "de-AT", "investigating", {}) == "x"
    books = {"notice.en.md": b"x", "notice.de.md": b"y"}
    assert ready_text(books, Kind.NOTICE, "de-AT", "investigating", {}) == "y"


def test_a_playbook_without_headings_is_the_first_message_alone() -> None:
    books = {"outage.en.md": b"{{ title }}."}
    assert ready_text(books, Kind.OUTAGE, "en", "investigating", {"title": "T"}) == "T."
    assert ready_text(books, Kind.OUTAGE, "en", str(Status.RESOLVED), {"title": "T"}) is None


# ---- At a terminal

NOW, LATER = ("--now", "2026-11-22 09:20"), ("--now", "2026-11-22 09:40")
PROMISE = "next_update: 2026-11-22 10:00 UTC\n"
FRONT = "impact: critical\nworks: You can order by phone.\nmoney: We charged no card.\n"
# An editor that changes nothing but the file's time would have saved nothing.
SAVE = 'echo >> "$1"'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def the_file(project: Path) -> str:
    (path,) = (project / "incidents").glob("*.md")
    return path.read_text(encoding="utf-8")


def test_new_asks_for_what_customers_ask_first(project: Path) -> None:
    typed = "You cannot pay by card\ncritical\n2 3\n09:05 UTC\nYou can order by phone.\nWe charged no card.\n"
    save = 'sed -i "s/at work on it/at work on it now/" "$1"'
    code, screen = at_a_terminal(project, "new", "--now", "2026-11-22 09:20", typed=typed, editor=save)
    assert code == 0, screen
    text = the_file(project)
    assert 'title: You cannot pay by card\nimpact: critical\nstarted: "2026-11-22 09:05 UTC"\n' in text
    assert "components:\n  checkout: major_outage\n  payments: major_outage\n" in text
    assert "next_update: 2026-11-22 09:50 UTC\n" in text
    assert "It began at 09:05 GMT on 22 November 2026. The failure is ours, and we are at work on it now." in text
    assert "You can order by phone.\n\nWe charged no card." in text
    assert "MC" not in screen, "what is ready is right by default"
    assert meaculpa("check", "--strict", "--now", "2026-11-22 09:21", cwd=project).returncode == 0


def test_a_wrong_answer_is_asked_again_and_an_empty_one_leaves_it_out(project: Path) -> None:
    typed = "You cannot search\nawful\nminor\n9\n1\nyesterday\n\n\n\n"
    code, screen = at_a_terminal(
        project, "new", "--now", "2026-11-22 09:20", typed=typed, editor='touch "$1"; echo >> "$1"'
    )
    assert code == 0, screen
    assert "These are numbers from 1 to 3." in screen
    text = the_file(project)
    assert "storefront: degraded_performance" in text
    assert "works:" not in text
    assert "We have known of it since 09:20 GMT on 22 November 2026." in text


def test_maintenance_asks_for_its_window_and_orders_for_no_impact(project: Path) -> None:
    typed = "\n2026-11-26 02:00\n2026-11-26 01:00\n2026-11-26 04:00\nYou can order all the time.\n"
    edit = 'echo >> "$1"'
    facts = ("--kind", "maintenance", "--now", "2026-11-22 09:20")
    code, screen = at_a_terminal(project, "new", "You cannot check out", *facts, typed=typed, editor=edit)
    assert code == 0, screen
    assert 'starts: "2026-11-26 02:00 UTC"' in the_file(project)
    assert "Planned work needs its window." in screen
    assert "It ends after it begins." in screen
    next(iter((project / "incidents").glob("*.md"))).unlink()
    code, screen = at_a_terminal(
        project,
        "new",
        "Your throws are late",
        "--kind",
        "orders",
        typed="\n\nNothing is charged.\nWe forgot.\n",
        editor=edit,
    )
    assert (code, "How bad" in screen, "Which parts" in screen) == (0, False, False)


def test_what_is_given_is_not_asked_for(project: Path) -> None:
    given = (
        "--impact",
        "major",
        "--component",
        "checkout=major_outage",
        "--started",
        "09:00",
        "--works",
        "a",
        "--money",
        "b",
    )
    code, screen = at_a_terminal(
        project, "new", "You cannot pay", *given, "--now", "2026-11-22 09:20", editor='echo >> "$1"'
    )
    assert (code, "?" in screen) == (0, False), screen


def opened(project: Path, *statuses: str) -> None:
    updates = "\n\n".join(
        f"## 2026-11-22 09:{20 + number} UTC {status}\nnext_update: 2026-11-22 10:00 UTC\n\nYou cannot pay "
        f"({number})."
        for number, status in enumerate(statuses)
    )
    (project / "incidents" / "2026-11-22-card.md").write_text(incident_text(FRONT, updates + "\n"))


@pytest.mark.parametrize(
    ("statuses", "proposed"),
    [
        (("investigating",), "identified"),
        (("investigating", "identified"), "monitoring"),
        (("investigating", "identified", "monitoring"), "resolved"),
    ],
)
def test_update_proposes_the_next_status_and_promises_the_next_update(
    project: Path, statuses: tuple[str, ...], proposed: str
) -> None:
    opened(project, *statuses)
    fill = 'sed -i "s/\\[CAUSE\\]/we changed a setting/; s/\\[DETAILS\\]/put it back/" "$1"; echo >> "$1"'
    code, screen = at_a_terminal(project, "update", "card", "--now", "2026-11-22 09:40", typed="\n", editor=fill)
    assert code == 0, screen
    assert f"[{proposed}]" in screen
    text = the_file(project)
    assert f"## 2026-11-22 09:40 UTC {proposed}\n" in text
    assert ("next_update: 2026-11-22 10:10 UTC" in text) is (proposed != "resolved")
    assert meaculpa("check", "--now", "2026-11-22 09:41", cwd=project).returncode == 0


def test_a_gap_that_is_left_is_told_and_keeps_the_page_from_going_out(project: Path) -> None:
    opened(project, "investigating")
    code, screen = at_a_terminal(
        project, "update", "card", "identified", "--now", "2026-11-22 09:40", editor='echo >> "$1"'
    )
    assert (code, "MC602" in screen, "keeps it off the site" in screen) == (0, True, True), screen
    assert meaculpa("publish", "--now", "2026-11-22 09:41", cwd=project).returncode == 1


def test_without_a_terminal_the_next_status_is_named_and_nothing_is_guessed(project: Path) -> None:
    opened(project, "investigating")
    done = meaculpa("update", "card", "-m", "x", cwd=project)
    assert (done.returncode, "next would be: meaculpa update 2026-11-22-card identified" in done.stderr) == (2, True)


def test_resolve_speaks_the_shops_language(project: Path) -> None:
    (project / "meaculpa.yml").write_bytes(CONFIG.replace(b"[en, de]", b"[de]"))
    front = "impact: minor\n"
    update = "## 2026-11-22 09:20 UTC investigating\n\nSie können nicht suchen.\n"
    (project / "incidents" / "2026-11-22-suche.md").write_text(
        incident_text(front, update, "Sie können nicht suchen")
    )
    assert meaculpa("resolve", "suche", "--now", "2026-11-22 10:20", cwd=project).returncode == 0
    assert (
        "Sie können nicht suchen: das ist vorbei. Es dauerte vom 22. Nov. 2026, 09:20 GMT bis 10:20 GMT, 1 Stunde."
        in the_file(project)
    )


def test_an_editor_that_saves_another_encoding_loses_no_words(project: Path) -> None:
    opened(project, "investigating")
    editor = r'printf "You cannot pay, and we know why: the caf\351 changed it.\n" > "$1"'
    code, screen = at_a_terminal(project, "update", "card", "identified", *LATER, editor=editor)
    assert code == 0, screen
    assert "the café changed it." in the_file(project)


@pytest.mark.parametrize("editor", ['rm "$1"', "true", 'printf "" > "$1"'])
def test_an_editor_that_saves_nothing_changes_nothing(project: Path, editor: str) -> None:
    opened(project, "investigating")
    before = the_file(project)
    code, screen = at_a_terminal(project, "update", "card", "identified", *LATER, editor=editor)
    assert (code, "Nothing was written, so nothing was changed." in screen) == (0, True), screen
    assert the_file(project) == before


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        # A title that is too long, then one that is not.
        ("x" * 130 + "\nYou cannot pay by card\nmajor\n\n\n\n\n", "at most 120"),
        ("You cannot pay by card\nmajor\n²\n3\n\n\n\n", "These are numbers from 1 to 3."),
        ("You cannot pay by card\nmajor\n\n23:50\n2026-11-21 23:50\n\n\n", "For yesterday: 2026-11-21 23:50"),
        ("You cannot pay by card\nmajor\n\n\nYou can <!-- pay\nYou can pay\n\n", "That is not possible: "),
    ],
)
def test_an_answer_that_makes_no_file_is_refused_at_its_question(project: Path, typed: str, told: str) -> None:
    code, screen = at_a_terminal(project, "new", *NOW, typed=typed, editor='echo >> "$1"')
    assert code == 0, screen
    assert told in screen
    assert "title: You cannot pay by card" in the_file(project)


def test_an_editor_that_does_not_work_loses_no_answer(project: Path) -> None:
    typed = "You cannot pay by card\nmajor\n\n\nYou can pay with PayPal.\n\n"
    code, screen = at_a_terminal(project, "new", *NOW, typed=typed, editor="exit 3")
    assert (code, "Your text is kept in" in screen) == (1, True), screen
    (kept,) = (project / ".meaculpa").glob("unsent-*.md")
    assert "You can pay with PayPal." in kept.read_text(encoding="utf-8")


def test_times_in_texts_are_by_the_shops_clock(project: Path) -> None:
    config = (project / "meaculpa.yml").read_bytes().replace(b"Europe/London", b"Europe/Berlin")
    (project / "meaculpa.yml").write_bytes(config)
    done = meaculpa("new", "You cannot pay", "--started", "2026-11-22 00:30", *NOW, cwd=project)
    text = (project / done.stdout.strip()).read_text(encoding="utf-8")
    assert "It began at 00:30 CET on 22 November 2026." in text
    assert 'started: "2026-11-21 23:30 UTC"' in text


def test_work_over_two_days_is_one_stretch() -> None:
    ends = {"starts": at("2026-11-26 02:00"), "ends": at("2026-11-27 04:00")}
    text = ready(Kind.MAINTENANCE, "en", "scheduled", **ends)
    assert text and "from 26 Nov 2026, 02:00 UTC to 27 Nov 2026, 04:00 UTC" in text


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (("--started", "09:05"), "You cannot pay by card\nmajor\n\n\n\n", "started:"),
        (
            ("You cannot order", "--kind", "maintenance", "--starts", "2026-11-26 02:00"),
            "2026-11-26 04:00\n\n",
            'ends: "2026-11-26 04:00 UTC"',
        ),
        (
            ("You cannot order", "--kind", "maintenance", "--ends", "2026-11-26 04:00"),
            "2026-11-26 02:00\n\n",
            'starts: "2026-11-26 02:00 UTC"',
        ),
        (
            ("You could not order", "--kind", "maintenance", "--ends", "2026-11-22 08:00"),
            "2026-11-22 06:00\n\n",
            'ends: "2026-11-22 08:00 UTC"',
        ),
    ],
)
def test_what_is_given_is_not_asked_for_and_stands_in_nobodys_way(
    project: Path, arguments: tuple[str, ...], typed: str, told: str
) -> None:
    code, screen = at_a_terminal(project, "new", *arguments, *NOW, typed=typed, editor=SAVE)
    assert code == 0, screen
    assert told in the_file(project)
