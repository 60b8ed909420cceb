"""The words that are ready before the night: for each kind and language a file, in it a text for each status.

`## investigating` begins the text for that status, `## called_off` that of a maintenance that will not be; a file
without such a line is the first message alone. A text may hold gaps such as [CAUSE] for what only people know: while
one is left, the page does not go out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import partial

from jinja2 import Environment, StrictUndefined, TemplateError

from meaculpa.errors import Refused
from meaculpa.model import Kind, Status
from meaculpa.render.words import Words, babel_locale

_SECTION = re.compile(r"^## (\w+)[ \t]*$", re.MULTILINE)
_FIRST = {Kind.MAINTENANCE: Status.SCHEDULED}


def first_status(kind: Kind) -> Status:
    """The status that an incident of a kind begins with."""
    return _FIRST.get(kind, Status.INVESTIGATING)


def ready_text(
    playbooks: Mapping[str, bytes],
    kind: Kind,
    locale: str,
    section: str,
    facts: Mapping[str, object],
    zone: tzinfo = UTC,
) -> str | None:
    """Say what is known, None where no text is ready; facts are only ever values, never templates.

    Times are written by the clock of `zone`, named beside them. Raises Refused for a playbook that cannot be read.
    """
    source = _section(_playbook(playbooks, kind, locale), kind, section)
    if source is None:
        return None
    words = Words(locale, {}, babel_locale(locale))
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    tools = {
        "clock": partial(words.local_clock, zone=zone),
        "day": lambda at: words.day(at.astimezone(zone).date()),
        "moment": partial(words.local_moment, zone=zone),
        "duration": words.duration,
    }
    try:
        text = environment.from_string(source).render(**facts, **tools)
    except TemplateError as error:
        raise Refused(f"site_templates/playbooks/{kind}.{locale}.md, ## {section}: {error.message}") from error
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _playbook(playbooks: Mapping[str, bytes], kind: Kind, locale: str) -> str:
    """The text of the language, else of the wider one, else the English one, which is always there."""
    names = (f"{kind}.{code}.md" for code in (locale, locale.split("-")[0], "en"))
    name = next(name for name in names if name in playbooks)
    try:
        return playbooks[name].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"site_templates/playbooks/{name} is not UTF-8 text; save it as UTF-8") from error


def _section(text: str, kind: Kind, section: str) -> str | None:
    parts = _SECTION.split(text)
    if len(parts) == 1:
        return text if section == first_status(kind) else None
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(section)
