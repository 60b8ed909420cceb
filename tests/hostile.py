"""Hostile texts that try to run `hit(number)` in a reader's browser, and files that want to keep us busy."""

import html
import random
from collections.abc import Callable

# These run by themselves when a browser takes them for HTML.
FIRING = (
    "<script>hit({n})</script>",
    "<SCRIPT >hit({n})</SCRIPT >",
    "<img src=x onerror=hit({n})>",
    '<img src="x" onerror="hit({n})">',
    "<img src=x onerror='hit({n})'//",
    "<svg onload=hit({n})>",
    "<svg><script>hit({n})</script></svg>",
    "<svg><animate onbegin=hit({n}) attributeName=x dur=1s>",
    "<math><mtext></mtext><img src=x onerror=hit({n})></math>",
    "<video><source onerror=hit({n})></video>",
    "<audio src=x onerror=hit({n})></audio>",
    "<details open ontoggle=hit({n})>x</details>",
    "<input autofocus onfocus=hit({n})>",
    "<style onload=hit({n})></style>",
    "<iframe srcdoc='<script>parent.hit({n})</script>'></iframe>",
    "<iframe src='javascript:parent.hit({n})'></iframe>",
    "<object data=x onerror=hit({n})></object>",
    "<noscript><p title='</noscript><img src=x onerror=hit({n})>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=hit({n})>",
    "<table><td background=x><img src=x onerror=hit({n})></td></table>",
)
# These wait for somebody, or need a way in that Markdown may offer.
WAITING = (
    "[x](javascript:hit({n}))",
    "[x](JaVaScRiPt:hit({n}))",
    "[x](java&#115;cript:hit({n}))",
    "[x](javascript&colon;hit({n}))",
    "[x](&#x6A;avascript:hit({n}))",
    "[x](<javascript:hit({n})>)",
    "[x](\x01javascript:hit({n}))",
    "[x](java\tscript:hit({n}))",
    "[x](data:text/html,<script>hit({n})</script>)",
    "[x](vbscript:hit({n}))",
    "[x](//evil.example/%0Ajavascript:hit({n}))",
    "![x](javascript:hit({n}))",
    '![x"onerror="hit({n})](x)',
    '![x](x"onerror="hit({n}))',
    '![x](x "onerror=hit({n})")',
    '[x](https://a.example "onmouseover=hit({n})")',
    '[x](https://a.example/"onmouseover="hit({n}))',
    "<javascript:hit({n})>",
    "[x]: javascript:hit({n})\n\n[x]",
    "<a href='javascript:hit({n})'>x</a>",
    'https://a.example/"onmouseover=hit({n})//',
    "<https://a.example/'onmouseover=hit({n})>",
    "`<img src=x onerror=hit({n})>`",
    "```\n</code></pre><img src=x onerror=hit({n})>\n```",
    '```x" onload="hit({n})\ny\n```',
    "| <img src=x onerror=hit({n})> |\n|---|\n| [x](javascript:hit({n})) |",
    "1. <svg onload=hit({n})>\n2. x",
    "<!-- <img src=x onerror=hit({n})> -->",
    "<!--><img src=x onerror=hit({n})>",
    "<!-- --!><script>hit({n})</script>",
    "\x02stx:{n}\x03<img src=x onerror=hit({n})>",
    "&lt;script&gt;hit({n})&lt;/script&gt;",
    "&#60;script&#62;hit({n})&#60;/script&#62;",
    "\\<script>hit({n})\\</script>",
    "{{{{ ''.__class__ }}}}<script>hit({n})</script>",
    "</script><script>hit({n})</script>",
    "]]><script>hit({n})</script>",
    "\u2028<script>hit({n})</script>",
)

