"""cState's front matter as real sites hold it -> values, with a note on everything that had to be guessed."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from msgspec import Struct, field

from meaculpa.model import ComponentStatus, Impact

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2})(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SEVERITIES = {
    "notice": (Impact.MINOR, ComponentStatus.DEGRADED_PERFORMANCE),
    "disrupted": (Impact.MAJOR, ComponentStatus.PARTIAL_OUTAGE),
    "down": (Impact.CRITICAL, ComponentStatus.MAJOR_OUTAGE),
}
_KNOWN_KEYS = (
    *("title", "date", "resolved", "resolvedWhen", "severity", "affected", "section"),
    *("informational", "pin", "draft"),
)
_YES = ("true", "yes", "on", "1")
_USUAL_COMMENT = re.compile(r"#\s*(possible\s+)?severit", re.IGNORECASE)


class NotReadable(ValueError):
    """A file that cannot be taken at all; the text says why."""


class Facts(Struct):
    """What a cState file says of its incident; `notes` collects what had to be guessed or left out."""

    title: str
    began: datetime
    ended: datetime | None
    is_resolved: bool
    impact: Impact
    component_status: ComponentStatus
    affected: tuple[str, ...]
    is_notice: bool
    pin: bool
    draft: bool
    notes: list[str] = field(default_factory=list)


def split_front_matter(text: str) -> tuple[Mapping[str, Any], str, list[str]]:
    """Take a file apart: front matter values (texts, lists), body, and the comments in the front matter."""
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    fence = text.split("\n", 1)[0].rstrip()
    if fence not in ("---", "+++"):
        raise NotReadable("the front matter is not opened: the first line is not ---")
    lines = text.split("\n")
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == fence), None)
    if end is None:
        raise NotReadable(f"the front matter is not closed: there is no second line {fence}")
    front = "\n".join(lines[1:end])
    comments = [line.strip() for line in lines[1:end] if line.lstrip().startswith("#")]
    return _load(front, fence), "\n".join(lines[end + 1 :]), comments


def _load(front: str, fence: str) -> Mapping[str, Any]:
    try:
        # BaseLoader makes texts, lists and mappings only; nothing in a file can run.
        values = tomllib.loads(front) if fence == "+++" else yaml.load(front, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise NotReadable(f"the front matter cannot be read: {what[:120]}") from None
    if not isinstance(values, dict):
        raise NotReadable("the front matter holds no keys")
    return values


def read_facts(values: Mapping[str, Any], comments: list[str], name: str) -> Facts:
    """Read the front matter of one file; `name` is the file's name. Raises NotReadable without any date."""
    notes: list[str] = []
    began = _began(_text(values.get("date")), name, notes)
    is_resolved, ended = _ending(values, began, notes)
    impact, component_status = _severity(_text(values.get("severity")), notes)
    is_notice = _is_yes(values.get("informational"))
    facts = Facts(
        title=_title(values, name, notes),
        began=began,
        ended=ended,
        is_resolved=is_resolved,
        impact=Impact.NONE if is_notice else impact,
        component_status=component_status,
        affected=_affected(values.get("affected")),
        is_notice=is_notice,
        pin=_is_yes(values.get("pin")),
        draft=_is_yes(values.get("draft")),
        notes=notes,
    )
    _note_what_is_left_out(values, comments, notes)
    return facts


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, list | dict) else str(value).strip()


def _is_yes(value: object) -> bool:
    return _text(value).casefold() in _YES


def _title(values: Mapping[str, Any], name: str, notes: list[str]) -> str:
    title = " ".join(_text(values.get("title")).split())
    if not title:
        notes.append("no title; the file's name stands for it")
        return re.sub(r"^\d{4}-\d{2}-\d{2}-?", "", name.rsplit(".", 1)[0]).replace("-", " ").strip() or name
    return title


def read_moment(text: str, notes: list[str], what: str) -> datetime | None:
    """Read a point in time as cState sites write it, UTC unless it says otherwise; None when it cannot be one."""
    match = _MOMENT.fullmatch(text.strip())
    try:
        if match is None:
            return _day_of(text, notes, what)
        return _exact(match, notes, what)
    except ValueError:
        notes.append(f'{what} "{text}" is not a day and time of the calendar')
        return None


def _exact(match: re.Match[str], notes: list[str], what: str) -> datetime:
    year, month, day = map(int, match["day"].split("-"))
    moment = datetime(year, month, day, int(match["hour"] or 0), int(match["minute"] or 0), tzinfo=UTC)
    if match["hour"] is None:
        notes.append(f"{what} has no time of day; 00:00 UTC stands for it")
    elif match["zone"] is None:
        notes.append(f"{what} has no zone; read as UTC")
    if int(match["second"] or 0):
        notes.append(f"{what} loses its seconds ({match[0].strip()})")
    zone = match["zone"] or "Z"
    if zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment -= offset if zone[0] == "+" else -offset
    return moment


def _day_of(text: str, notes: list[str], what: str) -> datetime | None:
    day = _DAY.search(text)
    if day is None:
        if text:
            notes.append(f'{what} "{text}" cannot be read')
        return None
    moment = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
    notes.append(f'{what} "{text}" has no readable time of day; 00:00 UTC stands for it')
    return moment


def _began(text: str, name: str, notes: list[str]) -> datetime:
    moment = read_moment(text, notes, "date")
    if moment is None and (moment := read_moment(name, [], "name")) is not None:
        notes.append("no readable date; the day in the file's name stands for it")
    if moment is None:
        raise NotReadable(f'no readable date ("{text}") and no day in the file\'s name')
    return moment


def _ending(values: Mapping[str, Any], began: datetime, notes: list[str]) -> tuple[bool, datetime | None]:
    when = _text(values.get("resolvedWhen"))
    ended = read_moment(when, notes, "resolvedWhen") if when else None
    is_resolved = _is_yes(values.get("resolved")) if "resolved" in values else ended is not None
    if not is_resolved:
        if ended:
            notes.append(f"resolvedWhen {when} is left out: the file says it is not resolved")
        return False, None
    if ended is None:
        notes.append("resolved without a readable resolvedWhen; it ends when it began")
        return True, began
    if ended < began:
        notes.append(
            f"resolvedWhen ({ended:%Y-%m-%d %H:%M}) is before date ({began:%Y-%m-%d %H:%M}); it ends when it began"
        )
        return True, began
    return True, ended


def _severity(text: str, notes: list[str]) -> tuple[Impact, ComponentStatus]:
    word = text.casefold()
    if word not in _SEVERITIES:
        near = difflib.get_close_matches(word, _SEVERITIES, n=1)
        notes.append(f'unknown severity "{text}"; read as {near[0] if near else "notice"}')
        word = near[0] if near else "notice"
    return _SEVERITIES[word]


def _affected(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    names = (" ".join(_text(item).split()) for item in items)
    return tuple(dict.fromkeys(name for name in names if name))


def _note_what_is_left_out(values: Mapping[str, Any], comments: list[str], notes: list[str]) -> None:
    unknown = [f"{key}: {_text(value)}" for key, value in values.items() if key not in _KNOWN_KEYS]
    if unknown:
        notes.append(f"left out: {'; '.join(unknown)}")
    said = [comment for comment in comments if not _USUAL_COMMENT.match(comment) and comment.strip("# ")]
    if said:
        notes.append(f"comments in the front matter are left out: {' / '.join(said)}")
