"""Order x incident x what it gets -> one letter: subject, text and HTML from the same facts.

The templates (`letters/<locale>/<stage>.txt.j2`) write plain text: the first line is the subject. Lines that begin
with `|` are facts, with `*` the answers from which the customer chooses, with `-` a list, with `~` the signature.
"""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from urllib.parse import quote

from babel.numbers import format_currency
from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape

from meaculpa.customers.delay_law import (
    WORKING_DAYS_TO_REFUND,
    Delay,
    DelayRule,
    add_working_days,
    deadline,
    judge_delay,
)
from meaculpa.customers.make_good import Condition, Gift, Grant, MakeGood
from meaculpa.customers.orders import Order, Stage
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
NEEDS_REASON = (Stage.DELAY, Stage.CHOICE, Stage.APOLOGY)
_TO_ANSWER = timedelta(days=7)
_WIDTH = 76


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the shop, a person in it, and how that person is reached; `page` is where the incident stands."""

    shop: str
    person: str
    reply_to: str
    page: str
    phone: str | None = None
    hours: str | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """What all letters of one stage of one incident have in common.

    `words` are the site's languages, its own first; what lies on `store_host` cannot be read when the store is down.
    """

    incident: Incident
    stage: Stage
    today: date
    sender: Sender
    words: tuple[Words, ...]
    templates: Environment
    offers: tuple[Condition, ...] = ()
    store_host: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one customer reads; `rule` is what the delay law says of the order, for those that are delayed."""

    order: Order
    locale: str
    subject: str
    text: str
    html: str
    rule: DelayRule | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """The incident's own words in one language."""

    what: str
    works: str | None
    money: str | None
    reason: str | None


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
    words, said = _language(order, campaign)
    rule = _rule(order, campaign)
    template = campaign.templates.get_template(f"{words.locale}/{campaign.stage}.txt.j2")
    subject, blocks = _blocks(template.render(_facts(order, made, campaign, words, said, rule)))
    html = campaign.templates.get_template("letter.html.j2").render(
        subject=subject,
        blocks=blocks,
        locale=words.locale,
        direction=words.direction,
        shop=campaign.sender.shop,
        answer=lambda word: _mail_to(campaign.sender.reply_to, f"{word} {order.order_id}"),
    )
    return Letter(order, words.locale, subject, "\n\n".join(map(_block_text, blocks)) + "\n", html, rule)


def _facts(
    order: Order, made: MakeGood, campaign: Campaign, words: Words, said: _Said, rule: DelayRule | None
) -> dict[str, object]:
    incident, sender, today = campaign.incident, campaign.sender, campaign.today
    reply_by = today + _TO_ANSWER
    last_day = reply_by if campaign.stage is Stage.CHOICE else today
    return {
        "order": order,
        "kind": str(incident.kind),
        "what": said.what.rstrip(".!"),
        "works": said.works,
        "money_words": said.money,
        "reason": said.reason,
        "prevention": incident.prevention if words == campaign.words[0] else (),
        "started": incident.started,
        "ended": _ended(incident),
        "rule": rule,
        "deadline": deadline(_delay(order)) if rule else None,
        "rights": _rights(order, made, campaign),
        "gifts": [one for one in made.grants if one.is_goodwill or one.gift is Gift.CALL],
        "choices": _choices(order, made, campaign),
        "reply_by": reply_by,
        "refund_by": add_working_days(last_day, WORKING_DAYS_TO_REFUND),
        "working_days": WORKING_DAYS_TO_REFUND,
        "person": sender.person,
        "shop": sender.shop,
        "phone": sender.phone,
        "hours": sender.hours,
        "page": sender.page,
        "money": lambda amount: format_currency(amount, order.currency, locale=words.rules),
        "day": words.day,
        "moment": words.moment,
        "duration": words.duration,
    }


def _language(order: Order, campaign: Campaign) -> tuple[Words, _Said]:
    """The customer's language, if everything that the letter says of the incident is there in it, else the first."""
    asked = (order.locale or "").casefold()
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
    )


def _rule(order: Order, campaign: Campaign) -> DelayRule | None:
    return judge_delay(_delay(order), campaign.today) if campaign.stage is Stage.DELAY else None


def _ended(incident: Incident) -> datetime | None:
    ended = [update.at for update in incident.updates if update.status is Status.RESOLVED]
    return ended[-1] if ended else None


@dataclass(frozen=True, slots=True)
class _Way:
    """A way that the order's own facts open, beside what offers give."""

    gift: str


def _rights(order: Order, made: MakeGood, campaign: Campaign) -> list[Grant | _Way]:
    rights: list[Grant | _Way] = [one for one in made.grants if not one.is_goodwill and one.gift is not Gift.CALL]
    is_overcharged = order.right_price is not None and order.right_price < order.price
    if campaign.incident.kind is Kind.PRICING and is_overcharged:
        rights.insert(0, _Way("overcharge"))
    return rights


def _choices(order: Order, made: MakeGood, campaign: Campaign) -> list[Grant | _Way]:
    """What the customer may choose from; money back always."""
    ways: list[Grant | _Way] = [
        one for one in made.grants if one.gift in (Gift.SOURCE_ELSEWHERE, Gift.COMPARABLE_ITEM)
    ]
    if campaign.incident.kind is Kind.PRICING and campaign.stage is Stage.CHOICE:
        if order.right_price is None:
            raise ValueError('the column "right_price" is needed: the letter says what the item should have cost')
        ways = [_Way("right_price")]
    return [*ways, _Way("refund")]


# ---- From what a template wrote to text and HTML


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a letter: `lines` are pairs for `facts` and `answers`, and single texts for other kinds."""

    kind: str
    lines: tuple[tuple[str, ...], ...]


_KINDS = {"|": "facts", "*": "answers", "-": "points", "~": "signature"}


def _blocks(written: str) -> tuple[str, list[Block]]:
    subject, _, body = written.strip().partition("\n")
    parts = [[line.strip() for line in part.split("\n")] for part in re.split(r"\n[ \t]*\n", body.strip())]
    return " ".join(subject.split()), [_block([line for line in lines if line]) for lines in parts if any(lines)]


def _block(lines: list[str]) -> Block:
    kind = _KINDS.get(lines[0][0], "text")
    if kind == "text":
        return Block(kind, ((" ".join(lines),),))
    texts = [line[1:].strip() for line in lines]
    return Block(
        kind, tuple(tuple(text.split(": ", 1)) if kind in ("facts", "answers") else (text,) for text in texts)
    )


def _block_text(block: Block) -> str:
    if block.kind == "facts":
        width = max(len(label) for label, _ in block.lines) + 2
        return "\n".join(f"  {label + ':':<{width}}{value}" for label, value in block.lines)
    if block.kind == "answers":
        return "\n".join(_filled(f"{word}: {text}", "  ", "      ") for word, text in block.lines)
    if block.kind == "points":
        return "\n".join(_filled(text, "- ", "  ") for (text,) in block.lines)
    return "\n".join(_filled(text) for (text,) in block.lines)


def _filled(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _mail_to(address: str, subject: str) -> str:
    return f"mailto:{quote(address, safe='@')}?subject={quote(subject)}"
