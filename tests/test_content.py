"""Incident files that are right, however they are written."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meaculpa.content import parse
from meaculpa.model import ComponentStatus, Impact, Kind, Settled, Status, Surface
from tests.making import a_config, a_source, an_incident, at, incident_text


@pytest.mark.parametrize(
    "heading",
    [
        "## 2026-11-22 09:20 investigating",
        "## 2026-11-22 09:20 UTC investigating",
        "## 2026-11-22 09:20 UTC · Investigating",
        "## 2026-11-22T09:20Z - INVESTIGATING",
        "## 2026-11-22 09:20 Europe/London: investigating",
        "## 2026-11-22  09:20 — investigating ##",
        "##2026-11-22 10:20+01:00 – investigating",
        "## 2026-11-22 10:20 Europe/Berlin investigating",
    ],
)
def test_a_heading_is_read_in_every_spelling(heading: str) -> None:
    update = an_incident(updates=f"{heading}\n\nYou cannot pay.\n").updates[0]
    assert (update.at, update.status, update.body) == (
        at("2026-11-22 09:20"),
        Status.INVESTIGATING,
        "You cannot pay.",
    )


@pytest.mark.parametrize("words", ["in_progress", "in progress", "In Progress", "IN-PROGRESS"])
def test_a_status_of_two_words_is_read_in_every_spelling(words: str) -> None:
    window = "kind: maintenance\nstarts: 2026-11-22 02:00\nends: 2026-11-22 04:00\n"
    assert an_incident(window, f"## 2026-11-22 02:00 {words}\n").updates[0].status is Status.IN_PROGRESS


def test_facts_stand_until_the_first_empty_line() -> None:
    update = an_incident(
        updates="## 2026-11-22 09:20 identified\nnext_update: 2026-11-22 10:00\nback_at: 2026-11-22 11:00\n"
        "settled: 290 of 340\ncheckout: degraded performance\n\nnote: this is text.\n"
    ).updates[0]
    assert update.next_update == at("2026-11-22 10:00")
    assert update.back_at == at("2026-11-22 11:00")
    assert update.settled == Settled(290, 340)
    assert update.components == {"checkout": ComponentStatus.DEGRADED_PERFORMANCE}
    assert update.body == "note: this is text."


def test_text_may_stand_directly_under_the_heading() -> None:
    assert (
        an_incident(updates="## 2026-11-22 09:20 investigating\nYou cannot pay.\n").updates[0].body
        == "You cannot pay."
    )


@pytest.mark.parametrize("newest_on_top", [False, True])
def test_updates_are_sorted_and_those_of_one_minute_keep_their_order(newest_on_top: bool) -> None:
    said = [("09:20", "investigating", "a"), ("09:20", "identified", "b"), ("10:00", "resolved", "c")]
    blocks = [f"## 2026-11-22 {clock} {status}\n\n{text}\n\n" for clock, status, text in said]
    incident = an_incident(updates="".join(reversed(blocks) if newest_on_top else blocks))
    assert [update.body for update in incident.updates] == ["a", "b", "c"]


@given(st.permutations(list(range(5))))
def test_the_order_in_the_file_does_not_matter(order: list[int]) -> None:
    blocks = [f"## 2026-11-22 09:0{number} investigating\n\nUpdate {number}.\n\n" for number in range(5)]
    shuffled = an_incident(updates="".join(blocks[number] for number in order))
    assert [update.body for update in shuffled.updates] == [f"Update {number}." for number in range(5)]


def test_a_heading_inside_a_code_block_is_no_update() -> None:
    incident = an_incident(
        updates="## 2026-11-22 09:20 investigating\n\n```\n## not a heading\n```\n\n~~~ text\n## nor this\n~~~\n"
    )
    assert len(incident.updates) == 1
    assert "## nor this" in incident.updates[0].body


def test_a_rule_in_the_body_does_not_end_anything() -> None:
    body = an_incident(updates="## 2026-11-22 09:20 investigating\n\none\n\n---\n\ntwo\n").updates[0].body
    assert body == "one\n\n---\n\ntwo"


@pytest.mark.parametrize("change", [lambda b: b.replace(b"\n", b"\r\n"), lambda b: b"\xef\xbb\xbf" + b])
def test_line_ends_and_a_byte_order_mark_do_not_matter(change: Callable[[bytes], bytes]) -> None:
    plain = incident_text("summary: Card payments fail.\n").encode()
    content = parse([a_source("incidents/card-payments.md", change(plain))], a_config())
    assert content.problems == ()
    assert content.incidents[0].summary == "Card payments fail."
    assert content.incidents[0].updates[0].body == "You cannot pay by card."


@pytest.mark.parametrize(
    ("front", "impact", "show"),
    [
        ("impact: none\n", Impact.NONE, Surface.PAGE),
        ("impact: minor\n", Impact.MINOR, Surface.PAGE),
        ("impact: major\n", Impact.MAJOR, Surface.BANNER),
        ("impact: Critical\n", Impact.CRITICAL, Surface.SPLASH),
        ("impact: critical\nshow: page\n", Impact.CRITICAL, Surface.PAGE),
        ("kind: notice\n", Impact.NONE, Surface.PAGE),
    ],
)
def test_the_surface_follows_from_the_impact_unless_it_is_given(front: str, impact: Impact, show: Surface) -> None:
    incident = an_incident(front)
    assert (incident.impact, incident.show) == (impact, show)


def test_scalars_stay_what_was_written() -> None:
    incident = an_incident('kind: orders\nworks: "10:30"\nmoney: off\n')
    assert (incident.kind, incident.works, incident.money) == (Kind.ORDERS, "10:30", "off")


def test_an_incident_begins_when_customers_first_felt_it() -> None:
    assert an_incident("started: 2026-11-22 09:05\n").started == at("2026-11-22 09:05")
    assert an_incident().started == at("2026-11-22 09:20")


def test_a_translation_is_matched_by_time_and_status() -> None:
    german = "---\ntitle: Keine Kartenzahlung\n---\n\n## 2026-11-22 09:20 investigating\n\nSie können nicht zahlen.\n"
    translation = an_incident(de=german).translations["de"]
    assert (translation.title, translation.summary) == ("Keine Kartenzahlung", None)
    assert translation.bodies == ("Sie können nicht zahlen.",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("card-payments.fr.md", "", '"fr" is not a language of this site'),
        ("card-payments.en.md", "", '"en" is the language incidents are written in first'),
        ("other.de.md", "---\n---\n", "a translation of an incident that is not there"),
        ("card-payments.de.md", "---\n---\n\n## 2026-11-22 09:21 investigating\n", "the original has no update of"),
        ("card-payments.de.md", "---\n---\n\n## 2026-11-22 09:20 resolved\n", 'the status is "resolved" here'),
        ("card-payments.de.md", "---\nimpact: none\n---\n", 'unknown key "impact"'),
        (
            "card-payments.de.md",
            "---\n---\n\n## 2026-11-22 09:20 investigating\ncheckout: operational\n\nText\n",
            "facts do not stand in a translation",
        ),
        (
            "card-payments.de.md",
            "---\n---\n\n## 2026-11-22 09:20 investigating\n\na\n\n## 2026-11-22 09:20 investigating\n\nb\n",
            "this update is translated a second time",
        ),
    ],
)
def test_a_mistake_in_a_translation_is_told(name: str, text: str, message: str) -> None:
    sources = [a_source("incidents/card-payments.md", incident_text()), a_source(f"incidents/{name}", text)]
    told = [str(problem) for problem in parse(sources, a_config()).problems]
    assert any(message in problem for problem in told), told


@pytest.mark.parametrize("newest_on_top", [False, True])
def test_two_updates_of_one_minute_have_each_its_own_translation(newest_on_top: bool) -> None:
    def text(words: list[str]) -> str:
        said = [("09:20", words[0]), ("09:20", words[1]), ("10:00", words[2])]
        blocks = [f"## 2026-11-22 {clock} investigating\n\n{one}\n\n" for clock, one in said]
        return "".join(reversed(blocks) if newest_on_top else blocks)

    german = "---\n---\n\n" + text(["eins", "zwei", "drei"])
    incident = an_incident(updates=text(["one", "two", "three"]), de=german)
    assert [update.body for update in incident.updates] == ["one", "two", "three"]
    assert incident.translations["de"].bodies == ("eins", "zwei", "drei")


def test_a_broken_translation_takes_nothing_from_the_original() -> None:
    sources = [a_source("incidents/a.md", incident_text()), a_source("incidents/a.de.md", "broken")]
    content = parse(sources, a_config())
    assert [incident.id for incident in content.incidents] == ["a"]
    assert content.incidents[0].translations == {}
    assert [problem.path for problem in content.problems] == ["incidents/a.de.md"]


def test_two_files_for_one_incident_are_a_mistake() -> None:
    sources = [a_source(f"incidents/{folder}/a.md", incident_text()) for folder in ("2025", "2026")]
    content = parse(sources, a_config())
    assert [problem.message for problem in content.problems] == [
        "a second file for the same incident; the first is incidents/2025/a.md"
    ]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_told(junk: bytes) -> None:
    content = parse([a_source("incidents/a.md", junk)], a_config())
    assert content.problems or content.incidents


@given(st.text(max_size=300))
def test_any_text_in_any_place_is_read_or_told(junk: str) -> None:
    text = incident_text(f"works: {junk}\n", f"## 2026-11-22 09:20 investigating\n{junk}\n")
    content = parse([a_source("incidents/a.md", text)], a_config())
    assert content.problems or content.incidents
