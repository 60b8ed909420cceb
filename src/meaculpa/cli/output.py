"""`meaculpa build` and `publish`: the site into a folder, the site to where customers read it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from meaculpa.build.composition import Build, Memory, build
from meaculpa.build.last_good import keep_good
from meaculpa.channels.news import News
from meaculpa.channels.telling import Telling
from meaculpa.cli.common import clock, now_option, project_root, shown_path
from meaculpa.cli.planned import changes, plan_data, plan_lines
from meaculpa.cli.telling import news_of, open_all, say_telling, tell_published, telling_data
from meaculpa.cli.wording import (
    as_data,
    bad,
    count,
    good,
    problem_lines,
    say,
    say_findings,
    say_json,
    say_problems,
)
from meaculpa.config import Config
from meaculpa.errors import InvalidInput, Refused, Retracted, Severity, TargetError, did_you_mean, has_errors
from meaculpa.plan import Checkout
from meaculpa.project import ProjectFiles, last_saved, read_project, without_incidents
from meaculpa.publish import Options, Report, open_target, publish, published_paths, refuse_source_folder
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.stamp import STAMPED
from meaculpa.publish.versions import keep_versions, recall_versions

Given = TypeVar("Given")
_NOTHING = "Nothing was published. With --keep-going the other files go out."


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
    report = publish(done.files, done.known, target, Options(force=True, is_plain=True))
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
@click.option("--strict", is_flag=True, help="Publish nothing while the rules for messages find anything.")
@click.option("--release", is_flag=True, help="End the hold of a rollback, and publish.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def publish_command(
    context: click.Context,
    names: tuple[str, ...],
    dry_run: bool,
    keep_going: bool,
    force: bool,
    strict: bool,
    release: bool,
    as_json: bool,
    now: datetime | None,
) -> int:
    """Build, and bring every target up to date. A target that fails does not hold up the others.

    The exit code is 1 for mistakes in files and refusals, 3 when a target failed.
    """
    root = project_root(context)
    memory = Memory()
    files = read_project(root)
    done = build_once(files, clock(now), memory, _NOTHING, keep_going)
    say_problems(done.problems, consequence_of(done))
    if strict:
        _refuse_findings(done)
    say_findings(done.findings)
    had = recall_versions(root) if dry_run else keep_versions(root, done.known.values(), recall_versions(root))
    checkout = Checkout(had=had, saved=partial(last_saved, files))
    # Whoever forces takes over: a promise that a watcher has left is not theirs.
    lost = frozenset({STAMPED}) if force else frozenset[str]()
    options = Options(force=force, dry_run=dry_run, release=release, checkout=checkout, lost=lost)
    job = _Job(files, root, options, clock(now), keep_going, as_json)
    outcomes, burnt = _publish_everywhere(chosen_targets(done.config, names), done, job)
    if not dry_run:
        _invalidate(done.config, outcomes)
    is_whole = dry_run or _look_after_letters(root, done.config, clock(now))
    code = exit_code(outcomes) or (0 if is_whole else 3)
    if not dry_run and code == 0:
        keep_good(files, done.problems, memory.kept)
    # Last, for it may take a while: what customers read is out, whatever becomes of this.
    told = None if dry_run else _tell_channels(done.config, news_of(done, memory, burnt), outcomes, root, now)
    if as_json:
        targets = [_result_data(outcome, dry_run) for outcome in outcomes]
        say_json({"targets": targets, "retracted": sorted(burnt), "channels": telling_data(told)})
    else:
        say_telling(told)
    return code or int(has_errors(done.problems) or bool(burnt))


def _refuse_findings(done: Build) -> None:
    """Refuse what the rules find anything in; raises InvalidInput after telling it."""
    found = [one for one in (*done.problems, *done.findings) if one.severity is not Severity.NOTE]
    if found:
        for line in problem_lines(found):
            say(line, to_errors=True)
        say(bad(f"{count(len(found), 'finding')}. Nothing was published (--strict)."), to_errors=True)
        raise InvalidInput(())


def _look_after_letters(root: Path, config: Config, now: datetime) -> bool:
    """Withdraw letters whose time on the page is over; says whether every target has it so."""
    from meaculpa.cli.customers.page_letters import withdraw_due

    lines, is_whole = withdraw_due(root, config, now)
    for line in lines:
        say(line, to_errors=True)
    return is_whole


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target: a report, or the error that stopped it."""

    name: str
    report: Report | None
    error: Exception | None = None


