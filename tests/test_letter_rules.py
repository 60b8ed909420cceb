"""The rules for letters: each bad example is found by its rule, each good one is left alone."""

import pytest
from msgspec.structs import replace

from meaculpa.lint.letters import Checked, inspect_letter
from meaculpa.lint.rules import Rule

GOOD = """Dear Jane Doe,

Your Zigzag throw will ship on 2 December 2026.

  Order: 10432
  Item:  Zigzag throw

Your card has not been charged.

Anna Berg
"""
LETTER = Checked(
    locale="en",
    subject="Order 10432: it ships on 2 December 2026",
    text=GOOD,
    facts=("Jane Doe", "10432", "Zigzag throw"),
    person="Anna Berg",
    reply_to="help@northwind.example",
    store_host="www.northwind.example",
)


def rules(letter: Checked) -> set[Rule]:
    return {one.rule for one in inspect_letter(letter)}


def with_sentence(sentence: str, locale: str = "en") -> Checked:
    return replace(LETTER, locale=locale, text=GOOD.replace("\n\nAnna", f"\n\n{sentence}\n\nAnna"))


def test_a_good_letter_is_left_alone() -> None:
    assert rules(LETTER) == set()


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Rule.INCONVENIENCE, "We apologise for any inconvenience."),
        (Rule.INCONVENIENCE, "Sorry for the inconvenience caused."),
        (Rule.CONDITIONAL_SORRY, "We are sorry if you were affected."),
        (Rule.CONDITIONAL_SORRY, "We apologise for what this may have meant for you."),
        (Rule.NO_AGENT, "Mistakes were made."),
        (Rule.NO_AGENT, "Due to the sale, some throws were oversold."),
        (Rule.BLAMES_SUPPLIER, "Due to our carrier your parcel is late."),
        (Rule.BLAMES_SUPPLIER, "It was caused by a third-party payment provider."),
        (Rule.BLAMES_SUPPLIER, "Our supplier let us down."),
        (Rule.BLAMES_SUPPLIER, "This was beyond our control."),
        (Rule.BLAMES_DEMAND, "Due to very high demand we are late."),
        (Rule.NO_AGENT, "An unexpected error occurred."),
        (Rule.VAGUE_TIME, "We answer ASAP."),
        (Rule.BLAMES_DEMAND, "Due to unprecedented demand we are late."),
        (Rule.BLAMES_PERSON, "It was human error."),
        (Rule.BLAMES_PERSON, "One of our engineers made a mistake."),
        (Rule.DEFAULT_CANCEL, "Your order will be cancelled unless you confirm it."),
        (Rule.DEFAULT_CANCEL, "Unless you reply by Friday, we shall cancel it."),
        (Rule.DEFAULT_CANCEL, "Log on to keep your order or it will be cancelled."),
        (Rule.HEDGED_ORDER, "We may not be able to deliver it."),
        (Rule.HEDGED_ORDER, "Your order may be delayed."),
        (Rule.HEDGED_ORDER, "Some items may ship later."),
        (Rule.VAGUE_TIME, "It will ship shortly."),
        (Rule.VAGUE_TIME, "We will write again soon."),
        (Rule.VAGUE_TIME, "We work on it and ship as soon as possible."),
        (Rule.EMPTY_OR_CUTE, "We had technical difficulties."),
        (Rule.EMPTY_OR_CUTE, "Oops, a glitch."),
        (Rule.CANNED, "Dear valued customer, hello."),
        (Rule.CANNED, "Your order is important to us."),
        (Rule.CANNED, "Thank you for your patience."),
        (Rule.CANNED, "We take this very seriously."),
        (Rule.CANNED, "Your item(s) will ship."),
        (Rule.PLACEHOLDER, "Your {{ item }} will ship."),
        (Rule.PLACEHOLDER, "Dear [NAME], hello."),
        (Rule.PLACEHOLDER, "It ships on TBD."),
        (Rule.PLACEHOLDER, "It ships on None."),
        (Rule.WORKS_WHEN_DOWN, "Log in to keep your order."),
        (Rule.WORKS_WHEN_DOWN, "See https://www.northwind.example/orders."),
        (Rule.WORKS_WHEN_DOWN, "See https://northwind.example/orders."),
    ],
)
def test_what_must_not_stand_there_is_found(rule: Rule, sentence: str) -> None:
    assert rule in rules(with_sentence(sentence))


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Rule.INCONVENIENCE, "Wir bitten die Unannehmlichkeiten zu entschuldigen."),
        (Rule.CONDITIONAL_SORRY, "Es tut uns leid, falls Sie betroffen waren."),
        (Rule.NO_AGENT, "Es wurden Fehler gemacht."),
        (Rule.BLAMES_SUPPLIER, "Unser Lieferant hat uns hängen lassen."),
        (Rule.BLAMES_SUPPLIER, "Es lag außerhalb unserer Kontrolle."),
        (Rule.VAGUE_TIME, "Wir schreiben bald wieder."),
        (Rule.BLAMES_DEMAND, "Aufgrund der hohen Nachfrage sind wir spät."),
        (Rule.BLAMES_PERSON, "Es war menschliches Versagen."),
        (Rule.DEFAULT_CANCEL, "Ihre Bestellung wird automatisch storniert."),
        (Rule.HEDGED_ORDER, "Ihre Bestellung könnte sich verzögern."),
        (Rule.VAGUE_TIME, "Wir melden uns in Kürze."),
        (Rule.VAGUE_TIME, "Wir liefern schnellstmöglich."),
        (Rule.EMPTY_OR_CUTE, "Wir hatten technische Probleme."),
        (Rule.CANNED, "Vielen Dank für Ihr Verständnis."),
        (Rule.CANNED, "Sehr geehrte Damen und Herren, hallo."),
        (Rule.WORKS_WHEN_DOWN, "Melden Sie sich an und bestätigen Sie."),
    ],
)
def test_what_must_not_stand_there_is_found_in_german(rule: Rule, sentence: str) -> None:
    assert rule in rules(with_sentence(sentence, "de"))


