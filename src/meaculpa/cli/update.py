"""`meaculpa update` and `resolve`: what is said next, put into the file as it is now, and never lost."""

from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cadence import cadence
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path, the_incident
from meaculpa.cli.wording import bold, say
from meaculpa.cli.writing import (
    component_option,
    edit_text,
    is_terminal,
    keep_text,
    message_option,
    next_update_option,
    plain_text,
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
    compose_update,
    insert_update,
)
from meaculpa.errors import MeaculpaError, Refused
from meaculpa.files import one_at_a_time, write_file
from meaculpa.model import (
    INCIDENT_STATUSES,
    MAINTENANCE_STATUSES,
    Impact,
    Incident,
    Kind,
    Status,
)
from meaculpa.project import read_playbooks
from meaculpa.render.playbook import ready_text
from meaculpa.timeline import state_of
from meaculpa.times import format_time

_STATUS_WORDS = tuple(map(str, (*INCIDENT_STATUSES, *MAINTENANCE_STATUSES)))
_ASK = (
    "\n\n<!-- Write above this line what customers should read now, in Markdown. An empty text changes nothing. -->\n"
)


@click.command("update")
@click.argument("incident_id", metavar="ID")
@click.argument("status", metavar="[STATUS]", required=False, type=click.Choice(_STATUS_WORDS, case_sensitive=False))
@component_option
@next_update_option
@time_option("--back-at", "When it works again, only if that is certain:")
@click.option("--settled", metavar="N of M", help="How many affected orders have been made good.")
@message_option
@now_option
@click.pass_context
def update_command(
    context: click.Context, /, incident_id: str, status: str | None, now: datetime | None, **facts: object
) -> None:
    """Add an update to the incident ID (a part of it is enough), with the text of -m or from $EDITOR.

    On a terminal the next STATUS is proposed, and the editor opens on the text that its playbook has ready; a gap
    such as [CAUSE] has to be filled before the page goes out. Components stay as they are until you say otherwise,
    and the next update is promised as the incident's impact demands.
    """
    root, at = project_root(context), whole_minute(clock(now))
    chosen = Status(status) if status else _ask_status(the_incident(root, incident_id), at)
    _add_update(context, incident_id, chosen, at, facts)


@click.command("resolve")
@click.argument("incident_id", metavar="ID")
@click.option("--settled", metavar="N of M", help="How many affected orders have been made good.")
@message_option
@now_option
@click.pass_context
def resolve_command(context: click.Context, /, incident_id: str, now: datetime | None, **facts: object) -> None:
    """Say that the incident ID is over (a part of the id is enough).

    Without -m and without a terminal the text states from when to when it lasted.
    """
    facts |= {"components": (), "next_update": None, "back_at": None}
    at = whole_minute(clock(now))
    state = state_of(the_incident(project_root(context), incident_id), at)
    if state and not state.is_open and not state.is_upcoming and not state.unconfirmed:
        more = f"to say more of it: meaculpa update {state.incident.id} {state.status} -m TEXT"
        raise Refused(f"{state.incident.id} is over already; {more}")
    _add_update(context, incident_id, Status.RESOLVED, at, facts)


def _add_update(context: click.Context, wanted: str, status: Status, now: datetime, facts: dict[str, object]) -> None:
    root, at = project_root(context), whole_minute(now)
    incident = the_incident(root, wanted)
    if incident.kind is Kind.MAINTENANCE and status is Status.RESOLVED:
        status = Status.COMPLETED
    _, config = read_all(root, Memory())
    _fact_lines(at, facts, config)
    message, is_typed = _message(root, incident, status, at, facts, config)
    if message is None:
        say("Nothing was written, so nothing was changed.")
        return
    try:
        after = _insert(root, wanted, status, at, facts, message)
    except (MeaculpaError, OSError) as error:
        raise keep_text(root, incident.id, message, error) if is_typed else error from None
    state = state_of(after, at)
    say(f"{bold(shown_path(root / after.path))} is now {state.status if state else status}.")
    say_what_is_found(root, after)
    say_what_is_next(state.next_update if state else None, after.draft)


