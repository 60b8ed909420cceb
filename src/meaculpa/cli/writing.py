"""What the commands that write incident files share: options, and the check that a text is read as it is meant."""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import read_all, shown_path
from meaculpa.cli.wording import bad, problem_lines, say
from meaculpa.config import Config
from meaculpa.content import parse_incident
from meaculpa.content.files import IncidentFiles
from meaculpa.customers.people import read_people
from meaculpa.errors import InvalidInput, MeaculpaError, Refused, Severity, did_you_mean
from meaculpa.files import write_file
from meaculpa.lint.pages import inspect_pages
from meaculpa.lint.rules import is_blocking
from meaculpa.model import (
    ComponentStatus,
    Incident,
    Source,
)
from meaculpa.times import TimeMistake, format_time, parse_span, parse_time

F = TypeVar("F", bound=Callable[..., Any])

component_option = click.option(
    "--component",
    "components",
    multiple=True,
    metavar="ID=STATUS",
    help="A component and its status now (repeatable).",
)


next_update_option = click.option(
    "--next-update", metavar="SPAN", help="Promise the next update: 30m, 2h, or a time such as 15:30."
)


message_option = click.option("-m", "--message", metavar="TEXT", help="The text, in Markdown, instead of an editor.")


def read_components(given: object, config: Config) -> dict[str, ComponentStatus]:
    """Read `ID=STATUS` texts; raises UsageError for what the configuration does not know."""
    components = {}
    for text in given if isinstance(given, tuple) else ():
        component, sign, status = text.partition("=")
        if not sign:
            raise click.UsageError(
                f"--component {text}: write it like {next(iter(config.component_names))}=major_outage"
            )
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


def time_option(name: str, text: str) -> Callable[[F], F]:
    """Give a command an option for a point in time, which `read_moment` reads once the site's zone is known."""
    return click.option(name, metavar="TIME", help=f"{text} 15:30 or 2026-11-22 15:30, in the site's zone.")


def read_moment(value: object, option: str, at: datetime, config: Config) -> datetime | None:
    """Read a time as people type it, in the site's zone; a clock time is of the day of `at`. Raises UsageError."""
    if value is None:
        return None
    zone = config.site.timezone
    text = str(value).strip()
    if re.fullmatch(r"\d{1,2}:\d{2}(\s.*)?", text):
        text = f"{at.astimezone(zone):%Y-%m-%d} {text}"
    try:
        return parse_time(text, zone)
    except TimeMistake as error:
        raise click.UsageError(f"{option}: {error} ({error.hint})") from None


def read_promise(value: object, at: datetime, config: Config) -> datetime | None:
    """Read when the next update is promised: in a span of time, or at a time. Raises UsageError."""
    if value is None:
        return None
    if ":" in str(value):
        return read_moment(value, "--next-update", at, config)
    try:
        return at + parse_span(str(value))
    except TimeMistake as error:
        raise click.UsageError(f"--next-update: {error} ({error.hint})") from None


def say_what_is_next(promised: datetime | None, is_draft: bool = False) -> None:
    """Say, beside the result, what customers were promised and that nobody can read it yet."""
    if promised:
        say(f"The next update is promised by {format_time(promised)}.", to_errors=True)
    if is_draft:
        say("A draft: it stays off the site until `draft: true` is taken out.", to_errors=True)
    else:
        say("A running `meaculpa watch` puts it online by itself; otherwise: meaculpa publish", to_errors=True)


def keep_text(root: Path, name: str, text: str, error: Exception) -> MeaculpaError:
    """What somebody typed is never lost: it is kept in a file, and the error names it."""
    place = root / ".meaculpa" / f"unsent-{name}.md"
    write_file(place, text.encode())
    return Refused(f"{error}\nYour text is kept in {shown_path(place)}; nothing else was changed.")


def whole_minute(at: datetime) -> datetime:
    """Cut a moment to its minute: files hold no seconds."""
    return at.replace(second=0, microsecond=0)


def is_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def refuse_what_is_not_meant(config: Config, path: str, text: str, updates: int, message: str) -> Incident:
    """Check a file as it would be, before anything is written; gives what it would say.

    Raises InvalidInput for problems, and Refused for a text that would be read as facts or as further updates.
    """
    incident = _read_with(config, path, text)
    bodies = [update.body for update in incident.updates]
    if len(bodies) != updates or message.strip() not in bodies:
        raise Refused(
            'the text would not be read as it is meant; lines that begin with "##" head an update of their own'
        )
    return incident


def read_as_it_is(root: Path, path: str, text: str) -> Incident:
    """Read a file as it would be; raises InvalidInput with every problem."""
    return _read_with(read_all(root, Memory())[1], path, text)


def _read_with(config: Config, path: str, text: str) -> Incident:
    found = parse_incident(IncidentFiles(Path(path).stem, Source(path, text.encode(), ""), ()), config)
    if found.incident is None:
        raise InvalidInput(found.problems)
    return found.incident


def say_what_is_found(root: Path, incident: Incident) -> None:
    """Tell what the rules for messages find in an incident, while somebody is there to mend it."""
    files, config = read_all(root, Memory())
    found = inspect_pages(incident, files.incidents, config, read_people(root))
    newest = [one for one in found if one.path == incident.path and one.severity is not Severity.NOTE]
    for line in problem_lines(newest):
        say(line, to_errors=True)
    if any(is_blocking(one) for one in newest):
        say(bad("This keeps it off the site until it is mended."), to_errors=True)


def edit_text(text: str) -> str | None:
    """Let somebody edit a text in $EDITOR; None when it was not saved. Raises Refused where there is no editor.

    An editor that saves in an older encoding loses nobody's words: they are read as Windows-1252, which most mean.
    """
    with tempfile.TemporaryDirectory(prefix="meaculpa-") as folder:
        path = Path(folder) / "text.md"
        path.write_bytes(text.encode())
        # As saved long ago, so that saving without a change is seen as well.
        os.utime(path, (0, 0))
        try:
            click.edit(filename=str(path))
        except click.ClickException as error:
            raise Refused(f"{error.message}; set EDITOR to an editor that works here") from None
        if not path.is_file() or path.stat().st_mtime == 0:
            return None
        content = path.read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").replace("\r\n", "\n")


def plain_text(message: object) -> str:
    """A text as it will stand in the file; raises UsageError for one that says nothing."""
    text = str(message).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip():
        raise click.UsageError("the text is empty; say what customers should read now")
    return text
