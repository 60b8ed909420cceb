"""`meaculpa new --from`: what a monitor reports becomes a draft, once; that it is over becomes a proposal."""

import contextlib
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_content
from meaculpa.cli.common import read_all, shown_path
from meaculpa.cli.wording import say
from meaculpa.config import Config
from meaculpa.errors import Refused
from meaculpa.files import create_file, one_at_a_time
from meaculpa.importers.alerts import Alert, read_alerts
from meaculpa.model import ComponentStatus, Impact, Incident
from meaculpa.project import ProjectFiles
from meaculpa.timeline import state_of

# From a title and facts as options have them to the path and text of a new file.
Writer = Callable[[str, dict[str, object], ProjectFiles, Config], tuple[str, str]]
_LARGEST_BODY = 1_048_576
_LONGEST_TITLE = 120
_MARK = re.compile(r"^# alert: (\S+)", re.MULTILINE)


def open_from_monitor(root: Path, kind: str, source: str | None, at: datetime, write: Writer) -> None:
    """Open a draft for alerts that no open incident knows, and propose an update for those that are over."""
    alerts = read_alerts(kind, _body(source))
    with one_at_a_time(root / ".meaculpa"):
        files, config = read_all(root, Memory())
        known = _open_incidents(files, config, at)
        firing = [alert for alert in alerts if alert.is_firing]
        _propose([alert for alert in alerts if not alert.is_firing], known, root)
        there = next((known[_mark(alert)] for alert in firing if _mark(alert) in known), None)
        if there:
            say(f"{shown_path(root / there.path)} is open for it already")
        elif firing:
            path, text = write(_title(firing), _facts(firing, config, at), files, config)
            create_file(root / path, _with_marks(text, firing).encode())
            say(shown_path(root / path))
            say("A draft: put it into your customers' words, take out `draft: true`, and it goes out.")


def _body(source: str | None) -> str:
    if source is None:
        raise click.UsageError("say where the alert is: a file, or - for standard input")
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as stream:
            content = stream.read(_LARGEST_BODY + 1)
        if len(content) > _LARGEST_BODY:
            raise Refused("the alert is larger than 1 MB")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("the alert is not UTF-8 text") from None
    except OSError as error:
        raise Refused(f"{source} cannot be read: {error.strerror}") from None


def _mark(alert: Alert) -> str:
    """What stands in the file of the incident, so that the same alert opens no second one."""
    return re.sub(r"[^A-Za-z0-9._~-]+", "-", alert.fingerprint)[:100]


def _open_incidents(files: ProjectFiles, config: Config, at: datetime) -> dict[str, Incident]:
    """The open incidents and drafts that came from alerts, by the marks of those."""
    found: dict[str, Incident] = {}
    for incident in read_content(files, config, Memory()).incidents:
        text = files.incidents[incident.path].content.decode("utf-8", "replace")
        state = state_of(incident, at)
        if state is None or state.is_open:
            found |= dict.fromkeys(_MARK.findall(text), incident)
    return found


def _propose(over: Iterable[Alert], known: dict[str, Incident], root: Path) -> None:
    for alert in over:
        incident = known.get(_mark(alert))
        if incident is None:
            say(f'"{alert.title}" is over, and no open incident is about it')
        elif incident.draft:
            path = shown_path(root / incident.path)
            say(f'"{alert.title}" is over; {path} is still a draft: delete it, or tell of it')
        else:
            command = f"meaculpa update {shlex.quote(incident.id)} monitoring"
            say(f'"{alert.title}" is over. Once you have looked yourself: {command}')


def _title(alerts: Sequence[Alert]) -> str:
    worst = next((alert for alert in alerts if alert.is_bad), alerts[0])
    # Braces stand for times of planned work in our files.
    title = re.sub(r"[{}]", "", worst.title).strip() or "Something fails"
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1].rstrip() + "…"


def _facts(alerts: Sequence[Alert], config: Config, at: datetime) -> dict[str, object]:
    began = min((alert.began for alert in alerts if alert.began and alert.began < at), default=None)
    if any(alert.is_bad for alert in alerts):
        impact, status = Impact.MAJOR, ComponentStatus.PARTIAL_OUTAGE
    elif all(alert.is_harmless for alert in alerts):
        impact, status = Impact.NONE, ComponentStatus.DEGRADED_PERFORMANCE
    else:
        impact, status = Impact.MINOR, ComponentStatus.DEGRADED_PERFORMANCE
    touched = dict.fromkeys(component for alert in alerts for component in _components(alert, config))
    return {
        "impact": str(impact),
        "components": tuple(f"{component}={status}" for component in touched),
        "started": began,
    }


def _components(alert: Alert, config: Config) -> list[str]:
    """The components that an alert is about: what the configuration says of its words, else those of such a name."""
    names = config.component_names
    ids = {name.casefold(): key for key, name in names.items()} | {key: key for key in names}
    told = [config.alerts.components[name] for name in alert.names if name in config.alerts.components]
    return told or [ids[name.casefold()] for name in alert.names if name.casefold() in ids]


def _with_marks(text: str, alerts: Sequence[Alert]) -> str:
    """Put what the monitor said below the first line, as comments: they are never published."""
    marks = [f"# alert: {_mark(alert)}" for alert in alerts]
    words = (" – ".join(part for part in (alert.title, alert.text) if part) for alert in alerts)
    said = [f"# the monitor says: {one}" for one in words]
    return text.replace("---\n", "---\n" + "".join(f"{line}\n" for line in (*marks, *said)), 1)
