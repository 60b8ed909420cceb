"""`meaculpa new`, `update`, `resolve`: incident files written with few keystrokes, and never a broken one."""

import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

import click

from meaculpa.build.composition import Memory, read_content
from meaculpa.cli.common import SpanType, TimeType, clock, now_option, project_root, read_all, shown_path
from meaculpa.cli.wording import bold, say
from meaculpa.config import Config
from meaculpa.content import parse_incident
from meaculpa.content.compose import (
    compose_incident,
    compose_update,
    find_incident,
    insert_update,
    slug_of,
)
from meaculpa.content.files import INCIDENT_ID, IncidentFiles
from meaculpa.errors import InvalidInput, MeaculpaError, Refused, did_you_mean
from meaculpa.files import create_file, one_at_a_time, write_file
from meaculpa.model import (
    INCIDENT_STATUSES,
    MAINTENANCE_STATUSES,
    ComponentStatus,
    Impact,
    Incident,
    Kind,
    Source,
    Status,
)
from meaculpa.project import ProjectFiles, read_scaffold
from meaculpa.render.playbook import first_message
from meaculpa.render.words import Words, babel_locale
from meaculpa.status import state_of
from meaculpa.times import format_time

_ORDER_KINDS = (Kind.STOCK, Kind.PRICING, Kind.ORDERS)
_CADENCE_MINUTES = {Impact.CRITICAL: 30, Impact.MAJOR: 60, Impact.MINOR: 240}
_CADENCE_OF_ORDERS = 1440
_STATUS_WORDS = tuple(map(str, (*INCIDENT_STATUSES, *MAINTENANCE_STATUSES)))
_ASK = (
    "\n\n<!-- Write above this line what customers should read now, in Markdown. An empty text changes nothing. -->\n"
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
@click.option("--started", type=TimeType(), help="When customers first felt it, if before now.")
@click.option("--starts", type=TimeType(), help="Maintenance: the beginning of the window.")
@click.option("--ends", type=TimeType(), help="Maintenance: the end of the window.")
@next_update_option
@message_option
@click.option("--draft", is_flag=True, help="Keep it off the site until `draft: true` is taken out.")
@now_option
@click.pass_context
def new_command(
    context: click.Context, /, title: str | None, kind: str, now: datetime | None, **facts: object
) -> None:
    """Open a new incident and print its file.

    Without -m the first message is written from the facts, and on a terminal the file is opened in $EDITOR.
    """
    root, at = project_root(context), _whole_minute(clock(now))
    memory = Memory()
    files, config = read_all(root, memory)
    title = title or _ask_title()
    message = _first_message(Kind(kind), title, at, facts)
    text = _compose(Kind(kind), title, at, facts, message, config)
    name = f"incidents/{_free_id(at, title, files)}.md"
    _refuse_what_is_not_meant(root, name, text, 1, message)
    create_file(root / name, text.encode())
    say(shown_path(root / name))
    if _is_terminal() and not facts["message"]:
        click.edit(filename=str(root / name))


def _ask_title() -> str:
    if not _is_terminal():
        raise click.UsageError('say what customers cannot do: meaculpa new "You cannot pay by card"')
    return str(click.prompt("What can customers not do? (You cannot ...)"))


def _first_message(kind: Kind, title: str, at: datetime, facts: dict[str, object]) -> str:
    if kind is Kind.MAINTENANCE and not (facts["starts"] and facts["ends"]):
        raise click.UsageError("maintenance needs its window: --starts and --ends")
    if facts["message"] is not None:
        return _plain(facts["message"])
    words = {key: facts[key] for key in ("works", "money", "starts", "ends")}
    words |= {"title": title.rstrip(".!?"), "started": facts["started"] or at}
    return first_message(read_scaffold("playbooks"), kind, words)  # type: ignore[arg-type]


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
        **{key: str(facts[key]) if facts[key] else None for key in ("summary", "works", "money")},
        "draft": "true" if facts["draft"] else None,
    }
    components = _read_components(facts["components"], config)  # type: ignore[arg-type]
    promise = facts["next_update"] or _cadence(kind, impact)
    promises = {"next_update": format_time(at + promise)} if isinstance(promise, timedelta) else {}
    status = Status.SCHEDULED if kind is Kind.MAINTENANCE else Status.INVESTIGATING
    return compose_incident(front, components, at, status, promises, message)


def _stamp(at: object) -> str | None:
    return format_time(at) if isinstance(at, datetime) else None


def _impact(kind: Kind, given: object) -> Impact | None:
    """An outage without a word on its impact is major: too loud is mended in a second, too quiet is not seen."""
    if given:
        if kind is Kind.MAINTENANCE:
            raise click.UsageError("maintenance has no impact of its own; leave --impact out")
        return Impact(str(given))
    return Impact.MAJOR if kind is Kind.OUTAGE else None


def _cadence(kind: Kind, impact: Impact | None) -> timedelta | None:
    if kind in _ORDER_KINDS:
        return timedelta(minutes=_CADENCE_OF_ORDERS)
    return timedelta(minutes=_CADENCE_MINUTES[impact]) if impact in _CADENCE_MINUTES else None


def _read_components(given: tuple[str, ...], config: Config) -> dict[str, ComponentStatus]:
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


def _free_id(at: datetime, title: str, files: ProjectFiles) -> str:
    taken = {path.rsplit("/", 1)[-1].split(".")[0] for path in files.incidents}
    stem = f"{at:%Y-%m-%d}-{slug_of(title)}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1000))
    return next(name for name in names if name not in taken and INCIDENT_ID.fullmatch(name))


