"""A letter as it will be read -> findings: what a customer must find in it, and what must not stand there.

The rules and their numbers are those of the messages paper; text rules exist for English and German.
"""

import functools
import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from meaculpa.errors import Severity
from meaculpa.lint.phrases import Hit, Language
from meaculpa.lint.rules import Rule, severity_of
from meaculpa.lint.texts import LANGUAGES, find_placeholders, inspect_text


class Finding(Struct, frozen=True):
    """What is wrong with a letter: the rule, the words, and what would be right."""

    rule: Rule
    words: str
    hint: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.rule}: {self.words} ({self.hint})"


class Checked(Struct, frozen=True):
    """A letter, and what it has to be held against.

    `facts` must all be found in it: name, order, item, money. `answers_by` are days of which one must stand in it,
    `store_hosts` what does not answer when the store is down. `may_cancel` is whether the law makes silence cancel,
    `has_heard_sorry` whether its reader has had another letter of the same incident that apologises.
    """

    locale: str
    subject: str
    text: str
    facts: Collection[str]
    person: str
    reply_to: str
    store_host: str = ""
    stage: str = ""
    may_cancel: bool = False
    silence_days: Collection[str] = ()
    is_refund_due: bool = False
    has_heard_sorry: bool = False


def inspect_letter(letter: Checked) -> list[Finding]:
    """Hold a rendered letter against every rule for letters."""
    language = letter.locale.split("-")[0]
    text = " ".join(letter.text.split())
    return [
        *_individual(letter, text),
        *_reachable(letter, text),
        *_stage_rules(letter, text, _WORDS.get(language, _WORDS["en"])),
        *_phrases(letter, language if language in LANGUAGES else "en"),
        *_sells(letter),
    ]


def apologises(text: str, locale: str) -> bool:
    """Whether a letter says sorry."""
    words = _WORDS.get(locale.split("-")[0], _WORDS["en"])
    return bool(re.search(words.sorry, text, re.IGNORECASE))


def _individual(letter: Checked, text: str) -> Iterator[Finding]:
    for fact in letter.facts:
        if " ".join(fact.split()) not in text:
            yield Finding(Rule.INDIVIDUAL, f'"{fact}" does not stand in it', "name, order, item and money are named")
    if letter.person not in text:
        yield Finding(Rule.INDIVIDUAL, "no person has signed it", "mail.signed_by in meaculpa.yml")
    first = _first_sentence(text)
    you = r"\b([Yy]ou|[Yy]ours?|Sie|Ihnen|Ihre?[mnrs]?)\b"
    if not re.search(you, first):
        hint = "begin with what it means for the reader"
        yield Finding(Rule.IMPACT_FIRST, f'"{first[:80]}" does not speak to the reader', hint, Severity.WARNING)


def _first_sentence(text: str) -> str:
    """The first sentence after the greeting."""
    body = text.partition(",")[2].strip() or text
    return re.split(r"(?<=[.!?]) ", body, maxsplit=1)[0]


def _reachable(letter: Checked, text: str) -> Iterator[Finding]:
    if re.search(r"no-?reply|do-?not-?reply|donotreply", letter.reply_to, re.IGNORECASE):
        yield Finding(
            Rule.WORKS_WHEN_DOWN, f"answers would go to {letter.reply_to}", "an address that a person reads"
        )
    host = letter.store_host.removeprefix("www.")
    if host and re.search(rf"https?://(www\.)?{re.escape(host)}(?![\w.-])", text):
        yield Finding(
            Rule.WORKS_WHEN_DOWN, f"a link to {letter.store_host}", "it does not answer when the store is down"
        )


class _Words(Struct, frozen=True):
    """What has to be found in a language's letters, as patterns."""

    promise: str
    sorry: str
    responsible: str
    money_back: str
    log_in: str


_WORDS = {
    "en": _Words(
        r"(e-?mail|write to|tell) you\b.{0,40}\bas soon as",
        r"\b(sorry|apologi[sz]e|apology)\b",
        r"\b(our|my) (own )?(mistake|fault|failure)|\bwe (were wrong|let you down)",
        r"\b(back the way you pa|refund|release|not been charged|not charged|was sent back|sent all of it back)",
        r"\b(log ?in( to|to)|sign ?in( to|to)) (keep|confirm|your|see|choose)\b",
    ),
    "de": _Words(
        r"(schreiben|mailen|sagen|melden).{0,40}\bsobald",
        r"\b(tut (mir|uns) leid|entschuldig)",
        r"\b(unser|mein) (eigener )?(Fehler|Versagen)|im Stich gelassen",
        r"\b(auf demselben Weg zurück|erstatt|frei\b|nicht belastet|zurückgeschickt|ging .{0,30} zurück)",
        r"\b(melden|loggen) Sie sich (bitte )?(an|ein)\b",
    ),
}


