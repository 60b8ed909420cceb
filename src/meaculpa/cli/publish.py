"""`meaculpa publish`: the site to where customers read it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from meaculpa.build.seals import Place, Seal, find_seal
from meaculpa.cli.common import clock, metrics_option, now_option, project_root, read_settings
from meaculpa.cli.wording import say_findings, say_problems
from meaculpa.errors import InvalidInput, NotAProject, Refused, TargetError
from meaculpa.folders import Survey, has_ledger
from meaculpa.names import LAST_GOOD, VERSIONS

if TYPE_CHECKING:
    from meaculpa.cli.outcomes import Outcome


class Asked(Struct, frozen=True):
    """What `publish` was asked for."""

    names: tuple[str, ...]
    dry_run: bool
    keep_going: bool
    force: bool
    strict: bool
    release: bool
    as_json: bool
    metrics: Path | None
    now: datetime | None

    @property
    def written_to(self) -> Path | None:
        """Where figures go to; a trial leaves none."""
        return None if self.dry_run else self.metrics


@click.command("publish")
@click.argument("projects", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "is_all", is_flag=True, help="Publish every PROJECT (sites/*), side by side.")
@click.option("--target", "names", multiple=True, metavar="NAME", help="This target only (repeatable).")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be done, with a reason for each file.")
@click.option("--keep-going", is_flag=True, help="Broken files keep their last good version, the others go out.")
@click.option(
    "--force",
    is_flag=True,
    help="Publish although it takes away what is published, and put back what is missing at the targets.",
)
@click.option("--strict", is_flag=True, help="Publish nothing while the rules for messages find anything.")
@click.option("--release", is_flag=True, help="End the hold of a rollback, and publish.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@metrics_option
@now_option
@click.pass_context
def publish_command(context: click.Context, /, projects: tuple[Path, ...], is_all: bool, **asked: Any) -> int:
    """Build, and bring every target up to date. A target that fails does not hold up the others.

    With --all, that many projects, each by itself; folders without a meaculpa.yml are left alone.

    The exit code is 1 for mistakes in files and refusals, 3 when a target failed.
    """
    if is_all:
        from meaculpa.cli.many import publish_all

        if context.find_root().params.get("directory"):
            raise click.UsageError("--all is told the projects themselves; leave -C out")
        return publish_all(projects, Asked(**asked))
    if projects:
        raise click.UsageError("several projects need --all; one is named by meaculpa -C DIR publish")
    root, wanted = project_root(context), Asked(**asked)
    seal, seen = _find_seal(root, wanted)
    code = _say_as_left(seal, root, wanted) if seal else None
    if code is not None:
        return code
    from meaculpa.cli.publishing import publish_project

    # To ask the targets may have taken a while.
    return publish_project(root, None if seal else seen, wanted)


def _find_seal(root: Path, asked: Asked) -> tuple[Seal | None, Survey | None]:
    """Find what an earlier run has left, for whoever asks for no more than that."""
    wants_more = asked.dry_run or asked.force or asked.strict or asked.release or asked.as_json or asked.metrics
    if wants_more or not _is_tidy(root):
        return None, None
    return find_seal(root, "publish", asked_of(asked), clock(asked.now))


def _is_tidy(root: Path) -> bool:
    """Whether there is nothing to look after here: no letters, and no copies or versions to write again."""
    try:
        return not has_ledger(root) and (root / LAST_GOOD).is_dir() and (root / VERSIONS).is_file()
    except OSError:
        return False


def _say_as_left(seal: Seal, root: Path, asked: Asked) -> int | None:
    """Say that every target is as it was left, and give the exit code; None where one has to be looked at."""
    from meaculpa.cli.outcomes import at_every_target, chosen_targets, exit_code, print_result

    places = {place.name: place for place in seal.places}
    try:
        targets = chosen_targets(read_settings(root), asked.names)
    except (InvalidInput, NotAProject, Refused):
        # It was saved this very moment.
        return None
    outcomes = at_every_target(targets, lambda one: _look_at(one, root, places.get(one.name)))
    found = [one for one in outcomes if one]
    if len(found) < len(outcomes):
        return None
    say_problems(seal.problems, "")
    say_findings(seal.findings)
    for outcome in found:
        print_result(outcome, dry_run=False)
    return exit_code(found)


def _look_at(settings: Any, root: Path, place: Place | None) -> "Outcome | None":
    """What is to be said of a target that is as it was left, or does not answer; None where it is another."""
    from meaculpa.cli.outcomes import Outcome, told_that_it_lasts
    from meaculpa.plan import NOTHING
    from meaculpa.publish import Report, is_as_left, open_target

    with told_that_it_lasts(settings.name):
        try:
            target = open_target(settings, root)
            if place is None or not is_as_left(target, place.version, place.sizes):
                return None
        except (TargetError, Refused) as error:
            return Outcome(settings.name, None, error)
    return Outcome(settings.name, Report(settings.name, target.describe(), NOTHING))


def asked_of(asked: Asked) -> str:
    """What tells one question from another that has another answer."""
    return repr(asked.names)
