"""Markdown of updates: what it may be, and what it can never do."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown import Markdown
from markdown.inlinepatterns import LINK_RE, LinkInlineProcessor
from markdown.preprocessors import NormalizeWhitespace

from meaculpa.build.frames import pack
from meaculpa.build.markup_pool import MarkupPool, TooDeep, TooSlow, _Packed
from meaculpa.model import Markup
from meaculpa.render import markup
from meaculpa.render.markup import render_markup
from meaculpa.render.plain import to_text
from meaculpa.render.safe import ATTRIBUTES, TAGS


def html(text: str) -> str:
    return render_markup(text).html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>"),
        ("# Title", "<h3>Title</h3>"),
        ("### Title", "<h3>Title</h3>"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("see https://a.example/b_c?d=1&e=2.", "https://a.example/b_c?d=1&amp;e=2</a>.</p>"),
        ("[text](https://a.example)", '<a href="https://a.example" rel="noopener noreferrer">text</a>'),
        ("<https://a.example>", '<a href="https://a.example" rel="noopener noreferrer">https://a.example</a>'),
        (
            "[https://a.example](https://b.example)",
            '<a href="https://b.example" rel="noopener noreferrer">https://a.example</a>',
        ),
        ("xhttps://a.example", "<p>xhttps://a.example</p>"),
        ("one <!-- hidden --> two", "<p>one  two</p>"),
        ("`<!-- code -->`", "<code>&lt;!-- code --&gt;</code>"),
        ("the <ID> of <b>you</b>", "<p>the &lt;ID&gt; of &lt;b&gt;you&lt;/b&gt;</p>"),
        ("| a | b |\n|--:|---|\n| 1 | 2 |", '<th align="right">a</th>'),
        ("```\n<script>\n```", "<pre><code>&lt;script&gt;\n</code></pre>"),
        ("5 < 6 & 7", "<p>5 &lt; 6 &amp; 7</p>"),
    ],
)
def test_an_update_is_rendered(text: str, expected: str) -> None:
    assert expected in html(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        '[x](https://a.example "onmouseover=alert(1)")',
        "<style>*{display:none}</style>",
        "<iframe src=//a.example></iframe>",
        "<svg onload=alert(1)>",
        "&#106;avascript:alert(1)",
        "[x](&#106;avascript:alert(1))",
    ],
)
def test_nothing_in_an_update_can_run(text: str) -> None:
    rendered = html(text)
    tags = re.findall(r"<([a-z0-9]+)((?:\s[^>]*)?)>", rendered)
    assert all(name in TAGS for name, _ in tags)
    for name, attributes in tags:
        allowed = ATTRIBUTES.get(name, set()) | {"rel"}
        assert set(re.findall(r'([a-z]+)="', re.sub(r'="[^"]*"', '=""', attributes))) <= allowed
        assert not re.search(r'(?:href|src)="\s*(?:javascript|data|vbscript):', attributes, re.IGNORECASE)


@given(st.text(alphabet="<>/!-[](){}`*_#&;:\"'= \nabscriptjx", max_size=80))
def test_only_known_elements_come_out(text: str) -> None:
    assert set(re.findall(r"<([a-zA-Z0-9]+)", html(text))) <= TAGS


@pytest.fixture(scope="session")
def library() -> Markdown:
    """The library with all its steps, in its own way."""
    whole = markup._whole()
    whole.preprocessors.register(NormalizeWhitespace(whole), "normalize_whitespace", 30)
    whole.inlinePatterns.register(LinkInlineProcessor(LINK_RE, whole), "link", 160)
    bare = r"(?<![\w/@])(https?://[^\s<>()\[\]\"'`]*[^\s<>()\[\]\"'`.,;:!?*_~])"
    whole.inlinePatterns.register(markup._BareUrl(bare, whole), "bare_url", 115)
    return whole


_PIECES = (
    *("---", "- - -", "--", "***", "* *", "_", "__", "===", "="),
    *("# ", "## ", "> ", "- ", "* ", "1. ", "2) ", "| ", "|-"),
    *("```", "~~~", "`", "\n", "\n\n", "\n  \n \n", "    ", "\t", "<!--", "-->", "<b>", "&amp;", "\\", "![a](b)"),
    *("[a](b)", "[a [b](c) d](e)", "![", "[", "](", ")", "]: x", "[a]", "https://a.b/c?d", "xhttp://a", "@http://a"),
    *("text", " ", "  ", ".", "**a**", "<https://a.b>", "a@b.example", "\r\n", "\u00a0", "é", "http://a.b."),
)


@given(
    st.one_of(
        st.text(alphabet="*_`[]()!<>&\\:/ \nabhtps#-|~=\r\x02\x03", max_size=60),
        st.lists(st.sampled_from(_PIECES), max_size=14).map("".join),
    )
)
@example("[a]<!-- x -->(https://a.example)")
@example("_a_ and __b__")
@example("~~~\ncode\n~~~")
@example("one \ntwo\t\nthree\t \nfour")
@example("one\x02wzxhzdk:0\x03two [a]\x02(https://a.example)")
@example("one\n---\rtwo  \rthree")
@example("# a\n> b\n> ---\n\n- c\n  ===")
@example("[a](b'c)d') [a](b\"c)d\") [a](<b c>) [a]( b ) [a](b (c)) [a\\](b) [a](b\\)c) [`a`](`b`) [**a** c](b)")
@example("one\n\ntwo [a]\n\n[a]: https://a.example")
@example("* one\n\ntwo  \nthree\n\n| a | b_c_ |\n|---|---|\n| d | `e` |")
def test_what_is_left_out_or_done_faster_changes_nothing(library: Markdown, text: str) -> None:
    assert markup._markdown(markup._signs_in(text)).reset().convert(text) == library.reset().convert(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Before.\n\n<!-- log:\n```\nERROR smith\n-->\n\nYour cards.\n\n```\nERR 42\n```\n\nAfter.",
            "Before.|Your cards.|ERR 42|After.",
        ),
        ("a\n\n<!--\n~~~\n-->\n\nb\n\n~~~\nx <!-- in -->\n\ny\n~~~", "a|b|x <!-- in --> y"),
        ("```\n<!-- in\n\n```\n\nb <!-- out --> c\n\n```\n-->\n```", "<!-- in|b c|-->"),
        ("``` sh\na <!-- in -->\n\n```\n<!-- out\n\n```\n-->b", "a <!-- in -->|b"),
        ("``` no code\n\n<!-- out -->b\n```", "``` no code|b ```"),
        ("`<!--` a `-->` <!-- out ` --> b", "<!-- a --> b"),
    ],
)
def test_comments_and_code_hide_each_other_in_the_order_in_which_they_begin(text: str, shown: str) -> None:
    assert " ".join(to_text(html(text)).split()) == shown.replace("|", " ")


def test_pictures_are_named_and_their_way_is_made_plain() -> None:
    markup = render_markup("![a](assets/a.png) ![b](../assets/b.png) ![c](https://c.example/c.png)")
    assert markup.pictures == ("assets/a.png", "assets/b.png", "https://c.example/c.png")


@pytest.fixture(scope="module")
def pool() -> object:
    pool = MarkupPool(budget_seconds=2.0)
    yield pool
    pool.close()


def test_the_pool_renders_as_the_function_does(pool: MarkupPool) -> None:
    texts = [f"Text **{number}** ![x](assets/x.png)" for number in range(200)]
    answers = pool.render(texts)
    assert [answers[text] for text in texts] == [render_markup(text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "![[](" * 12_000,
        "a **" * 15_000,
        "> " * 30_000 + "x",
        "- " * 2_000 + "x",
        "`" * 60_000,
        "<a " * 20_000,
    ],
    ids=["brackets", "pictures", "stars", "quotes", "lists", "ticks", "tags"],
)
def test_a_hostile_text_is_rendered_or_refused_and_the_others_are_not_held_up(pool: MarkupPool, text: str) -> None:
    begin = time.monotonic()
    answers = pool.render([text, "innocent"])
    assert isinstance(answers[text], Markup | TooSlow | TooDeep)
    assert answers["innocent"] == Markup("<p>innocent</p>")
    assert time.monotonic() - begin < 30, "the budget does not hold"


def test_what_is_rendered_waits_in_little_room(pool: MarkupPool) -> None:
    texts = [f"{number} of you cannot pay **by card**. " * 40 for number in range(16)]
    awaited = pool.begin([text] for text in texts)
    batch = awaited[texts[3]].batch.result()
    assert isinstance(batch, _Packed)
    assert 0 < len(batch._packed) < sum(map(len, texts)) / 4
    assert batch._answers is None
    assert awaited[texts[3]].wait() == render_markup(texts[3])
    assert batch._packed == b"", "nothing is there twice"
    assert awaited[texts[5]].wait() == render_markup(texts[5])


@pytest.mark.parametrize("answer", [b"", b"[]", pack([["<p>a</p>", []]]), pack([[1, 2, 3, 4]]), pack("xy")])
def test_an_answer_of_another_version_is_none(answer: bytes) -> None:
    assert [type(one) for one in _Packed(answer, 2).answers] == [TooSlow, TooSlow]


def test_what_takes_too_long_is_refused(pool: MarkupPool) -> None:
    slow = "![[](" * 12_000
    assert isinstance(pool.render([slow])[slow], TooSlow)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("We do:\n- a\n- b", "<p>We do:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("We do:\n1. a\n2. b", "<p>We do:</p>\n<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("One\ntwo:\n* a", "<p>One\ntwo:</p>\n<ul>\n<li>a</li>\n</ul>"),
        ("It was in\n1986. What a year.", "<p>It was in\n1986. What a year.</p>"),
        ("*Soon*\n-not a point", "<p><em>Soon</em>\n-not a point</p>"),
        ("- a\ngoes on\n- b", "<ul>\n<li>a\ngoes on</li>\n<li>b</li>\n</ul>"),
        ("- a\n\n    more", "<ul>\n<li>\n<p>a</p>\n<p>more</p>\n</li>\n</ul>"),
        ("- a\n    - in\n- b", "<ul>\n<li>a<ul>\n<li>in</li>\n</ul>\n</li>\n<li>b</li>\n</ul>"),
        ("Text\n\n    code\n    - code", "<p>Text</p>\n<pre><code>code\n- code\n</code></pre>"),
        ("```\ntext\n- code\n```", "<pre><code>text\n- code\n</code></pre>"),
        ("### Title\n- a", "<h3>Title</h3>\n<ul>\n<li>a</li>\n</ul>"),
    ],
)
def test_a_list_needs_no_empty_line_above(text: str, html: str) -> None:
    assert render_markup(text).html == html