_SIGNS = "\x00\x01\x02\x03\x08\x0b\x0c\x1f\x7f \t\n\r/\\\"'`<>&;:()[]{}!*_~#|\u00a0\u200b\u2028\u202e\ufeff"
_AROUND = (
    *("- {}", "> {}", "# {}", "**{}**", "_{}_", "[{}](https://a.example)", "![{}](x)", "[x]({})"),
    *("`{}", "    {}", "{}\n==="),
)

_FULL = 65_000  # a file may have 64 KB
_HEAD = "---\ntitle: Hostile\nimpact: minor\n---\n\n## 2026-11-22 09:20 UTC investigating\n\n"
_TEXTS = {
    "brackets": "[" * 50_000,
    "pictures": "![[](" * 12_000,
    "half tags": "<a " * 20_000,
    "quotes": ">" * 50_000,
    "lists": "".join("  " * depth + "- x\n" for depth in range(240)),
    "emphasis": "*_" * 25_000,
    "backticks": "`" * 25_000 + " " + "`" * 24_999,
    "entities": "&#" * 25_000,
    "references": "".join(f"[{n}]: x\n" for n in range(5_000)),
    "tables": "|" * 30_000 + "\n" + "|-" * 15_000,
    "comments": "<!--" * 15_000,
    "controls": "\x01\x02\x03" * 20_000,
    "directions": "\u202e" * 20_000,
    "headings": "#" * 50_000,
    "links": "[x](" * 15_000,
    "addresses": "https://" * 8_000,
    "spaces": " " * 60_000,
    "divisions": "<div>" * 12_000,
}
_FRONTS = {
    "a bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "deep lists": "x: " + "[" * 8_000 + "\n",
    "many keys": "".join(f"k{n}: 1\n" for n in range(1_500)),
    "a number": "impact: " + "9" * 15_000 + "\n",
    "deep maps": "x: " + "{a: " * 3_000 + "\n",
}
# Whole files, each of which wants to keep somebody busy.
FILES = {name: _HEAD + text[:_FULL] + "\n" for name, text in _TEXTS.items()}
FILES |= {f"front matter with {name}": f"---\ntitle: x\n{text}---\n" for name, text in _FRONTS.items()}


def payload(number: int, chance: random.Random) -> str:
    """Make the hostile text of this number: one of the above, changed a few times."""
    text = chance.choice(FIRING + WAITING).format(n=number)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        text = chance.choice(_MUTATIONS)(text, chance)
    return text


def _insert(text: str, chance: random.Random) -> str:
    sign = chance.choice(
        "\x00\x01\x02\x03\x08\x0b\x0c\x1f\x7f \t\n\r/\\\"'`<>&;:()[]{}!*_~#|\u00a0\u200b\u2028\u202e\ufeff"
    )
    place = chance.randrange(len(text) + 1)
    return text[:place] + sign + text[place:]


def _drop(text: str, chance: random.Random) -> str:
    place = chance.randrange(max(1, len(text)))
    return text[:place] + text[place + 1 :]


def _escape_one(text: str, chance: random.Random) -> str:
    place = chance.randrange(max(1, len(text)))
    sign = text[place : place + 1]
    return text[:place] + (f"&#{ord(sign)};" if sign else "") + text[place + 1 :]


def _swap_case(text: str, chance: random.Random) -> str:
    return "".join(sign.swapcase() if sign != "h" and chance.random() < 0.3 else sign for sign in text)


def _wrap(text: str, chance: random.Random) -> str:
    around = chance.choice(
        (
            "- {}",
            "> {}",
            "# {}",
            "**{}**",
            "_{}_",
            "[{}](https://a.example)",
            "![{}](x)",
            "[x]({})",
            "`{}",
            "    {}",
            "{}\n===",
        )
    )
    return around.format(text.replace("\n", " ")) if "\n\n" not in text else text


def _twice(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + text + text[place:]


def _escape_all(text: str, chance: random.Random) -> str:
    return html.escape(text)


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    *(_insert, _insert, _drop, _escape_one, _swap_case, _wrap, _wrap, _twice, _escape_all),
)
