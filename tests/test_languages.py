"""Twelve languages: every word there, dates and plurals by the language's own rules, right to left where it is so."""

import re
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.folders import packaged_templates
from meaculpa.project import read_project
from meaculpa.render.words import Words, read_words
from tests.making import CONFIG, at, incident_text, write_project

LOCALES = packaged_templates() / "locales"
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "ja", "ar", "he")
RIGHT_TO_LEFT = ("ar", "he")
TEXTS = {path.stem: path.read_bytes() for path in LOCALES.glob("*.yml")}
# Names, and what a format calls its own parts, are the same in every language.
_FORMATS = "Atom RSS JSON Feed maintenance ics summary json llms txt https www rssboard org rss specification"
NAMES = {"meaculpa", "Optional", "website", "article", *_FORMATS.split()}
_PLURAL = re.compile(r"\.(zero|one|two|few|many|other)$")
# What Spanish, French, Italian and Portuguese say of a million is never said here.
_RARE = {("es", "many"), ("fr", "many"), ("it", "many"), ("pt", "many")}


def words(locale: str) -> Words:
    found = read_words(TEXTS, (locale,), TEXTS["en"])
    assert isinstance(found, tuple), found
    return found[0]


def test_every_language_is_there() -> None:
    assert set(TEXTS) == set(LANGUAGES)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_string_is_there_and_names_the_same_facts(locale: str) -> None:
    assert isinstance(read_words(TEXTS, (locale,), TEXTS["en"]), tuple)


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_plural_has_each_form_of_its_language(locale: str) -> None:
    said = words(locale)
    stems = {_PLURAL.sub("", key) for key in said.strings if _PLURAL.search(key)}
    forms = {said.rules.plural_form(count) for count in range(200)} | {"other"}
    missing = {
        f"{stem}.{form}"
        for stem in stems
        for form in forms
        if f"{stem}.{form}" not in said.strings and (locale, form) not in _RARE
    }
    assert missing == set()


@pytest.mark.parametrize("locale", [one for one in LANGUAGES if one != "en"])
def test_nothing_is_left_in_english(locale: str) -> None:
    english, said = words("en").strings, words(locale).strings
    same = {key for key, text in said.items() if english.get(key) == text and re.search(r"[a-z]{3}", text)}
    same -= {
        "feed_entry",
        "prevention_line",
        "calendar_name",
        "chat",
        "banner.more",
        "status_of",
        "month_count.other",
    }
    assert same == set(), "a string that is the same in English has not been translated"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_times_and_spans_are_in_the_words_of_the_language(locale: str) -> None:
    said = words(locale)
    for span in (timedelta(minutes=1), timedelta(minutes=165), timedelta(hours=22), timedelta(days=40, hours=3)):
        text = said.duration(span)
        assert "duration" not in text
        assert len(re.findall(r"\d+", text)) <= 2 and not re.search(r"(\b\w+\b).*\b\1\b", re.sub(r"\d", "", text))
    assert "2026" in said.moment(at("2026-11-22 09:20")) and "09:20 UTC" in said.moment(at("2026-11-22 09:20"))
    assert said.share(0.99951).startswith(("99.95", "99,95"))


@pytest.mark.parametrize(
    ("locale", "moment", "duration"),
    [
        ("en", "22 Nov 2026, 09:20 UTC", "2 hours, 45 minutes"),
        ("de", "22. Nov. 2026, 09:20 UTC", "2 Stunden, 45 Minuten"),
        ("fr", "22 nov. 2026, 09:20 UTC", "2 heures et 45 minutes"),
        ("nl", "22 nov 2026, 09:20 UTC", "2 uur en 45 minuten"),
        ("ja", "2026年11月22日 09:20 UTC", "2 時間 45 分"),
        ("ar", "22 نوفمبر 2026، 09:20 UTC", "ساعتان و45 دقيقة"),
        ("he", "22 בנוב׳ 2026, 09:20 UTC", "שעתיים, 45 דקות"),
    ],
)
def test_dates_and_spans_read_as_they_are_written_there(locale: str, moment: str, duration: str) -> None:
    assert words(locale).moment(at("2026-11-22 09:20")) == moment
    assert words(locale).duration(timedelta(minutes=165)).replace("\xa0", " ") == duration


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "Jedna awaria"), (2, "2 awarie"), (5, "5 awarii"), (22, "22 awarie"), (112, "112 awarii")],
)
def test_polish_counts_as_poles_do(count: int, said: str) -> None:
    assert words("pl").say("month_count", count=count) == said


@pytest.mark.parametrize(
    "template",
    sorted(path.name for path in packaged_templates().glob("*.j2")),
)
def test_no_template_says_anything_by_itself(template: str) -> None:
    """Every sentence comes from the strings: what is left without tags and tags of the template are names."""
    text = (packaged_templates() / template).read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    text = re.sub(r"&lt;.*?&gt;", " ", text)
    text = re.sub(r"<[^>]*>|&\w+;|\]\([^)]*\)|\w+=\"[^\"]*\"", " ", text)
    assert set(re.findall(r"[^\W\d_]{2,}", text)) <= NAMES


