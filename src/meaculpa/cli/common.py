"""What commands share: the project folder, the clock, options with a meaning."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from meaculpa.times import TimeMistake, parse_time

if TYPE_CHECKING:
    from meaculpa.build.composition import Memory
    from meaculpa.config import Config
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


def clock(now: datetime | None) -> datetime:
    """The given time, or the real one."""
    return now or datetime.now(UTC)


def project_root(context: click.Context) -> Path:
    """Find the project that the command is about; raises NotAProject."""
    from meaculpa.project import find_project

    return find_project(context.find_root().params.get("directory") or Path.cwd())


def read_all(root: Path, memory: "Memory") -> tuple["ProjectFiles", "Config"]:
    """Read a project and its configuration; raises InvalidInput."""
    from meaculpa.build.composition import read_config
    from meaculpa.project import read_project

    files = read_project(root)
    return files, read_config(files, memory)


def shown_path(path: Path) -> str:
    """Write a path as short as it can be said from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
