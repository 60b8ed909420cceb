"""An update's text where there are no marks."""

import pytest

from meaculpa.render.markup import render_markup
from meaculpa.render.plain import to_text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("You **cannot** pay _by card_.\n\nPayPal works.", "You cannot pay by card.\n\nPayPal works."),
        ("one line\nanother line", "one line another line"),
        ("one line  \nanother line", "one line\nanother line"),
        ("Two ways:\n\n- PayPal\n- by **phone**\n\nand more", "Two ways:\n\n- PayPal\n- by phone\n\nand more"),
        ("1. one\n\n2. two", "1. one\n2. two"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- one\n\n    more of it\n\n- two", "- one\nmore of it\n- two"),
        ("[the list](https://shop.example/list)", "the list (https://shop.example/list)"),
        ("see https://shop.example/list.", "see https://shop.example/list."),
        ("[help@shop.example](mailto:help@shop.example)", "help@shop.example"),
        ("[write to us](mailto:help@shop.example)", "write to us (help@shop.example)"),
        ("[+44 800 555](tel:+44800555)", "+44 800 555"),
        ("![a map](assets/map.png)", "a map"),
        ("### What works\n\nPayPal", "What works\n\nPayPal"),
        ("> said once", "said once"),
        ("| part | state |\n|---|---|\n| card | off |", "part | state\ncard | off"),
        ("```\n a  b\n  c\n```", "a  b\n  c"),
        ("`a <b> & c` < 5", "a <b> & c < 5"),
        ("<b>not a tag</b>", "<b>not a tag</b>"),
        ("", ""),
    ],
)
def test_marks_become_what_a_reader_needs(markdown: str, text: str) -> None:
    assert to_text(render_markup(markdown).html) == text
