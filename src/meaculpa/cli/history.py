"""`meaculpa rollback` and `retract`: an earlier build back, and what should never have been published away."""

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from meaculpa.build.record import Record
from meaculpa.build.seals import break_seals
from meaculpa.cli.common import clock, now_option, project_root, read_settings
from meaculpa.cli.outcomes import Outcome, at_every_target, chosen_targets, exit_code
from meaculpa.cli.planned import changes, plan_data
from meaculpa.cli.wording import bad, bold, count, faint, good, say, say_json, say_problems
from meaculpa.content.files import INCIDENT_ID
from meaculpa.errors import Refused, TargetError
from meaculpa.files import set_aside
from meaculpa.manifest import PublishedBuild
from meaculpa.names import LAST_GOOD
from meaculpa.project import ProjectFiles, read_project, without_incidents
from meaculpa.publish import Options, open_target
from meaculpa.publish.retract import Retraction, is_known, retract
from meaculpa.publish.rollback import earlier_builds, rollback

_MOST_NAMED = 5
_ASIDE = Path("private") / "retracted"
_PATIENCE = 600.0
# Redirects have no Markdown beside them.
_TWIN = re.compile(r"incidents/([^/]+)\.md")
_BEYOND_REACH = (
    "Not within reach: copies in browsers, feed readers and search engines, mails that were sent, other checkouts, "
    "the history of your repository, and what was set aside here."
)


