"""`meaculpa watch` and `serve`: everything follows the files, until stopped."""

import signal as signals
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from meaculpa.build.composition import Build, Memory, build
from meaculpa.build.last_good import keep_good
from meaculpa.cli.common import now_option, project_root
from meaculpa.cli.output import Outcome, changes, chosen_targets, consequence_of, publish_to
from meaculpa.cli.wording import bad, bold, count, faint, good, problem_lines, promise_words, say, summary
from meaculpa.errors import InvalidInput, MeaculpaError, Refused, TooManyRemovals, has_errors
from meaculpa.model import OutputFile
from meaculpa.preview import Desk, serve
from meaculpa.project import read_scaffold
from meaculpa.publish import Options
from meaculpa.publish.target import Target
from meaculpa.watch import Occasion, Signal, watch

_RETRY_AFTER, _RETRY_AT_MOST = timedelta(seconds=1), timedelta(seconds=30)
_WHEN_BROKEN = timedelta(hours=1)
_DEFAULT_PORT = 8080


def _stamp() -> str:
    return faint(f"{datetime.now(UTC):%H:%M:%S} UTC")


def _tell(text: str) -> None:
    say(f"{_stamp()} {text}")


class _Teller:
    """Tells problems and broken promises when they are new, not at every look."""

    def __init__(self) -> None:
        self._told: tuple[str, ...] = ()
        self._is_broken = False

    @property
    def told(self) -> tuple[str, ...]:
        """What is wrong at the moment, for other readers than the terminal; warnings are not."""
        return tuple(click.unstyle(line) for line in self._told if self._is_broken)

    def problems(self, lines: tuple[str, ...], consequence: str) -> None:
        """Tell what is wrong now, or that it has been mended."""
        self._is_broken = bool(consequence)
        if lines == self._told:
            return
        for line in lines:
            _tell(line)
        if lines and consequence:
            _tell(bad(consequence))
        elif self._told and not lines:
            _tell(good("No problem any more."))
        self._told = lines


def _build(occasion: Occasion, memory: Memory, teller: _Teller, site_url: str | None = None) -> Build | None:
    """Build what can be built; broken files keep their last good version and are told."""
    try:
        if occasion.files is None:
            raise occasion.failure or MeaculpaError("the project cannot be read")
        done = build(occasion.files, occasion.now, memory, keep_going=True, site_url=site_url)
    except InvalidInput as error:
        consequence = summary(error.problems, "The last good version stays until this is mended.")
        teller.problems(tuple(problem_lines(error.problems)), consequence)
        return None
    except MeaculpaError as error:
        teller.problems((str(error),), "The last good version stays until this is mended.")
        return None
    late = [
        f"{state.incident.path}: {promise_words(state.next_update, occasion.now)}"
        for state in done.site.overdue
        if state.next_update
    ]
    consequence = summary(done.problems, consequence_of(done)) if has_errors(done.problems) else ""
    teller.problems((*problem_lines(done.problems), *late), consequence)
    return done


@click.command("watch")
@click.option("--target", "names", multiple=True, metavar="NAME", help="This target only (repeatable).")
@click.pass_context
def watch_command(context: click.Context, names: tuple[str, ...]) -> None:
    """Build and publish at once, then on every change and whenever the clock changes the site, until stopped.

    A broken file keeps its last good version on the site; a target that fails is tried again until it works.
    """
    root, memory = project_root(context), Memory()
    publisher = _Publisher(root, names)
    teller = _Teller()

    def act(occasion: Occasion) -> datetime:
        done = _build(occasion, memory, teller)
        if done is None:
            return occasion.now + _WHEN_BROKEN
        retry = publisher.publish(done)
        if occasion.files:
            keep_good(occasion.files, done.problems, memory.kept)
        return min(moment for moment in (done.site.next_change, retry, done.look_again) if moment)

    signal = _stop_on_signals()
    _tell(f"Watching {bold(str(root))}. Stop with Ctrl-C.")
    watch(root, act, signal, _tell)
    memory.pool.close()
    _tell("Stopped.")