def _insert(
    root: Path, wanted: str, status: Status, at: datetime, facts: dict[str, object], message: str
) -> Incident:
    """Read the file as it is now, put the update in, check it, write it: one at a time in a project."""
    with one_at_a_time(root / "incidents"):
        incident = the_incident(root, wanted)
        _, config = read_all(root, Memory())
        path = (root / incident.path).resolve()
        text = path.read_bytes().decode("utf-8-sig")
        lines = _fact_lines(at, facts, config)
        due = _due(incident, status, at)
        if due and "next_update" not in lines:
            lines["next_update"] = format_time(due)
        update = compose_update(at, status, lines, message)
        changed = insert_update(text, incident, update)
        after = refuse_what_is_not_meant(config, incident.path, changed, len(incident.updates) + 1, message)
        write_file(path, changed.encode())
    return after


def _fact_lines(at: datetime, facts: dict[str, object], config: Config) -> dict[str, str]:
    components = read_components(facts["components"], config)
    lines = {key: str(value) for key, value in components.items()}
    moments = {
        "next_update": read_promise(facts["next_update"], at, config),
        "back_at": read_moment(facts["back_at"], "--back-at", at, config),
    }
    lines |= {key: format_time(moment) for key, moment in moments.items() if moment}
    if facts["settled"]:
        lines["settled"] = str(facts["settled"])
    return lines


_NEXT = {
    Status.INVESTIGATING: Status.IDENTIFIED,
    Status.IDENTIFIED: Status.MONITORING,
    Status.MONITORING: Status.RESOLVED,
    Status.RESOLVED: Status.POSTMORTEM,
    Status.SCHEDULED: Status.IN_PROGRESS,
    Status.IN_PROGRESS: Status.COMPLETED,
    Status.VERIFYING: Status.COMPLETED,
}
_STILL_OPEN = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


def _ask_status(incident: Incident, at: datetime) -> Status:
    state = state_of(incident, at)
    now = state.status if state else incident.updates[-1].status
    # What is only told has no cause to be identified.
    is_told = incident.kind is Kind.NOTICE and now is not Status.RESOLVED
    proposed = Status.RESOLVED if is_told else _NEXT.get(now, now)
    if not is_terminal():
        raise click.UsageError(f"which status? It is {now}; next would be: meaculpa update {incident.id} {proposed}")
    words = MAINTENANCE_STATUSES if incident.kind is Kind.MAINTENANCE else INCIDENT_STATUSES
    choices = click.Choice([str(word) for word in words], case_sensitive=False)
    return Status(click.prompt(f"It is {now}. And now?", type=choices, default=str(proposed)))


def _due(incident: Incident, status: Status, at: datetime) -> datetime | None:
    """When the next update is due after this one."""
    within = cadence(incident.kind, incident.impact, at - incident.started) if status in _STILL_OPEN else None
    return at + within if within else None


def _message(
    root: Path, incident: Incident, status: Status, at: datetime, facts: dict[str, object], config: Config
) -> tuple[str | None, bool]:
    """The text of an update and whether it was typed just now: as given, from the editor, or what is certain."""
    if facts["message"] is not None:
        return plain_text(facts["message"]), False
    ready = _ready(root, incident, status, at, config) or ""
    if is_terminal():
        edited = edit_text(f"{ready}{_ASK}") or ""
        text = edited.replace(_ASK.strip(), "").replace("\r\n", "\n").strip()
        return text or None, True
    if not ready or status not in (Status.RESOLVED, Status.COMPLETED):
        raise click.UsageError("say what customers should read now: -m TEXT")
    return ready, False


def _ready(root: Path, incident: Incident, status: Status, at: datetime, config: Config) -> str | None:
    """What the playbook has ready, from what the files know; raises Refused for an end before the beginning."""
    zone = config.site.timezone
    state, is_end = state_of(incident, at), status in (Status.RESOLVED, Status.COMPLETED)
    if is_end and (state is None or (at < state.began and not state.is_upcoming)):
        raise Refused(f"{incident.id} has not begun yet at {format_time(at)}")
    title = incident.title.rstrip(".!?")
    began = state.began if state else incident.started
    ended = (state.ended if state else None) or at
    facts = {
        "title": title,
        "works": incident.works,
        "money": incident.money,
        "started": incident.started,
        "known": incident.updates[0].at,
        "is_critical": incident.impact is Impact.CRITICAL,
        "starts": incident.starts,
        "ends": incident.ends,
        "began": began,
        "ended": ended,
        "same_day": ended.astimezone(zone).date() == began.astimezone(zone).date(),
    }
    name = "called_off" if is_end and state and state.is_upcoming else str(status)
    return ready_text(read_playbooks(root), incident.kind, config.default_locale, name, facts, zone)