@pytest.mark.parametrize("attribute", ["aria-label", "alt", "title", "placeholder", "content"])
def test_no_attribute_says_anything_by_itself(attribute: str) -> None:
    technical = {"width=device-width,initial-scale=1", "width=device-width", "no-referrer", "0;url="}
    technical |= {"noindex,nofollow", "website", "article"}
    for path in packaged_templates().glob("*.j2"):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        values = set(re.findall(rf'\s{attribute}="([^"]*)"', text)) - technical
        assert not {value for value in values if re.search(r"[^\W\d_]{2,}", value)}, path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> dict[str, str]:
    """A shop in all languages with an incident, planned work and something that is over; pages by path."""
    past = "## 2026-10-02 09:00 UTC investigating\n\nIt fails.\n\n## 2026-10-02 11:45 UTC resolved\n\nIt works.\n"
    window = "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
    front = "components:\n  checkout: partial_outage\nworks: Call +44 800 555 0100.\n"
    root = write_project(
        tmp_path_factory.mktemp("shop"),
        card=incident_text(front),
        past=incident_text("components:\n  payments: major_outage\n", past),
        work=incident_text(window, "## 2026-11-20 09:00 UTC scheduled\n\nFrom {start} on.\n"),
    )
    arabic = (
        "---\ntitle: لا يمكنك الدفع\nworks: اتصل على +44 800 555 0100 من 08:00-20:00.\n---\n\n"
        '## 2026-11-22 09:20 UTC investigating\n\nاتصل على [+44 800 555 0100](tel:+448005550100 "a 1-2") الآن.\n'
    )
    (root / "incidents" / "card.ar.md").write_text(arabic, encoding="utf-8")
    config = CONFIG.replace(b"locales: [en, de]", f"locales: [{', '.join(LANGUAGES)}]".encode())
    support = b'       support: {phone: "+44 800 555 0100", hours: "08:00-20:00"},\n       timezone'
    (root / "meaculpa.yml").write_bytes(config.replace(b"       timezone", support))
    done = build(read_project(root), at("2026-11-22 12:00"), memory)
    return {path: file.body.decode() for path, file in done.files.items() if path.endswith((".html", ".atom", ".md"))}


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_page_exists_in_every_language(pages: dict[str, str], locale: str) -> None:
    prefix = "" if locale == "en" else f"{locale}/"
    direction = "rtl" if locale in RIGHT_TO_LEFT else "ltr"
    for name in ("index", "history", "history/2026-10", "follow", "incidents/card", "incidents/work"):
        page = pages[f"{prefix}{name}.html"]
        assert f'<html lang="{locale}" dir="{direction}">' in page
        assert not re.search(r"\{\w*\}|duration-", re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL))
    assert f'xml:lang="{locale}"' in pages[f"{prefix}feed.atom"]


def test_pages_name_each_other_and_the_one_for_everybody_else(pages: dict[str, str]) -> None:
    for prefix in ("", "ar/"):
        links = re.findall(
            r'<link rel="alternate" hreflang="([\w-]+)" href="([^"]+)">', pages[f"{prefix}follow.html"]
        )
        site = "https://status.northwind.example"
        assert dict(links) == {"x-default": f"{site}/follow.html", "en": f"{site}/follow.html"} | {
            one: f"{site}/{one}/follow.html" for one in LANGUAGES if one != "en"
        }


def test_what_is_not_translated_is_marked_with_its_language(pages: dict[str, str]) -> None:
    french = pages["fr/incidents/card.html"]
    assert '<h1 lang="en" dir="auto">' in french and "Pas encore traduit" in french
    assert "لا يمكنك الدفع" in pages["ar/incidents/card.html"]
    assert "لم يُترجم بعد" not in pages["ar/incidents/card.html"]


def test_numbers_keep_their_order_from_right_to_left(pages: dict[str, str]) -> None:
    page = pages["ar/incidents/card.html"]
    number = "\u2066+44 800 555 0100\u2069"
    assert f"على {number} من \u206608:00-20:00\u2069." in page
    assert f'<a href="tel:+448005550100" title="a 1-2" rel="noopener noreferrer">{number}</a>' in page
    assert "\u2066" not in pages["fr/incidents/card.html"] + pages["incidents/card.html"]
    assert ".bars,.chart svg{transform:scaleX(-1)}" in pages["he/index.html"]
    assert "scaleX" not in pages["index.html"]


def test_the_splash_page_keeps_the_order_of_numbers_too(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, card=incident_text("impact: critical\n"))
    config = CONFIG.replace(b"locales: [en, de]", b"locales: [he]")
    support = b'       support: {phone: "+44 800 555 0100", hours: "08:00-20:00"},\n       timezone'
    (root / "meaculpa.yml").write_bytes(config.replace(b"       timezone", support))
    splash = build(read_project(root), at("2026-11-22 12:00"), memory).files["splash.html"].body.decode()
    assert "\u2066+44 800 555 0100\u2069" in splash and "(\u206608:00-20:00\u2069)" in splash
    assert 'href="tel:+448005550100"' in splash


@pytest.mark.parametrize(
    ("locale", "day", "strings"),
    [("pt-BR", "22 de nov. de 2026", "pt"), ("en-US", "Nov 22, 2026", "en"), ("de-AT", "22. Nov. 2026", "de")],
)
def test_a_region_has_the_words_of_its_language_and_dates_of_its_own(locale: str, day: str, strings: str) -> None:
    assert words(locale).local_day(at("2026-11-22 09:20"), UTC) == day
    assert words(locale).strings == words(strings).strings


def test_a_language_that_nobody_has_words_for_is_told() -> None:
    (problem,) = read_words(TEXTS, ("tlh",), TEXTS["en"])
    assert 'there are no strings for the locale "tlh"' in str(problem)
