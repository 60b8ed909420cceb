"""Incidents -> findings: what the public will read, held against every rule for pages, banner and splash page."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import islice
from urllib.parse import urlsplit

from msgspec.structs import replace

from meaculpa.cadence import ORDER_KINDS, cadence
from meaculpa.config import Config
from meaculpa.errors import Problem, Severity
from meaculpa.lint.passages import Ignored, Passage, ignored, not_understood, passages
from meaculpa.lint.people import People
from meaculpa.lint.personal import find_personal
from meaculpa.lint.phrases import MOST_HITS, Hit, Language, compiled
from meaculpa.lint.rules import Rule, severity_of
from meaculpa.lint.texts import (
    find_clock_without_zone,
    find_placeholders,
    first_sentence_misses_reader,
    inspect_text,
    is_stock,
    language_of,
)
from meaculpa.model import Impact, Incident, Kind, Source, Status, Update

# Only letters are about one order; gaps are looked for in the text as it was written.
_ELSEWHERE = frozenset({Rule.HEDGED_ORDER, Rule.PLACEHOLDER})
_OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)
_BEGINS = (Status.INVESTIGATING, Status.IDENTIFIED, Status.SCHEDULED, Status.IN_PROGRESS)
_OVER = (Status.RESOLVED, Status.COMPLETED)
_NEARLY_THE_SAME, _LONG_ENOUGH = 0.92, 40
_LONGEST_SCHEME = len("https://www.") + 1
_BEFORE_HOST = re.compile(r"(?:(?:https?:)?//(?:www\.)?|\bwww\.)$", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LINK = re.compile(r"https?://|\]\(")


def inspect_pages(
    incident: Incident, sources: Mapping[str, Source], config: Config, people: People
) -> tuple[Problem, ...]:
    """Hold everything that an incident says in public against the rules; what is taken back is told as a note."""
    own = _own_addresses(config)
    texts = list(passages(incident, sources, config.default_locale))
    found = [
        *_facts(incident, texts),
        *(problem for passage in texts for problem in _passage(passage, config, people, own)),
        *_beginning(texts),
        *_repeated(texts),
        *_restored(incident, texts),
    ]
    files = {one.path: one.file for one in texts if "meaculpa-ignore" in one.file.casefold()}
    taken_back = {path: ignored(file) for path, file in files.items()}
    odd = [(path, line) for path, file in files.items() for line in not_understood(file)]
    kept = [_weighed(problem, taken_back.get(problem.path, [])) for problem in found]
    hint = "<!-- meaculpa-ignore MC502: why it is right here -->"
    told = [Problem(path, line, "this takes no rule back", hint, Severity.WARNING) for path, line in odd]
    return tuple(sorted({*kept, *told, *_without_reason(taken_back)}))


def _problem(passage: Passage, hit: Hit) -> Problem:
    return _at(passage, passage.place(hit.start), hit)


def _at(passage: Passage, place: tuple[int, int], hit: Hit) -> Problem:
    line, column = place
    return Problem(passage.path, line, f'"{hit.words}"', hit.hint, severity_of(hit.rule), str(hit.rule), column)


def _of_incident(path: str, line: int, rule: Rule, message: str, hint: str) -> Problem:
    return Problem(path, line, message, hint, severity_of(rule), str(rule))


def _weighed(problem: Problem, taken_back: list[Ignored]) -> Problem:
    """A finding that its file takes back with a reason is a note."""
    for one in taken_back:
        if one.reason and one.covers(Rule(problem.rule), problem.line):
            return replace(problem, severity=Severity.NOTE, hint=f"taken back: {one.reason}")
    return problem


def _without_reason(taken_back: Mapping[str, list[Ignored]]) -> Iterator[Problem]:
    for path, found in taken_back.items():
        for one in found:
            unknown = [name for name in one.rules if name not in list(Rule)]
            if unknown:
                yield Problem(path, one.line, f"there is no rule {unknown[0]}", "", Severity.WARNING)
            if not one.reason:
                hint = f"<!-- meaculpa-ignore {one.rules[0]}: why it is right here -->"
                yield Problem(path, one.line, f"{one.rules[0]} is taken back without a reason", hint)


# ---- Facts


def _facts(incident: Incident, texts: list[Passage]) -> Iterator[Problem]:
    update = incident.updates[-1]
    is_open = incident.kind not in (Kind.MAINTENANCE, Kind.NOTICE) and update.status in _OPEN
    if is_open:
        yield from _promise(incident, update)
    if update.status in _OPEN:
        yield from _required(incident, texts)


def _promise(incident: Incident, update: Update) -> Iterator[Problem]:
    within = cadence(incident.kind, incident.impact, update.at - incident.started)
    if within is None:
        return
    due = update.at + within
    hint = f"next_update: {due:%Y-%m-%d %H:%M} UTC at the latest"
    if update.next_update is None:
        message = "it does not say when the next update comes"
        yield _of_incident(incident.path, update.line, Rule.NEXT_UPDATE, message, hint)
    elif update.next_update > due:
        message = f"the next update comes later than is fair for {incident.impact or incident.kind}"
        yield _of_incident(incident.path, update.line, Rule.NEXT_UPDATE, message, hint)


_WAYS = (
    r"\b(?:you can (?:still |also )?\w+|still (?:work|order|pay|browse|buy)\w*|works? (?:normally|as usual)|by phone"
    r"|(?:is|are) not affected|unaffected|können Sie (?:weiterhin |noch |auch )?\w+|am Telefon|telefonisch"
    r"|funktionier\w+|nicht betroffen)\b"
)
_MONEY = (
    r"\b(?:charged?|refund\w*|money|paid|payments?|basket|card|hold|cost|abgebucht|belastet|erstatt\w+|Geld|bezahlt"
    r"|Warenkorb|Karte|Euro|euros?|pounds?|dollars?|prices?|Preise?)\b|[€£$]"
)


def _required(incident: Incident, texts: list[Passage]) -> Iterator[Problem]:
    """What a reader asks first must be answered, in its own field or in the text itself."""
    own = [one for one in texts if one.path == incident.path and one.name != "title"]
    said = "\n".join(one.prose.text for one in own if one.status is not None or one.name == "summary")
    is_critical = incident.kind is Kind.OUTAGE and incident.impact is Impact.CRITICAL
    if is_critical and not incident.works and not compiled(_WAYS).search(said):
        yield _of_incident(
            incident.path,
            1,
            Rule.REQUIRED_FACTS,
            "it does not say what still works",
            "works: You can order by phone.",
        )
    if (is_critical or incident.kind in ORDER_KINDS) and not incident.money and not compiled(_MONEY).search(said):
        hint = "money: No card was charged. Your basket is saved."
        yield _of_incident(
            incident.path, 1, Rule.REQUIRED_FACTS, "it does not say what happened to money and baskets", hint
        )


# ---- Texts


def _passage(passage: Passage, config: Config, people: People, own: frozenset[str]) -> Iterator[Problem]:
    language = language_of(passage.locale)
    # What stands in a link or in a block of code is published, too; what stands in a comment is not.
    shown = _COMMENT.sub(lambda match: " " * len(match[0]), passage.raw)
    is_german = passage.locale.casefold().startswith("de")
    for hit in (*islice(find_personal(shown, people, own, is_german), MOST_HITS), *find_placeholders(shown)):
        yield _at(passage, passage.place_in_source(hit.start), hit)
    if language:
        yield from (_problem(passage, hit) for hit in _spoken(passage, language, config))
    yield from _links(passage, config)


def _spoken(passage: Passage, language: Language, config: Config) -> Iterator[Hit]:
    is_technical = passage.status is Status.POSTMORTEM
    is_over = is_technical or passage.status in _OVER
    for hit in inspect_text(passage.prose.text, language, config.lint.words, _ELSEWHERE):
        is_fine = (is_technical and hit.rule is Rule.JARGON) or (is_over and hit.rule is Rule.WORKS_WHEN_DOWN)
        if not is_fine:
            yield hit
    if passage.name != "title" and passage.status is not Status.POSTMORTEM:
        yield from find_clock_without_zone(passage.prose.text, language)


def _own_addresses(config: Config) -> frozenset[str]:
    """Addresses and hosts that the shop itself has made public."""
    site, mail = config.site, config.mail
    hosts = [(urlsplit(url).hostname or "").removeprefix("www.") for url in (site.url, site.store_url)]
    known = [site.support.email, mail.reply_to if mail else None, mail.sender if mail else None, *config.lint.allow]
    return frozenset(one.casefold().rpartition("<")[2].rstrip(">") for one in (*known, *hosts) if one)


def _links(passage: Passage, config: Config) -> Iterator[Problem]:
    """What is read while the shop is down must not lead there."""
    if passage.status in (*_OVER, Status.POSTMORTEM):
        return
    host = (urlsplit(config.site.store_url).hostname or "").removeprefix("www.")
    if host and host in passage.raw:
        yield from _to_the_shop(passage, host)
    if passage.name == "summary" and len(_LINK.findall(passage.raw)) > 1:
        yield _problem(passage, Hit(Rule.BANNER_LENGTH, 0, "more than one link", "a banner holds one at most"))


def _to_the_shop(passage: Passage, host: str) -> Iterator[Problem]:
    # Without a path or a www a host may be the shop's name.
    for match in compiled(rf"{re.escape(host)}(?![\w-]|\.\w)[^\s)>\"]*").finditer(passage.raw):
        before = _BEFORE_HOST.search(passage.raw, max(0, match.start() - _LONGEST_SCHEME), match.start())
        start = before.start() if before else match.start()
        is_path = match[0][len(host) : len(host) + 1] == "/" and passage.raw[start - 1 : start] not in (
            ".",
            "@",
            "/",
            "-",
        )
        if before or is_path:
            hit = Hit(
                Rule.WORKS_WHEN_DOWN, 0, passage.raw[start : match.end()], "it does not answer when the shop is down"
            )
            yield _at(passage, passage.place_in_source(start), hit)


def _beginning(texts: list[Passage]) -> Iterator[Problem]:
    for passage in texts:
        language = language_of(passage.locale)
        if language and passage.status in _BEGINS and _is_first(passage, texts):
            hit = first_sentence_misses_reader(passage.prose.text, language)
            if hit:
                yield _problem(passage, hit)


def _is_first(passage: Passage, texts: list[Passage]) -> bool:
    bodies = [one for one in texts if one.path == passage.path and one.status is not None]
    return bodies[0] is passage


def _repeated(texts: list[Passage]) -> Iterator[Problem]:
    """An update that says nothing of its own, or nothing new."""
    before: dict[str, Passage] = {}
    for passage in texts:
        language = language_of(passage.locale)
        if passage.status is None or not passage.raw.strip():
            continue
        last = before.get(passage.path)
        before[passage.path] = passage
        if language and passage.status is not Status.RESOLVED and is_stock(passage.prose.text, language):
            hint = "what has changed, or what you have ruled out"
            yield _problem(passage, Hit(Rule.STOCK_UPDATE, 0, _short(passage.prose.text), hint))
        elif last and _is_nearly(last.prose.text, passage.prose.text):
            yield _problem(
                passage, Hit(Rule.STOCK_UPDATE, 0, _short(passage.prose.text), "the update before says this")
            )


def _is_nearly(one: str, other: str) -> bool:
    first, second = one.casefold().split(), other.casefold().split()
    if first == second:
        return True
    if min(len(one), len(other)) < _LONG_ENOUGH or abs(len(first) - len(second)) > 3:
        return False
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.quick_ratio() > _NEARLY_THE_SAME and matcher.ratio() > _NEARLY_THE_SAME


def _restored(incident: Incident, texts: list[Passage]) -> Iterator[Problem]:
    """What is over says from when to when it was, and more than that it is over."""
    if incident.kind in (Kind.MAINTENANCE, Kind.NOTICE):
        return
    for passage in texts:
        language = language_of(passage.locale)
        if language is None or passage.status is not Status.RESOLVED:
            continue
        text = passage.prose.text
        if not text.strip() or is_stock(text, language):
            hint = "what customers could not do, from when to when, what is left of it"
            yield _problem(passage, Hit(Rule.RESTORED_FACTS, 0, _short(text) or "no text", hint))
        elif incident.kind is Kind.OUTAGE and not _tells_how_long(text, language):
            hint = "You could not ... from 14:02 to 16:47 UTC"
            yield _problem(passage, Hit(Rule.RESTORED_FACTS, 0, "it does not say from when to when", hint))


_LENGTH = (
    r"\b(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|half an|ein\w*|zwei|drei|vier|fünf|sechs|sieben"
    r"|acht|neun|zehn)[ -](?:and a half )?(?:minutes?|min|hours?|h|days?|Minuten?|Stunden?|Tagen?|Tage)\b"
)


def _tells_how_long(text: str, language: Language) -> bool:
    """Two times, two days, or a span with a time or a day to count it from."""
    times = set[str]()
    for match in compiled(language.clock).finditer(text):
        times.add(match[0])
        if len(times) >= 2:
            return True
    days = {match[0] for match in compiled(language.dates).finditer(text)}
    return len(days) >= 2 or (bool(times or days) and bool(compiled(_LENGTH).search(text)))


def _short(text: str) -> str:
    words = text.split()
    return " ".join(words[:8]) + (" ..." if len(words) > 8 else "")
