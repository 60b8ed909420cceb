"""The first words of a new incident, from the facts that are known; a file per kind in `playbooks/`."""

from collections.abc import Mapping
from datetime import datetime

from jinja2 import Environment, StrictUndefined

from meaculpa.model import Kind


def first_message(playbooks: Mapping[str, bytes], kind: Kind, locale: str, facts: Mapping[str, object]) -> str:
    """Say what is known so far. The templates are ours, the facts are only ever values in them."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    template = environment.from_string(_playbook(playbooks, kind, locale))
    return template.render(**facts, clock=_clock, day=_day).strip()


def _playbook(playbooks: Mapping[str, bytes], kind: Kind, locale: str) -> str:
    """The text of the language, else of the wider one, else the English one, which is always there."""
    names = (f"{kind}.{code}.md" for code in (locale, locale.split("-")[0], "en"))
    return next(playbooks[name] for name in names if name in playbooks).decode()


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B}"