def _stage_rules(letter: Checked, text: str, words: _Words) -> Iterator[Finding]:
    apologies = len(re.findall(words.sorry, text, re.IGNORECASE))
    if apologies and letter.has_heard_sorry:
        told = "another letter of this incident has apologised to them"
        yield Finding(Rule.ONE_APOLOGY, told, "say what is new", Severity.WARNING)
    if apologies > 2:
        yield Finding(Rule.ONE_APOLOGY, f"{apologies} apologies", "one is heard, more are noise", Severity.WARNING)
    if letter.stage == "patience" and not re.search(words.promise, text, re.IGNORECASE):
        yield Finding(
            Rule.PROMISE, "no promise to write when it works", "patience is asked for only with that promise"
        )
    if letter.stage == "apology":
        for pattern, what in ((words.sorry, "no regret"), (words.responsible, "nobody takes responsibility")):
            if not re.search(pattern, text, re.IGNORECASE):
                yield Finding(
                    Rule.APOLOGY_ELEMENTS, what, "say sorry, whose mistake it was, and what you do about it"
                )
    if letter.is_refund_due and not re.search(words.money_back, text, re.IGNORECASE):
        yield Finding(Rule.REFUND_FIRST, "it does not say that the money goes back", "a gift is no refund")
    if letter.silence_days and not any(day in text for day in letter.silence_days):
        yield Finding(Rule.DELAY_NOTICE, "it does not say what silence means, and until when", letter.stage)
    if re.search(words.log_in, text, re.IGNORECASE):
        yield Finding(Rule.WORKS_WHEN_DOWN, "it asks to log in", "an answer by mail or phone is enough")


# What a missing fact looks like when a template writes it.
_NOTHING = re.compile(r"\bNone\b(?! of)")
_LINE = re.compile(r"\n(?=\n| {2}\S|- )")
_NUMBERS = re.compile(r"\b[45]\d\d\b|\d")


def _phrases(letter: Checked, language: str) -> Iterator[Finding]:
    own_words = "\n".join(" ".join(line.split()) for line in _LINE.split(f"{letter.subject}\n\n{letter.text}"))
    for fact in letter.facts:
        # What an item or a customer is called is not for us to judge.
        own_words = _without(" ".join(fact.split()), own_words)
    for hit in _hits(own_words, language):
        if not (hit.rule is Rule.DEFAULT_CANCEL and letter.may_cancel):
            yield Finding(hit.rule, f'"{hit.words}"', hit.hint, severity_of(hit.rule))
    for fact in ("", *letter.facts):
        missing = _NOTHING.fullmatch(fact) if fact else _NOTHING.search(own_words)
        words = missing[0] if missing else next((hit.words for hit in find_placeholders(fact)), "")
        if words:
            yield Finding(Rule.PLACEHOLDER, f'"{words}"', "fill it in")


def _hits(text: str, language: str) -> list[Hit]:
    """Hold a text against the rules; ten thousand letters share most of their lines but for the numbers in them."""
    lines = (_NUMBERS.sub(lambda number: number[0] if len(number[0]) > 1 else "1", line) for line in text.split("\n"))
    if not any(_is_suspect(line, language) for line in lines):
        return []
    return list(inspect_text(text, LANGUAGES[language]))


@functools.lru_cache(maxsize=16_384)
def _is_suspect(line: str, language: str) -> bool:
    rules: Language = LANGUAGES[language]
    return any(True for _ in inspect_text(line, rules))


def _without(name: str, text: str) -> str:
    """Take a name out of a text wherever it is not a part of a longer word."""
    parts, begin, found = list[str](), 0, text.find(name) if name else -1
    while found >= 0:
        end = found + len(name)
        is_part = text[found - 1 : found].isalnum() or text[end : end + 1].isalnum()
        parts.append(text[begin:found] + (name if is_part else "…"))
        begin, found = end, text.find(name, end)
    return "".join([*parts, text[begin:]])


_SALES = re.compile(
    r"\d ?%|\b(off|sale|shop now|limited time|voucher|coupon|gift)\b"
    r"|\b(rabatt|gutschein|jetzt kaufen|nur für kurze zeit)\b",
    re.IGNORECASE,
)


def _sells(letter: Checked) -> Iterable[Finding]:
    # The subject of such a letter is the incident's own title.
    match = None if letter.stage == "patience" else _SALES.search(letter.subject)
    if match:
        return [Finding(Rule.SELLS, f'"{match[0]}" in the subject', "the order comes first, a gift after its facts")]
    return []
