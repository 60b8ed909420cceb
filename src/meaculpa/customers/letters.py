"""Order x incident x what it gets -> one letter: subject, text and HTML from the same facts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain
from urllib.parse import quote

from babel import Locale
from babel.numbers import format_currency
from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup as SafeHtml
from markupsafe import escape
from msgspec import Struct

from meaculpa.customers.blocks import Block, block_text, read_blocks
from meaculpa.customers.delay_law import (
    WORKING_DAYS_TO_REFUND,
    Delay,
    DelayRule,
    Jurisdiction,
    add_working_days,
    deadline,
    judge_delay,
)
from meaculpa.customers.make_good import ENTITLEMENTS, Condition, Gift, Grant, MakeGood
from meaculpa.customers.order import Asked, ChargeState, Order, Stage, recipient_of
from meaculpa.model import Incident, Kind, Status, Translation
from meaculpa.render.words import Words

STAGES = {
    Kind.OUTAGE: (Stage.PATIENCE, Stage.RESTORED, Stage.APOLOGY),
    Kind.STOCK: (Stage.CHOICE, Stage.DELAY, Stage.APOLOGY),
    Kind.PRICING: (Stage.CHOICE, Stage.APOLOGY),
    Kind.ORDERS: (Stage.DELAY, Stage.CHOICE, Stage.APOLOGY),
    Kind.MAINTENANCE: (),
    Kind.NOTICE: (),
}
_ALWAYS = frozenset(Gift) - ENTITLEMENTS
_WAYS = frozenset({Gift.SOURCE_ELSEWHERE, Gift.COMPARABLE_ITEM})
NEEDS_REASON = (Stage.DELAY, Stage.CHOICE, Stage.APOLOGY)
_TO_ANSWER = timedelta(days=7)


class Sender(Struct, frozen=True):
    """Who writes: the shop, a person in it, and how that person is reached; `page` is where the incident stands."""

    shop: str
    person: str
    reply_to: str
    page: str
    phone: str | None = None
    hours: str | None = None


class Campaign(Struct, frozen=True):
    """What all letters of one stage of one incident have in common.

    `words` are the site's languages, its own first; what lies on `store_host` cannot be read when the store is down.
    `link` gives the address of a recipient's letter on the page, where it stands until `link_until`.
    `jurisdiction` is that of orders which name none, `heard_sorry` the addresses, in small letters, to which another
    letter of the incident has apologised.
    """

    incident: Incident
    stage: Stage
    today: date
    sender: Sender
    words: tuple[Words, ...]
    templates: Environment
    offers: tuple[Condition, ...] = ()
    store_host: str = ""
    link: Callable[[str], str] | None = None
    link_until: date | None = None
    zone: tzinfo = UTC
    jurisdiction: Jurisdiction | None = None
    heard_sorry: frozenset[str] = frozenset()


class Letter(Struct, frozen=True):
    """What one customer reads; `rule` is what the delay law says of the order, for those that are delayed."""

    reader: Order | Asked
    locale: str
    subject: str
    text: str
    html: str
    direction: str
    blocks: tuple[Block, ...]
    rule: DelayRule | None = None


class _Said(Struct, frozen=True):
    """The incident's own words in one language."""

    what: str
    works: str | None
    money: str | None
    reason: str | None


def gifts_of(kind: Kind, stage: Stage) -> frozenset[Gift]:
    """What a letter can speak of: a right that it does not tell would be none."""
    if stage is Stage.APOLOGY:
        return frozenset(Gift)
    if stage is Stage.CHOICE:
        return _ALWAYS | ({Gift.HONOUR_PRICE} if kind is Kind.PRICING else _WAYS)
    return _ALWAYS


