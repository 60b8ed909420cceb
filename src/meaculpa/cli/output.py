"""`meaculpa build` and `publish`: the site into a folder, the site to where customers read it."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from meaculpa.build.composition import Build, Memory, build
from meaculpa.build.last_good import keep_good
from meaculpa.cli.common import clock, now_option, project_root, shown_path
from meaculpa.cli.wording import as_data, bad, count, faint, good, say, say_json, say_problems
from meaculpa.config import Config
from meaculpa.errors import InvalidInput, Refused, TargetError, did_you_mean, has_errors
from meaculpa.plan import Plan
from meaculpa.project import ProjectFiles, read_project
from meaculpa.publish import Options, Report, open_target, publish, refuse_source_folder
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.target import Target


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
    folder = (out or root / "public").absolute()
    refuse_source_folder(folder.resolve(), root)
    done = build_once(read_project(root), clock(now), Memory(), "Nothing was written.")
    target = DirectoryTarget("out", folder)
    report = publish(done.files, done.known, target, Options(force=True, delete_at_once=True))
    say_problems(done.problems, "")
    if as_json:
        say_json({"out": str(folder), **plan_data(report.plan), "problems": [as_data(one) for one in done.problems]})
    else:
        say(f"{good('Built')} {count(len(done.files), 'file')} in {shown_path(folder)} ({changes(report.plan)}).")


@click.command("publish")
@click.option("--target", "names", multiple=True, metavar="NAME", help="This target only (repeatable).")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be done, with a reason for each file.")
@click.option("--keep-going", is_flag=True, help="Broken files keep their last good version, the others go out.")
@click.option("--force", is_flag=True, help="Publish although it takes away what is published.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def publish_command(
    context: click.Context,
    names: tuple[str, ...],
    dry_run: bool,
    keep_going: bool,
    force: bool,
    as_json: bool,
    now: datetime | None,
) -> int:
    """Build, and bring every target up to date. A target that fails does not hold up the others."""
    root = project_root(context)
    memory = Memory()
    files = read_project(root)
    done = build_once(files, clock(now), memory, "Nothing was published.", keep_going)
    say_problems(done.problems, consequence_of(done))
    results = [
        publish_to(done, settings, root, Options(force=force, dry_run=dry_run))
        for settings in chosen_targets(done.config, names)
    ]
    if as_json:
        say_json({"targets": [_result_data(result, dry_run) for result in results]})
    else:
        for result in results:
            _print_result(result, dry_run)
    code = exit_code(results)
    if not dry_run and code == 0:
        keep_good(files, done.problems, memory.kept)
    return code or int(has_errors(done.problems))


class Outcome:
    """What became of one target: a report, or the error that stopped it."""

    def __init__(self, name: str, report: Report | None, error: Exception | None = None) -> None:
        self.name, self.report, self.error = name, report, error


def consequence_of(done: Build) -> str:
    """Say what a build with broken files means for the site."""
    missing = f" {', '.join(done.left_out)}: not on the site, there is no good version yet." if done.left_out else ""
    return f"Broken files keep their last good version; the others go out.{missing}"


def build_once(
    files: ProjectFiles, now: datetime, memory: Memory, consequence: str, keep_going: bool = False
) -> Build:
    """Build a project; raises InvalidInput after telling the problems."""
    try:
        return build(files, now, memory, keep_going)
    except InvalidInput as error:
        say_problems(error.problems, consequence)
        raise InvalidInput(()) from None
    finally:
        memory.pool.close()


def chosen_targets(config: Config, names: tuple[str, ...]) -> list[Any]:
    """The targets to publish to; raises Refused where there is none of that name or none at all."""
    known = {target.name: target for target in config.targets}
    for name in names:
        if name not in known:
            raise Refused(f'there is no target "{name}" ({did_you_mean(name, known)})')
    if not known:
        raise Refused("meaculpa.yml has no targets; add one: targets: [{name: local, type: directory, path: public}]")
    return [target for name, target in known.items() if not names or name in names]


def publish_to(
    done: Build, settings: Any, root: Path, options: Options, opened: dict[str, Target] | None = None
) -> Outcome:
    """Publish a build to one target; its failure is an outcome, not an exception.

    `opened` keeps targets for the next time: a client for S3 takes longer to make than an edit to publish.
    """
    known = {} if opened is None else opened
    key = settings.model_dump_json()
    try:
        if key not in known:
            known[key] = open_target(settings, root)
        report = publish(done.files, done.known, known[key], options)
    except (TargetError, Refused) as error:
        return Outcome(settings.name, None, error)
    return Outcome(settings.name, _invalidated(report, settings, options))


def _invalidated(report: Report, settings: Any, options: Options) -> Report:
    distribution = getattr(settings, "cloudfront_distribution", None)
    if distribution is None or options.dry_run or report.plan.is_empty:
        return report
    from meaculpa.publish import published_paths
    from meaculpa.publish.cloudfront import invalidate

    failure = invalidate(distribution, published_paths([report]))
    warning = (
        f"published, but CloudFront was not told ({failure}); it follows within seconds by itself"
        if failure
        else None
    )
    return Report(report.target, report.place, report.plan, warning)


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when every target is up to date, 1 when a plan was refused, 3 when a target failed."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if any(isinstance(error, TargetError) for error in errors):
        return 3
    return 1 if errors else 0


def changes(plan: Plan) -> str:
    """`3 changed, 1 deleted, 40 unchanged`."""
    parts = [f"{len(plan.uploads):,} changed"] if plan.uploads else []
    parts += [f"{len(plan.deletes):,} deleted"] if plan.deletes else []
    parts += [f"{len(plan.gone):,} to be deleted next time"] if plan.gone else []
    return ", ".join([*parts, f"{plan.unchanged:,} unchanged"])


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "build": plan.index.build,
        "uploads": [{"path": upload.file.path, "reason": str(upload.reason)} for upload in plan.uploads],
        "deletes": list(plan.deletes),
        "gone": list(plan.gone),
        "unchanged": plan.unchanged,
    }


def _result_data(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    if outcome.report is None:
        return {"target": outcome.name, "ok": False, "error": str(outcome.error)}
    data = {"target": outcome.name, "ok": True, "dry_run": dry_run, "place": outcome.report.place}
    return {**data, **plan_data(outcome.report.plan), "warning": outcome.report.warning}


def _print_result(outcome: Outcome, dry_run: bool) -> None:
    report = outcome.report
    if report is None:
        say(f"{bad(outcome.name)}: {outcome.error}", to_errors=True)
        return
    if dry_run:
        for upload in report.plan.uploads:
            say(f"{upload.group:9} {upload.file.path}  {faint(upload.reason)}")
        for path in report.plan.deletes:
            say(f"delete    {path}")
    verb = "would change" if dry_run else "published"
    state = "already up to date" if report.plan.is_empty else f"{verb}: {changes(report.plan)}"
    say(f"{good(outcome.name)} ({report.place}): {state}")
    if report.warning:
        say(f"{outcome.name}: {report.warning}", to_errors=True)
