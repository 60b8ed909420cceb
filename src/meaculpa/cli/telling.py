"""Telling channels, in words: what was told, what is tried again, what nobody knows."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from meaculpa.build.composition import Build
from meaculpa.build.memory import Memory
from meaculpa.channels import Outcome
from meaculpa.channels.news import News, collect_news
from meaculpa.channels.post import missing_address
from meaculpa.channels.telling import Attempt, Own, Telling, tell
from meaculpa.cli.wording import bad, good, say, warning
from meaculpa.errors import Refused, TargetError
from meaculpa.publish import open_target
from meaculpa.publish.target import Target

# A command that somebody waits for tries three times; a watcher goes on for a day.
_PAUSES, _PATIENCE = (1.0, 3.0), 20.0


def news_of(done: Build, memory: Memory, but: Collection[str] = ()) -> News:
    """Collect what channels should hear of a build, without some incidents."""
    assert memory.good_theme  # noqa: S101 (there is none without a build)
    languages = {words.locale: words for words in memory.good_theme.words}
    news = collect_news(done.site, done.config, languages, memory.bodies)
    return replace(news, notices=tuple(one for one in news.notices if one.incident not in but)) if but else news


def open_all(settings: Iterable[Any], root: Path) -> list[Target]:
    """Open targets for what was told; one that cannot be opened has said so when it was published to."""
    found = []
    for one in settings:
        with contextlib.suppress(TargetError, Refused):
            found.append(open_target(one, root))
    return found


def tell_published(
    news: News, targets: Sequence[Target], is_new: bool, moment: Callable[[], datetime]
) -> Telling | None:
    """Tell the channels what is on the page now, and try those again that do not take it at once.

    `targets` are all that may know what was told, but for those that are down. Where nothing was published and
    nothing is young, nobody is asked.
    """
    if not news.channels or not (news.notices or is_new):
        return None
    limit = time.monotonic() + _PATIENCE
    own = Own()
    done = tell(news, targets, clock=moment, own=own)
    for pause in _PAUSES:
        waiting = [one.notice.channel for one in done.attempts if is_waiting(one)]
        is_hopeless = bool(waiting) and all(map(missing_address, waiting))
        if done.is_done or is_hopeless or time.monotonic() + pause > limit:
            break
        time.sleep(pause)
        again = tell(news, targets, clock=moment, own=own)
        done = replace(again, attempts=(*(one for one in done.attempts if not is_waiting(one)), *again.attempts))
    return done


def is_waiting(attempt: Attempt) -> bool:
    """Whether it is tried again."""
    return attempt.answer.outcome is Outcome.WAITING


def attempt_line(attempt: Attempt) -> str:
    """Say what became of a notice."""
    name, update, answer = attempt.notice.channel.name, update_words(attempt.notice.update), attempt.answer
    if answer.outcome is Outcome.TOLD:
        return f"{good(name)}: told of {update}"
    if is_waiting(attempt):
        return f"{bad(name)}: not told of {update} yet: {answer.why}"
    return f"{warning(name)}: may have been told of {update}, or not: {answer.why}; it is not sent again"


def update_words(update: str) -> str:
    """Name an update for people: `2026-11-22-checkout (22 Nov 09:20 UTC)`."""
    return f"{update.partition(' ')[0]} ({update_moment(update):%d %b %H:%M} UTC)"


def update_moment(update: str) -> datetime:
    """When an update was made, by its name in the record."""
    return datetime.fromisoformat(update.partition(" ")[2].partition("~")[0])


def say_telling(done: Telling | None) -> None:
    """Say what channels were told, and what happens to what they were not."""
    if done is None:
        return
    for attempt in done.attempts:
        say(attempt_line(attempt), to_errors=attempt.answer.outcome is not Outcome.TOLD)
    if done.failure:
        say(f"{bad('channels')}: {done.failure}", to_errors=True)
    if not done.is_done:
        say("What customers read is published. A watch or the next publish within a day tries again.", to_errors=True)


def telling_data(done: Telling | None) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "channel": one.notice.channel.name,
            "update": one.notice.update,
            "outcome": str(one.answer.outcome),
            "why": one.answer.why or None,
        }
        for one in (done.attempts if done else ())
    ]
