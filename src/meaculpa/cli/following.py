"""What `watch` and `serve` share: building what can be built, and telling what is new."""

import gc
import signal as signals
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.cli.building import consequence_of
from meaculpa.cli.customers.shout import overdue_lines
from meaculpa.cli.wording import bad, faint, good, problem_lines, promise_words, say, summary
from meaculpa.errors import InvalidInput, MeaculpaError, Problem, has_errors
from meaculpa.watch import Occasion, Signal

WHEN_BROKEN = timedelta(hours=1)
_STAYS = "The last good version stays until this is mended."


def _stamp() -> str:
    return faint(f"{datetime.now(UTC):%H:%M:%S} UTC")


def tell(text: str) -> None:
    """Print a line with the time in front."""
    say(f"{_stamp()} {text}")


class Teller:
    """Tells problems and broken promises when they are new, not at every look."""

    def __init__(self) -> None:
        self._told: tuple[str, ...] = ()
        self._is_broken = False

    def problems(self, lines: tuple[str, ...], consequence: str) -> None:
        """Tell what is wrong now, or that it has been mended."""
        was_broken, self._is_broken = self._is_broken, bool(consequence)
        if lines == self._told:
            return
        fresh = [line for line in lines if line not in self._told]
        for line in fresh:
            tell(line)
        if fresh and consequence:
            tell(bad(consequence))
        elif self._told and not lines:
            tell(good("No problem any more."))
        elif was_broken and not consequence:
            tell(good("Everything goes out again."))
        self._told = lines


class Look(Struct, frozen=True):
    """What a look at the project came to: the build, None where there can be none, and what there is to tell.

    `problems` stand in files, `late` are promised updates that have not come, `owed` mails, `failure` is why nothing
    can be read, and `consequence` what follows from errors (empty: there are none).
    """

    done: Build | None
    problems: tuple[Problem, ...] = ()
    late: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()
    consequence: str = ""


def look(occasion: Occasion, memory: Memory, teller: Teller, site_url: str | None = None) -> Look:
    """Build what can be built and tell what is wrong; broken files keep their last good version."""
    found = _build(occasion, memory, site_url)
    told = (*problem_lines(found.problems), *found.late, *found.owed, *found.failure)
    teller.problems(told, found.consequence)
    return found


def _build(occasion: Occasion, memory: Memory, site_url: str | None) -> Look:
    try:
        if occasion.files is None:
            raise occasion.failure or MeaculpaError("the project cannot be read")
        done = build(occasion.files, occasion.now, memory, keep_going=True, site_url=site_url)
    except InvalidInput as error:
        return Look(None, error.problems, consequence=summary(error.problems, _STAYS))
    except MeaculpaError as error:
        return Look(None, failure=(str(error),), consequence=_STAYS)
    late = [
        f"{state.incident.path}: {promise_words(state.next_update, occasion.now)}"
        for state in done.site.overdue
        if state.next_update
    ]
    consequence = summary(done.problems, consequence_of(done)) if has_errors(done.problems) else ""
    owed = tuple(overdue_lines(occasion.files.root, done.site))
    return Look(done, (*done.problems, *done.findings), tuple(late), owed, consequence=consequence)


def tell_degraded(reason: str | None) -> None:
    """Tell that the system sends no file events, or that it does again."""
    if reason is None:
        tell(good("File events are back."))
    else:
        tell(bad(f"Degraded: {reason}. Nothing is missed: the files are looked at each second instead."))


def stay_small() -> None:
    """Have garbage looked for sooner than in a command that ends at once: it would stay."""
    gc.set_threshold(50_000, 20, 20)


def stop_on_signals() -> Signal:
    """End at Ctrl-C or SIGTERM, after what is being done."""
    signal = Signal()
    for number in (signals.SIGINT, signals.SIGTERM):
        signals.signal(number, signal.stop)
    return signal