def letter_templates(sources: Mapping[str, bytes]) -> Environment:
    """Compile the templates of letters, by their path below `letters/`; only HTML is escaped."""
    texts = {path: content.decode("utf-8-sig").replace("\r\n", "\n") for path, content in sources.items()}
    return Environment(
        loader=DictLoader(texts),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def compose(order: Order, made: MakeGood, campaign: Campaign) -> Letter:
    """Write the letter to one customer; raises ValueError where a fact that it needs is not known."""
    _refuse_untrue(order, made, campaign)
    words, said = _language(order, campaign)
    rule = rule_of(order, campaign)
    facts = _common_facts(campaign, words, said) | _order_facts(order, made, campaign, words, rule)
    return _write(order, str(campaign.stage), facts, campaign, words, rule)


def compose_alert(asked: Asked, campaign: Campaign) -> Letter:
    """Write to somebody who asked to be told when it works again, of whom nothing but the address is known."""
    words, said = _language(asked, campaign)
    return _write(asked, "alert", _common_facts(campaign, words, said), campaign, words, None)


def _write(
    reader: Order | Asked,
    template: str,
    facts: Mapping[str, object],
    campaign: Campaign,
    words: Words,
    rule: DelayRule | None,
) -> Letter:
    source = campaign.templates.get_template(f"{words.locale}/{template}.txt.j2")
    recipient = recipient_of(reader)
    link = campaign.link(recipient) if campaign.link else None
    subject, blocks = read_blocks(source.render(facts, link=link, link_until=campaign.link_until))
    ordered = [Block(one.kind, tuple(tuple(map(words.in_order, line)) for line in one.lines)) for one in blocks]
    html = campaign.templates.get_template("letter.html.j2").render(
        subject=subject,
        blocks=ordered,
        locale=words.locale,
        direction=words.direction,
        shop=campaign.sender.shop,
        answer=lambda word: answer_address(campaign.sender.reply_to, recipient).replace("{word}", quote(word)),
        linked=partial(_linked, addresses=[link, campaign.sender.page]),
    )
    text = "\n\n".join(map(block_text, blocks)) + "\n"
    # On the page itself nobody needs to be told where it is.
    shown = tuple(
        block for block in ordered if not (link and any(link in part for line in block.lines for part in line))
    )
    return Letter(reader, words.locale, subject, text, html, words.direction, shown, rule)


def _common_facts(campaign: Campaign, words: Words, said: _Said) -> dict[str, object]:
    """What can be said to everybody."""
    incident, sender = campaign.incident, campaign.sender
    return {
        "kind": str(incident.kind),
        "what": said.what.rstrip(".!"),
        "works": _unmarked(said.works),
        "money_words": _unmarked(said.money),
        "reason": _unmarked(said.reason),
        "prevention": incident.prevention if words == campaign.words[0] else (),
        "started": incident.started,
        # Only who has said when it began knows how long it lasted; the first update comes later than that.
        "began": incident.started if incident.started < incident.updates[0].at else None,
        "ended": _ended(incident),
        "person": sender.person,
        "shop": sender.shop,
        "phone": sender.phone,
        "hours": sender.hours,
        "page": sender.page,
        "day": words.day,
        "moment": lambda at: words.local_moment(at, campaign.zone),
        "duration": words.duration,
    }


def _order_facts(
    order: Order, made: MakeGood, campaign: Campaign, words: Words, rule: DelayRule | None
) -> dict[str, object]:
    """What can be said of an order."""
    today = campaign.today
    reply_by = today + _TO_ANSWER
    last_day = reply_by if campaign.stage is Stage.CHOICE else today
    return {
        "order": order,
        "rule": rule,
        "deadline": deadline(_delay(order)) if rule and not order.kept_on else None,
        "rights": _rights(order, made, campaign),
        "gifts": _gifts(made),
        "choices": _choices(order, made, campaign),
        "reply_by": reply_by,
        "refund_by": add_working_days(last_day, WORKING_DAYS_TO_REFUND),
        "working_days": WORKING_DAYS_TO_REFUND,
        "money": lambda amount: _money(amount, order.currency, words.rules),
    }


@lru_cache(maxsize=4096)
def _money(amount: Decimal, currency: str, rules: Locale) -> str:
    return format_currency(amount, currency, locale=rules)


def _language(reader: Order | Asked, campaign: Campaign) -> tuple[Words, _Said]:
    """The customer's language, if everything that the letter says of the incident is there in it, else the first."""
    asked = (reader.locale or "").casefold()
    near = (words for words in campaign.words if asked == words.locale.casefold())
    wider = (words for words in campaign.words if asked.split("-")[0] == words.locale.casefold().split("-")[0])
    chosen = next(chain(near, wider), campaign.words[0])
    said = _said_in(campaign.incident, campaign.incident.translations.get(chosen.locale))
    if chosen == campaign.words[0] or said is None:
        incident = campaign.incident
        return campaign.words[0], _Said(incident.title, incident.works, incident.money, incident.reason)
    return chosen, said


def _said_in(incident: Incident, translation: Translation | None) -> _Said | None:
    if translation is None or translation.title is None:
        return None
    names = ("works", "money", "reason")
    if any(getattr(incident, name) and not getattr(translation, name) for name in names):
        return None
    return _Said(translation.title, translation.works, translation.money, translation.reason)


def _delay(order: Order) -> Delay:
    return Delay(
        order.ordered_on,
        order.promised_ship_on,
        order.new_ship_on,
        order.notice_number,
        order.jurisdiction,
        order.essential_date,
        order.kept_on,
    )


def rule_of(order: Order, campaign: Campaign) -> DelayRule | None:
    """What the delay law says of an order, where the letter is about its delay; raises ValueError."""
    return judge_delay(_delay(order), campaign.today) if campaign.stage is Stage.DELAY else None


def overcharge(order: Order, campaign: Campaign) -> Decimal:
    """What was charged too much because of a wrong price, and goes back unasked."""
    is_told = campaign.incident.kind is Kind.PRICING and campaign.stage is Stage.APOLOGY
    if not is_told or order.right_price is None or order.charge_state is not ChargeState.CHARGED:
        return Decimal(0)
    return max(Decimal(0), order.price - order.right_price)


def _refuse_untrue(order: Order, made: MakeGood, campaign: Campaign) -> None:
    """Refuse what no letter could say without saying something false; raises ValueError with the column."""
    _refuse_wrong_days(order, campaign)
    stage = campaign.stage
    if order.charge_state is ChargeState.REFUNDED and stage in (Stage.DELAY, Stage.CHOICE):
        raise ValueError('column "charge_state": the money is back already, so nothing is left to decide')
    if stage is Stage.CHOICE and len(_choices(order, made, campaign)) < 2:
        hint = 'add to "offers" in the incident: {when: "true", give: source_elsewhere}, or comparable_item'
        raise ValueError(f"money back would be the only choice: {hint}")
    if stage is Stage.APOLOGY and not (_rights(order, made, campaign) or _gifts(made)):
        raise ValueError(_why_nothing(made))
    if campaign.incident.kind is Kind.PRICING and order.right_price == order.price:
        raise ValueError(f'column "right_price": {order.right_price} is the price itself')


def _why_nothing(made: MakeGood) -> str:
    if not made.withheld:
        return "nothing makes it good: no offer fits this order"
    gifts = ", ".join(f"{gift} ({why})".replace("_", " ") for gift, why in made.withheld)
    return f"nothing makes it good: withheld are {gifts}; add what is no gift (refund, call), or write by hand"


def _refuse_wrong_days(order: Order, campaign: Campaign) -> None:
    today, stage = campaign.today, campaign.stage
    for name in ("ordered_on", "refunded_on", "kept_on"):
        day = getattr(order, name)
        if day and day > today:
            raise ValueError(f'column "{name}": {day} lies ahead')
    if order.essential_date and order.essential_date < today:
        raise ValueError(f'column "essential_date": {order.essential_date} is over')
    if order.new_ship_on and stage not in (Stage.PATIENCE, Stage.RESTORED):
        if order.new_ship_on < today:
            raise ValueError(f'column "new_ship_on": {order.new_ship_on} is over')
        if stage is Stage.CHOICE and order.new_ship_on < today + _TO_ANSWER:
            raise ValueError(f'column "new_ship_on": {order.new_ship_on} comes before the last day for an answer')
    if stage is not Stage.DELAY or not order.new_ship_on or order.kept_on:
        return
    if order.new_ship_on <= (due := deadline(_delay(order))):
        hint = "30 days after the order, as nothing was promised" if order.promised_ship_on is None else "promised"
        raise ValueError(f'column "new_ship_on": {order.new_ship_on} is not after {due} ({hint}): no delay?')


def _unmarked(text: str | None) -> str | None:
    """An incident's own words, which are never taken for one of our marks."""
    return text.lstrip("|*~- ") if text else text


def _ended(incident: Incident) -> datetime | None:
    ended = [update.at for update in incident.updates if update.status is Status.RESOLVED]
    return ended[-1] if ended else None


class _Way(Struct, frozen=True):
    """A way that the order's own facts open, beside what offers give."""

    gift: str


def _rights(order: Order, made: MakeGood, campaign: Campaign) -> list[Grant | _Way]:
    is_dearer = order.right_price is not None and order.right_price > order.price
    rights: list[Grant | _Way] = [
        one for one in made.grants if one.gift in ENTITLEMENTS and (one.gift is not Gift.HONOUR_PRICE or is_dearer)
    ]
    return [_Way("overcharge"), *rights] if overcharge(order, campaign) else rights


def _gifts(made: MakeGood) -> list[Grant]:
    """What a letter tells beside rights; a card is written by hand and announced by nobody."""
    return [one for one in made.grants if one.is_goodwill or one.gift is Gift.CALL]


def _choices(order: Order, made: MakeGood, campaign: Campaign) -> list[Grant | _Way]:
    """What the customer may choose from; money back always."""
    ways: list[Grant | _Way] = [
        one for one in made.grants if one.gift in (Gift.SOURCE_ELSEWHERE, Gift.COMPARABLE_ITEM)
    ]
    if campaign.incident.kind is Kind.PRICING and campaign.stage is Stage.CHOICE:
        if order.right_price is None:
            raise ValueError('the column "right_price" is needed: the letter says what the item should have cost')
        # A price that was too high is honoured by nobody.
        is_dearer = order.right_price > order.price
        honoured: list[Grant | _Way] = [one for one in made.grants if one.gift is Gift.HONOUR_PRICE and is_dearer]
        ways = honoured or [_Way("right_price")]
    return [*ways, _Way("refund")]


def answer_address(reply_to: str, recipient: str) -> str:
    """Where an answer goes, with a place for its word in the subject."""
    return f"mailto:{quote(reply_to, safe='@')}?subject={{word}}%20{quote(recipient)}"


def _linked(text: str, addresses: Iterable[str | None]) -> SafeHtml:
    """A text of a letter as HTML, in which our own addresses are links and nothing else is."""
    html = escape(text)
    for address in addresses:
        if address and address in text:
            shown = escape(address)
            html = html.replace(shown, SafeHtml('<a href="{}" style="color:inherit">{}</a>').format(address, address))
    return html
