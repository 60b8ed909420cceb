"""What the commands that write incident files share: options, and the check that a text is read as it is meant."""

import re
import sys
from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.composition import Memory
from meaculpa.cli.common import SpanType, read_all
from meaculpa.config import Config
from meaculpa.content import parse_incident
from meaculpa.content.files import IncidentFiles
from meaculpa.errors import InvalidInput, Refused, did_you_mean
from meaculpa.model import (
    ComponentStatus,
    Incident,
    Source,
)

component_option = click.option(
    "--component",
    "components",
    multiple=True,
    metavar="ID=STATUS",
    help="A component and its status now (repeatable).",
)


next_update_option = click.option(
    "--next-update", type=SpanType(), metavar="SPAN", help="Promise the next update in this time: 30m, 2h."
)


message_option = click.option("-m", "--message", metavar="TEXT", help="The text, in Markdown, instead of an editor.")


def read_components(given: tuple[str, ...], config: Config) -> dict[str, ComponentStatus]:
    """Read `ID=STATUS` texts; raises UsageError for what the configuration does not know."""
    components = {}
    for text in given:
        component, _, status = text.partition("=")
        word = status.casefold().replace(" ", "_").replace("-", "_")
        if component not in config.component_names:
            known = did_you_mean(component, config.component_names)
            raise click.UsageError(f'unknown component "{component}" ({known})')
        if word not in list(ComponentStatus):
            raise click.UsageError(
                f'unknown component status "{status}" ({did_you_mean(word, list(ComponentStatus))})'
            )
        components[component] = ComponentStatus(word)
    return components


def whole_minute(at: datetime) -> datetime:
    """Cut a moment to its minute: files hold no seconds."""
    return at.replace(second=0, microsecond=0)


def is_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def refuse_what_is_not_meant(root: Path, path: str, text: str, updates: int, message: str) -> Incident:
    """Check a file as it would be, before anything is written; gives what it would say.

    Raises InvalidInput for problems, and Refused for a text that would be read as facts or as further updates.
    """
    _, config = read_all(root, Memory())
    found = parse_incident(IncidentFiles(Path(path).stem, Source(path, text.encode(), ""), ()), config)
    if found.incident is None:
        raise InvalidInput(found.problems)
    bodies = [update.body for update in found.incident.updates]
    if len(bodies) != updates or message.strip() not in bodies:
        raise Refused(
            'the text would not be read as it is meant; lines that begin with "##" head an update of their own'
        )
    return found.incident


def plain_text(message: object) -> str:
    """A text as it will stand in the file; raises UsageError for one that says nothing."""
    text = str(message).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip():
        raise click.UsageError("the text is empty; say what customers should read now")
    return text
