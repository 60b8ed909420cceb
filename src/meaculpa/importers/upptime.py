"""An Upptime repository -> incidents: its issues, and what its git log says of the sites that went down."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from meaculpa.config import Config
from meaculpa.errors import Refused
from meaculpa.importers import Entry, Import, Outcome
from meaculpa.importers.foreign import Foreign, Told, take
from meaculpa.importers.naming import slug
from meaculpa.model import ComponentStatus, Impact, Status

_LOG_FILES = ("*.log", "git-log*.txt", "log.txt")
_GIT_SECONDS = 120
# An issue is opened by the run that saw the site go down, a commit or two later.
_SAME_OUTAGE = timedelta(minutes=30)
_CHANGE = re.compile(
    r"(?P<name>.+?) (?:is (?P<status>up|down|degraded)|has (?P<slow>degraded) performance)"
    r"(?: \((?P<code>\S*) in (?P<time>\d+) ms\))?(?=\s|$)"
)
_PREFIX = re.compile(r"^[^\w\s(\[\"'.-]+\s+")
_RESOLVED = re.compile(r"\s*\*\*Resolved:?\*\*", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_FACT = re.compile(r"^\s*(?P<key>start|end|expectedDown|expectedDegraded)\s*:\s*(?P<value>.+?)\s*$", re.MULTILINE)
_AT_WORK = ComponentStatus.UNDER_MAINTENANCE
_HOW = {
    "down": (Impact.MAJOR, ComponentStatus.MAJOR_OUTAGE, "did not answer"),
    "degraded": (Impact.MINOR, ComponentStatus.DEGRADED_PERFORMANCE, "answered slowly"),
}


class _Change(Struct, frozen=True):
    """A line of the log: what a site turned to, and when."""

    at: datetime
    name: str
    status: str
    detail: str


def import_upptime(folder: Path, config: Config, known: Mapping[str, str], taken: frozenset[str]) -> Import:
    """Convert the issues and the log of an Upptime repository; raises Refused when it holds neither."""
    names = _site_names(folder)
    issues = [_read_issue(one, names) for one in _issues(folder)]
    told = [one for one in issues if isinstance(one, Foreign)]
    logged = list(_outages(_changes(_log_lines(folder), names), told))
    if not issues and not logged:
        raise Refused(
            f"{folder} holds neither issues nor a log of sites that went down; "
            "see `meaculpa import upptime --help` for how to get them"
        )
    shown = [name for name in names.values() if not name.startswith("$")]
    return take([*issues, *logged], dict.fromkeys(shown), config, known, taken)


def _site_names(folder: Path) -> dict[str, str]:
    """The sites by slug, as the configuration names them, else as their histories are called."""
    names = {path.stem: path.stem for path in sorted((folder / "history").glob("*.yml")) if path.stem != "summary"}
    for name in (".upptimerc.yml", ".upptimerc.yaml"):
        if (folder / name).is_file():
            try:
                values = yaml.load((folder / name).read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506 (texts only)
                sites = {str(one.get("slug") or slug(str(one["name"]))): str(one["name"]) for one in values["sites"]}
            except (yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise Refused(f"{folder / name} does not list its sites as Upptime does: {error}") from None
            return names | sites
    return names


def _issues(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*issues*.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise Refused(f"{path} is not JSON: {error}") from None
        pages = value if isinstance(value, list) else [value]
        for page in pages:
            yield from (one for one in (page if isinstance(page, list) else [page]) if isinstance(one, dict))


def _read_issue(one: Mapping[str, Any], names: Mapping[str, str]) -> Foreign | Entry:
    label = f"issue {one.get('number', '?')}: {one.get('title', '?')}"
    listed = one.get("labels") if isinstance(one.get("labels"), list) else []
    labels = {str(each.get("name") if isinstance(each, dict) else each) for each in listed or []}
    if "pull_request" in one:
        return Entry(label, Outcome.NOT_TAKEN, None, ("a pull request, no incident",))
    if not labels & {"status", "maintenance"}:
        return Entry(label, Outcome.NOT_TAKEN, None, ("it has neither the label status nor maintenance",))
    try:
        return _planned(one, label, names) if "maintenance" in labels else _outage(one, label, labels, names)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return Entry(label, Outcome.NOT_TAKEN, None, (f"not as GitHub writes it ({error})",))


def _outage(one: Mapping[str, Any], label: str, labels: set[str], names: Mapping[str, str]) -> Foreign:
    title = _PREFIX.sub("", str(one["title"]))
    how = "degraded" if "degraded" in title else "down"
    impact, status, _ = _HOW[how]
    parts = {names[each]: status for each in sorted(labels) if each in names}
    match = _CHANGE.match(title)
    if not parts and match:
        parts = {match["name"]: status}
    notes = [f'how bad it was is not in the issue; {impact}, for "{how}"']
    opened = _moment(_field(one, "created_at", "createdAt"))
    told = [Told(opened, Status.INVESTIGATING, _text(one.get("body"), notes) or title, {}), *_comments(one, notes)]
    closed = _field(one, "closed_at", "closedAt")
    if closed and all(each.status is not Status.RESOLVED for each in told):
        told.append(Told(max(_moment(closed), opened), Status.RESOLVED, "", {}))
        notes.append("nobody wrote that it was over; the time at which the issue was closed")
    return _foreign(one, label, title, impact, told, parts, notes)


def _planned(one: Mapping[str, Any], label: str, names: Mapping[str, str]) -> Foreign:
    body = str(one.get("body") or "")
    facts = {match["key"]: match["value"] for comment in _COMMENT.findall(body) for match in _FACT.finditer(comment)}
    if "start" not in facts or "end" not in facts:
        raise ValueError("the comment with start and end is missing")
    notes: list[str] = []
    window = (_moment(facts["start"]), _moment(facts["end"]))
    touched = f"{facts.get('expectedDown', '')},{facts.get('expectedDegraded', '')}".split(",")
    sites = [names[each.strip()] for each in touched if each.strip() in names]
    unknown = [each.strip() for each in touched if each.strip() and each.strip() not in names]
    if unknown:
        notes.append(f"not a site of the configuration, left out: {', '.join(unknown)}")
    opened, title = _moment(_field(one, "created_at", "createdAt")), _PREFIX.sub("", str(one["title"]))
    told = [Told(opened, Status.SCHEDULED, _text(_COMMENT.sub("", body), notes) or title, {})]
    told += [
        Told(each.at, Status.COMPLETED if each.at >= window[1] else Status.IN_PROGRESS, each.text, {})
        if each.at >= window[0]
        else Told(each.at, Status.SCHEDULED, each.text, {})
        for each in _comments(one, notes)
    ]
    closed = _field(one, "closed_at", "closedAt")
    if closed and _moment(closed) < window[1] and told[-1].status is not Status.COMPLETED:
        told.append(Told(max(_moment(closed), told[-1].at), Status.COMPLETED, "", {}))
        notes.append("the issue was closed before the window was over; completed then")
    return _foreign(one, label, title, Impact.MAINTENANCE, told, dict.fromkeys(sites, _AT_WORK), notes, window)


def _foreign(
    one: Mapping[str, Any],
    label: str,
    title: str,
    impact: Impact,
    told: list[Told],
    parts: Mapping[str, ComponentStatus],
    notes: list[str],
    window: tuple[datetime, datetime] | None = None,
) -> Foreign:
    ordered = tuple(sorted(told, key=lambda each: each.at))
    address = f"incident/{one['number']}"
    return Foreign(label, address, title, impact, ordered, parts, window, notes=tuple(notes))


def _comments(one: Mapping[str, Any], notes: list[str]) -> list[Told]:
    """The comments, where the export holds them; GitHub's API gives only their number."""
    comments = one.get("comments")
    if not isinstance(comments, list):
        if comments:
            notes.append(f"its {comments} comments are not in the export")
        return []
    return [
        Told(
            _moment(_field(each, "created_at", "createdAt")),
            Status.RESOLVED if _RESOLVED.match(str(each.get("body") or "")) else Status.INVESTIGATING,
            _text(each.get("body"), notes),
            {},
        )
        for each in comments
    ]


