"""The rules for pages: facts, places in files, what blocks, what is taken back, and what the commands make of it."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from meaculpa.config import Config
from meaculpa.errors import Problem, Severity
from meaculpa.lint.pages import inspect_pages
from meaculpa.lint.passages import passages
from meaculpa.lint.people import NOBODY, People, name_key
from meaculpa.lint.personal import find_personal
from meaculpa.lint.phrases import MOST_HITS, compiled, find_phrases
from meaculpa.lint.prose import read_prose, sentences
from meaculpa.lint.rules import BLOCKING, MEANINGS, Rule, is_blocking
from meaculpa.lint.texts import LANGUAGES
from meaculpa.model import Incident, Source
from tests.making import CONFIG, a_config, a_source, an_incident, incident_text, write_project
from tests.test_cli import meaculpa
from tests.test_customers import orders
from tests.test_phrases import examples

NOW = "2026-11-22 09:30"
PROMISE = "next_update: 2026-11-22 09:45 UTC\n"
PATH = "incidents/card-payments.md"
HEAD = "## 2026-11-22 09:20 UTC investigating"


def updates(*texts: str, status: str = "investigating", facts: str = PROMISE) -> str:
    heads = [f"## 2026-11-22 09:{20 + number} UTC {status}\n{facts}\n" for number in range(len(texts))]
    return "\n".join(f"{head}{text}\n" for head, text in zip(heads, texts, strict=True))


def sources(front: str, text: str, **translations: str) -> dict[str, Source]:
    found = [a_source(PATH, incident_text(front, text))]
    found += [a_source(f"incidents/card-payments.{locale}.md", one) for locale, one in translations.items()]
    return {source.path: source for source in found}


def inspect(
    front: str = "", text: str = "", config: Config | None = None, people: People = NOBODY, **translations: str
) -> tuple[Problem, ...]:
    incident = an_incident(front, text, **translations)
    return inspect_pages(incident, sources(front, text, **translations), config or a_config(), people)


def rules(front: str = "", text: str = "", config: Config | None = None) -> list[str]:
    return [one.rule for one in inspect(front, text, config) if one.severity is not Severity.NOTE]


# ---- Every rule


def test_every_rule_is_explained_with_an_example_of_each_sort_and_its_source() -> None:
    assert set(MEANINGS) == set(Rule)
    for rule, meaning in MEANINGS.items():
        assert meaning.name == meaning.name.lower(), rule
        assert len(meaning.why) > 60, rule
        assert meaning.bad and meaning.good and meaning.source, rule


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_explains_itself(rule: Rule) -> None:
    done = meaculpa("check", "--explain", str(rule).lower())
    assert done.returncode == 0
    assert done.stdout.startswith(f"{rule} {MEANINGS[rule].name}")


def test_a_rule_that_does_not_exist_is_not_explained() -> None:
    done = meaculpa("check", "--explain", "MC999")
    assert (done.returncode, "there is no rule MC999" in done.stderr) == (2, True)


def test_what_a_phrase_needs_hides_none_of_its_matches() -> None:
    """The quick look for words, without which no phrase can match, is only quick."""
    for locale, _, sentence in [*examples("bad"), *examples("good")]:
        language, text = LANGUAGES[locale], read_prose(sentence).text
        slow = replace(language, phrases=tuple(replace(one, needs=("",)) for one in language.phrases))
        cut = sentences(text)
        assert list(find_phrases(text, cut, language)) == list(find_phrases(text, cut, slow)), sentence


# ---- Facts


@pytest.mark.parametrize(
    ("front", "text", "found"),
    [
        ("impact: critical\nworks: x\nmoney: x\n", updates("You cannot pay.", facts=""), ["MC001"]),
        ("impact: critical\nworks: x\nmoney: x\n", updates("You cannot pay."), []),
        (
            "impact: critical\nworks: x\nmoney: x\n",
            updates("You cannot pay.", facts="next_update: 2026-11-22 09:51 UTC\n"),
            ["MC001"],
        ),
        ("impact: major\n", updates("You cannot pay.", facts="next_update: 2026-11-22 10:20 UTC\n"), []),
        ("impact: major\n", updates("You cannot pay.", facts="next_update: 2026-11-22 10:21 UTC\n"), ["MC001"]),
        # Two hours later twice the time is fair.
        (
            "impact: major\nstarted: 2026-11-22 07:20 UTC\n",
            updates("You cannot pay.", facts="next_update: 2026-11-22 11:20 UTC\n"),
            [],
        ),
        ("impact: minor\n", updates("You cannot search.", facts="next_update: 2026-11-22 13:20 UTC\n"), []),
        ("impact: minor\n", updates("You cannot search.", facts="next_update: 2026-11-22 13:21 UTC\n"), ["MC001"]),
        ("impact: none\n", updates("You see an old price.", facts=""), []),
        (
            "kind: stock\nmoney: x\n",
            updates("You bought what we do not have.", facts="next_update: 2026-11-23 09:20 UTC\n"),
            [],
        ),
        ("kind: stock\nmoney: x\n", updates("You bought what we do not have.", facts=""), ["MC001"]),
        ("kind: notice\nimpact: none\n", updates("You find us in a new place.", facts=""), []),
    ],
)
def test_an_open_incident_names_its_next_update_in_time(front: str, text: str, found: list[str]) -> None:
    assert rules(front, text) == found


def test_only_the_newest_update_of_an_open_incident_is_held_to_its_promise() -> None:
    text = "## 2026-11-22 09:00 UTC investigating\n\nYou cannot pay.\n\n" + updates("You still cannot pay by card.")
    assert rules("impact: major\n", text) == []


@pytest.mark.parametrize(
    ("front", "body", "found"),
    [
        ("impact: critical\n", "You cannot order.", ["MC004", "MC004"]),
        ("impact: critical\nworks: You can order by phone.\n", "You cannot order.", ["MC004"]),
        ("impact: critical\n", "You cannot order. You can still pay by phone. We charged no card.", []),
        ("impact: critical\n", "You cannot order. PayPal still works.", ["MC004"]),
        ("impact: major\n", "You cannot pay.", []),
        ("kind: pricing\n", "You saw a wrong price on 20 November.", []),
        ("kind: orders\n", "Your parcel is late.", ["MC004"]),
        ("kind: orders\n", "Your parcel is late. You get £50 back.", []),
    ],
)
def test_money_and_what_works_are_said(front: str, body: str, found: list[str]) -> None:
    assert rules(front, updates(body)) == found


@pytest.mark.parametrize(
    ("front", "body", "found"),
    [
        ("", "This incident has been resolved.", ["MC005"]),
        ("", "You can pay by card again.", ["MC005"]),
        ("", "You could not pay from 09:05 to 10:55 UTC.", []),
        ("", "You could not pay for 47 minutes on 22 November.", []),
        ("", "You could not pay from 20 November to 22 November.", []),
        ("kind: orders\nmoney: x\n", "All 340 parcels have left us.", []),
        ("kind: orders\nmoney: x\n", "This issue has been resolved.", ["MC005"]),
    ],
)
def test_what_is_over_says_from_when_to_when(front: str, body: str, found: list[str]) -> None:
    front = front or "impact: minor\n"
    assert rules(front, updates(body, status="resolved", facts="")) == found


def test_an_update_that_says_nothing_new_is_found() -> None:
    same = "You cannot pay by card since 09:05 UTC. We are looking for the cause."
    assert rules("impact: major\n", updates(same, same)) == ["MC603"]
    assert rules("impact: major\n", updates(same, f"{same} It is not our bank.")) == []
    stock = updates("You cannot pay by card.", "We are continuing to investigate this issue.")
    assert rules("impact: major\n", stock) == ["MC603"]


def test_the_first_words_are_for_the_reader() -> None:
    assert rules("impact: major\n", updates("We are seeing elevated errors.")) == ["MC003", "MC502"]
    assert rules("impact: major\n", updates("You cannot pay.", "We have found the cause.")) == []
    assert rules("impact: major\n", updates("Elevated levels of failure.", status="monitoring")) == []


def test_jargon_is_fine_in_a_postmortem_and_where_customers_speak_it() -> None:
    text = "Our DNS and our API failed from 09:05 to 10:55 UTC."
    assert rules("impact: minor\n", updates(text, status="resolved", facts="")) == ["MC502", "MC502"]
    over = updates("You could not pay from 09:05 to 10:55 UTC.", status="resolved", facts="")
    after = f"{over}\n## 2026-11-23 09:00 UTC postmortem\n\n{text}\n"
    assert rules("impact: minor\n", after) == []
    config = a_config(CONFIG + b"lint: {allow: [api]}\n")
    assert rules("impact: minor\n", updates(text, status="resolved", facts=""), config=config) == ["MC502"]


# ---- What works when the shop is down


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("You can pay at https://www.northwind.example/pay.", True),
        ("You can pay at [our shop](//northwind.example).", True),
        ("You find it at www.northwind.example.", True),
        ("You find it at northwind.example/help.", True),
        ("You bought it from northwind.example, and it is late.", False),
        ("You find it at https://help.northwind.example/a.", False),
        ("You find it at https://northwind.example.org/a.", False),
        ("You can write to help@northwind.example.", False),
        ("Log in to confirm your order.", True),
        ("Use the contact form on our website.", True),
        ("You cannot log in to see your orders.", False),
    ],
)
def test_nothing_leads_to_the_shop_itself(body: str, *, is_found: bool) -> None:
    assert ("MC011" in rules("impact: minor\n", updates(body))) is is_found


def test_when_it_works_again_the_shop_may_be_named() -> None:
    body = "You could not pay from 09:05 to 10:55 UTC. Your basket waits at https://www.northwind.example/basket."
    assert rules("impact: minor\n", updates(body, status="resolved", facts="")) == []


def test_a_banner_holds_one_link_at_most() -> None:
    front = "impact: major\nsummary: See https://a.example and https://b.example\n"
    assert "MC802" in rules(front, updates("You cannot pay."))


# ---- Personal data

JANE = People(frozenset({"jane doe", "josé o'brien-smith"}), frozenset({"10432", "NW-1", "20261122"}))


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("Write to jane@doe.example.org.", True),
        ("Write to help@northwind.example.", False),
        ("Write to anna@status.northwind.example.", False),
        ("Card 4111 1111 1111 1111 was charged.", True),
        ("Card 4111-1111-1111-1111 was charged.", True),
        ("Card 4111 1111 1111 1112 was charged.", False),
        ("Call +44 800 555 0100 or 0800 5550100.", False),
        ("The parcel number is 00340434161094021501.", False),
        ("Jane Doe has her money back.", True),
        ("jane doe has her money back.", False),
        ("Jane Doe's order is late.", True),
        ("Jane Doe’s order is late.", True),
        ("Jane Does not know it.", False),
        ("Jane Doeʼs order is late.", True),
        ("José O‘Brien-Smith has his money back.", True),
        ("Jane Doers order is late.", False),
        ("José O'Brien-Smith has his money back.", True),
        ("Call Jane, Doe or anybody.", False),
        ("Jane has her money back, and so has Doe.", False),
        ("José O’Brien-Smith has his money back.", True),
        ("The order 10432 is late.", True),
        ("Order no. 10432 is late.", True),
        ("We sent 10432 parcels.", False),
        ("#10432 is late.", True),
        ("It concerns order NW-1.", True),
        ("It concerns 20261122.", True),
        ("You get orders 10432 to 10500 late.", False),
        ("The IBAN is DE44 4704 0044 0532 0010 06.", False),
        ("Card 4111.1111.1111.1111 was charged.", True),
        ("Write [us](mailto:jane@doe.example.org).", True),
        ("Write to `jane@doe.example.org`.", True),
        ("We sold 10433.", False),
    ],
)
def test_personal_data_are_found(body: str, *, is_found: bool) -> None:
    found = inspect("impact: minor\n", updates(f"You cannot pay. {body}"), people=JANE)
    assert ("MC702" in [one.rule for one in found]) is is_found
    assert all(is_blocking(one) for one in found if one.rule == "MC702")


def test_german_says_whose_it_is_without_an_apostrophe() -> None:
    people = People(frozenset({"jane doe", "li u"}), frozenset())
    for text, count in (("Jane Does Bestellung", 1), ("Jane Doers Bestellung", 0), ("Li Us Bestellung", 0)):
        assert len(list(find_personal(text, people, (), has_bare_genitive=True))) == count
        assert not list(find_personal(text, people, ()))


def test_a_name_is_its_words() -> None:
    assert name_key("  Jane   DOE ") == "jane doe"
    assert name_key("José O’Brien") == name_key("José O'Brien")


def test_the_names_come_from_plans_and_order_lists(tmp_path: Path) -> None:
    text = incident_text("impact: minor\n", updates("You waited, Jane Doe, and so did order 10432."))
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": text})
    assert "MC702" not in meaculpa("check", "--now", NOW, cwd=project).stdout
    orders(project, {"order_id": "10432", "email": "jane@example.com", "name": "Jane Doe"})
    done = meaculpa("publish", "--now", NOW, cwd=project)
    assert done.returncode == 1
    assert "2026-11-22-card.md:9:13: MC702" in done.stderr.replace("incidents/", "")
    assert "Jane" not in done.stderr
    assert not (project / "public" / "index.html").exists()


# ---- Places


def test_a_finding_names_its_line_and_column_whatever_marks_stand_before_it() -> None:
    text = updates(
        "You cannot *pay* ([why](https://a.example/b)).\n\n- It is fixed **shortly**.\n- You wait\n  for any "
        "inconvenience."
    )
    places = {one.rule: (one.line, one.column) for one in inspect("impact: major\n", text)}
    file = incident_text("impact: major\n", text).split("\n")
    for rule, word in (("MC401", "shortly"), ("MC101", "any inconvenience")):
        line, column = places[rule]
        assert file[line - 1][column - 1 :].startswith(word)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places_in_fields_and_translations(end: str) -> None:
    german = f"---\ntitle: Sie zahlen nicht\nworks: Wir melden uns in Kürze.\n---\n\n{HEAD}\n\nUps.\n"
    front = 'impact: major\nworks: "We are back soon."\n'
    text = updates("You cannot pay.")
    incident = an_incident(front, text, de=german)
    files = {
        path: a_source(path, one.content.decode().replace("\n", end))
        for path, one in sources(front, text, de=german).items()
    }
    found = {
        (one.path[-6:], one.rule): (one.line, one.column)
        for one in inspect_pages(incident, files, a_config(), NOBODY)
    }
    assert found["nts.md", "MC401"] == (4, 21)
    assert found[".de.md", "MC401"] == (3, 23)
    assert found[".de.md", "MC501"] == (8, 1)


def test_a_folded_field_is_told_at_its_line() -> None:
    (found,) = inspect("impact: major\nworks: >\n  We are back\n  soon.\n", updates("You cannot pay."))
    assert (found.rule, found.line, found.column) == ("MC401", 4, 0)


def test_a_language_without_rules_still_knows_gaps_and_personal_data() -> None:
    config = a_config(CONFIG.replace(b"locales: [en, de]", b"locales: [fr]"))
    text = updates("Vous ne pouvez pas payer any inconvenience [NAME] a@b.example.org")
    incident = an_incident("impact: major\n", text)
    found = inspect_pages(incident, sources("impact: major\n", text), config, NOBODY)
    assert {one.rule for one in found} == {"MC602", "MC702"}


# ---- What is taken back


def test_a_finding_is_taken_back_in_its_update_with_a_reason() -> None:
    one = "You cannot pay. It is fixed shortly.\n\n<!-- meaculpa-ignore MC401: our shop is called Shortly -->"
    found = inspect("impact: major\n", updates(one, "You will pay shortly, and we say so."))
    assert [(each.rule, each.severity) for each in found] == [("MC401", Severity.NOTE), ("MC401", Severity.ERROR)]
    assert found[0].hint == "taken back: our shop is called Shortly"


def test_in_the_front_matter_it_counts_for_the_whole_file() -> None:
    front = "impact: major\n# meaculpa-ignore MC401, MC505: our name\nworks: Back soon!\n"
    found = inspect(front, updates("You will pay shortly."))
    assert {each.severity for each in found} == {Severity.NOTE}
    assert {each.rule for each in found} == {"MC401", "MC505"}


@pytest.mark.parametrize("comment", ["<!-- meaculpa-ignore MC401 -->", "<!-- meaculpa-ignore MC401: -->"])
def test_without_a_reason_nothing_is_taken_back(comment: str) -> None:
    found = inspect("impact: major\n", updates(f"You will pay shortly.\n\n{comment}"))
    assert [str(one.severity) for one in found] == ["error", "error"]
    assert "taken back without a reason" in found[1].message


def test_a_rule_that_does_not_exist_is_told() -> None:
    (found,) = inspect("impact: major\n", updates("You cannot pay.\n\n<!-- meaculpa-ignore MC999: x -->"))
    assert (found.message, found.severity) == ("there is no rule MC999", Severity.WARNING)


# ---- What the commands make of it


def project_with(root: Path, body: str, front: str = "impact: minor\n") -> Path:
    return write_project(root / "shop", **{"2026-11-22-card": incident_text(front, updates(body))})


def test_only_gaps_and_personal_data_keep_a_page_from_going_out(tmp_path: Path) -> None:
    assert {Rule.PLACEHOLDER, Rule.PERSONAL_DATA} == BLOCKING
    project = project_with(tmp_path, "You will pay shortly. We apologise for any inconvenience!")
    done = meaculpa("publish", "--now", NOW, cwd=project)
    assert done.returncode == 0
    assert "MC401" in done.stderr
    assert "It goes out all the same." in done.stderr
    assert "shortly" in (project / "public" / "incidents" / "2026-11-22-card.html").read_text()
    project = project_with(tmp_path / "b", "You can pay at [TIME].")
    done = meaculpa("publish", "--now", NOW, cwd=project)
    assert (done.returncode, "MC602" in done.stderr) == (1, True)
    assert not (project / "public").exists()


def test_whoever_keeps_going_shows_the_last_good_version_of_what_has_a_gap(tmp_path: Path) -> None:
    project = project_with(tmp_path, "You cannot pay by card.")
    other = project / "incidents" / "2026-11-22-other.md"
    page = project / "public" / "incidents" / "2026-11-22-card.html"
    assert meaculpa("publish", "--now", NOW, cwd=project).returncode == 0
    path = project / "incidents" / "2026-11-22-card.md"
    path.write_text(path.read_text() + "\n## 2026-11-22 09:25 UTC identified\n\nThe cause: [CAUSE]. a@gmail.com\n")
    other.write_text(incident_text("impact: none\n", updates("You find us in Leith."), "You find us elsewhere"))
    done = meaculpa("publish", "--keep-going", "--now", NOW, cwd=project)
    assert (done.returncode, "MC602" in done.stderr, "MC702" in done.stderr) == (1, True, True)
    assert "You cannot pay by card." in page.read_text()
    for file in (one for one in (project / "public").rglob("*") if one.is_file()):
        assert b"[CAUSE]" not in file.read_bytes(), file
        assert b"gmail" not in file.read_bytes(), file
    assert (project / "public" / "incidents" / "2026-11-22-other.html").exists()


def test_a_gap_without_a_good_version_is_left_out(tmp_path: Path) -> None:
    project = project_with(tmp_path, "You cannot pay until [TIME].")
    done = meaculpa("publish", "--keep-going", "--now", NOW, cwd=project)
    assert (done.returncode, "there is no good version yet" in done.stderr) == (1, True)
    assert not (project / "public" / "incidents" / "2026-11-22-card.html").exists()


def test_what_prevents_it_is_public_too() -> None:
    front = "impact: minor\nprevention:\n  - {what: Ask bob@gmail.com, owner: Anna, due: 2026-12-01}\n"
    found = inspect(front, updates("You cannot pay."))
    assert [(one.rule, one.line, one.column) for one in found] == [("MC702", 5, 16)]


@pytest.mark.parametrize(
    "text",
    [
        *("next week " * 5900, "_" * 60_000, "a" * 60_000 + "@", "soon " * 11_000, "never again " * 4900),
        *("[your " * 10_000, "any inconvenience " * 3300, "due to our " * 5000, "sorry " * 10_000, "[a" * 20_000),
        *(
            "one of our a- " + "`" * 9000 + " an error " * 2000,
            "log in " * 9000,
            "4111 " * 12_000,
            "Jane Doe " * 7000,
        ),
    ],
    ids=lambda text: text[:16],
)
def test_the_most_that_a_file_can_hold_is_told_of_in_few_lines(text: str) -> None:
    """Whatever stands there: as many findings of one sort as somebody would read, and found without going astray."""
    found = inspect("impact: minor\n", updates(text[:60_000]), people=JANE)
    counts = Counter(one.rule for one in found)
    assert max(counts.values(), default=0) <= 3 * MOST_HITS


@pytest.mark.parametrize(
    "comment",
    [
        "meaculpa-ignore MC401: only text",
        "# meaculpa-ignore MC401: a heading",
        "`meaculpa-ignore MC401: code`",
        "<!-- meaculpa-ignore: MC401: x -->",
    ],
)
def test_only_a_comment_takes_a_rule_back(comment: str) -> None:
    found = inspect("impact: minor\n", updates(f"You will pay shortly.\n\n{comment}"))
    assert ("MC401", Severity.ERROR) in [(one.rule, one.severity) for one in found]
    is_meant = comment.startswith("<!--")
    assert any("takes no rule back" in one.message for one in found) is is_meant


@pytest.mark.parametrize("content", ['{"name": "a\\x b", "recipient": "1"}', "{", "\x00"])
def test_a_list_of_people_that_cannot_be_read_holds_nobody(tmp_path: Path, content: str) -> None:
    project = project_with(tmp_path, "You cannot pay by card.")
    plan = project / "private" / "plans" / "a"
    plan.mkdir(parents=True)
    (plan / "letters.jsonl").write_text(content)
    os.mkfifo(project / "private" / "o.csv")
    assert meaculpa("check", "--now", NOW, cwd=project).returncode == 0


def test_strict_publishes_nothing_that_is_found(tmp_path: Path) -> None:
    project = project_with(tmp_path, "You cannot pay by card today.")
    done = meaculpa("publish", "--strict", "--now", NOW, cwd=project)
    assert (done.returncode, "MC403" in done.stderr) == (1, True)
    assert "Nothing was published (--strict)" in done.stderr
    assert not (project / "public").exists()
    assert meaculpa("publish", "--now", NOW, cwd=project).returncode == 0


def test_check_fails_for_errors_and_strictly_for_warnings_but_never_for_being_late(tmp_path: Path) -> None:
    project = project_with(tmp_path, "You cannot pay by card today.")
    assert meaculpa("check", "--now", NOW, cwd=project).returncode == 0
    assert meaculpa("check", "--strict", "--now", NOW, cwd=project).returncode == 1
    late = project_with(tmp_path / "b", "You cannot pay by card.")
    done = meaculpa("check", "--strict", "--now", "2026-11-22 12:00", cwd=late)
    assert (done.returncode, "MC002" in done.stdout) == (0, True)


def test_the_archive_is_read_only_when_asked(tmp_path: Path) -> None:
    over = updates("This incident has been resolved.", status="resolved", facts="")
    project = write_project(tmp_path / "shop", **{"2026-11-22-card": incident_text("impact: minor\n", over)})
    later = "2027-03-01 12:00"
    assert "MC005" in meaculpa("check", "--now", NOW, cwd=project).stdout
    assert "MC005" not in meaculpa("check", "--now", later, cwd=project).stdout
    assert "MC005" in meaculpa("check", "--all", "--now", later, cwd=project).stdout


def test_json_and_sarif_carry_rule_line_and_column(tmp_path: Path) -> None:
    project = project_with(
        tmp_path, "You will pay shortly.\n\n<!-- meaculpa-ignore MC401: our name -->\n\nBack today."
    )
    found = json.loads(meaculpa("check", "--json", "--now", NOW, cwd=project).stdout)["problems"]
    assert [(one["rule"], one["line"], one["column"], one["severity"]) for one in found] == [
        ("MC401", 9, 14, "note"),
        ("MC403", 13, 6, "warning"),
    ]
    (run,) = json.loads(meaculpa("check", "--format", "sarif", "--now", NOW, cwd=project).stdout)["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"MC000", *map(str, Rule)}
    first, second = run["results"]
    assert first["suppressions"][0]["justification"] == "taken back: our name"
    place = second["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "incidents/2026-11-22-card.md"
    assert place["region"] == {"startLine": 13, "startColumn": 6}


def test_what_somebody_writes_is_told_to_them_at_once(tmp_path: Path) -> None:
    project = project_with(tmp_path, "You cannot pay by card.")
    done = meaculpa("update", "card", "identified", "-m", "It is fixed shortly.", "--now", NOW, cwd=project)
    assert (done.returncode, "MC401" in done.stderr) == (0, True)
    done = meaculpa("new", "You cannot search", "-m", "You can search at [TIME].", "--now", NOW, cwd=project)
    assert (done.returncode, "MC602" in done.stderr, "keeps it off the site" in done.stderr) == (0, True, True)


def test_every_text_of_an_incident_is_read() -> None:
    german = f"---\ntitle: T\nsummary: S\nworks: W\nmoney: M\nreason: R\n---\n\n{HEAD}\n\nB\n"
    front = "impact: major\nsummary: s\nworks: w\nmoney: m\nreason: r\n"
    text = updates("b")
    incident: Incident = an_incident(front, text, de=german)
    files: Mapping[str, Source] = sources(front, text, de=german)
    read = [(one.locale, one.name or "body", one.raw) for one in passages(incident, files, "en")]
    names = ("title", "summary", "works", "money", "reason", "body")
    assert read == [
        *zip(["en"] * 6, names, ["You cannot pay by card", "s", "w", "m", "r", "b"], strict=True),
        *zip(["de"] * 6, names, "TSWMRB", strict=True),
    ]
    assert compiled("a") is compiled("a")
