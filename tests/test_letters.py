"""Letters from the order's own facts: every kind, stage, rule, charge and language, each clean by the rules."""

import itertools
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from meaculpa.customers.delay_law import DelayCase, Jurisdiction
from meaculpa.customers.letters import STAGES, Campaign, Letter, Sender, compose, gifts_of, letter_templates
from meaculpa.customers.make_good import Gift, Grant, MakeGood
from meaculpa.customers.order import ChargeState, Order, Stage
from meaculpa.customers.planning import checked
from meaculpa.folders import packaged_templates
from meaculpa.lint.letters import inspect_letter
from meaculpa.model import Impact, Incident, Kind, Prevention, Status, Surface, Translation, Update
from meaculpa.project import read_scaffold
from meaculpa.render.words import read_words

TODAY = date(2026, 11, 22)
LOCALES = {name: (packaged_templates() / "locales" / f"{name}.yml").read_bytes() for name in ("en", "de")}
WORDS = read_words(LOCALES, ("en", "de"), LOCALES["en"])
TEMPLATES = letter_templates(read_scaffold("letters"))
GERMAN = Translation("de", "x", "Sie können nicht zahlen", None, None, None, (None, None), "Wir haben nicht geprüft.")
INCIDENT = Incident(
    id="2026-11-22-x",
    path="incidents/2026-11-22-x.md",
    digest="",
    text_digest="",
    title="You cannot pay by card",
    kind=Kind.ORDERS,
    impact=Impact.MAJOR,
    updates=(
        Update(datetime(2026, 11, 22, 9, 20, tzinfo=UTC), Status.INVESTIGATING, "x", 1),
        Update(datetime(2026, 11, 22, 11, 2, tzinfo=UTC), Status.RESOLVED, "x", 1),
    ),
    started=datetime(2026, 11, 22, 9, 5, tzinfo=UTC),
    show=Surface.PAGE,
    reason="We counted one delivery twice and did not check the shelf.",
    translations={"de": GERMAN},
    prevention=(Prevention("Deliveries are counted at the door", "M. Weber", date(2026, 12, 10)),),
)
SENDER = Sender(
    "Northwind Outfitters", "Anna Berg", "help@northwind.example", "https://status.northwind.example/incidents/x.html"
)
ORDER = Order(
    2,
    "10432",
    "jane@example.com",
    "Jane Doe",
    "Zigzag throw",
    Decimal("54.00"),
    "EUR",
    total=Decimal("58.50"),
    ordered_on=date(2026, 11, 1),
    promised_ship_on=date(2026, 11, 24),
    new_ship_on=date(2026, 12, 2),
    charge_state=ChargeState.HELD,
    refunded_on=date(2026, 11, 21),
    comparable_item="Herringbone throw",
    comparable_price=Decimal("49.00"),
    right_price=Decimal("74.00"),
)
GIFT = Grant(Gift.GIFT_CERTIFICATE, Decimal(20), "NW-7F3A", date(2027, 2, 1))


def write(order: Order, kind: Kind, stage: Stage, *grants: Grant) -> Letter:
    assert not isinstance(WORDS, list)
    host = "www.northwind.example"
    campaign = Campaign(replace(INCIDENT, kind=kind), stage, TODAY, SENDER, WORDS, TEMPLATES, (), host)
    letter = compose(order, MakeGood(grants), campaign)
    findings = inspect_letter(checked(letter, MakeGood(grants), campaign))
    assert findings == [], letter.text
    return letter


def right(gift: Gift) -> Grant:
    return Grant(gift, Decimal(0))