def _whole_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _refuse_what_is_not_meant(root: Path, path: str, text: str, updates: int, message: str) -> Incident:
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


def _plain(message: object) -> str:
    """A text as it will stand in the file; raises UsageError for one that says nothing."""
    text = str(message).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip():
        raise click.UsageError("the text is empty; say what customers should read now")
    return text


@click.command("update")
@click.argument("incident_id", metavar="ID")
@click.argument("status", metavar="STATUS", type=click.Choice(_STATUS_WORDS, case_sensitive=False))
@component_option
@next_update_option
@click.option("--back-at", type=TimeType(), help="When it works again; only if that is certain.")
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
    _add_update(context, incident_id, Status.RESOLVED, clock(now), facts)


def _add_update(context: click.Context, wanted: str, status: Status, now: datetime, facts: dict[str, object]) -> None:
    root, at = project_root(context), _whole_minute(now)
    incident = _the_one(root, wanted)
    if incident.kind is Kind.MAINTENANCE and status is Status.RESOLVED:
        status = Status.COMPLETED
    message, is_typed = _message(incident, status, at, facts)
    if message is None:
        say("Nothing was written, so nothing was changed.")
        return
    try:
        after = _insert(root, wanted, status, at, facts, message)
    except MeaculpaError as error:
        raise _with_kept_text(error, root, incident, message) if is_typed else error from None
    state = state_of(after, at)
    say(f"{bold(shown_path(root / after.path))} is now {state.status if state else status}.")


def _insert(
    root: Path, wanted: str, status: Status, at: datetime, facts: dict[str, object], message: str
) -> Incident:
    """Read the file as it is now, put the update in, check it, write it: one at a time in a project."""
    with one_at_a_time(root / ".meaculpa" / "write.lock"):
        incident = _the_one(root, wanted)
        _, config = read_all(root, Memory())
        path = (root / incident.path).resolve()
        text = path.read_bytes().decode("utf-8-sig")
        update = compose_update(at, status, _fact_lines(at, facts, config), message)
        changed = insert_update(text, incident, update)
        after = _refuse_what_is_not_meant(root, incident.path, changed, len(incident.updates) + 1, message)
        write_file(path, changed.encode())
    return after


def _with_kept_text(error: MeaculpaError, root: Path, incident: Incident, message: str) -> MeaculpaError:
    """What somebody typed is never lost: it is kept in a file, and the error names it."""
    place = root / ".meaculpa" / f"unsent-{incident.id}.md"
    write_file(place, message.encode())
    return Refused(f"{error}\nYour text is kept in {shown_path(place)}; nothing else was changed.")


def _the_one(root: Path, wanted: str) -> Incident:
    memory = Memory()
    files, config = read_all(root, memory)
    content = read_content(files, config, memory)
    found = find_incident(content.incidents, wanted)
    if len(found) == 1:
        return found[0]
    broken = [problem for problem in content.problems if wanted in problem.path]
    if broken and not found:
        raise InvalidInput(broken)
    if not found:
        open_ones = [one.id for one in content.incidents]
        raise Refused(f'there is no incident "{wanted}" ({did_you_mean(wanted, open_ones[-8:])})')
    raise Refused(f'"{wanted}" fits {len(found)} incidents: {", ".join(one.id for one in found[:8])}')


def _fact_lines(at: datetime, facts: dict[str, object], config: Config) -> dict[str, str]:
    lines = {key: str(value) for key, value in _read_components(facts["components"], config).items()}  # type: ignore[arg-type]
    if isinstance(facts["next_update"], timedelta):
        lines["next_update"] = format_time(at + facts["next_update"])
    if isinstance(facts["back_at"], datetime):
        lines["back_at"] = format_time(facts["back_at"])
    if facts["settled"]:
        lines["settled"] = str(facts["settled"])
    return lines


def _message(incident: Incident, status: Status, at: datetime, facts: dict[str, object]) -> tuple[str | None, bool]:
    """The text of an update and whether it was typed just now: as given, from the editor, or what is certain."""
    if facts["message"] is not None:
        return _plain(facts["message"]), False
    default = _from_to(incident, at) if status in (Status.RESOLVED, Status.COMPLETED) else ""
    if _is_terminal():
        try:
            edited = click.edit(f"{default}{_ASK}", extension=".md") or ""
        except UnicodeDecodeError:
            raise click.UsageError("the editor did not save UTF-8 text; nothing was changed") from None
        text = edited.replace(_ASK.strip(), "").replace("\r\n", "\n").strip()
        return text or None, True
    if not default:
        raise click.UsageError("say what customers should read now: -m TEXT")
    return default, False


def _from_to(incident: Incident, at: datetime) -> str:
    """State the times of what is over, as far as the files know them; raises Refused where it is none."""
    state = state_of(incident, at)
    if state and not state.is_open and not state.is_upcoming and not state.unconfirmed:
        raise Refused(f"{incident.id} is over already; to say more of it, give the text: -m TEXT")
    if state is None or (at <= state.began and not state.is_upcoming):
        raise Refused(f"{incident.id} has not begun yet at {format_time(at)}")
    if state.is_upcoming:
        return f"{incident.title.rstrip('.!?')}: we have called this off, and nothing changes for you."
    words = Words("en", {}, babel_locale("en"))
    ended = state.ended or at
    until = words.clock(ended) if ended.date() == state.began.date() else words.moment(ended)
    lasted = words.duration(ended - state.began)
    return f"{incident.title.rstrip('.!?')}: from {words.moment(state.began)} to {until}, {lasted}. This is over now."
