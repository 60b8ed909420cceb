"""New project folders: the beginning of one, and the sample shop with all its times relative to now."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from jinja2 import Environment, StrictUndefined

from meaculpa.content.editors import as_text, config_schema
from meaculpa.times import format_time

_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
}


def new_project(templates: Mapping[str, bytes], now: datetime) -> dict[str, bytes]:
    """Make the files of a new project: configuration and its schema, a first incident, .gitignore, a workflow."""
    return {
        "meaculpa.yml": templates["meaculpa.yml"],
        "meaculpa.schema.json": f"{as_text(config_schema())}\n".encode(),
        ".gitignore": templates["gitignore"],
        ".github/workflows/publish.yml": templates["publish.yml"],
        **_render_incident(templates["incident.md"], now),
    }


def sample_shop(templates: Mapping[str, bytes], gitignore: bytes, now: datetime) -> dict[str, bytes]:
    """Make the files of the sample shop as it stands at `now`: an outage began half an hour ago."""
    files = {"meaculpa.yml": templates["meaculpa.yml"], ".gitignore": gitignore}
    for name, content in templates.items():
        if name.startswith("incidents/"):
            files |= _render_incident(content, now)
        elif name.startswith("assets/"):
            files[name] = content
    return files


def _render_incident(template: bytes, now: datetime) -> dict[str, bytes]:
    """Render one incident; its first line is its file's name."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    text = environment.from_string(template.decode()).render(**_functions(now.replace(second=0, microsecond=0)))
    name, content = text.lstrip().split("\n", 1)
    return {f"incidents/{name.strip()}": content.encode()}


def _functions(now: datetime) -> dict[str, object]:
    """What the templates may call to speak of time; all of it is UTC."""

    def ago(days: int = 0, hours: int = 0, minutes: int = 0, at: str | None = None) -> datetime:
        return _at(now - timedelta(days=days, hours=hours, minutes=minutes), at)

    def ahead(days: int = 0, hours: int = 0, minutes: int = 0, at: str | None = None) -> datetime:
        return _at(now + timedelta(days=days, hours=hours, minutes=minutes), at)

    def later(moment: datetime, days: int = 0, hours: int = 0, minutes: int = 0, at: str | None = None) -> datetime:
        return _at(moment + timedelta(days=days, hours=hours, minutes=minutes), at)

    return {
        "now": now,
        "ago": ago,
        "ahead": ahead,
        "later": later,
        "stamp": format_time,
        "clock": lambda moment: f"{moment:%H:%M} UTC",
        "date": lambda moment: f"{moment:%Y-%m-%d}",
        "day": lambda moment: f"{moment.day} {_MONTHS['en'][moment.month - 1]}",
        "tag": lambda moment: f"{moment.day}. {_MONTHS['de'][moment.month - 1]}",
    }


def _at(moment: datetime, clock: str | None) -> datetime:
    if clock is None:
        return moment
    hour, minute = map(int, clock.split(":"))
    return moment.replace(hour=hour, minute=minute)