DELAYS = {
    DelayCase.FIRST_SHORT: {"jurisdiction": Jurisdiction.US},
    DelayCase.FIRST_LONG: {"new_ship_on": None},
    DelayCase.RENEWED: {"notice_number": 2},
    DelayCase.CONSENTED: {"notice_number": 2, "promised_ship_on": None, "kept_on": date(2026, 11, 20)},
    DelayCase.TOO_LATE: {"promised_ship_on": date(2026, 11, 20)},
    DelayCase.NO_SILENCE_RULE: {"jurisdiction": Jurisdiction.EU, "essential_date": date(2026, 12, 1)},
}


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize(("kind", "stage"), [(kind, stage) for kind, stages in STAGES.items() for stage in stages])
def test_every_letter_of_every_kind_is_clean_whatever_happened_to_the_money(
    kind: Kind, stage: Stage, locale: str
) -> None:
    grants = (*(Grant(gift, Decimal(20), "NW-1") for gift in sorted(gifts_of(kind, stage))), GIFT)
    texts, states = set(), list(ChargeState)
    if stage in (Stage.DELAY, Stage.CHOICE):
        states.remove(ChargeState.REFUNDED)
    for state, case in itertools.product(states, DELAYS.values()):
        order = replace(ORDER, locale=locale, charge_state=state, **case)  # type: ignore[arg-type]
        letter = write(order, kind, stage, *grants)
        assert letter.locale == locale
        texts.add(letter.text)
    assert len(texts) >= len(states)


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("gift", list(Gift))
def test_every_gift_has_its_words(gift: Gift, locale: str) -> None:
    order = replace(ORDER, locale=locale, phone="+44 800 555 0100", charge_state=ChargeState.CHARGED)
    grant = Grant(gift, Decimal("12.34"), "CODE-1" if gift in (Gift.GIFT_CERTIFICATE, Gift.COUPON) else None)
    plain = write(order, Kind.ORDERS, Stage.APOLOGY, right(Gift.REFUND)).text
    given = write(order, Kind.ORDERS, Stage.APOLOGY, right(Gift.REFUND), grant).text
    if gift in (Gift.GIFT_CERTIFICATE, Gift.COUPON):
        assert "CODE-1" in given
    # A card is written by hand and announced by nobody; a second refund is none.
    assert (given != plain) == (gift is not Gift.CARD)


def test_two_orders_read_differently_in_more_than_the_name() -> None:
    other = replace(
        ORDER,
        order_id="10433",
        name="Max Stone",
        item="Oak bench",
        price=Decimal(180),
        total=None,
        charge_state=ChargeState.CHARGED,
        new_ship_on=None,
    )
    first, second = (write(one, Kind.ORDERS, Stage.DELAY).text for one in (ORDER, other))
    shared = set(first.split("\n\n")) & set(second.split("\n\n"))
    assert len(shared) <= 2, "what stands in both is how to reach us and who signed"


@pytest.mark.parametrize(
    ("case", "says", "never"),
    [
        (
            DelayCase.FIRST_SHORT,
            "If we hear nothing from you, your order stays and we ship it by 2 December 2026.",
            "KEEP",
        ),
        (
            DelayCase.FIRST_LONG,
            "if it has not shipped by 24 December 2026 and you have not said KEEP by then",
            "hear nothing",
        ),
        (
            DelayCase.RENEWED,
            "if it has not shipped by 24 November 2026 and you have not said KEEP by then",
            "hear nothing",
        ),
        (
            DelayCase.CONSENTED,
            "you need not say it again. We ship your order by 2 December 2026.",
            "* KEEP",
        ),
        (DelayCase.TOO_LATE, "so we have cancelled the order ourselves", "hear nothing"),
        (DelayCase.NO_SILENCE_RULE, "Your order stays as it is; you need not confirm it.", "KEEP"),
    ],
)
def test_a_delay_notice_says_what_the_law_makes_of_silence(case: DelayCase, says: str, never: str) -> None:
    letter = write(replace(ORDER, **DELAYS[case]), Kind.ORDERS, Stage.DELAY)  # type: ignore[arg-type]
    assert letter.rule
    assert letter.rule.case is case
    text = " ".join(letter.text.split())
    assert says in text
    assert never not in text


def test_money_back_stands_before_a_gift() -> None:
    order = replace(ORDER, charge_state=ChargeState.CHARGED)
    text = write(order, Kind.ORDERS, Stage.APOLOGY, right(Gift.REFUND), GIFT).text
    assert text.index("We send €58.50") < text.index("gift certificate")


def test_what_was_charged_too_much_goes_back_unasked() -> None:
    order = replace(ORDER, right_price=Decimal("40.00"), charge_state=ChargeState.CHARGED)
    text = " ".join(write(order, Kind.PRICING, Stage.APOLOGY, right(Gift.HONOUR_PRICE)).text.split())
    assert "We send the €14.00 back" in text
    assert "You need not ask for it." in text


def test_the_rest_of_an_order_is_left_out_of_the_refund() -> None:
    order = replace(ORDER, charge_state=ChargeState.CHARGED, rest="ships on 24 November")
    text = write(order, Kind.STOCK, Stage.CHOICE, right(Gift.COMPARABLE_ITEM)).text
    assert "Rest of it: ships on 24 November" in " ".join(text.split())
    assert "58.50" not in text


