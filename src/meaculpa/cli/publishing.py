"""What `publish` does when something may have changed: build, bring every target up to date, tell of it."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.build.composition import Build
from meaculpa.build.last_good import keep_good
from meaculpa.build.memory import Memory
from meaculpa.build.seals import Beginning, Seal, begin, keep_seal
from meaculpa.channels.news import News
from meaculpa.channels.telling import Telling
from meaculpa.cli.building import build_once, consequence_of, read_lately, seal_of
from meaculpa.cli.common import clock
from meaculpa.cli.figures import SiteFigures, figures_data, site_figures, write_or_tell, write_outcomes, write_run
from meaculpa.cli.outcomes import (
    Outcome,
    at_every_target,
    chosen_targets,
    exit_code,
    print_result,
    publish_to,
    result_data,
    told_that_it_lasts,
)
from meaculpa.cli.publish import Asked, asked_of
from meaculpa.cli.telling import news_of, open_all, say_telling, tell_published, telling_data
from meaculpa.cli.wording import (
    as_data,
    bad,
    count,
    problem_lines,
    say,
    say_findings,
    say_json,
    say_problems,
)
from meaculpa.config import Config
from meaculpa.errors import InvalidInput, Retracted, Severity, TargetError, has_errors
from meaculpa.folders import Survey, has_ledger
from meaculpa.plan import Checkout, is_face
from meaculpa.project import ProjectFiles, last_saved, without_incidents
from meaculpa.publish import Options, published_paths
from meaculpa.publish.versions import keep_versions, recall_versions

_NOTHING = "Nothing was published. With --keep-going broken incidents stay as they were, and the others go out."
_STOPPED = "Nothing was published: without meaculpa.yml and templates that are right there is nothing to go on with."


def publish_project(root: Path, seen: Survey | None, asked: Asked) -> int:
    """Publish, and have a monitor know whether that worked, whatever stood in the way; gives the exit code.

    What was `seen` of the project a moment ago is not looked through again.
    """
    code = 1
    try:
        code = _publish(root, seen, asked)
    finally:
        now = clock(asked.now)
        write_or_tell(lambda folder: write_run(folder, root, now, code == 0), asked.written_to)
    return code


def _publish(root: Path, seen: Survey | None, asked: Asked) -> int:
    now = asked.now
    begun = begin(root)
    files, memory = read_lately(root, seen)
    start = time.monotonic()
    nothing = _STOPPED if asked.keep_going else _NOTHING
    done = build_once(files, clock(now), memory, nothing, asked.keep_going, asked.as_json)
    figures = site_figures(done, time.monotonic() - start)
    say_problems(done.problems, consequence_of(done))
    if asked.strict:
        _refuse_findings(done, asked.as_json)
    say_findings(done.findings)
    job = _Job(files, root, _options(files, done, asked), clock(now), asked.keep_going, asked.as_json)
    with closing(memory.pool):
        outcomes, burnt = _publish_everywhere(chosen_targets(done.config, asked.names), done, job)
    if not asked.dry_run:
        _invalidate(done.config, outcomes)
    is_whole = asked.dry_run or _look_after_letters(root, done.config, clock(now))
    code = exit_code(outcomes) or (0 if is_whole else 3)
    if not asked.dry_run and code == 0:
        keep_good(files, done.problems, memory.copied, memory.record)
    write_or_tell(lambda folder: write_outcomes(folder, figures, outcomes, clock(now)), asked.written_to)
    # Last, for it may take a while: what customers read is out, whatever becomes of this.
    told = None if asked.dry_run else _tell_channels(done.config, news_of(done, memory, burnt), outcomes, root, now)
    _say_what_became(asked, done, figures, outcomes, burnt, told)
    if not asked.dry_run:
        memory.keep(files)
        is_quiet = code == 0 and told is None and not burnt and memory.copied.complete is files.incidents
        keep_seal(root, "publish", _seal(done, files, begun, asked, outcomes) if is_quiet else None)
    return code or int(has_errors(done.problems) or bool(burnt))


def _say_what_became(
    asked: Asked,
    done: Build,
    figures: SiteFigures,
    outcomes: Sequence[Outcome],
    burnt: set[str],
    told: Telling | None,
) -> None:
    """Say what channels were told; for programs, everything."""
    if not asked.as_json:
        say_telling(told)
        return
    say_json(
        {
            "site": figures_data(figures),
            "targets": [result_data(outcome, asked.dry_run) for outcome in outcomes],
            "retracted": sorted(burnt),
            "channels": telling_data(told),
            "problems": [as_data(one) for one in (*done.problems, *done.findings)],
        }
    )


def _seal(
    done: Build, files: ProjectFiles, begun: Beginning, asked: Asked, outcomes: Iterable[Outcome]
) -> Seal | None:
    """Seal a publish after which there is nothing to say or to do; only folders are asked for each file."""
    if has_ledger(files.root):
        return None
    folder_targets = {settings.name for settings in done.config.targets if settings.type == "directory"}
    reports = [one.report for one in outcomes if one.report]
    return seal_of(done, files, begun, asked_of(asked), reports, folder_targets)


def _options(files: ProjectFiles, done: Build, asked: Asked) -> Options:
    before = recall_versions(files.root)
    had = before if asked.dry_run else keep_versions(files.root, done.known.values(), before)
    checkout = Checkout(had=had, saved=partial(last_saved, files))
    # Whoever forces takes over: a promise that a watcher left is not theirs, and what everybody sees is to be ours.
    lost = frozenset(path for path in done.files if is_face(path)) if asked.force else frozenset[str]()
    return Options(
        force=asked.force,
        dry_run=asked.dry_run,
        release=asked.release,
        checkout=checkout,
        lost=lost,
        thorough=asked.force,
    )


def _refuse_findings(done: Build, as_json: bool) -> None:
    """Refuse what the rules find anything in; raises InvalidInput after telling it."""
    found = [one for one in (*done.problems, *done.findings) if one.severity is not Severity.NOTE]
    if found:
        for line in problem_lines(found):
            say(line, to_errors=True)
        say(bad(f"{count(len(found), 'finding')}. Nothing was published (--strict)."), to_errors=True)
        if as_json:
            say_json({"problems": [as_data(one) for one in found]})
        raise InvalidInput(())


def _look_after_letters(root: Path, config: Config, now: datetime) -> bool:
    """Withdraw letters whose time on the page is over; says whether every target has it so."""
    from meaculpa.cli.customers.page_letters import withdraw_due

    lines, is_whole = withdraw_due(root, config, now)
    for line in lines:
        say(line, to_errors=True)
    return is_whole


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


class _Job(Struct, frozen=True):
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
        with told_that_it_lasts(settings.name):
            outcome = publish_to(done, settings, job.root, job.options)
        if not job.as_json or isinstance(outcome.error, Retracted):
            print_result(outcome, job.options.dry_run)
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
