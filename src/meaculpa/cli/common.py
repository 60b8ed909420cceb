"""What commands share: the project folder, the clock, options with a meaning."""

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from meaculpa.times import TimeMistake, parse_time

if TYPE_CHECKING:
    from meaculpa.build.memory import Memory
    from meaculpa.config import Config
    from meaculpa.model import Incident
    from meaculpa.project import ProjectFiles

F = TypeVar("F", bound=Callable[..., Any])


_TIME_HINT = "write it like 2026-11-22 09:20, in UTC, or with a zone such as Europe/London"


class TimeType(click.ParamType):  # type: ignore[type-arg]
    """A point in time on the command line; UTC unless it names a zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or fail with what would be right."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_time(str(value), ZoneInfo("UTC"))
        except TimeMistake as error:
            self.fail(
                f'{error} (write it like "2026-11-22 09:20", in UTC, or with a zone such as Europe/London)',
                param,
                ctx,
            )


def now_option(command: F) -> F:
    """Give a command `--now`."""
    option = click.option(
        "--now",
        type=TimeType(),
        help="Act as if it were this time (2026-11-22 09:20, in UTC unless it names a zone).",
    )
    return option(command)


def metrics_option(command: F) -> F:
    """Give a command `--metrics`."""
    option = click.option(
        "--metrics",
        type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True),
        metavar="FOLDER",
        help="Write figures for node_exporter's textfile collector there, a file a site.",
    )
    return option(command)


def clock(now: datetime | None) -> datetime:
    """The given time, or the real one."""
    return now or datetime.now(UTC)


def project_root(context: click.Context) -> Path:
    """Find the project that the command is about; raises NotAProject."""
    from meaculpa.folders import find_project

    return find_project(context.find_root().params.get("directory") or Path.cwd())


def read_all(root: Path, memory: "Memory") -> tuple["ProjectFiles", "Config"]:
    """Read a project and its configuration; raises InvalidInput."""
    from meaculpa.build.reading import read_config
    from meaculpa.project import read_project

    files = read_project(root)
    return files, read_config(files, memory)


def read_settings(root: Path) -> "Config":
    """Read the configuration alone: it is all that some commands need at night; raises InvalidInput."""
    from meaculpa.config import Config, parse_config
    from meaculpa.errors import InvalidInput
    from meaculpa.project import read_configuration

    found = parse_config(read_configuration(root).content)
    if isinstance(found, Config):
        return found
    raise InvalidInput(found)


def the_incident(root: Path, wanted: str) -> "Incident":
    """Find the one incident that is meant by a part of its name; raises InvalidInput or Refused."""
    from meaculpa.build.memory import Memory
    from meaculpa.build.reading import read_content
    from meaculpa.content.compose import find_incident
    from meaculpa.errors import InvalidInput, Refused, did_you_mean

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


def program_for(root: Path) -> str:
    """How the program is called from here for a project: with -C where it is not the one here or above."""
    here = Path.cwd()
    is_here = here == root or root in here.parents
    return "meaculpa" if is_here else f"meaculpa -C {shlex.quote(shown_path(root))}"


def shown_path(path: Path) -> str:
    """Write a path as short as it can be said from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