class _Publisher:
    """Publishes builds to every target, remembers which incidents it has seen go, and spaces its retries."""

    def __init__(self, root: Path, names: tuple[str, ...]) -> None:
        self._root, self._names = root, names
        self._seen: dict[str, str] = {}
        self._opened: dict[str, Target] = {}
        self._pause = _RETRY_AFTER
        self._told: dict[str, str] = {}

    def publish(self, done: Build) -> datetime | None:
        """Publish; gives when to try again if a target failed."""
        for incident_id, newest in done.known.items():
            self._seen[incident_id] = max(newest, self._seen.get(incident_id, ""))
        outcomes = [self._publish_to(done, one) for one in self._targets(done)]
        for outcome in outcomes:
            _tell_outcome(outcome)
        if all(outcome.error is None for outcome in outcomes):
            self._pause = _RETRY_AFTER
            return None
        retry = datetime.now(UTC) + self._pause
        self._pause = min(self._pause * 2, _RETRY_AT_MOST)
        return retry

    def _targets(self, done: Build) -> list[Any]:
        try:
            targets = chosen_targets(done.config, self._names)
        except Refused as error:
            self._tell_once("", str(error))
            return []
        self._tell_once("", "")
        return targets

    def _publish_to(self, done: Build, settings: Any) -> Outcome:
        """Publish to one target; what would take too much away stays there, and everything else goes out."""
        outcome = publish_to(done, settings, self._root, Options(seen=self._seen), self._opened)
        if isinstance(outcome.error, TooManyRemovals):
            text = f"{settings.name}: {outcome.error}; until then those files stay, and the others go out"
            self._tell_once(settings.name, text)
            held = Options(seen=self._seen, hold_removals=True)
            outcome = publish_to(done, settings, self._root, held, self._opened)
        elif outcome.error is None:
            self._tell_once(settings.name, "")
        return outcome

    def _tell_once(self, target: str, text: str) -> None:
        """Tell a refusal when it is new; one that has been overcome is new again when it comes back."""
        if text and text != self._told.get(target):
            _tell(bad(text))
        self._told[target] = text


def _tell_outcome(outcome: Outcome) -> None:
    if outcome.report is None:
        _tell(f"{bad(outcome.name)}: {outcome.error}")
    elif not outcome.report.plan.is_empty:
        _tell(f"{good(outcome.name)}: {changes(outcome.report.plan)}")
    if outcome.report and outcome.report.warning:
        _tell(f"{outcome.name}: {outcome.report.warning}")


def _stop_on_signals() -> Signal:
    signal = Signal()
    for number in (signals.SIGINT, signals.SIGTERM):
        signals.signal(number, signal.stop)
    return signal


@click.command("serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_PORT,
    show_default=True,
    help="The port on localhost; 0 takes any that is free.",
)
@now_option
@click.pass_context
def serve_command(context: click.Context, port: int, now: datetime | None) -> None:
    """Show the site on localhost and follow every change of the files; publishes nothing."""
    root, memory, teller = project_root(context), Memory(), _Teller()
    desk = Desk(pages=read_scaffold("preview"))
    try:
        server = serve(desk, port)
    except OSError as error:
        raise click.UsageError(
            f"port {port} cannot be used ({error.strerror}); choose another: --port 8081"
        ) from None
    url = f"http://localhost:{server.server_address[1]}"

    def act(occasion: Occasion) -> datetime:
        at = Occasion(occasion.files, now or occasion.now, occasion.failure)
        done = _build(at, memory, teller, url)
        before = desk.files
        desk.show(done.files if done else None, teller.told)
        if before and desk.files is not before:
            _tell(good(f"Shown: {_count_changes(before, desk.files)}"))
        if done is None or now:
            return occasion.now + _WHEN_BROKEN
        return min(moment for moment in (done.site.next_change, done.look_again) if moment)

    signal = _stop_on_signals()
    _print_addresses(url, root)
    watch(root, act, signal, _tell)
    desk.close()
    server.shutdown()
    memory.pool.close()
    _tell("Stopped.")


def _count_changes(before: Mapping[str, OutputFile], now: Mapping[str, OutputFile]) -> str:
    changed = [path for path, file in now.items() if path not in before or before[path].digest != file.digest]
    return f"{count(len(changed), 'file')} changed"


def _print_addresses(url: str, root: Any) -> None:
    say(f"Status page  {bold(url)}")
    say(f"Banner       {url}/__preview/checkout  (in a pretend storefront)")
    say(f"Splash page  {url}/splash.html")
    say(faint(f"Edit the files in {root / 'incidents'} and save. Stop with Ctrl-C."))
