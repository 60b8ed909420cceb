"""The page on which customers open their own letters: one file for all of them, which knows nobody."""

import re
from base64 import b64encode
from hashlib import sha256

from markupsafe import Markup as SafeHtml

from meaculpa.config import Config
from meaculpa.render.environment import Theme
from meaculpa.render.scripts import plant

LETTER_PAGE = "letters/index.html"
_SAID = ("wait", "incomplete", "gone", "unreachable", "unsafe", "until")


def letter_page(config: Config, theme: Theme) -> str:
    """Render the page; its policy lets it run its own script, fetch from its own host, and nothing else."""
    words = theme.words[0]
    seed = {
        one.locale: {
            "lang": one.locale,
            "dir": one.direction,
            **{name: one.say(f"letter.{name}", day="{day}") for name in _SAID},
        }
        for one in theme.words
    }
    script = plant("letter-page.js", theme.texts["letter-page.js"], seed)
    css = f":root{{--accent:{config.brand.accent}}}{theme.texts['page.css']}{theme.texts['letter-page.css']}"
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(css)}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )
    return theme.render(
        "letter-page.html.j2",
        site=config.site,
        lang=words.locale,
        dir=words.direction,
        say=words.say,
        phone=re.sub(r"[^+0-9]", "", config.site.support.phone or ""),
        csp=policy,
        css=SafeHtml(css),  # noqa: S704 (our own file)
        js=SafeHtml(script),  # noqa: S704 (our own file)
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