def _text(body: object, notes: list[str]) -> str:
    text = str(body or "").replace("\r\n", "\n").strip()
    if _COMMENT.search(text):
        notes.append("comments are kept; they are not published")
    return text


def _field(one: Mapping[str, Any], *names: str) -> Any:
    return next((one[name] for name in names if one.get(name)), None)


def _moment(value: object) -> datetime:
    at = datetime.fromisoformat(str(value).strip())
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)


def _log_lines(folder: Path) -> list[str]:
    """The log as a file beside the histories, else as git gives it."""
    files = sorted({path for pattern in _LOG_FILES for path in folder.glob(pattern)})
    if files:
        return [line for path in files for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    if not (folder / ".git").exists():
        return []
    command = ["git", "-C", str(folder), "log", "--no-show-signature", "--format=%aI %s"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_GIT_SECONDS)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"git cannot tell the log of {folder}: {error}") from None
    return done.stdout.decode("utf-8", "replace").splitlines()


def _changes(lines: Iterable[str], names: Mapping[str, str]) -> list[_Change]:
    """The changes of all sites, oldest first; git tells the newest first."""
    found = []
    for line in reversed(list(lines)):
        when, _, subject = line.strip().partition(" ")
        match = _CHANGE.match(_PREFIX.sub("", subject))
        try:
            at, shown = datetime.fromisoformat(when).astimezone(UTC), _moment(when)
        except (ValueError, OverflowError):
            continue
        if match and (match["time"] or match["name"] in names.values()):
            detail = f"{match['code']} in {match['time']} ms" if match["time"] else ""
            found.append((at, _Change(shown, match["name"], match[2] or match[3], detail)))
    return [change for _, change in sorted(found, key=lambda one: one[0])]


