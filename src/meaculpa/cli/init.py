"""`meaculpa init`: a new project folder."""

import shlex
from datetime import datetime
from pathlib import Path

import click

from meaculpa.cli.common import clock, now_option, shown_path
from meaculpa.cli.wording import bold, say
from meaculpa.errors import Refused
from meaculpa.files import create_file
from meaculpa.project import read_scaffold
from meaculpa.render.scaffold import new_project, sample_shop

_FIRST_TO_EDIT = ("-card-payments.md", "-this-page-is-new.md")


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", default=".")
@click.option("--sample", is_flag=True, help="The whole sample shop, its times moved to now.")
@now_option
@click.pass_context
def init_command(context: click.Context, folder: Path, sample: bool, now: datetime | None) -> None:
    """Make a new project in DIR: configuration and its schema, a first incident, a workflow for publishing from git.

    Nothing that is already there is changed.
    """
    base = context.find_root().params.get("directory") or Path()
    root = base / folder
    project = read_scaffold("project")
    if sample:
        files = sample_shop(read_scaffold("sample"), project["gitignore"], clock(now))
    else:
        files = new_project(project, clock(now))
    _create(root, files)
    incident = next(path for path in files if path.startswith("incidents/") and path.endswith(_FIRST_TO_EDIT))
    say(f"Made {bold(shown_path(root.absolute()))} with {len(files)} files.")
    say(f"Next: meaculpa -C {shlex.quote(str(root))} serve, and edit {root / incident}")


def _create(root: Path, files: dict[str, bytes]) -> None:
    """Write all files, or none: an existing project is never mixed with a new one."""
    taken = [path for path in files if (root / path).exists() and path != ".gitignore"]
    if taken:
        raise Refused(f"{root / taken[0]} is already there; choose another folder. Nothing was written.")
    for path, content in files.items():
        if path == ".gitignore" and (root / path).exists():
            continue
        create_file(root / path, content)
