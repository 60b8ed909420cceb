"""What `build` and `publish` do when something may have changed: read everything, build, tell what is wrong."""

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.build.program import made_by
from meaculpa.build.seals import Beginning, Place, Seal, begin, keep_seal, mark_of
from meaculpa.cli.build import asked_of, say_built
from meaculpa.cli.common import clock
from meaculpa.cli.planned import changes, plan_data
from meaculpa.cli.wording import as_data, say_json, say_problems
from meaculpa.content.files import id_in
from meaculpa.errors import InvalidInput, has_errors
from meaculpa.folders import Survey
from meaculpa.lint.rules import Rule
from meaculpa.project import ProjectFiles, read_project
from meaculpa.publish import Options, Report, publish, refuse_source_folder, sizes_of
from meaculpa.publish.directory import DirectoryTarget


def build_into(folder: Path, root: Path, seen: Survey | None, now: datetime | None, as_json: bool) -> None:
    """Build a project into a folder; raises InvalidInput after telling the problems."""
    refuse_source_folder(folder.resolve(), root)
    begun = begin(root)
    files, memory = read_lately(root, seen)
    done = build_once(files, clock(now), memory, "Nothing was written.", as_json=as_json)
    with closing(memory.pool):
        report = publish(done.files, done.known, DirectoryTarget("out", folder), Options(force=True, is_plain=True))
    memory.keep(files)
    keep_seal(root, "build", seal_of(done, files, begun, asked_of(folder), [report], [report.target]))
    say_built(folder, len(done.files), changes(report.plan), plan_data(report.plan), done.problems, as_json)


def seal_of(
    done: Build,
    files: ProjectFiles,
    begun: Beginning,
    asked: str,
    reports: Sequence[Report],
    folder_targets: Collection[str],
) -> Seal | None:
    """Seal a run that has left nothing to do; `folder_targets` are asked for the size of each file."""
    has_more = has_errors(done.problems) or any(report.plan.gone for report in reports)
    if has_more or not reports or done.same_until <= done.site.now:
        return None
    mark = mark_of({path: reading.stamp for path, reading in files.readings.items()}, begun)
    if mark is None:
        return None
    sizes = sizes_of(done.files) if folder_targets else {}
    return Seal(
        asked=asked,
        program=made_by(),
        files=mark,
        since=done.site.now,
        until=done.same_until,
        build=reports[0].plan.index.build,
        problems=done.problems,
        findings=done.findings,
        places=tuple(
            Place(one.target, one.version, sizes if one.target in folder_targets else {}) for one in reports
        ),
    )


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


def read_lately(root: Path, seen: Survey | None = None) -> tuple[ProjectFiles, Memory]:
    """Read a project, with what an earlier process has left of it; what was `seen` is not looked through again."""
    archive = Archive(root)
    return read_project(root, known=archive.readings.recall(), seen=seen), Memory(archive=archive)


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
