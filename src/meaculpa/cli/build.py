"""`meaculpa build`: the site into a folder."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from meaculpa.build.seals import find_seal, is_whole
from meaculpa.cli.common import clock, now_option, project_root, shown_path
from meaculpa.cli.planned import changes, plan_data
from meaculpa.cli.wording import as_data, count, good, say, say_json, say_problems
from meaculpa.errors import Problem
from meaculpa.plan import NOTHING


@click.command("build")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to; public in the project without it.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def build_command(context: click.Context, out: Path | None, as_json: bool, now: datetime | None) -> None:
    """Render the whole site into a folder. Equal files and an equal time give equal bytes."""
    root = project_root(context)
    folder = Path(os.path.abspath(out or root / "public"))  # noqa: PTH100 (a path with .. in it leads elsewhere)
    seal, seen = find_seal(root, "build", asked_of(folder), clock(now))
    if seal and all(is_whole(place, folder) for place in seal.places):
        files = sum(len(place.sizes) for place in seal.places)
        plan = replace(NOTHING, unchanged=files)
        say_built(folder, files, changes(plan), {**plan_data(plan), "build": seal.build}, seal.problems, as_json)
        return
    from meaculpa.cli.building import build_into

    build_into(folder, root, seen, now, as_json)


def asked_of(folder: Path) -> str:
    """What tells one question from another: where a folder leads to may change."""
    return str(folder.resolve())


def say_built(
    folder: Path, files: int, changes: str, plan: dict[str, Any], problems: Sequence[Problem], as_json: bool
) -> None:
    """Say what is wrong, and what was built, in words or for programs."""
    say_problems(problems, "")
    if as_json:
        say_json({"out": str(folder), **plan, "problems": [as_data(one) for one in problems]})
    else:
        say(f"{good('Built')} {count(files, 'file')} in {shown_path(folder)} ({changes}).")
