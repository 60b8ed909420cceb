"""What a language's rules are made of, and where its phrases are found."""

import functools
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from meaculpa.lint.prose import Sentence
from meaculpa.lint.rules import Rule

# Within one sentence; the dot of a number or of a day is no end.
GAP = r"(?:[^.!?\n]|(?<=\d)\.)"


class Phrase(Struct, frozen=True):
    """Words that must not stand in a message, and what would be right.

    No text matches that holds none of `needs`, in small letters: looking for these first is much faster. `unless` is
    what makes them right if it stands in the same sentence, `after` if it does in an earlier one.
    """

    rule: Rule
    pattern: str
    hint: str
    needs: tuple[str, ...]
    unless: str = ""
    after: str = ""


class Hit(Struct, frozen=True):
    """Words that a rule has found, where they begin in the text, and what would be right."""

    rule: Rule
    start: int
    words: str
    hint: str


def any_of(words: str) -> tuple[str, ...]:
    """Words that are written with | between them."""
    return tuple(words.split("|"))


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for text, whose case never matters unless it says so."""
    return re.compile(pattern, re.IGNORECASE)


def holds_any(small: str, words: tuple[str, ...]) -> bool:
    """Whether a text in small letters holds one of these."""
    for word in words:  # noqa: SIM110 (asked some hundred times a text; a generator would take three times as long)
        if word in small:
            return True
    return False


# What parts words: no run of letters stretches over it.
_BETWEEN = {ord(sign): " " for sign in "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'‘’“”„…–—"}
_MOST_WORDS = 50_000


class Index:
    """Which phrases a text can hold at all: learnt once for each word that is ever seen, so that texts are cheap.

    What a phrase needs is known by its longest run of letters: it stands within one word of any text that holds it.
    """

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        needs = sorted({(need, number) for number, phrase in enumerate(phrases) for need in phrase.needs})
        self._needs = [need for need, _ in needs]
        self._phrases = [number for _, number in needs]
        runs: dict[str, int] = {}
        for place, need in enumerate(self._needs):
            run = max(need.translate(_BETWEEN).split(), key=len, default="")
            runs[run] = runs.get(run, 0) | 1 << place
        self._always = runs.pop("", 0)
        self._runs = list(runs.items())
        self._known: dict[str, int] = {}

    def possible(self, small: str) -> set[int]:
        """The numbers of the phrases that a text in small letters may hold; it holds none of the others."""
        bits, known = self._always, self._known
        for word in set(small.translate(_BETWEEN).split()):
            learnt = known.get(word)
            bits |= self._learn(word) if learnt is None else learnt
        found = set[int]()
        while bits:
            place = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            if self._phrases[place] not in found and self._needs[place] in small:
                found.add(self._phrases[place])
        return found

    def _learn(self, word: str) -> int:
        bits = 0
        for run, places in self._runs:
            if run in word:
                bits |= places
        if len(self._known) >= _MOST_WORDS:
            self._known.clear()
        self._known[word] = bits
        return bits


class Language(Struct, frozen=True, eq=False, dict=True):
    """Everything that the text rules know of a language; all but `phrases` are patterns.

    `place_or_number` is what makes "some customers" precise; `dates` are taken out before it is looked for.
    """

    phrases: tuple[Phrase, ...]
    capitals_are_names: bool
    reader: str
    zone: str
    clock: str
    each_day: str
    dates: str
    place_or_number: str
    unquantified: str
    unquantified_needs: tuple[str, ...]
    unquantified_hint: str
    zone_hint: str
    stock: str

    @functools.cached_property
    def index(self) -> Index:
        """Where to look for which phrase."""
        return Index(self.phrases)


# Rules that look for single words, which a product may be called by: a Glitch lamp, a perfume called Soon.
_OF_NAMES = (Rule.EMPTY_OR_CUTE, Rule.VAGUE_TIME)
_BEGINS = re.compile(r"(?:^|[.!?:\n])[\s\"“„(…]*$")


def _is_name(text: str, match: re.Match[str], language: Language) -> bool:
    """Whether words are written like a name: with a capital where no sentence begins, or between quotation marks."""
    start, word = match.start(), match[0]
    is_quoted = text[start - 1 : start] in ("“", "„", "‘", "»") and start > 0
    is_capital = (
        language.capitals_are_names
        and word[0].isupper()
        and word[1:2].islower()
        and not _BEGINS.search(text, 0, start)
    )
    return is_quoted or is_capital


# Nobody reads more of one sort in one text.
MOST_HITS = 20
_FAR = 600


def _around(match: re.Match[str], cut: tuple[Sentence, ...]) -> str:
    """The sentence of a match; of an endless one what stands near."""
    here = cut[bisect_right(cut, match.start(), key=lambda one: one.start) - 1]
    begin = max(0, match.start() - here.start - _FAR)
    return here.text[begin : match.end() - here.start + _FAR]


def find_phrases(
    text: str,
    cut: tuple[Sentence, ...],
    language: Language,
    allowed: Collection[str] = (),
    without: Collection[Rule] = (),
) -> Iterator[Hit]:
    """Find what must not stand in a text; words that are `allowed` are no jargon here."""
    small = text.lower()
    possible = language.index.possible(small)
    for number, phrase in enumerate(language.phrases):
        if number not in possible or phrase.rule in without:
            continue
        for match in islice(compiled(phrase.pattern).finditer(text), MOST_HITS):
            if phrase.unless and compiled(phrase.unless).search(_around(match, cut)):
                continue
            if phrase.after and compiled(phrase.after).search(text, 0, match.end()):
                continue
            if phrase.rule in _OF_NAMES and _is_name(text, match, language):
                continue
            if phrase.rule is Rule.JARGON and match[0].casefold() in allowed:
                continue
            yield Hit(phrase.rule, match.start(), match[0], phrase.hint)
