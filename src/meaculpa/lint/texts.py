"""The rules that read text: prose in, hits out, be it of a page or of a letter."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from meaculpa.lint.english import ENGLISH
from meaculpa.lint.german import GERMAN
from meaculpa.lint.phrases import MOST_HITS, Hit, Language, any_of, compiled, find_phrases, holds_any
from meaculpa.lint.prose import Sentence, sentences
from meaculpa.lint.rules import Rule

LANGUAGES: Mapping[str, Language] = {"en": ENGLISH, "de": GERMAN}
LONGEST_SENTENCE = 25
_GAPS = (
    "NAME|TIME|DATE|DAY|ORDER|ITEMS?|AMOUNT|PRICE|NUMBER|NO|ID|LINK|URL|E-?MAIL|PHONE|ADDRESS|REASON|CAUSE|IMPACT|COMPONENT"
    "|SERVICE|PRODUCT|COMPANY|SHOP|STORE|CUSTOMER|DURATION|ETA|CODE|CITY|REGION|TBD|TODO|TEXT|PLACEHOLDER|DETAILS|DESCRIPTION"
    "|X+|HH:MM|UHRZEIT|DATUM|BETRAG|ARTIKEL|BESTELLNUMMER|GRUND|URSACHE|ZEIT|TAG|PREIS|KUNDE|STADT|NAME DES KUNDEN"
)
_WHOSE = "YOUR |INSERT |THE |CUSTOMER |ORDER |SHOP |STORE |COMPANY |PRODUCT "
# Two patterns, for one whose every way begins with a certain sign is looked for many times as fast.
_BRACKETED = re.compile(
    rf"\{{\{{|\}}\}}|\{{%|\[ ?(?:{_WHOSE})?(?:{_GAPS})(?: [A-Z]+)? ?\]"
    r"|\[ ?(?i:name|time|date|amount|reason|cause|duration|order|item|number|uhrzeit|datum|betrag"
    r"|grund|ursache) ?\](?![\[(:])"
    r"|\[(?i:insert|your|customer) [^\]\n]{0,40}\](?![\[(:])"
    r"|<(?i:[a-z]+[ _])?(?i:name|time|date|day|order|item|amount|price|number|reason|link|datum|uhrzeit|betrag"
    r"|artikel|preis|grund)>|<[A-Z][A-Z_ ]{2,40}>|%[A-Z]+_(?:NAME|DATE|TIME|PRICE|ITEM|NUMBER|ID)%"
    r"|\?\?:\?\?|\$\{\w+\}"
)
_BRACKETED_NEEDS = any_of("{|}|[|<|%|??")
_WRITTEN = re.compile(
    r"\b(?:TT\.MM\.JJJJ|DD[/.]MM[/.]YYYY|HH:MM|TBD|TBC|TODO|FIXME|XX|XXX|XXXX)\b(?!-)|(?i:lorem ipsum)"
    r"|(?<=\S )_{3,}|(?<!_)_{3,}(?= \S)"
)
_WRITTEN_NEEDS = any_of("TBD|TBC|TODO|FIXME|XX|orem|ORem|OREM|___|TT.|DD|HH:")
# Without one of these, and without a number word, no time of day stands in a text.
_LIKE_A_CLOCK = re.compile(r"\d[:.]\d|\d ?[apAP]\.?[mM]|[cC][lL][oO][cC][kK]|\d ?[hHuU]")
# The times of day that are said without a digit.
_NUMBERLESS = any_of("half past|quarter")
# Within a sentence it belongs to a name: the Oops! board game.
_EXCLAIMED = re.compile(r"(?<=[\w)\"”’])!(?!=|[”“\"’]? [a-zäöü])|!{2,}")
_CAPITALS = re.compile(
    r"[A-ZÄÖÜ]{4,}[\s,]+[A-ZÄÖÜ]{4,}\b|[A-ZÄÖÜ]{2,}(?:[\s,]+[A-ZÄÖÜ]{2,}){2,}\b"
    r"|(?:URGENT|IMPORTANT|WARNING|ATTENTION|ALERT|SORRY|FREE|DRINGEND|WICHTIG|ACHTUNG|WARNUNG)\b"
)


def language_of(locale: str) -> Language | None:
    """The rules for a language, None where there are none."""
    return LANGUAGES.get(locale.split("-")[0].casefold())


def inspect_text(
    text: str, language: Language, allowed: Collection[str] = (), without: Collection[Rule] = ()
) -> Iterator[Hit]:
    """Hold a text against every rule that reads text but those left out; hits come rule by rule."""
    cut = sentences(text)
    if not cut:
        return
    yield from find_phrases(text, cut, language, allowed, without)
    yield from _unquantified(text, cut, language)
    yield from _shouting(text)
    if Rule.PLACEHOLDER not in without:
        yield from find_placeholders(text)
    yield from _long(cut)


def find_placeholders(text: str) -> Iterator[Hit]:
    """Find gaps of a template that nobody has filled."""
    for pattern, needs in ((_BRACKETED, _BRACKETED_NEEDS), (_WRITTEN, _WRITTEN_NEEDS)):
        if holds_any(text, needs):
            for match in islice(pattern.finditer(text), MOST_HITS):
                yield Hit(Rule.PLACEHOLDER, match.start(), match[0], "fill it in")


def find_clock_without_zone(text: str, language: Language) -> Iterator[Hit]:
    """Find a time of day in whose paragraph no zone stands; hours that come back each day are the shop's own."""
    start = 0
    for paragraph in text.split("\n"):
        is_possible = "UTC" not in paragraph and (
            _LIKE_A_CLOCK.search(paragraph) or holds_any(paragraph.lower(), _NUMBERLESS)
        )
        match = compiled(language.clock).search(paragraph) if is_possible else None
        if match and not compiled(rf"{language.zone}|{language.each_day}").search(paragraph):
            yield Hit(Rule.NO_ZONE, start + match.start(), match[0], language.zone_hint)
        start += len(paragraph) + 1


