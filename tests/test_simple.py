"""Simple texts: whatever is made of them without the Markdown library is what the library makes of them."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meaculpa.build.bodies import Bodies
from meaculpa.build.markup_pool import MarkupPool
from meaculpa.render.marked import to_markdown
from meaculpa.render.markup import render_markup
from meaculpa.render.simple import is_simple, render_simple
from tests.making import an_incident

_MARKED = ("\n- ", "\n\n- ", "\n\n1. ", "\n2. ", "\n\n### ", "\n\n#### ", "- ", "1. ", "### ")
_SPANS = (
    *("**b**", "*i*", "[x](https://a.example/b)", "[x y](http://h)", "[x](http://h:99999/)"),
    *("http://h/c?d=1&e", "https://a.b.", "[x](http://b?c=http://d)"),
)
_TEXT = (
    *("a", "word ", "é", "日本。", "12", "3.", "&", "&amp;", ". ", "\n", "\n\n", " ", "  "),
    *("\u00a0", "\u2003", "\ufeff"),
)
_SIGNS = (
    *("*", "**", "[", "]", "](", "(", ")", "://", "http", "~", "~~", "#", "-", "--", "=", "+ "),
    *("2) ", "|", "_", "`", "\\", "<b>", "![", "]:", "\t", "\r", "\x0c", "\x85", "\u2028", "  \n", "\x02"),
    *('"', "'", "@", "/", "٣. ", ";"),
)
_PIECES = st.sampled_from((*_MARKED, *_SPANS, *_TEXT, *_TEXT, *_MARKED, *_SPANS, *_SIGNS))
SIMPLE = (
    "You can order by phone on **0800 555 0100**, or [write](https://a.example/help?b=c#d) to us.",
    "One line,\nand another.\n\nSee https://a.example/b, or ask.",
    "Click & collect is closed, *until* ten.",
    "We:\n\n- put it back\n- **added** one\n\nAnd:\n\n1. first\n2. [second](https://a.example)",
    "- one\n- two\n\n- three\n- four\n\n- five",
    "- one\n\n- two\n\n- three",
    "### Why\n\nBecause.\n\n#### Really\n\nYes: 7 May, 10:15 UTC – ~20 minutes.",
)
OTHERS = (
    *("", " a", "a ", "a\n\n\nb", "a  \nb", "a\n    b", "a\r\nb", "# a", "### a\nb", "###a ###", "a\n---"),
    *("- a\nb", "a\n- b", "* a", "+ a", "- - a", "-  a", "1. a\n3. b", "2. a", "1) a", "- a\n\n1. b"),
    *("1. a\n\n1. b", "- # a", "> a", "|a|", "* a*", "_a_", "**a* *b**", "** a**", "**a****b**"),
    *("*a **b** c*", "***a***", "*a***b**", "**a***b*", "*a**", "**a*"),
    *("**[a](http://b)**", "[a]", "[a](b)", "[a](mailto:b)", '[a](http://b "c")', "![a](http://b)"),
    *(
        "[a](http://b?c&d)",
        "http://a?b&c",
        "http://a**b**",
        "http://a[b](http://c)",
        "[a](http://b?c=http://d)",
        "ftp://a",
        "`a`",
        "a\\",
    ),
    *("<a>", "a < b", "&copy;", "~~a~~", "a\tb", "[a]: http://b", "- \u00a0a", "a\u00a0\nb", "a\u2028b"),
)


def held_against_the_library(text: str) -> None:
    made, right = render_simple(text), render_markup(text)
    assert (made.html, made.pictures) == (right.html, right.pictures)
    assert made.markdown == to_markdown(right.html)


@pytest.mark.parametrize("text", SIMPLE)
def test_what_most_updates_say_is_simple(text: str) -> None:
    assert is_simple(text)
    held_against_the_library(text)


@pytest.mark.parametrize("text", OTHERS)
def test_what_could_be_read_otherwise_is_not(text: str) -> None:
    assert not is_simple(text)


def texts(pieces: st.SearchStrategy[str], most: int) -> st.SearchStrategy[list[str]]:
    """Many at once, for few of them are simple."""
    return st.lists(st.lists(pieces, min_size=1, max_size=most).map("".join), min_size=20, max_size=60)


@given(st.one_of(texts(_PIECES, 6), texts(st.sampled_from((*_MARKED, *_SPANS, *_TEXT)), 20)))
@example(
    ["[x](http://h:99999/) and http://h:99999/", "- a  **b**  **c**\u2003[d](https://e.example)", "### a\u2003b"]
)
def test_a_simple_text_is_rendered_as_the_library_does(some: list[str]) -> None:
    for text in filter(is_simple, some):
        held_against_the_library(text)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        *(("[" * 500_000, ""), ("**" * 400_000, ""), ("- a\n" * 200_000, ""), ("[a](http://b" * 80_000, "")),
        *(("http://" * 100_000, end) for end in ("", "*", "**b**", "[b](http://c)", "[")),
        *(("http://a." * 100_000, end) for end in ("", "*", "**b**", "[b](http://c)", "[")),
    ],
    ids=lambda part: part[:12] or "nothing",
)
def test_no_text_takes_long_to_be_seen_through(text: str, end: str) -> None:
    before = time.process_time()
    if is_simple(text + end):
        render_simple(text + end)
    assert time.process_time() - before < 5, "a megabyte takes a fraction of a second, or for ever"


def test_simple_texts_need_no_process() -> None:
    pool = MarkupPool()
    bodies = Bodies(pool)
    heading = "## 2026-11-22 09:{} UTC investigating\n\n{}\n\n"
    incident = an_incident(updates="".join(heading.format(20 + place, text) for place, text in enumerate(SIMPLE[:5])))
    bodies.begin([incident])
    assert [bodies[text] for text in SIMPLE[:5]] == [render_markup(text) for text in SIMPLE[:5]]
    assert bodies.refusals([incident], ()) == []
    assert bodies.is_plain(incident)
    assert pool._workers == []
    assert bodies["Not `begun`"] == render_markup("Not `begun`")
    assert len(pool._workers) == 1
    pool.close()


@pytest.mark.parametrize("text", [*SIMPLE, "Not `simple`"])
def test_what_was_simple_stays_known_while_somebody_says_it(text: str) -> None:
    pool = MarkupPool()
    bodies = Bodies(pool)
    incident = an_incident(updates=f"## 2026-11-22 09:20 UTC investigating\n\n{text}\n")
    bodies.begin([incident])
    assert bodies[text].html
    assert list(bodies) == [text]
    assert len(bodies) == 1
    bodies.forget_others([])
    assert list(bodies) == []
    pool.close()