@click.command("rollback")
@click.argument("build_name", metavar="[BUILD|previous]", required=False)
@click.option("--target", "names", multiple=True, metavar="NAME", help="This target only (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def rollback_command(context: click.Context, build_name: str | None, names: tuple[str, ...], as_json: bool) -> int:
    """Put an earlier build back and hold it there; without a name, list the builds that are kept.

    A build is named by the first letters of its name, or `previous`. While it is held, nothing else is published:
    `meaculpa publish --release` ends that. The exit code is 1 where that is not possible, 3 when a target failed.
    """
    root = project_root(context)
    targets = chosen_targets(read_settings(root), names)
    if build_name is None:
        return _list_builds(targets, root, as_json)
    outcomes = at_every_target(targets, lambda one: _roll_back(build_name, one, root, Options()))
    if as_json:
        say_json({"targets": [_rollback_data(outcome) for outcome in outcomes]})
        return exit_code(outcomes)
    for outcome in outcomes:
        _print_rollback(outcome)
    if any(outcome.report for outcome in outcomes):
        say("It is held there until `meaculpa publish --release` publishes your files again.")
        others = [outcome.name for outcome in outcomes if not outcome.report]
        if others:
            say(bad(f"Not held: {', '.join(others)}. Customers may read something else there."), to_errors=True)
    return exit_code(outcomes)


def _roll_back(name: str, settings: Any, root: Path, options: Options) -> Outcome:
    try:
        return Outcome(settings.name, rollback(name, open_target(settings, root), options))
    except (TargetError, Refused) as error:
        return Outcome(settings.name, None, error)


def _rollback_data(outcome: Outcome) -> dict[str, Any]:
    if outcome.report is None:
        return {"target": outcome.name, "ok": False, "error": str(outcome.error)}
    return {"target": outcome.name, "ok": True, **plan_data(outcome.report.plan)}


def _print_rollback(outcome: Outcome) -> None:
    if outcome.report is None:
        say(f"{bad(outcome.name)}: {outcome.error}", to_errors=True)
    else:
        plan = outcome.report.plan
        say(f"{good(outcome.name)} ({outcome.report.place}): build {plan.index.build} put back, {changes(plan)}")
        unknown = [match[1] for path in plan.gone if (match := _TWIN.fullmatch(path))]
        if unknown:
            is_one = len(unknown) == 1
            what = "an incident that was published" if is_one else "incidents that were published"
            say(bad(f"{outcome.name}: that build does not know {what} since: {', '.join(unknown)}"), to_errors=True)


class _Listing(Struct, frozen=True):
    name: str
    builds: tuple[PublishedBuild, ...] = ()
    error: Exception | None = None


def _list_builds(targets: list[Any], root: Path, as_json: bool) -> int:
    listings = at_every_target(targets, lambda one: _listing(one, root))
    if as_json:
        say_json({"targets": [_listing_data(one) for one in listings]})
    else:
        for one in listings:
            _print_listing(one)
    return 3 if any(one.error for one in listings) else 0


def _listing(settings: Any, root: Path) -> _Listing:
    try:
        return _Listing(settings.name, earlier_builds(open_target(settings, root)))
    except TargetError as error:
        return _Listing(settings.name, error=error)


def _listing_data(listing: _Listing) -> dict[str, Any]:
    builds = [
        {"number": one.number, "build": one.build, "at": one.at, "changed": one.changed, "incidents": one.incidents}
        for one in reversed(listing.builds)
    ]
    return {"target": listing.name, "builds": builds, "error": str(listing.error) if listing.error else None}


def _print_listing(listing: _Listing) -> None:
    say(bold(listing.name))
    if listing.error:
        say(f"  {bad(str(listing.error))}", to_errors=True)
    elif not listing.builds:
        say("  nothing is published")
    else:
        say(faint(f"  {'build':12}  {'published':20}  {'changed':>9}  incidents"))
    for place, one in enumerate(reversed(listing.builds)):
        what = ", ".join(one.incidents[:_MOST_NAMED]) + (" …" if one.incidents[_MOST_NAMED:] else "")
        current = good("  published now") if place == 0 else ""
        say(f"  {one.build}  {one.at}  {count(one.changed, 'file'):>9}  {faint(what)}{current}")


@click.command("retract")
@click.argument("incident_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--unseen", is_flag=True, help="Although no file and no target that answers knows it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def retract_command(
    context: click.Context, incident_id: str, yes: bool, unseen: bool, as_json: bool, now: datetime | None
) -> int:
    """Take an incident off that should never have been published (personal data, say): everywhere, at once.

    Its page, its place in lists, all builds kept for a rollback, old versions in the buckets and copies in CloudFront
    are erased; its files are set aside under private/. It can never be published again under that name. ID is the
    whole name. The exit code is 3 when something could not be reached: run it again.
    """
    from meaculpa.build.composition import build
    from meaculpa.build.memory import Memory
    from meaculpa.cli.customers.page_letters import withdraw_due

    root = project_root(context)
    files, config = read_project(root), read_settings(root)
    targets = chosen_targets(config, ())
    rest = without_incidents(files, (incident_id,))
    paths = sorted(files.incidents.keys() - rest.incidents.keys())
    _refuse_unknown(
        incident_id,
        files,
        lambda: bool(paths) or unseen or any(at_every_target(targets, lambda one: _knows(incident_id, one, root))),
    )
    if not yes:
        _confirm(incident_id)
    memory = Memory()
    try:
        done = build(rest, clock(now), memory, keep_going=True)
    finally:
        memory.pool.close()
    say_problems(done.problems, "Broken files keep their last good version.")
    found = at_every_target(
        targets,
        lambda one: _retract_from(
            one, lambda: retract((incident_id,), done.files, done.known, open_target(one, root), Options())
        ),
    )
    letters, is_whole = withdraw_due(root, config, clock(now), incident_id)
    # They may hold what it said, and its name.
    Record(root).discard()
    break_seals(root)
    stuck = {path: failure for path in paths if (failure := _set_aside(root, path))}
    moved = [path for path in paths if path not in stuck]
    left = [*_mentions(incident_id, rest), *_built_pages(incident_id, root)]
    if as_json:
        targets_data = [_retraction_data(one) for one in found]
        say_json(
            {
                "set_aside": moved,
                "not_set_aside": stuck,
                "still_named_in": left,
                "targets": targets_data,
                "letters": letters,
            }
        )
    else:
        _print_retraction(found, moved, stuck)
        for line in (*letters, *(f"{place} {bad('still names it')}" for place in left)):
            say(line)
        say(_BEYOND_REACH)
    return 3 if stuck or not is_whole or any(one.failures for one in found) else 0


def _refuse_unknown(incident_id: str, files: ProjectFiles, is_seen: Callable[[], bool]) -> None:
    """Refuse a name that nobody knows: a mistyped one would be burnt for ever; raises Refused."""
    if INCIDENT_ID.fullmatch(incident_id) and is_seen():
        return
    names = sorted({Path(path).name.split(".")[0] for path in files.incidents})
    holding = [name for name in names if incident_id and incident_id in name]
    near = holding or difflib.get_close_matches(incident_id, names, n=3)
    missing = f'there is no incident "{incident_id}", here or published'
    if near:
        raise Refused(f"{missing}; the name must be whole (did you mean {' or '.join(near[:3])}?)")
    raise Refused(f"{missing}; if it was published and no target answers, say --unseen")


def _set_aside(root: Path, path: str) -> str | None:
    """Move a file out of the way; gives why that was not possible."""
    try:
        set_aside(root / path, root / _ASIDE)
        (root / LAST_GOOD / path).unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _mentions(incident_id: str, files: ProjectFiles) -> list[str]:
    """The lines of other incidents that name an incident: a link to it, most often."""
    return [
        f"{path}:{number}"
        for path, source in sorted(files.incidents.items())
        for number, line in enumerate(source.content.split(b"\n"), start=1)
        if incident_id.encode() in line
    ]


def _built_pages(incident_id: str, root: Path) -> list[str]:
    """The pages of an incident that `meaculpa build` has left in its usual place."""
    return sorted(path.relative_to(root).as_posix() for path in (root / "public").rglob(f"{incident_id}.html"))


def _knows(incident_id: str, settings: Any, root: Path) -> bool:
    """Whether a target answers that it shows or showed an incident."""
    try:
        return is_known(incident_id, open_target(settings, root))
    except TargetError:
        return False


def _confirm(incident_id: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("retracting cannot be undone; say --yes")
    say("All builds that are kept for a rollback go with it, and all old versions in versioned buckets.")
    click.confirm(f"Retract {incident_id} everywhere? It can never be published again under that name", abort=True)


def _retract_from(settings: Any, act: Callable[[], Retraction]) -> Retraction:
    """Retract at one target, and have the distribution in front of it forget everything."""
    try:
        done = act()
    except (TargetError, Refused) as error:
        return Retraction(settings.name, 0, (), 0, 0, failures=(str(error),))
    distribution = getattr(settings, "cloudfront_distribution", None)
    if distribution is None:
        return done
    from meaculpa.publish.cloudfront import invalidate_everything

    failure = invalidate_everything(distribution, _PATIENCE)
    return done.with_failure(f"CloudFront may still show it: {failure}") if failure else done


def _retraction_data(done: Retraction) -> dict[str, Any]:
    return {
        "target": done.target,
        "changed": done.changed,
        "deleted": list(done.deleted),
        "kept_builds_erased": done.builds,
        "old_versions_erased": done.versions,
        "released": done.is_released,
        "failures": list(done.failures),
    }


def _print_retraction(found: Iterable[Retraction], moved: list[str], stuck: Mapping[str, str]) -> None:
    for path, failure in stuck.items():
        say(bad(f"{path} could not be set aside ({failure}); take it away yourself"), to_errors=True)
    for path in moved:
        say(f"{path}: set aside in {_ASIDE}/")
    for done in found:
        erased = f"{count(done.builds, 'kept build')} and {count(done.versions, 'old version')} erased"
        what = f"{count(done.changed, 'file')} changed, {len(done.deleted):,} deleted, {erased}"
        say(f"{(bad if done.failures else good)(done.target)}: {what}")
        if done.is_released:
            say(f"{done.target}: {bad('the hold of a rollback is ended')}; your files are published")
        for failure in done.failures:
            say(f"  {bad('not reached')}: {failure}", to_errors=True)
    if any(done.failures for done in found):
        say(bad("It may still be read there. When the target answers, run this again."), to_errors=True)