@pytest.mark.parametrize(
    ("asked", "locale"), [(None, "en"), ("de", "de"), ("de-AT", "de"), ("DE", "de"), ("fr", "en"), ("en-GB", "en")]
)
def test_a_customer_reads_their_language_where_there_is_one(asked: str | None, locale: str) -> None:
    assert write(replace(ORDER, locale=asked), Kind.ORDERS, Stage.DELAY).locale == locale


def test_a_letter_never_mixes_languages() -> None:
    assert not isinstance(WORDS, list)
    untranslated = replace(INCIDENT, translations={"de": replace(GERMAN, reason=None)})
    campaign = Campaign(untranslated, Stage.DELAY, TODAY, SENDER, WORDS, TEMPLATES)
    assert compose(replace(ORDER, locale="de"), MakeGood(), campaign).locale == "en"


def test_html_says_the_same_and_takes_no_markup_from_a_row() -> None:
    hostile = replace(ORDER, name="Jane & <i>Doe</i>", item='"><img src=x onerror=alert(1)>')
    assert not isinstance(WORDS, list)
    campaign = Campaign(INCIDENT, Stage.DELAY, TODAY, SENDER, WORDS, TEMPLATES)
    letter = compose(hostile, MakeGood((GIFT,)), campaign)
    assert "<img" not in letter.html
    assert "Jane &amp; &lt;i&gt;Doe&lt;/i&gt;" in letter.html
    words = re.findall(r"\w+", re.sub(r"<head>.*</head>|<[^>]+>", " ", letter.html, flags=re.DOTALL))
    for word in re.findall(r"[A-Za-z]{4,}", letter.text):
        assert word in words


def test_a_letter_from_right_to_left_is_turned_and_keeps_its_numbers_in_order() -> None:
    """By the rules of Unicode `+44 800 555 0100` between Hebrew words would be read from its other end."""
    packaged = read_scaffold("letters")
    own = {name.replace("en/", "he/"): content for name, content in packaged.items() if name.startswith("en/")}
    locales = {name: (packaged_templates() / "locales" / f"{name}.yml").read_bytes() for name in ("en", "he")}
    words = read_words(locales, ("he",), locales["en"])
    assert isinstance(words, tuple)
    incident = replace(INCIDENT, reason="We did not check the shelf. You can ask us: +44 800 555 0100.")
    campaign = Campaign(incident, Stage.DELAY, TODAY, SENDER, words, letter_templates(packaged | own))
    letter = compose(ORDER, MakeGood(), campaign)
    assert '<html lang="he" dir="rtl">' in letter.html
    assert "\u2066+44 800 555 0100\u2069" in letter.html
    assert "\u2066" not in letter.text, "programs that show plain text show such signs as boxes"
    shown = "".join(part for block in letter.blocks for line in block.lines for part in line)
    assert "\u2066+44 800 555 0100\u2069" in shown


def test_an_answer_is_one_step() -> None:
    letter = write(replace(ORDER, new_ship_on=None), Kind.ORDERS, Stage.DELAY)
    assert 'href="mailto:help@northwind.example?subject=KEEP%2010432"' in letter.html
    assert 'href="mailto:help@northwind.example?subject=CANCEL%2010432"' in letter.html


def test_where_a_price_was_wrong_the_letter_must_know_the_right_one() -> None:
    with pytest.raises(ValueError, match='column "right_price" is needed'):
        write(replace(ORDER, right_price=None), Kind.PRICING, Stage.CHOICE)


def test_a_price_that_was_too_high_is_offered_to_nobody() -> None:
    order = replace(ORDER, right_price=Decimal(40), charge_state=ChargeState.CHARGED)
    text = write(order, Kind.PRICING, Stage.CHOICE, right(Gift.HONOUR_PRICE)).text
    assert "KEEP" not in text
    assert "BUY: I take it at €40.00, and get €14.00 back" in " ".join(text.split())


def test_each_stage_has_a_template_in_each_language() -> None:
    folder = Path(packaged_templates()) / "letters"
    for locale in ("en", "de"):
        assert {path.name for path in (folder / locale).iterdir()} == {
            "parts.txt.j2",
            "alert.txt.j2",
            *(f"{stage}.txt.j2" for stage in Stage),
        }