def first_sentence_misses_reader(text: str, language: Language) -> Hit | None:
    """Say whether a text begins with something else than what it means for its reader."""
    cut = sentences(text)
    if not cut or compiled(language.reader).search(cut[0].text):
        return None
    return Hit(Rule.IMPACT_FIRST, cut[0].start, _shown(cut[0].text), "begin with what the reader cannot do")


def is_stock(text: str, language: Language) -> bool:
    """Whether a text says nothing but what every status page says."""
    pattern = compiled(language.stock)
    cut = sentences(text)
    return bool(cut) and all(pattern.fullmatch(one.text.strip().rstrip(".!")) for one in cut)


def _unquantified(text: str, cut: tuple[Sentence, ...], language: Language) -> Iterator[Hit]:
    if not holds_any(text.lower(), language.unquantified_needs):
        return
    for one in cut:
        match = compiled(language.unquantified).search(one.text)
        if match is None:
            continue
        rest = compiled(language.dates).sub(" ", one.text)
        if not compiled(language.place_or_number).search(rest):
            yield Hit(Rule.UNQUANTIFIED, one.start + match.start(), match[0], language.unquantified_hint)


def _shouting(text: str) -> Iterator[Hit]:
    found = [*(_EXCLAIMED.finditer(text) if "!" in text else ()), *_CAPITALS.finditer(text)]
    for match in found[:MOST_HITS]:
        if match[0][0] == "!" or not text[match.start() - 1 : match.start()].isalnum():
            yield Hit(Rule.SHOUTING, match.start(), match[0], "a full stop; small letters")


def _long(cut: tuple[Sentence, ...]) -> Iterator[Hit]:
    """Find sentences that are too long; a colon and a semicolon let a reader breathe as well."""
    for one in cut:
        if one.text.count(" ") < LONGEST_SENTENCE:
            continue
        longest = max(re.split(r"[:;–—]\s", one.text), key=_count_words)
        count = _count_words(longest)
        if count > LONGEST_SENTENCE:
            start = one.start + one.text.index(longest) + len(longest) - len(longest.lstrip())
            yield Hit(Rule.LONG_SENTENCE, start, _shown(longest), f"{count} words; cut it in two")


def _count_words(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _shown(text: str) -> str:
    words = text.split()
    return " ".join(words[:8]) + (" ..." if len(words) > 8 else "")
