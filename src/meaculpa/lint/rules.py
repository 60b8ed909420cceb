"""The rules that messages are held to: what each is called, how much it matters, why it exists, and who says so."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from meaculpa.errors import Problem, Severity


class Rule(StrEnum):
    """Every rule by its number, as findings name it."""

    NEXT_UPDATE = "MC001"
    OVERDUE = "MC002"
    IMPACT_FIRST = "MC003"
    REQUIRED_FACTS = "MC004"
    RESTORED_FACTS = "MC005"
    APOLOGY_ELEMENTS = "MC006"
    ONE_APOLOGY = "MC007"
    REFUND_FIRST = "MC008"
    CAPS = "MC009"
    DELAY_NOTICE = "MC010"
    WORKS_WHEN_DOWN = "MC011"
    INDIVIDUAL = "MC012"
    PROMISE = "MC013"
    INCONVENIENCE = "MC101"
    CONDITIONAL_SORRY = "MC102"
    NO_AGENT = "MC103"
    OVER_PROMISE = "MC104"
    BLAMES_SUPPLIER = "MC201"
    BLAMES_DEMAND = "MC202"
    BLAMES_PERSON = "MC203"
    DEFAULT_CANCEL = "MC301"
    HEDGED_ORDER = "MC302"
    VAGUE_TIME = "MC401"
    NO_ZONE = "MC402"
    RELATIVE_DAY = "MC403"
    EMPTY_OR_CUTE = "MC501"
    JARGON = "MC502"
    MINIMISES = "MC503"
    UNQUANTIFIED = "MC504"
    SHOUTING = "MC505"
    CANNED = "MC601"
    PLACEHOLDER = "MC602"
    STOCK_UPDATE = "MC603"
    SELLS = "MC701"
    PERSONAL_DATA = "MC702"
    LONG_SENTENCE = "MC801"
    BANNER_LENGTH = "MC802"


# What keeps a page from going out; everything else is told and goes out: at 3 a.m. speed beats style.
BLOCKING = frozenset({Rule.PLACEHOLDER, Rule.PERSONAL_DATA})


def is_blocking(problem: Problem) -> bool:
    """Whether a finding keeps a page from going out."""
    return problem.severity is Severity.ERROR and problem.rule in BLOCKING


class Meaning(Struct, frozen=True):
    """What a rule is about: its name, its severity, why it exists, an example of each sort, and the source."""

    name: str
    severity: Severity
    why: str
    bad: str
    good: str
    source: str


_E, _W = Severity.ERROR, Severity.WARNING
_ATLASSIAN = "Atlassian, Incident communication"
_PAGERDUTY = "PagerDuty, external communication guidelines"
_GOVUK = "GOV.UK Design System, service unavailable pages"
_LEWICKI = "Lewicki, Polin, Lount 2016, The structure of effective apologies"
_HALPERIN = "Halperin, Ho, List, Muir 2022, Toward an understanding of the economics of apologies (1.5 M cases)"
_PRACTICE = "173 incident updates of 26 public status pages, read for this project"
_FTC = "16 CFR 435, Mail, Internet, or Telephone Order Merchandise Rule"
_IDEA = "the ideas this project is built on"

MEANINGS: Mapping[Rule, Meaning] = {
    Rule.NEXT_UPDATE: Meaning(
        "next-update",
        _E,
        "Customers forgive a shop that has no answer yet; they do not forgive one that has gone quiet. Every update "
        "of an open incident names the moment of the next one, even if nothing has changed by then: within "
        "30 minutes "
        "when it is critical (60 after two hours), 60 when it is major (120), 4 hours when it is minor, a day for "
        "orders. It is a fact under the heading, so that banner, page and `list` can hold you to it.",
        "We will update you.",
        "next_update: 2026-11-22 10:00 UTC",
        f"{_PAGERDUTY}; {_ATLASSIAN}",
    ),
    Rule.OVERDUE: Meaning(
        "overdue",
        _W,
        "The moment that was promised for the next update has passed. Say something now, if only that you know no "
        "more and when you speak again. It never blocks anything: being late is mended by publishing.",
        "next_update: 10:00, and it is 10:20",
        "an update, or a new promise, before 10:00",
        _PAGERDUTY,
    ),
    Rule.IMPACT_FIRST: Meaning(
        "impact-first",
        _W,
        "A customer reads one sentence. It should say what they cannot do, in the word “you”, and not how your "
        "systems feel.",
        "We are seeing elevated errors.",
        "You cannot pay by card.",
        f"{_GOVUK}; {_ATLASSIAN}",
    ),
    Rule.REQUIRED_FACTS: Meaning(
        "required-facts",
        _E,
        "When a shop is down, two questions come before all others: how can I still get it, and what happened to my "
        "money and my basket? `works` and `money` answer them on page, banner and splash page. For stock, prices and "
        "orders the second one is asked by everybody who has paid.",
        "a critical outage without a word on baskets and cards",
        "works: You can order by phone. money: No card was charged.",
        _GOVUK,
    ),
    Rule.RESTORED_FACTS: Meaning(
        "restored-facts",
        _E,
        "23 of 48 real “resolved” messages said only that the incident has been resolved. Say what customers could "
        "not do, from when to when, and what is left of it: those who tried want to know whether it was you or them.",
        "This incident has been resolved.",
        "You could not pay from 14:02 to 16:47 UTC.",
        _PRACTICE,
    ),
    Rule.APOLOGY_ELEMENTS: Meaning(
        "apology-elements",
        _E,
        "An apology works by its elements, and two count most: taking responsibility, and repair. Regret, "
        "explanation and what changes so that it does not happen again come next. Asking for forgiveness adds a "
        "demand to the harm.",
        "We apologise for the issue.",
        "I am sorry. We sold you a throw that we did not have; that was our mistake. Your 54.00 go back today.",
        _LEWICKI,
    ),
    Rule.ONE_APOLOGY: Meaning(
        "one-apology",
        _W,
        "One apology to one person for one incident. The second one costs more than it gives: people remember being "
        "apologised to often as being failed often.",
        "We are sorry ... we apologise ... sorry again",
        "one sentence that means it",
        _HALPERIN,
    ),
    Rule.REFUND_FIRST: Meaning(
        "refund-first",
        _E,
        "Who gets no goods gets the money back, in the form in which it came. A gift card, a credit or a "
        "coupon alone "
        "is not a refund; it may stand beside one.",
        "Here is a gift card instead.",
        "54.00 refunded on 16 November. The gift card is extra.",
        f"{_FTC}; Directive 2011/83/EU, article 18",
    ),
    Rule.CAPS: Meaning(
        "caps",
        _E,
        "Making good must not give away the store: an offer above the customer's cap or the incident's budget needs "
        "somebody's name under `approved_by`, and a comparable item never costs the customer more.",
        "a budget of 4,000 and offers of 6,000",
        "approved_by: Anna Berg",
        _IDEA,
    ),
    Rule.DELAY_NOTICE: Meaning(
        "delay-notice",
        _E,
        "What a customer's silence means is computed from the dates of the order, and the letter has to say exactly "
        "that, in time, with a free way to answer and the right to cancel for a full refund.",
        "silence = yes on a second notice",
        "If we hear nothing from you, your order stays and we ship it by 27 November.",
        _FTC,
    ),
    Rule.WORKS_WHEN_DOWN: Meaning(
        "works-when-down",
        _E,
        "What is read while the shop is down must not need the shop: no link or picture on its host, no log-in as "
        "the only way to answer, no sender that nobody reads.",
        "Log in to confirm.",
        "Reply KEEP.",
        _IDEA,
    ),
    Rule.INDIVIDUAL: Meaning(
        "individual",
        _E,
        "A letter about an order names the customer, the order, the item, the money, the next step, the day and a "
        "person. If one of them is missing it is a circular.",
        "your item(s)",
        "your Zigzag throw",
        _IDEA,
    ),
    Rule.PROMISE: Meaning(
        "promise",
        _E,
        "Patience may be asked for together with the promise to write when it works again, and only if "
        "somebody keeps "
        "a list of those who were promised.",
        "Check back later.",
        "We will e-mail you as soon as checkout works.",
        _IDEA,
    ),
    Rule.INCONVENIENCE: Meaning(
        "inconvenience",
        _E,
        "“Any inconvenience caused” says that you have not looked at what was caused. Name the harm.",
        "We apologise for any inconvenience.",
        "You could not finish your order.",
        _LEWICKI,
    ),
    Rule.CONDITIONAL_SORRY: Meaning(
        "conditional-sorry",
        _E,
        "“Sorry if” puts the harm in doubt and the customer in the wrong. Say sorry that, or leave it.",
        "Sorry if you were affected.",
        "I am sorry that we lost your parcel.",
        _LEWICKI,
    ),
    Rule.NO_AGENT: Meaning(
        "no-agent",
        _E,
        "Mistakes are not made by nobody. “An error occurred” hides the one thing that a customer wants to hear: "
        "that you know it was you. Say we.",
        "Mistakes were made. Orders were oversold.",
        "We sold you a throw that we did not have.",
        _LEWICKI,
    ),
    Rule.OVER_PROMISE: Meaning(
        "over-promise",
        _W,
        "Nobody believes “never again”, and the next outage proves them right. Say what you change, who does it and "
        "by when: `prevention` in the file.",
        "This will never happen again.",
        "Two people look at each price before it goes live, from 1 December on.",
        _LEWICKI,
    ),
    Rule.BLAMES_SUPPLIER: Meaning(
        "blames-supplier",
        _E,
        "The customer bought from you. Your payment provider and your carrier are your choice, so their failure is "
        "yours. They may be named after a sentence that takes responsibility.",
        "due to our carrier",
        "We lost it on the way to you.",
        _ATLASSIAN,
    ),
    Rule.BLAMES_DEMAND: Meaning(
        "blames-demand",
        _E,
        "Customers who want to buy are not the problem; that you had not prepared for them is. Say what you sold, "
        "and what you had.",
        "due to unprecedented demand",
        "We sold more than we had.",
        _IDEA,
    ),
    Rule.BLAMES_PERSON: Meaning(
        "blames-person",
        _E,
        "“Human error” ends the search for a cause where it should begin, and hands one of your people to "
        "the public.",
        "human error",
        "We did not check the price before it went live.",
        "Dekker 2006, The field guide to understanding human error",
    ),
    Rule.DEFAULT_CANCEL: Meaning(
        "default-cancel",
        _E,
        "Clicking “buy” was the confirmation. Nobody has to log in, click or reply to keep what they bought. Where "
        "the law makes silence cancel an order, the letter has to say so, and the rule is silent.",
        "Log in to keep your order or it will be cancelled.",
        "If we hear nothing we will ship it by 27 November.",
        _IDEA,
    ),
    Rule.HEDGED_ORDER: Meaning(
        "hedged-order",
        _E,
        "A letter is about one order, and you know what will become of it, or by when you will. “May be delayed” "
        "leaves the customer with your uncertainty.",
        "Your order may be delayed.",
        "It will ship on 27 November.",
        _IDEA,
    ),
    Rule.VAGUE_TIME: Meaning(
        "vague-time",
        _E,
        "“Shortly” is a promise that cannot be kept and cannot be broken. Give a day and a time, or the time of the "
        "next update. “As soon as checkout works” is fine: it names the event.",
        "fixed shortly",
        "Next update by 10:00 UTC",
        f"{_GOVUK}; {_PAGERDUTY}",
    ),
    Rule.NO_ZONE: Meaning(
        "no-zone",
        _E,
        "Your customers do not live in your office, and your servers live elsewhere again. A clock time "
        "needs its zone.",
        "by 14:07",
        "by 14:07 UTC",
        _GOVUK,
    ),
    Rule.RELATIVE_DAY: Meaning(
        "relative-day",
        _W,
        "A text is read on another day than it is written, and in another zone. Name the date.",
        "tomorrow",
        "on 27 November",
        _GOVUK,
    ),
    Rule.EMPTY_OR_CUTE: Meaning(
        "empty-or-cute",
        _E,
        "“Technical difficulties” tells a customer nothing that they did not see, and “oops” makes their "
        "lost evening "
        "a joke.",
        "technical difficulties",
        "You cannot pay by card.",
        _GOVUK,
    ),
    Rule.JARGON: Meaning(
        "jargon",
        _W,
        "Two layers: plain words for everybody, technique in the postmortem. Words that your customers do "
        "use go into "
        "`lint: {allow: [...]}` in meaculpa.yml.",
        "503 errors",
        "pages do not open",
        f"{_GOVUK}; {_ATLASSIAN}",
    ),
    Rule.MINIMISES: Meaning(
        "minimises",
        _W,
        "It is not minor for those whom it hit. Give the number and let them judge.",
        "a small number of customers",
        "1,204 customers",
        _ATLASSIAN,
    ),
    Rule.UNQUANTIFIED: Meaning(
        "unquantified",
        _W,
        "“Some customers” leaves every reader asking: am I one of them? Say how many, or which, or where.",
        "Some customers cannot log in.",
        "1,204 people in GB and IE cannot log in.",
        _ATLASSIAN,
    ),
    Rule.SHOUTING: Meaning(
        "shouting",
        _W,
        "Exclamation marks and capitals are cheerful or alarming. You are neither tonight.",
        "We are BACK ONLINE!",
        "You can order again.",
        _GOVUK,
    ),
    Rule.CANNED: Meaning(
        "canned",
        _E,
        "A sentence that fits every outage of every company tells this customer that nobody wrote to them.",
        "Thank you for your patience.",
        "their name and their facts",
        _PRACTICE,
    ),
    Rule.PLACEHOLDER: Meaning(
        "placeholder",
        _E,
        "A template's gap that was not filled. It blocks publishing: nothing looks more careless.",
        "We will be back at [TIME].",
        "We will be back at 10:00 UTC.",
        _IDEA,
    ),
    Rule.STOCK_UPDATE: Meaning(
        "stock-update",
        _W,
        "56 of 173 real updates were one of five stock sentences. An update that says the same as the one before it "
        "teaches people not to read.",
        "We are continuing to investigate this issue.",
        "what has changed, or what you have ruled out",
        _PRACTICE,
    ),
    Rule.SELLS: Meaning(
        "service-mail-sells",
        _E,
        "A letter about a mistake is not an opportunity. The order comes first; what makes it good comes after its "
        "facts, and never into the subject.",
        "20 % off!",
        "Order 10432: it ships on 27 November",
        _IDEA,
    ),
    Rule.PERSONAL_DATA: Meaning(
        "personal-data",
        _E,
        "Mail addresses, card numbers, order numbers and names of customers do not belong on a public page. "
        "It blocks "
        "publishing. What has been published is taken back with `meaculpa retract`.",
        "Jane Doe's order 10432",
        "one order",
        "Regulation (EU) 2016/679",
    ),
    Rule.LONG_SENTENCE: Meaning(
        "long-sentence",
        _W,
        "Above 25 words a sentence is read twice, and on a phone at night it is not read at all.",
        "a sentence of thirty words",
        "two sentences of fifteen",
        "GOV.UK, Writing for GOV.UK: sentences of at most 25 words",
    ),
    Rule.BANNER_LENGTH: Meaning(
        "banner-length",
        _E,
        "A banner stands over somebody's purchase: 120 characters at most, and at most one link.",
        "two links in the summary",
        "the sentence alone",
        _IDEA,
    ),
}


def severity_of(rule: Rule) -> Severity:
    """How much a rule matters."""
    return MEANINGS[rule].severity