@pytest.mark.parametrize(
    "sentence",
    [
        "We will e-mail you as soon as checkout works.",
        "If we hear nothing we will ship it by 27 November.",
        "You may cancel at any time: reply CANCEL.",
        "We sold you a throw that we did not have.",
        "We did not check the shelf, and lost your parcel.",
        "You need no account and no log-in for it.",
        "Look at https://status.northwind.example/incidents/x.html.",
        "An error in our count cost you this throw.",
        "What we offer stands until 1 February 2027.",
        "I am sorry that we let you down.",
        "None of us checked the shelf.",
        "We shipped one throw shortly after the other.",
        "You should have heard of it soon after the count.",
        "We chose a carrier that we had not tried, and lost your parcel.",
        "We did not log in to the supplier portal to check.",
        "One of our colleagues made us aware of it, and we did not listen.",
    ],
)
def test_what_is_honest_is_left_alone(sentence: str) -> None:
    assert rules(with_sentence(sentence)) == set()


@pytest.mark.parametrize(
    ("rule", "letter"),
    [
        (Rule.INDIVIDUAL, replace(LETTER, text=GOOD.replace("10432", "your order"))),
        (Rule.INDIVIDUAL, replace(LETTER, text=GOOD.replace("Zigzag throw", "item"))),
        (Rule.INDIVIDUAL, replace(LETTER, text=GOOD.replace("Anna Berg", "The team"))),
        (Rule.IMPACT_FIRST, replace(LETTER, text=GOOD.replace("Your Zigzag throw will", "Shipping will"))),
        (Rule.WORKS_WHEN_DOWN, replace(LETTER, reply_to="no-reply@northwind.example")),
        (Rule.PROMISE, replace(LETTER, stage="patience")),
        (
            Rule.REFUND_FIRST,
            replace(LETTER, text=GOOD.replace("has not been charged", "is fine"), is_refund_due=True),
        ),
        (Rule.DELAY_NOTICE, replace(LETTER, silence_days=["24 December 2026"])),
        (Rule.SELLS, replace(LETTER, subject="20 % off your next order")),
        (Rule.SELLS, replace(LETTER, subject="A gift for you")),
        (Rule.ONE_APOLOGY, with_sentence("I am sorry. We are sorry. So sorry.")),
        (Rule.CANNED, replace(LETTER, subject="Order 10432: thank you for your patience")),
    ],
)
def test_what_has_to_be_found_in_it_is_missed(rule: Rule, letter: Checked) -> None:
    assert rules(letter) == {rule}


def test_what_an_item_is_called_is_not_judged_and_what_was_never_filled_in_is() -> None:
    glitch = replace(
        LETTER, text=GOOD.replace("Zigzag throw", "Glitch lamp"), facts=("Jane Doe", "10432", "Glitch lamp")
    )
    assert rules(glitch) == set()
    unknown = replace(LETTER, text=GOOD.replace("Jane Doe", "TBD"), facts=("TBD", "10432", "Zigzag throw"))
    assert rules(unknown) == {Rule.PLACEHOLDER}


def test_an_apology_has_its_elements() -> None:
    bare = replace(LETTER, stage="apology")
    assert rules(bare) == {Rule.APOLOGY_ELEMENTS}
    whole = replace(with_sentence("I am sorry. It was our mistake."), stage="apology")
    assert rules(whole) == set()


def test_where_the_law_makes_silence_cancel_the_letter_must_say_so() -> None:
    sentence = "Unless you say KEEP by 24 December 2026, we must cancel it."
    letter = replace(with_sentence(sentence), may_cancel=True, silence_days=["24 December 2026"])
    assert rules(letter) == set()
    assert rules(replace(letter, may_cancel=False)) == {Rule.DEFAULT_CANCEL}
