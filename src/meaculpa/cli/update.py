"""`meaculpa update` and `resolve`: what is said next, put into the file as it is now, and never lost."""

from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.composition import Memory
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
    Incident,
    Kind,
    Status,
)
from meaculpa.render.words import Words, babel_locale
from meaculpa.status import state_of
from meaculpa.times import format_time

_STATUS_WORDS = tuple(map(str, (*INCIDENT_STATUSES, *MAINTENANCE_STATUSES)))
_ASK = (
    "\n\n<!-- Write above this line what customers should read now, in Markdown. An empty text changes nothing. -->\n"
)


@click.command("update")
@click.argument("incident_id", metavar="ID")
@click.argument("status", metavar="STATUS", type=click.Choice(_STATUS_WORDS, case_sensitive=False))
@component_option
@next_update_option
@time_option("--back-at", "When it works again, only if that is certain:")
@click.option("--settled", metavar="N of M", help="How many affected orders have been made good.")
@message_option
@now_option
@click.pass_context
def update_command(
    context: click.Context, /, incident_id: str, status: str, now: datetime | None, **facts: object
) -> None:
    """Add an update to the incident ID (a part of it is enough), with the text of -m or from $EDITOR."""
    _add_update(context, incident_id, Status(status), clock(now), facts)


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
    _fact_lines(at, facts, read_all(root, Memory())[1])
    message, is_typed = _message(incident, status, at, facts)
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
        update = compose_update(at, status, _fact_lines(at, facts, config), message)
        changed = insert_update(text, incident, update)
        after = refuse_what_is_not_meant(root, incident.path, changed, len(incident.updates) + 1, message)
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


def _message(incident: Incident, status: Status, at: datetime, facts: dict[str, object]) -> tuple[str | None, bool]:
    """The text of an update and whether it was typed just now: as given, from the editor, or what is certain."""
    if facts["message"] is not None:
        return plain_text(facts["message"]), False
    default = _from_to(incident, at) if status in (Status.RESOLVED, Status.COMPLETED) else ""
    if is_terminal():
        edited = edit_text(f"{default}{_ASK}") or ""
        text = edited.replace(_ASK.strip(), "").replace("\r\n", "\n").strip()
        return text or None, True
    if not default:
        raise click.UsageError("say what customers should read now: -m TEXT")
    return default, False


def _from_to(incident: Incident, at: datetime) -> str:
    """State the times of what is over, as far as the files know them; raises Refused where it is none."""
    state = state_of(incident, at)
    if state is None or (at < state.began and not state.is_upcoming):
        raise Refused(f"{incident.id} has not begun yet at {format_time(at)}")
    if state.is_upcoming:
        return f"{incident.title.rstrip('.!?')}: we have called this off, and nothing changes for you."
    words = Words("en", {}, babel_locale("en"))
    ended = state.ended or at
    until = words.clock(ended) if ended.date() == state.began.date() else words.moment(ended)
    lasted = words.duration(ended - state.began)
    return f"{incident.title.rstrip('.!?')}: from {words.moment(state.began)} to {until}, {lasted}. This is over now."
