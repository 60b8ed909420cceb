"""`meaculpa new`: an incident file from what is known, in one line."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cadence import cadence
from meaculpa.cli.alerts import open_from_monitor
from meaculpa.cli.asking import ask_facts, ask_title
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path
from meaculpa.cli.wording import say
from meaculpa.cli.writing import (
    component_option,
    edit_text,
    is_terminal,
    keep_text,
    message_option,
    next_update_option,
    plain_text,
    read_as_it_is,
    read_components,
    read_moment,
    read_promise,
    refuse_what_is_not_meant,
    say_what_is_found,
    say_what_is_next,
    time_option,
    whole_minute,
)
from meaculpa.config import Config
from meaculpa.content.compose import (
    compose_incident,
    slug_of,
)
from meaculpa.content.files import INCIDENT_ID
from meaculpa.errors import InvalidInput, Refused
from meaculpa.files import create_file
from meaculpa.model import (
    Impact,
    Kind,
)
from meaculpa.project import ProjectFiles, read_playbooks
from meaculpa.render.playbook import first_status, ready_text
from meaculpa.times import format_time


@click.command("new")
@click.argument("title", required=False)
@click.option("--kind", type=click.Choice(list(map(str, Kind))), default=str(Kind.OUTAGE), show_default=True)
@click.option(
    "--impact",
    type=click.Choice([str(impact) for impact in Impact if impact is not Impact.MAINTENANCE]),
    help="How bad it is for customers; an outage without it is major.",
)
@component_option
@click.option("--summary", metavar="TEXT", help="The sentence that banner and splash page show.")
@click.option("--works", metavar="TEXT", help="What still works, how to order meanwhile.")
@click.option("--money", metavar="TEXT", help="What happened to money and baskets.")
@click.option("--reason", metavar="TEXT", help="What we did wrong, for the letters to customers.")
@time_option("--started", "When customers first felt it, if before now:")
@time_option("--starts", "Maintenance, the beginning of the window:")
@time_option("--ends", "Maintenance, the end of the window:")
@next_update_option
@message_option
@click.option(
    "--from",
    "monitor",
    type=click.Choice(("alertmanager", "grafana", "pagerduty", "json")),
    help="Open a draft from a monitor's webhook body, in the file named in place of a title; - is standard input.",
)
@click.option("--draft", is_flag=True, help="Keep it off the site until `draft: true` is taken out.")
@now_option
@click.pass_context
def new_command(
    context: click.Context,
    /,
    title: str | None,
    kind: str,
    now: datetime | None,
    monitor: str | None,
    **facts: object,
) -> None:
    """Open a new incident and print its file.

    Without -m the first message is written from what is known, from the playbook of its kind; on a terminal each fact
    that was not given is asked for, and the file then opens in $EDITOR, and is there once it is saved. Without
    --next-update the next update is promised as its impact demands: critical 30 minutes, major 1 hour, minor
    4 hours, order kinds 1 day.
    """
    root, at = project_root(context), whole_minute(clock(now))
    if monitor:
        open_from_monitor(root, monitor, title, at, partial(_draft, root, at))
        return
    files, config = read_all(root, Memory())
    is_asked = is_terminal() and facts["message"] is None
    facts |= {name: read_moment(facts[name], f"--{name}", at, config) for name in ("started", "starts", "ends")}
    facts["next_update"] = read_promise(facts["next_update"], at, config)
    title = title or _ask_title(Kind(kind), partial(_objection, root, Kind(kind), at, facts, config))
    if is_asked:
        object_to = partial(_objection, root, Kind(kind), at, config=config, title=title)
        facts = ask_facts(Kind(kind), facts, at, config, object_to)
    text = _trial(root, Kind(kind), at, facts, config, title)
    name = _free_id(at, title, files)
    path = f"incidents/{name}.md"
    if is_asked:
        edited = _edit(root, path, name, text)
        if edited is None:
            say("Nothing was saved, so there is no new incident.")
            return
        text = edited
    create_file(root / path, text.encode())
    say(shown_path(root / path))
    incident = read_as_it_is(root, path, text)
    say_what_is_found(root, incident)
    say_what_is_next(incident.updates[-1].next_update, incident.draft)


def _draft(
    root: Path, at: datetime, title: str, known: dict[str, object], files: ProjectFiles, config: Config
) -> tuple[str, str]:
    """The path and text of a draft about what a monitor knows."""
    names = ("summary", "works", "money", "reason", "starts", "ends", "next_update", "message")
    facts = {**dict.fromkeys(names), **known, "draft": True}
    return f"incidents/{_free_id(at, title, files)}.md", _trial(root, Kind.OUTAGE, at, facts, config, title)


def _trial(root: Path, kind: Kind, at: datetime, facts: dict[str, object], config: Config, title: str) -> str:
    """The file as these facts make it; raises InvalidInput or Refused where it cannot be read as it is meant."""
    message = _first_message(root, kind, config, title, at, facts)
    text = _compose(kind, title, at, facts, message, config)
    refuse_what_is_not_meant(config, "incidents/new.md", text, 1, message)
    return text


def _objection(
    root: Path, kind: Kind, at: datetime, facts: dict[str, object], config: Config, title: str
) -> str | None:
    """Say why these facts make no file, None if they do; a window that is still to be asked for is no reason."""
    try:
        _trial(root, kind, at, facts | _window(kind, at, facts), config, title)
    except InvalidInput as error:
        first = error.problems[0]
        return f"{first.message} ({first.hint})" if first.hint else first.message
    except Refused as error:
        return str(error)
    return None


def _window(kind: Kind, at: datetime, facts: dict[str, object]) -> dict[str, object]:
    """A window of planned work, as far as it is known, and something possible where it is not."""
    if kind is not Kind.MAINTENANCE:
        return {}
    starts, ends, hour = facts["starts"], facts["ends"], timedelta(hours=1)
    if not isinstance(starts, datetime):
        starts = ends - hour if isinstance(ends, datetime) else at
    return {"starts": starts, "ends": ends or starts + hour}


def _edit(root: Path, path: str, name: str, text: str) -> str | None:
    """Have the file edited before it exists; what cannot be read afterwards is kept aside, with its problems told."""
    try:
        edited = edit_text(text)
    except Refused as error:
        raise keep_text(root, name, text, error) from None
    if edited is None or not edited.strip():
        return None
    try:
        read_as_it_is(root, path, edited)
    except InvalidInput as error:
        raise keep_text(root, name, edited, error) from None
    return edited


def _ask_title(kind: Kind, object_to: Callable[[str], str | None]) -> str:
    if not is_terminal():
        raise click.UsageError('say what customers cannot do: meaculpa new "You cannot pay by card"')
    return ask_title(kind, object_to)


def _first_message(root: Path, kind: Kind, config: Config, title: str, at: datetime, facts: dict[str, object]) -> str:
    locale = config.default_locale
    if kind is Kind.MAINTENANCE and not (facts["starts"] and facts["ends"]):
        raise click.UsageError("maintenance needs its window: --starts and --ends")
    if facts["message"] is not None:
        return plain_text(facts["message"])
    words = {key: facts[key] for key in ("works", "money", "starts", "ends", "started")}
    words |= {"title": title.rstrip(".!?"), "known": at, "is_critical": facts["impact"] == str(Impact.CRITICAL)}
    ready = ready_text(read_playbooks(root), kind, locale, first_status(kind), words, config.site.timezone)
    if ready is None:
        raise Refused(f"the playbook {kind}.{locale}.md has no text for {first_status(kind)}; say it with -m TEXT")
    return ready


def _compose(kind: Kind, title: str, at: datetime, facts: dict[str, object], message: str, config: Config) -> str:
    impact = _impact(kind, facts["impact"])
    started = facts["started"] if isinstance(facts["started"], datetime) else at
    front = {
        "title": title,
        "kind": None if kind is Kind.OUTAGE else str(kind),
        "impact": str(impact) if impact else None,
        "started": format_time(started) if started != at else None,
        "starts": _stamp(facts["starts"]),
        "ends": _stamp(facts["ends"]),
        **{key: str(facts[key]) if facts[key] else None for key in ("summary", "works", "money", "reason")},
        "draft": "true" if facts["draft"] else None,
    }
    components = read_components(facts["components"], config)
    within = cadence(kind, impact, at - started)
    promised = facts["next_update"] or (at + within if within else None)
    promises = {"next_update": format_time(promised)} if isinstance(promised, datetime) else {}
    return compose_incident(front, components, at, first_status(kind), promises, message)


def _stamp(at: object) -> str | None:
    return format_time(at) if isinstance(at, datetime) else None


def _impact(kind: Kind, given: object) -> Impact | None:
    """An outage without a word on its impact is major: too loud is mended in a second, too quiet is not seen."""
    if given:
        if kind is Kind.MAINTENANCE:
            raise click.UsageError("maintenance has no impact of its own; leave --impact out")
        return Impact(str(given))
    return Impact.MAJOR if kind is Kind.OUTAGE else None


def _free_id(at: datetime, title: str, files: ProjectFiles) -> str:
    taken = {path.rsplit("/", 1)[-1].split(".")[0] for path in files.incidents}
    stem = f"{at:%Y-%m-%d}-{slug_of(title)}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1000))
    return next(name for name in names if name not in taken and INCIDENT_ID.fullmatch(name))
