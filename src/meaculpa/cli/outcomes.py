"""What becomes of targets, side by side: a report or an error each, in words and for programs."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from meaculpa.cli.planned import changes, plan_data, plan_lines
from meaculpa.cli.wording import bad, faint, good, say
from meaculpa.config import Config
from meaculpa.errors import Refused, TargetError, did_you_mean
from meaculpa.publish import Options, Report, open_target, publish

if TYPE_CHECKING:
    from meaculpa.build.composition import Build

Given = TypeVar("Given")
_SILENCE_SECONDS = 10.0


class Outcome(Struct, frozen=True):
    """What became of one target: a report, or the error that stopped it."""

    name: str
    report: Report | None
    error: Exception | None = None


def chosen_targets(config: Config, names: tuple[str, ...]) -> list[Any]:
    """The targets to publish to; raises Refused where there is none of that name or none at all."""
    known = {target.name: target for target in config.targets}
    for name in names:
        if name not in known:
            raise Refused(f'there is no target "{name}" ({did_you_mean(name, known)})')
    if not known:
        raise Refused("meaculpa.yml has no targets; add one: targets: [{name: local, type: directory, path: public}]")
    return [target for name, target in known.items() if not names or name in names]


def at_every_target(settings: Sequence[Any], act: Callable[[Any], Given]) -> list[Given]:
    """Do something at all targets side by side, so that a dead one delays no other."""
    with ThreadPoolExecutor(max(1, len(settings))) as threads:
        return list(threads.map(act, settings))


def publish_to(done: "Build", settings: Any, root: Path, options: Options) -> Outcome:
    """Publish a build to one target; its failure is an outcome, not an exception."""
    try:
        return Outcome(settings.name, publish(done.files, done.known, open_target(settings, root), options))
    except (TargetError, Refused) as error:
        return Outcome(settings.name, None, error)


@contextmanager
def told_that_it_lasts(name: str) -> Iterator[None]:
    """Say now and then that a target is still being worked on, where somebody sees it: silence looks like the end."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()

    def tell() -> None:
        begin = time.monotonic()
        while not ended.wait(_SILENCE_SECONDS):
            seconds = time.monotonic() - begin
            say(faint(f"{name}: still at it after {seconds:.0f} s"), to_errors=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when every target is up to date, 1 when a plan was refused, 3 when a target failed."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if any(isinstance(error, TargetError) for error in errors):
        return 3
    return 1 if errors else 0


def result_data(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    """What became of a target, for programs."""
    if outcome.report is None:
        return {"target": outcome.name, "ok": False, "error": str(outcome.error)}
    report = outcome.report
    data = {"target": outcome.name, "ok": True, "dry_run": dry_run, "place": report.place}
    figures = {"seconds": round(report.seconds, 3), "bytes": sum(one.file.size for one in report.plan.uploads)}
    return {**data, **plan_data(report.plan), **figures}


def print_result(outcome: Outcome, dry_run: bool) -> None:
    """Tell what became of a target in one piece: others may be speaking too."""
    report = outcome.report
    if report is None:
        say(f"{bad(outcome.name)}: {outcome.error}", to_errors=True)
        return
    verb = "would change" if dry_run else "published"
    state = "already up to date" if report.plan.is_empty else f"{verb}: {changes(report.plan)}"
    lines = [f"  {line}" for line in plan_lines(report.plan)] if dry_run else []
    say("\n".join([f"{good(outcome.name)} ({report.place}): {state}", *lines]))
