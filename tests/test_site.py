"""What the published files say and refer to."""

import html.parser
import json
import re
from datetime import timedelta
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import urlsplit

import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.folders import packaged_templates
from meaculpa.project import read_project, read_scaffold
from meaculpa.publish.stamp import next_stamp, with_stamp
from meaculpa.render.banner import LARGEST, banner_script
from meaculpa.render.headers import output_file
from meaculpa.render.scaffold import sample_shop
from meaculpa.render.words import Words, babel_locale
from tests.making import CONFIG, at, incident_text, write_project

NOW = at("2026-11-22 09:36")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, memory: Memory) -> Build:
    """The sample shop, built."""
    root = tmp_path_factory.mktemp("sample")
    for path, content in sample_shop(read_scaffold("sample"), b"", NOW).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return build(read_project(root), NOW, memory)


class Parsed(html.parser.HTMLParser):
    """What a page holds, as far as tests ask."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(done: Build, path: str) -> Parsed:
    return Parsed(done.files[path].body)


def pages(done: Build) -> list[str]:
    return [path for path in done.files if path.endswith(".html")]


def test_every_link_within_the_site_leads_to_a_file(sample: Build) -> None:
    for path in pages(sample):
        if path in ("404.html", "splash.html"):
            continue
        for link in page(sample, path).all("a"):
            href = link["href"]
            if href and not urlsplit(href).scheme and not href.startswith("#"):
                assert normpath(join(dirname(path), href)) in sample.files, (path, href)


def test_the_page_for_missing_addresses_has_absolute_links(sample: Build) -> None:
    hrefs = [link["href"] for link in page(sample, "404.html").all("a") if not link["href"].startswith("#")]
    assert hrefs
    assert all(urlsplit(href).scheme for href in hrefs)


def test_no_page_loads_anything_from_elsewhere(sample: Build) -> None:
    for path in pages(sample):
        parsed = page(sample, path)
        assert not parsed.all("iframe")
        assert all("src" not in script for script in parsed.all("script"))
        sources = [image["src"] for image in parsed.all("img")]
        assert all(source.startswith("data:image/") or not urlsplit(source).scheme for source in sources)
        loaded = [link["href"] for link in parsed.all("link") if link["rel"] in ("stylesheet", "preload", "icon")]
        assert all(href.startswith("data:") or href.endswith("favicon.svg") for href in loaded)


def test_the_status_page_needs_one_request(sample: Build) -> None:
    parsed = page(sample, "index.html")
    loaded = [image["src"] for image in parsed.all("img")]
    loaded += [link["href"] for link in parsed.all("link") if link["rel"] == "icon"]
    assert all(source.startswith("data:") for source in loaded)


def test_every_page_has_its_language_and_one_heading_of_the_first_level(sample: Build) -> None:
    for path in pages(sample):
        parsed = page(sample, path)
        assert parsed.all("html")[0]["lang"] == ("de" if path.startswith("de/") else "en")
        if path != "splash.html":
            assert len(parsed.all("h1")) == 1, path


def test_times_are_utc_in_the_html(sample: Build) -> None:
    for element in page(sample, "index.html").all("time"):
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z", element["datetime"])
    assert "22 Nov 2026, 09:02 UTC" in page(sample, "index.html").text


def test_what_is_not_translated_is_marked_with_its_own_language(sample: Build) -> None:
    german = page(sample, "de/incidents/2026-11-13-slow-search.html")
    assert german.all("h1")[0].get("lang") == "en"
    assert "Noch nicht übersetzt" in german.text
    translated = page(sample, "de/incidents/2026-11-22-card-payments.html")
    assert "lang" not in translated.all("h1")[0]
    assert "Noch nicht übersetzt" not in translated.text


def test_the_policy_of_a_page_allows_its_own_script_and_style(sample: Build) -> None:
    policy = next(meta["content"] for meta in page(sample, "index.html").all("meta") if meta.get("http-equiv"))
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts.keys() == {
        *("default-src", "style-src", "script-src", "connect-src", "img-src", "base-uri", "form-action")
    }
    assert {parts[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    assert "unsafe" not in policy


HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{ 7*7 }}"


def test_no_field_of_an_incident_can_be_more_than_text(tmp_path: Path, memory: Memory) -> None:
    quoted = json.dumps(HOSTILE)
    front = (
        "# meaculpa-ignore MC602: what stands here is no gap\n"
        f"impact: critical\nsummary: {quoted}\nworks: {quoted}\nmoney: {quoted}\n"
        f"prevention:\n  - {{what: {quoted}, owner: {quoted}, due: 2026-12-01}}\n"
    )
    body = f"## 2026-11-22 09:20 investigating\nnext_update: 2026-11-22 10:00\n\n{HOSTILE}\n"
    root = write_project(tmp_path, one=incident_text(front, body, title=quoted))
    config = CONFIG.replace(b"name: Northwind,", b"name: " + quoted.encode() + b",").replace(
        b"Card payments", quoted.encode()
    )
    (root / "meaculpa.yml").write_bytes(config)
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    for path in pages(done):
        parsed = page(done, path)
        assert not [image for image in parsed.all("img") if image.get("src") == "x"], path
        scripts = [script.get("type", "runs") for script in parsed.all("script")]
        assert scripts in (["runs"], ["application/ld+json", "runs"]), path
        assert "49" not in parsed.text.replace("2026", ""), "user text is never a template"
    for path in (
        "banner.js",
        "banner.json",
        "favicon.svg",
        "sitemap.xml",
        "badge.svg",
        "feed.atom",
        "incidents/one.md",
    ):
        assert path == "banner.json" or b"</script>" not in done.files[path].body
        assert path == "banner.json" or b"<img src=x" not in done.files[path].body


def test_the_banner_says_what_is_open_and_what_will_be(sample: Build) -> None:
    state = json.loads(sample.files["banner.json"].body)
    items = {item["id"]: item for item in state["items"]}
    assert {item["id"]: item["mode"] for item in state["items"]} == {
        "2026-11-22-card-payments": "splash",
        "2026-11-20-wrong-size-fleece": "notice",
        "2026-11-26-checkout-maintenance": "banner",
    }
    assert "text" not in items["2026-11-20-wrong-size-fleece"], "what no banner shows needs no words"
    card = items["2026-11-22-card-payments"]
    assert card["components"] == {"payments": "major_outage", "checkout": "partial_outage"}
    assert card["text"]["de"].startswith("Sie können nicht mit Karte bezahlen")
    assert card["link"]["de"].endswith("/de/incidents/2026-11-22-card-payments.html")
    assert card["paths"] == ["/checkout*", "/basket*"]
    assert items["2026-11-26-checkout-maintenance"]["starts"] == "2026-11-26T02:00Z"
    assert items["2026-11-26-checkout-maintenance"]["components"], "it appears by the clock, with no new state"


def test_the_banner_goes_where_an_update_says_there_is_trouble(tmp_path: Path, memory: Memory) -> None:
    said = "## 2026-11-22 09:20 investigating\nstorefront: major_outage\n\nx\n"
    root = write_project(tmp_path, one=incident_text("components:\n  checkout: partial_outage\n", said))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert "/*" in json.loads(done.files["banner.json"].body)["items"][0]["paths"]


def test_a_component_that_works_again_is_not_named_as_broken(tmp_path: Path, memory: Memory) -> None:
    said = "## 2026-11-22 09:00 investigating\n\nx\n\n## 2026-11-22 09:30 monitoring\ncheckout: operational\n\nx\n"
    root = write_project(tmp_path, one=incident_text("components:\n  checkout: major_outage\n", said))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert "Does not work" not in page(done, "incidents/one.html").text


def test_maintenance_that_overran_has_no_end_and_its_texts_have_times(tmp_path: Path, memory: Memory) -> None:
    window = "kind: maintenance\nstarts: 2026-11-22 08:00 UTC\nends: 2026-11-22 09:00 UTC\n"
    window += "summary: From {start} to {end}.\n"
    said = "## 2026-11-20 09:00 UTC scheduled\n\nx\n\n## 2026-11-22 09:10 UTC in_progress\n\nFrom {start} on.\n"
    root = write_project(tmp_path, one=incident_text(window, said))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    item = json.loads(done.files["banner.json"].body)["items"][0]
    assert "ends" not in item
    assert item["text"]["en"] == "From 22 Nov 2026, 08:00 UTC to 22 Nov 2026, 09:00 UTC."
    shown = done.files["incidents/one.html"].body.decode()
    assert '<p>From <time datetime="2026-11-22T08:00Z">22 Nov 2026, 08:00 UTC</time> on.</p>' in shown
    assert "{start}" not in shown
    assert "\n\nFrom 22 Nov 2026, 08:00 UTC on.\n" in done.files["incidents/one.md"].body.decode()


def test_times_of_a_window_are_elements_in_text_and_words_in_tags(tmp_path: Path, memory: Memory) -> None:
    window = "kind: maintenance\nstarts: 2026-11-23 08:00 UTC\nends: 2026-11-23 09:00 UTC\n"
    said = '## 2026-11-20 09:00 UTC scheduled\n\n[{start}](https://a.example/{start} "{end} > {start}")\n'
    root = write_project(tmp_path, one=incident_text(window, said))
    shown = build(read_project(root), NOW, Memory(pool=memory.pool)).files["incidents/one.html"].body.decode()
    link = re.search(r'<a href="https://a\.example[^"]*" title="([^"]*)"[^>]*>(.*?)</a>', shown)
    assert link
    assert link[1].replace("&gt;", ">") == "23 Nov 2026, 09:00 UTC > 23 Nov 2026, 08:00 UTC"
    assert link[2].startswith('<time datetime="2026-11-23T08:00Z">')


def test_a_state_that_the_banner_would_refuse_is_cut_at_its_far_end(tmp_path: Path, memory: Memory) -> None:
    code = (packaged_templates() / "banner.js").read_text(encoding="utf-8")
    assert f"MOST_BYTES = {LARGEST};" in code, "both sides mean the same"
    windows = {
        f"w{number:03d}": incident_text(
            "kind: maintenance\nends: 2027-01-02 08:00 UTC\n"
            f"starts: 2027-01-01 {number // 60:02d}:{number % 60:02d} UTC\n",
            "## 2026-11-20 09:00 UTC scheduled\n\nx\n",
            title="注文できません" * 8,
        )
        for number in range(90)
    }
    root = write_project(tmp_path, **windows, now=incident_text(title="You cannot pay"))
    text = build(read_project(root), NOW, Memory(pool=memory.pool)).files["banner.json"].body
    ids = [item["id"] for item in json.loads(text)["items"]]
    assert LARGEST - 1_000 < len(text) <= LARGEST
    stamp = next_stamp(None, NOW, timedelta(minutes=15))
    assert len(with_stamp(output_file("banner.json", text), stamp).body) <= LARGEST
    assert ids[:2] == ["now", "w000"]
    assert 30 < len(ids) < 91


def test_rich_texts_have_their_styles_on_the_status_page(tmp_path: Path, memory: Memory) -> None:
    def style_of(body: str) -> str:
        said = f"## 2026-11-22 09:20 UTC investigating\n\n{body}\n"
        done = build(
            read_project(write_project(tmp_path, one=incident_text(updates=said))), NOW, Memory(pool=memory.pool)
        )
        return done.files["index.html"].body.decode()

    table = ".text table{"
    assert table not in style_of("Plain words.")
    assert table in style_of("| a | b |\n|---|---|\n| 1 | 2 |")
    assert table in style_of("`code`")


def test_the_status_page_lists_five_bad_days_and_leads_to_the_others(tmp_path: Path, memory: Memory) -> None:
    bad = {
        f"d{day}": incident_text(
            "components: {checkout: major_outage}\n",
            f"## 2026-11-{day:02d} 09:00 UTC investigating\n\nx\n\n## 2026-11-{day:02d} 10:00 UTC resolved\n\nx\n",
        )
        for day in range(2, 10)
    }
    done = build(read_project(write_project(tmp_path, **bad)), NOW, Memory(pool=memory.pool))
    listed = re.search(r"<details>.*?</details>", done.files["index.html"].body.decode(), re.DOTALL)
    assert listed
    assert listed[0].count("<li>") == 6
    assert "8 days with trouble" in listed[0]
    assert 'href="history.html"' in listed[0]


def test_the_splash_page_repeats_no_broken_promise(tmp_path: Path, memory: Memory) -> None:
    said = "## 2026-11-22 09:00 UTC investigating\nnext_update: {} UTC\n\nx\n"
    for due, is_shown in (("2026-11-22 23:00", True), ("2026-11-22 09:10", False)):
        root = write_project(tmp_path, one=incident_text("show: splash\n", said.format(due)))
        done = build(read_project(root), NOW, Memory(pool=memory.pool))
        for path in ("splash.html", "splash.tiny.html"):
            assert (b"Next update by" in done.files[path].body) is is_shown


def test_a_state_is_baked_in_so_that_no_sign_in_it_can_end_a_script() -> None:
    script = banner_script("x = MEACULPA_SEED;", {"text": "<>&\u2028\u2029"})
    assert script == 'x = {"text":"\\u003c\\u003e\\u0026\\u2028\\u2029"};'


@pytest.mark.parametrize(("share", "text"), [(1.0, "100%"), (0.99999, "99.99%"), (0.5, "50.00%"), (0.0, "0.00%")])
def test_a_share_is_never_rounded_up(share: float, text: str) -> None:
    assert Words("en", {}, babel_locale("en")).share(share) == text


def test_a_banner_that_was_dismissed_comes_back_when_something_new_is_said(tmp_path: Path, memory: Memory) -> None:
    def revision(text: str) -> str:
        root = write_project(tmp_path, one=text)
        done = build(read_project(root), NOW, Memory(pool=memory.pool))
        return str(json.loads(done.files["banner.json"].body)["items"][0]["revision"])

    first = "## 2026-11-22 09:20 investigating\n\nx\n"
    before = revision(incident_text(updates=first))
    assert revision(incident_text(updates=first)) == before
    assert revision(incident_text("summary: Something else.\n", first)) != before
    assert revision(incident_text(updates=first + "\n## 2026-11-22 09:30 identified\n\ny\n")) != before


def test_the_splash_page_says_what_matters_in_every_language(sample: Build) -> None:
    splash = page(sample, "splash.html")
    for text in (
        "We are sorry. You cannot pay by card.",
        "Es tut uns leid.",
        "+44 800 555 0100",
        "PayPal",
        "09:58 UTC",
    ):
        assert text in splash.text
    assert [section["lang"] for section in splash.all("section")] == ["en", "de"]
    links = [link["href"] for link in splash.all("a")]
    assert all(href == "" or urlsplit(href).scheme in ("https", "tel", "mailto") for href in links)


def test_what_is_not_translated_on_the_splash_page_carries_its_language(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path, one=incident_text("impact: critical\nmoney: Nothing was charged.\n"))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert page(done, "splash.html").all("dd")[-1].get("lang") == "en"
    assert "lang" not in page(done, "splash.html").all("dd")[1]


def test_without_an_incident_the_splash_page_still_helps(tmp_path: Path, memory: Memory) -> None:
    done = build(read_project(write_project(tmp_path)), NOW, Memory(pool=memory.pool))
    assert "our shop does not answer at the moment" in page(done, "splash.html").text
    assert "Everything in the shop works" in page(done, "index.html").text


def test_a_broken_promise_stands_on_the_page(tmp_path: Path, memory: Memory) -> None:
    late = "## 2026-11-22 08:00 investigating\nnext_update: 2026-11-22 09:00\n\nx\n"
    root = write_project(tmp_path, one=incident_text(updates=late))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert "We promised an update by 22 Nov 2026, 09:00 UTC and are late." in page(done, "index.html").text


@pytest.mark.parametrize(
    ("title", "summary", "shown"),
    [
        ("You cannot pay", "You cannot pay. Your basket is saved.", "Your basket is saved."),
        ("Search is slow", "Search is slower than usual.", "Search is slower than usual."),
        ("You cannot pay", "You cannot pay by card.", "You cannot pay by card."),
    ],
)
def test_a_summary_does_not_say_the_title_again_and_never_loses_half_a_sentence(
    tmp_path: Path, memory: Memory, title: str, summary: str, shown: str
) -> None:
    root = write_project(tmp_path, one=incident_text(f"summary: {summary}\n", title=title))
    done = build(read_project(root), NOW, Memory(pool=memory.pool))
    lead = re.search(r'<p class="lead">([^<]*)</p>', done.files["index.html"].body.decode())
    assert lead
    assert lead[1] == shown


NOT_LISTED = ("404.html", "splash.html", "splash.tiny.html")


def test_sitemaps_list_every_page_once(sample: Build) -> None:
    listed = [
        address
        for path, file in sample.files.items()
        if path.startswith("sitemaps/")
        for address in re.findall(r"<loc>https://status\.northwind\.example/([^<]*)</loc>", file.body.decode())
    ]
    assert sorted(listed) == sorted(path for path in pages(sample) if path not in NOT_LISTED)


def test_headers_fit_the_kind_of_file(sample: Build) -> None:
    caching = {path: file.cache_control for path, file in sample.files.items()}
    assert all("immutable" in caching[path] for path in caching if path.startswith("assets/"))
    assert "max-age=60" in caching["banner.js"]
    assert all("stale-if-error=604800" in caching[path] for path in ("index.html", "banner.json", "splash.html"))
    assert all(file.content_type for file in sample.files.values())


def test_the_logo_stands_in_the_page_unless_it_is_large(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path)
    (root / "assets").mkdir()
    (root / "meaculpa.yml").write_bytes(CONFIG + b"brand: {logo: assets/logo.svg}\n")
    (root / "assets" / "logo.svg").write_bytes(b"<svg/>")
    small = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert page(small, "index.html").all("img")[0]["src"].startswith("data:image/svg+xml;base64,")
    (root / "assets" / "logo.svg").write_bytes(b"<svg>" + b" " * 9000 + b"</svg>")
    large = build(read_project(root), NOW, Memory(pool=memory.pool))
    assert re.fullmatch(r"\.\./assets/logo\.[0-9a-f]{12}\.svg", page(large, "de/index.html").all("img")[0]["src"])