@pytest.mark.parametrize(
    ("kind", "stage", "facts", "message"),
    [
        (Kind.ORDERS, Stage.DELAY, {"new_ship_on": date(2026, 11, 21)}, 'column "new_ship_on": 2026-11-21 is over'),
        (
            Kind.STOCK,
            Stage.CHOICE,
            {"new_ship_on": date(2026, 11, 28)},
            "comes before the last day for an answer",
        ),
        (Kind.ORDERS, Stage.DELAY, {"ordered_on": date(2026, 11, 23)}, 'column "ordered_on": 2026-11-23 lies ahead'),
        (
            Kind.ORDERS,
            Stage.APOLOGY,
            {"refunded_on": date(2026, 11, 23)},
            'column "refunded_on": 2026-11-23 lies ahead',
        ),
        (Kind.ORDERS, Stage.DELAY, {"essential_date": date(2026, 11, 21)}, "2026-11-21 is over"),
        (Kind.ORDERS, Stage.DELAY, {"charge_state": ChargeState.REFUNDED}, "the money is back already"),
        (Kind.STOCK, Stage.CHOICE, {}, "money back would be the only choice"),
        (Kind.ORDERS, Stage.APOLOGY, {}, "nothing makes it good"),
        (Kind.PRICING, Stage.CHOICE, {"right_price": Decimal("54.00")}, "is the price itself"),
        (
            Kind.ORDERS,
            Stage.DELAY,
            {"promised_ship_on": None, "ordered_on": date(2026, 11, 18), "new_ship_on": date(2026, 12, 4)},
            "2026-12-04 is not after 2026-12-18 .30 days after the order, as nothing was promised.: no delay",
        ),
    ],
)
def test_what_no_letter_could_say_truly_is_refused(
    kind: Kind, stage: Stage, facts: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(replace(ORDER, **facts), kind, stage)


@pytest.mark.parametrize("state", [ChargeState.NOT_CHARGED, ChargeState.HELD, ChargeState.REFUNDED])
def test_nothing_is_sent_back_to_whom_nothing_was_charged(state: ChargeState) -> None:
    order = replace(ORDER, right_price=Decimal(40), charge_state=state)
    text = write(order, Kind.PRICING, Stage.APOLOGY, GIFT).text
    assert "You paid" not in text
    assert "14.00" not in text


@pytest.mark.parametrize("gift", [Gift.CARD, Gift.HONOUR_PRICE])
def test_an_apology_that_would_tell_of_nothing_is_none(gift: Gift) -> None:
    order = replace(ORDER, right_price=Decimal(40), charge_state=ChargeState.HELD)
    with pytest.raises(ValueError, match="nothing makes it good"):
        write(order, Kind.PRICING, Stage.APOLOGY, right(gift))


def test_a_price_is_honoured_or_paid_back_and_never_both() -> None:
    charged = replace(ORDER, right_price=Decimal(40), charge_state=ChargeState.CHARGED)
    text = write(charged, Kind.PRICING, Stage.APOLOGY, right(Gift.HONOUR_PRICE)).text
    assert "14.00" in text
    assert "nothing more" not in text


def test_a_customer_may_keep_the_price_where_it_is_honoured() -> None:
    text = write(ORDER, Kind.PRICING, Stage.CHOICE, right(Gift.HONOUR_PRICE)).text
    assert "KEEP: I take it at €54.00" in " ".join(text.split())
    assert "cannot send" not in text


def test_what_becomes_of_the_difference_is_said() -> None:
    charged = replace(ORDER, charge_state=ChargeState.CHARGED)
    for price, words in ((Decimal(74), "and pay the other €20.00"), (Decimal(40), "and get €14.00 back")):
        text = write(replace(charged, right_price=price), Kind.PRICING, Stage.CHOICE).text
        assert words in " ".join(text.split())


def test_where_no_date_was_promised_none_is_said_to_have_been() -> None:
    text = write(replace(ORDER, promised_ship_on=None, ordered_on=date(2026, 11, 1)), Kind.ORDERS, Stage.DELAY).text
    assert "promised" not in text


@pytest.mark.parametrize("mark", ["| foo", "* foo", "~ foo", "- foo"])
def test_an_incidents_own_words_are_never_taken_for_a_mark(mark: str) -> None:
    assert not isinstance(WORDS, list)
    campaign = Campaign(replace(INCIDENT, reason=mark), Stage.DELAY, TODAY, SENDER, WORDS, TEMPLATES)
    assert "foo" in compose(ORDER, MakeGood(), campaign).text
