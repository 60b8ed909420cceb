"""`meaculpa watch`: every target follows the files, until stopped."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from meaculpa.build.closing import Archive
from meaculpa.build.composition import Build
from meaculpa.build.findings import load_rules
from meaculpa.build.keeping import Keeper
from meaculpa.build.memory import Memory
from meaculpa.channels import Outcome
from meaculpa.channels.herald import Herald
from meaculpa.channels.news import News
from meaculpa.channels.telling import Telling
from meaculpa.cli.common import metrics_option, project_root
from meaculpa.cli.customers.page_letters import withdraw_due
from meaculpa.cli.figures import Board, site_figures, target_figures
from meaculpa.cli.following import WHEN_BROKEN, Teller, look, stay_small, stop_on_signals, tell, tell_degraded
from meaculpa.cli.outcomes import chosen_targets
from meaculpa.cli.planned import changes
from meaculpa.cli.publishing import tell_invalidation
from meaculpa.cli.telling import attempt_line, is_waiting, news_of, open_all
from meaculpa.cli.wording import bad, bold, good, span_words
from meaculpa.config import Watch
from meaculpa.errors import Outdated, Refused, Retracted
from meaculpa.files import alone
from meaculpa.layers import find_changes
from meaculpa.plan import Checkout
from meaculpa.project import ProjectFiles, last_saved, without_incidents
from meaculpa.publish import open_target, published_paths
from meaculpa.publish.courier import Courier, Delivery, Parcel, Pulse
from meaculpa.publish.versions import keep_versions, recall_versions
from meaculpa.watch import Follower, Occasion, Signal, watch
from meaculpa.watch.systemd import ALIVE, READY, STOPPING, notify

_LOCK = Path(".meaculpa") / "watch.lock"
_TELL_AGAIN = 900.0
_LONGEST_GOODBYE = 20.0


@click.command("watch")
@click.option("--target", "names", multiple=True, metavar="NAME", help="This target only (repeatable).")
@metrics_option
@click.pass_context
def watch_command(context: click.Context, names: tuple[str, ...], metrics: Path | None) -> None:
    """Build and publish at once, then on every change and whenever the clock changes the site, until stopped.

    A broken file keeps its last good version on the site. Each target is served by itself; one that fails is tried
    again until it works. Every few minutes the banner's data is stamped anew: if this process dies, readers learn
    that what they see may be out of date.
    """
    root = project_root(context)
    try:
        with alone(root / _LOCK) as renew_lock:
            _watch(root, names, renew_lock, metrics)
    except BlockingIOError as error:
        raise Refused(
            f"another `meaculpa watch` (process {error}) is watching this project already; stop it first"
        ) from None


def _watch(root: Path, names: tuple[str, ...], renew_lock: Callable[[], None], metrics: Path | None) -> None:
    stay_small()
    load_rules()
    archive, teller = Archive(root), Teller()
    memory = Memory(archive=archive)
    signal = stop_on_signals()
    board = Board(metrics, root) if metrics else None
    dispatch = _Dispatch(root, names, signal, board)
    keeper = Keeper(memory, signal.wake.is_set)
    opened: set[str] = set()

    def act(occasion: Occasion) -> datetime:
        files = occasion.files and without_incidents(occasion.files, dispatch.retracted)
        begin = time.monotonic()
        found = look(Occasion(files, occasion.now, occasion.failure), memory, teller)
        done = found.done
        if done is None:
            dispatch.doubt(occasion.now, len(found.problems) or 1)
            return occasion.now + WHEN_BROKEN
        dispatch.count(done, time.monotonic() - begin)
        for incident_id in sorted(opened - done.known.keys()):
            tell(bad(f"{incident_id} was open, and its file is gone: so is the incident from the page."))
        opened.clear()
        opened.update(state.incident.id for state in done.site.open)
        if files and occasion.files:
            dispatch.send(done, files, news_of(done, memory))
            dispatch.look_after_letters(done, occasion.now)
            keeper.take(occasion.files, done.problems)
        return min(moment for moment in (done.site.next_change, done.look_again) if moment)

    tell(f"Watching {bold(str(root))}. Stop with Ctrl-C.")

    def check() -> None:
        renew_lock()
        dispatch.check()
        keeper.go_on()

    try:
        watch(root, Follower(act, tell_degraded, check, archive.readings.recall()), signal)
    finally:
        notify(STOPPING)
        dispatch.stop()
        keeper.finish()
        memory.pool.close()
    tell(f"Stopped. {dispatch.promise}".strip())


class _Dispatch:
    """Hands builds to a courier for each target, and says what became of them."""

    def __init__(self, root: Path, names: tuple[str, ...], signal: Signal, board: Board | None) -> None:
        self._root, self._names, self._signal, self._board = root, names, signal, board
        self._known: Mapping[str, str] = {}
        self._seen: dict[str, str] = {}
        self._had = recall_versions(root)
        self._couriers: dict[str, Courier] = {}
        self._invalidators: dict[str, Any] = {}
        self._told: dict[str, tuple[str, float]] = {}
        self._is_ready = False
        self._withdrawing = threading.Lock()
        self._places: Sequence[Any] = ()
        self._builds = itertools.count()
        self._heard = -1
        self._hearing = threading.Lock()
        self._herald = Herald(lambda: open_all(self._places, root), self._told_channels)
        self._valid_for: timedelta | None = None
        self.retracted: set[str] = set()

    def send(self, done: Build, files: ProjectFiles, news: News) -> None:
        """Hand a build, and what is known of the files that it was made from, to every target's courier."""
        told = find_changes(self._known, done.known)
        for name, version in told.renewed.items():
            self._seen[name] = max(version, self._seen.get(name, ""))
        self._had = keep_versions(self._root, done.known.values(), self._had, told.renewed.values())
        self._known = done.known
        checkout = Checkout(dict(self._seen), self._had, partial(last_saved, files))
        settings = {one.model_dump_json(): one for one in self._targets(done)}
        # Those that another watcher serves know what was told, too.
        self._places = done.config.targets
        self._hire(settings, done.config.watch)
        number = next(self._builds)
        for courier in self._couriers.values():
            courier.bring(Parcel(done.files, done.known, checkout, (number, news)))

    def look_after_letters(self, done: Build, now: datetime) -> None:
        """Withdraw letters whose time on the page is over, at midnight at the latest, while all else goes on."""

        def withdraw() -> None:
            try:
                for line in withdraw_due(self._root, done.config, now)[0]:
                    tell(line)
            finally:
                self._withdrawing.release()

        if self._withdrawing.acquire(blocking=False):
            threading.Thread(target=withdraw, daemon=True).start()

    def doubt(self, now: datetime, errors: int) -> None:
        """There is no build of the newest files: nobody answers for what is published."""
        for courier in self._couriers.values():
            courier.doubt()
        self._show_figures(lambda board: board.broken(now, errors))

    def count(self, done: Build, seconds: float) -> None:
        """Have a build's figures where a monitor reads them."""

        def show(board: Board) -> None:
            board.built(site_figures(done, seconds), {target.name: target for target in self._targets(done)})

        self._show_figures(show)

    def _show_figures(self, show: Callable[[Board], None]) -> None:
        """Have figures written, if they are wanted; that this fails disturbs nothing else."""
        if self._board is None:
            return
        try:
            show(self._board)
        except OSError as error:
            self._tell_once("metrics", bad(f"metrics: the figures cannot be written: {error.strerror}"))
        else:
            self._tell_once("metrics", "")

    @property
    def promise(self) -> str:
        """What readers will be told when nobody watches any more."""
        if self._valid_for is None:
            return ""
        within = span_words(self._valid_for)
        return f"Unless a watcher runs again, readers learn within {within} that what they see may be out of date."

    def check(self) -> None:
        """Tell systemd that the watch has begun, and that all is alive, if all is."""
        if not self._is_ready:
            self._is_ready = True
            notify(READY)
        if all(courier.is_alive for courier in self._couriers.values()):
            notify(ALIVE)

    def stop(self) -> None:
        """End between two writes."""
        for invalidator in self._invalidators.values():
            invalidator.stop()
        threads: list[Courier | Herald] = [*self._couriers.values(), self._herald]
        for thread in threads:
            thread.stop(0)
        limit = time.monotonic() + _LONGEST_GOODBYE
        for thread in threads:
            thread.stop(max(0.0, limit - time.monotonic()))

    def _targets(self, done: Build) -> list[Any]:
        try:
            targets = chosen_targets(done.config, self._names)
        except Refused as error:
            self._tell_once("", str(error))
            return []
        self._tell_once("", "")
        return targets

    def _hire(self, settings: Mapping[str, Any], watch: Watch) -> None:
        """Have a courier for each target as it is configured now, and none for others."""
        pulse = Pulse(timedelta(seconds=watch.heartbeat_seconds), timedelta(seconds=watch.valid_seconds))
        wanted = {f"{key} {pulse}": one for key, one in settings.items()}
        for key in self._couriers.keys() - wanted.keys():
            self._couriers.pop(key).stop(0)
        self._valid_for = pulse.valid_for if wanted else None
        for key, one in wanted.items():
            if key not in self._couriers:
                self._couriers[key] = Courier(
                    partial(open_target, one, self._root),
                    one.name,
                    pulse,
                    partial(self._received, one),
                )

    def _received(self, settings: Any, delivery: Delivery) -> None:
        """Say what became of a build, and let the channels hear of it; called from the courier's thread."""
        name = delivery.target
        figures = target_figures(delivery.report, datetime.now(UTC)) if delivery.report else None
        self._show_figures(lambda board: board.tried(name, delivery.error is None, figures))
        if isinstance(delivery.enclosed, tuple):
            self._let_hear(*delivery.enclosed)
        if isinstance(delivery.error, Retracted):
            if not self.retracted.issuperset(delivery.error.incidents):
                tell(f"{bad(name)}: {delivery.error}")
            self.retracted |= set(delivery.error.incidents)
            self._signal.ask()
            return
        if isinstance(delivery.error, Outdated):
            self._signal.ask()
        if delivery.error is not None:
            self._tell_once(name, f"{bad(name)}: {delivery.error}")
            return
        text = (
            f"{delivery.held_back}; until then those files stay, and the others go out" if delivery.held_back else ""
        )
        self._tell_once(name, text and f"{name}: {bad(text)}")
        if delivery.report and not delivery.report.plan.is_empty:
            tell(f"{good(name)}: {changes(delivery.report.plan)}")
            distribution = getattr(settings, "cloudfront_distribution", None)
            if distribution:
                self._invalidator(distribution, name).ask(published_paths(delivery.report))

    def _let_hear(self, number: int, news: News) -> None:
        """Hand on what has been published, unless another target has taken a newer build."""
        with self._hearing:
            if number >= self._heard:
                self._heard = number
                self._herald.bring(news)

    def _told_channels(self, done: Telling) -> None:
        """Say what channels were told, and what is wrong where they were not; called from the herald's thread."""
        waiting = {one.notice.channel.name: attempt_line(one) for one in done.attempts if is_waiting(one)}
        for attempt in done.attempts:
            if attempt.answer.outcome is Outcome.TOLD:
                self._tell_once(f"channel {attempt.notice.channel.name}", "")
            if not is_waiting(attempt):
                tell(attempt_line(attempt))
        for name, line in waiting.items():
            self._tell_once(f"channel {name}", line)
        self._tell_once("channels", f"channels: {bad(done.failure)}" if done.failure else "")

    def _invalidator(self, distribution: str, name: str) -> Any:
        from meaculpa.publish.cloudfront import Invalidator

        if distribution not in self._invalidators:
            self._invalidators[distribution] = Invalidator(
                distribution, lambda failure: tell_invalidation(name, failure)
            )
        return self._invalidators[distribution]

    def _tell_once(self, target: str, text: str) -> None:
        """Tell what is wrong when it is new, and again when it has lasted; tell too that it is over."""
        before, at = self._told.get(target, ("", 0.0))
        now = time.monotonic()
        if text and (text != before or now - at > _TELL_AGAIN):
            tell(text)
        else:
            now = at
        if before and not text and target:
            tell(good(f"{target}: works again."))
        self._told[target] = (text, now)