def _outages(changes: Iterable[_Change], issues: list[Foreign]) -> Iterator[Foreign | Entry]:
    """An outage lasts from the first change for the worse to the next for the better; issues tell of most of them."""
    open_ones: dict[str, list[_Change]] = {}
    for change in changes:
        if change.status != "up":
            open_ones.setdefault(change.name, []).append(change)
        elif change.name in open_ones:
            yield _logged([*open_ones.pop(change.name), change], issues)
    for still in open_ones.values():
        yield _logged(still, issues)


def _logged(changes: list[_Change], issues: list[Foreign]) -> Foreign | Entry:
    first = changes[0]
    label = f"log: {first.name}, {first.at:%Y-%m-%d %H:%M} UTC"
    same = next((one for one in issues if _is_same(one, first)), None)
    if same:
        return Entry(label, Outcome.ALREADY_THERE, None, (f"told by {same.source}",))
    worst = "down" if any(change.status == "down" for change in changes) else "degraded"
    impact, _, words = _HOW[worst]
    told, before = list[Told](), ""
    for change in changes:
        if change.status != before:
            told.append(_told(change))
        before = change.status
    notes = (f'nobody wrote about it; {impact}, for "{worst}" in the log',)
    parts = {first.name: _HOW[first.status][1]}
    return Foreign(label, None, f"{first.name} {words}", impact, tuple(told), parts, notes=notes)


def _told(change: _Change) -> Told:
    detail = f" ({change.detail})" if change.detail else ""
    if change.status == "up":
        return Told(change.at, Status.RESOLVED, f"{change.name} answers again{detail}.", {})
    _, status, words = _HOW[change.status]
    return Told(change.at, Status.INVESTIGATING, f"{change.name} {words}{detail}.", {change.name: status})


def _is_same(one: Foreign, first: _Change) -> bool:
    if first.name not in one.parts:
        return False
    if one.window:
        return one.window[0] <= first.at <= one.window[1]
    over = one.told[-1].status is Status.RESOLVED
    last = one.told[-1].at if over else one.told[0].at + _SAME_OUTAGE
    return one.told[0].at - _SAME_OUTAGE <= first.at <= last
