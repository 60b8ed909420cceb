"""`meaculpa build`: the site into a folder."""

import os
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, shown_path
from meaculpa.cli.planned import changes, plan_data
from meaculpa.cli.wording import as_data, count, good, say, say_json, say_problems
from meaculpa.content.files import id_in
from meaculpa.errors import InvalidInput
from meaculpa.lint.rules import Rule
from meaculpa.project import ProjectFiles, read_project
from meaculpa.publish import Options, publish, refuse_source_folder
from meaculpa.publish.directory import DirectoryTarget


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
    refuse_source_folder(folder.resolve(), root)
    files, memory = read_lately(root)
    done = build_once(files, clock(now), memory, "Nothing was written.", as_json=as_json)
    with closing(memory.pool):
        report = publish(done.files, done.known, DirectoryTarget("out", folder), Options(force=True, is_plain=True))
    memory.keep(files)
    say_problems(done.problems, "")
    if as_json:
        say_json({"out": str(folder), **plan_data(report.plan), "problems": [as_data(one) for one in done.problems]})
    else:
        say(f"{good('Built')} {count(len(done.files), 'file')} in {shown_path(folder)} ({changes(report.plan)}).")


def consequence_of(done: Build) -> str:
    """Say what a build with broken files means for the site."""
    missing = f" {', '.join(done.left_out)}: not on the site, there is no good version yet." if done.left_out else ""
    return f"Broken files keep their last good version; the others go out.{missing}{_still_public(done)}"


def _still_public(done: Build) -> str:
    """Whom a page names stays named while its last good version stays: an order list may be newer than the page."""
    personal = {one.path for one in done.problems if one.rule == Rule.PERSONAL_DATA} - {*done.left_out}
    if not personal:
        return ""
    names = ", ".join(sorted({id_in(path) for path in personal}))
    return f" What is public of {names} stays, whoever it names; to erase it: meaculpa retract ID."


def read_lately(root: Path) -> tuple[ProjectFiles, Memory]:
    """Read a project, with what an earlier process has left of it."""
    archive = Archive(root)
    return read_project(root, known=archive.readings.recall()), Memory(archive=archive)


def build_once(
    files: ProjectFiles,
    now: datetime,
    memory: Memory,
    consequence: str,
    keep_going: bool = False,
    as_json: bool = False,
) -> Build:
    """Build a project; raises InvalidInput after telling the problems, to programs as well."""
    try:
        return build(files, now, memory, keep_going)
    except InvalidInput as error:
        say_problems(error.problems, consequence)
        if as_json:
            say_json({"problems": [as_data(one) for one in error.problems]})
        raise InvalidInput(()) from None
    finally:
        memory.pool.close()