def _tell_channels(
    config: Config, news: News, outcomes: Sequence[Outcome], root: Path, now: datetime | None
) -> Telling | None:
    """Tell the channels, if any target took the build; those that are down would only keep everybody waiting."""
    if not any(outcome.report for outcome in outcomes):
        return None
    down = {outcome.name for outcome in outcomes if isinstance(outcome.error, TargetError)}
    is_new = any(outcome.report and not outcome.report.plan.is_empty for outcome in outcomes)
    places = open_all((one for one in config.targets if one.name not in down), root)
    return tell_published(news, places, is_new, partial(clock, now))


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


@dataclass(frozen=True, slots=True)
class _Job:
    """What all targets of a publish have in common."""

    files: ProjectFiles
    root: Path
    options: Options
    now: datetime
    keep_going: bool
    as_json: bool


def _publish_everywhere(targets: Sequence[Any], done: Build, job: _Job) -> tuple[list[Outcome], set[str]]:
    """Publish to targets side by side; each outcome is told as soon as it is there.

    Gives the outcomes, and the incidents that were retracted: where that is so, everything else is published.
    """

    def act(settings: Any) -> Outcome:
        outcome = publish_to(done, settings, job.root, job.options)
        if not job.as_json or isinstance(outcome.error, Retracted):
            _print_result(outcome, job.options.dry_run)
        return outcome

    outcomes = at_every_target(targets, act)
    burnt = {name for one in outcomes if isinstance(one.error, Retracted) for name in one.error.incidents}
    if not burnt:
        return outcomes, burnt
    rest = without_incidents(job.files, burnt)
    again = {one.name for one in outcomes if isinstance(one.error, Retracted)}
    fewer = build_once(rest, job.now, Memory(), "Nothing was published.", job.keep_going)
    more, others = _publish_everywhere([one for one in targets if one.name in again], fewer, replace(job, files=rest))
    return [*(one for one in outcomes if one.name not in again), *more], burnt | others


def at_every_target(settings: Sequence[Any], act: Callable[[Any], Given]) -> list[Given]:
    """Do something at all targets side by side, so that a dead one delays no other."""
    with ThreadPoolExecutor(max(1, len(settings))) as threads:
        return list(threads.map(act, settings))


def publish_to(done: Build, settings: Any, root: Path, options: Options) -> Outcome:
    """Publish a build to one target; its failure is an outcome, not an exception."""
    try:
        return Outcome(settings.name, publish(done.files, done.known, open_target(settings, root), options))
    except (TargetError, Refused) as error:
        return Outcome(settings.name, None, error)


def _invalidate(config: Config, outcomes: Iterable[Outcome]) -> None:
    """Ask the distributions in front of what was published, when everything else has been done and said."""
    reports = {outcome.name: outcome.report for outcome in outcomes if outcome.report}
    for settings in config.targets:
        distribution = getattr(settings, "cloudfront_distribution", None)
        if distribution and settings.name in reports:
            from meaculpa.publish.cloudfront import invalidate, invalidation_paths

            items = invalidation_paths(published_paths(reports[settings.name]))
            tell_invalidation(settings.name, invalidate(distribution, items) if items else None)


def tell_invalidation(target: str, failure: str | None) -> None:
    """Tell that CloudFront could not be asked, and that this does no harm."""
    if failure:
        text = f"{target}: published; CloudFront was not told ({failure}), so it follows by itself within a minute"
        say(text, to_errors=True)


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when every target is up to date, 1 when a plan was refused, 3 when a target failed."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if any(isinstance(error, TargetError) for error in errors):
        return 3
    return 1 if errors else 0


def _result_data(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    if outcome.report is None:
        return {"target": outcome.name, "ok": False, "error": str(outcome.error)}
    data = {"target": outcome.name, "ok": True, "dry_run": dry_run, "place": outcome.report.place}
    return {**data, **plan_data(outcome.report.plan)}


def _print_result(outcome: Outcome, dry_run: bool) -> None:
    """Tell what became of a target in one piece: others may be speaking too."""
    report = outcome.report
    if report is None:
        say(f"{bad(outcome.name)}: {outcome.error}", to_errors=True)
        return
    verb = "would change" if dry_run else "published"
    state = "already up to date" if report.plan.is_empty else f"{verb}: {changes(report.plan)}"
    lines = [f"  {line}" for line in plan_lines(report.plan)] if dry_run else []
    say("\n".join([f"{good(outcome.name)} ({report.place}): {state}", *lines]))
