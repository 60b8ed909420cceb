"""The rules that read text: each finds its own bad examples, and no rule finds anything in a good one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from meaculpa.errors import Severity
from meaculpa.lint.prose import read_prose
from meaculpa.lint.rules import Rule, severity_of
from meaculpa.lint.texts import LANGUAGES, find_clock_without_zone, inspect_text

FOLDER = Path(__file__).parent / "phrases"
# Fewer would not be enough to know a rule by.
LEAST = 6


def examples(kind: str) -> Iterator[tuple[str, str, str]]:
    for path in sorted(FOLDER.glob("*.yml")):
        for rule, sentences in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            yield from ((path.stem, rule, sentence) for sentence in sentences[kind])


def found(locale: str, sentence: str) -> set[Rule]:
    text = read_prose(sentence).text
    hits = [*inspect_text(text, LANGUAGES[locale]), *find_clock_without_zone(text, LANGUAGES[locale])]
    return {hit.rule for hit in hits}


@pytest.mark.parametrize(("locale", "rule", "sentence"), list(examples("bad")))
def test_a_bad_sentence_is_found_by_its_rule(locale: str, rule: str, sentence: str) -> None:
    assert Rule(rule) in found(locale, sentence)


@pytest.mark.parametrize(("locale", "rule", "sentence"), list(examples("good")))
def test_a_good_sentence_is_left_alone_by_every_rule(locale: str, rule: str, sentence: str) -> None:
    del rule
    assert found(locale, sentence) == set()


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
def test_every_rule_that_reads_text_has_its_examples(locale: str) -> None:
    known = yaml.safe_load((FOLDER / f"{locale}.yml").read_text(encoding="utf-8"))
    rules = {str(phrase.rule) for phrase in LANGUAGES[locale].phrases}
    assert rules <= known.keys()
    for rule, sentences in known.items():
        assert min(len(sentences["bad"]), len(sentences["good"])) >= LEAST, rule


def test_every_bad_word_in_a_long_text_is_found_where_it_stands() -> None:
    text = "You cannot pay. We are sorry if you were affected.\n\nIt is fixed shortly, and back soon.\n"
    prose = read_prose(text)
    hits = list(inspect_text(prose.text, LANGUAGES["en"]))
    assert [text[prose.origin(hit.start) :].split()[0].strip(".,") for hit in hits] == ["sorry", "shortly", "soon"]


def test_severities_are_those_of_the_table() -> None:
    warned = {rule for rule in Rule if severity_of(rule) is Severity.WARNING}
    assert {str(rule) for rule in warned} == {
        *("MC002", "MC003", "MC007", "MC104", "MC403", "MC502", "MC503", "MC504", "MC505", "MC603", "MC801")
    }
