"""`meaculpa channels`: what chats, phones, accounts and webhooks were told, and whether they can be."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from meaculpa.build.memory import Memory
from meaculpa.channels import Answer, Outcome
from meaculpa.channels.news import NEWS
from meaculpa.channels.post import MOST_AT_ONCE, look_at, missing_address, send
from meaculpa.channels.record import Entry, is_lost
from meaculpa.channels.telling import read_told
from meaculpa.cli.common import clock, now_option, project_root, read_all
from meaculpa.cli.telling import open_all, update_moment, update_words
from meaculpa.cli.wording import bad, bold, faint, good, say, say_json, span_words, warning
from meaculpa.config import Channel, Config
from meaculpa.errors import Refused, TargetError, did_you_mean
from meaculpa.render.message import Message, Tone

_MOST_SHOWN = 5


@click.command("channels")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--test", is_flag=True, help="Send a message that says it is a test.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def channels_command(
    context: click.Context, names: tuple[str, ...], test: bool, as_json: bool, now: datetime | None
) -> int:
    """Show which service each channel leads to, and what it was told in the last days.

    `publish` and `watch` tell every channel of every update once it is published, and each one only once.

    The exit code is 3 when a channel cannot be used from here, or waits for something.
    """
    root = project_root(context)
    _, config = read_all(root, Memory())
    chosen = _chosen(config, names)
    if test:
        return _test(chosen, config, as_json)
    told = _told(config, root)
    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(chosen))) as threads:
        answers = list(threads.map(look_at, chosen))
    if as_json:
        say_json({"channels": [_data(*pair, told) for pair in zip(chosen, answers, strict=True)]})
    else:
        for channel, answer in zip(chosen, answers, strict=True):
            _print(channel, answer, _of(channel, told), clock(now))
    waits = [
        entry
        for channel in chosen
        for update, entry in _of(channel, told).items()
        if entry.outcome is Outcome.WAITING and not is_given_up(update, clock(now))
    ]
    return 3 if waits or any(answer.outcome is not Outcome.TOLD for answer in answers) else 0


def _chosen(config: Config, names: Sequence[str]) -> list[Channel]:
    """The channels that are meant; raises Refused where there is none of that name or none at all."""
    known = {channel.name: channel for channel in config.channels}
    if not known:
        raise Refused("there is no channel; docs/channels.md says how to have one in meaculpa.yml")
    for name in names:
        if name not in known:
            raise Refused(f'there is no channel "{name}" ({did_you_mean(name, known)})')
    return [known[name] for name in names] or list(known.values())


def _told(config: Config, root: Path) -> Mapping[str, Entry]:
    """What became of each notice, by its key; a target that cannot be read is said to be so."""
    try:
        return read_told(open_all(config.targets, root)).entries
    except TargetError as error:
        say(f"What was told cannot be seen: {error}", to_errors=True)
        return {}


def _of(channel: Channel, told: Mapping[str, Entry]) -> dict[str, Entry]:
    """What became of a channel's notices, by update, the newest first."""
    ours = {
        key.partition(" ")[2]: entry
        for key, entry in told.items()
        if key.startswith(f"{channel.name} ") and not entry.is_moved
    }
    return dict(sorted(ours.items(), key=lambda item: item[1].at, reverse=True))


def _print(channel: Channel, answer: Answer, told: Mapping[str, Entry], now: datetime) -> None:
    if answer.outcome is Outcome.TOLD:
        say(f"{bold(channel.name)}: {answer.why}, by {channel.url}")
    else:
        say(f"{bold(channel.name)}: {bad(answer.why)}")
    for update, entry in list(told.items())[:_MOST_SHOWN]:
        say(f"  {_words(update, entry, now)} {update_words(update)}{faint(f', {span_words(now - entry.at)} ago')}")
    if not told:
        say(faint("  nothing was told yet"))


def is_given_up(update: str, now: datetime) -> bool:
    """Whether an update is so old that nobody tries to tell it any more."""
    return update_moment(update) < now - NEWS


def _words(update: str, entry: Entry, now: datetime) -> str:
    if entry.outcome is Outcome.WAITING and is_given_up(update, now):
        return f"{bad('never told')} ({entry.why}):"
    if is_lost(entry, now):
        return f"{warning('may have been told of')} (whoever sent it was ended)"
    words = {
        Outcome.TOLD: good("told of"),
        Outcome.SENDING: "being told of",
        Outcome.WAITING: f"{bad('not told yet')} ({entry.why}):",
        Outcome.UNSURE: f"{warning('may have been told of')} ({entry.why})",
    }
    return words[entry.outcome]


def _data(channel: Channel, answer: Answer, told: Mapping[str, Entry]) -> dict[str, Any]:
    is_usable = answer.outcome is Outcome.TOLD
    notices = [
        {"update": update, "outcome": str(entry.outcome), "at": entry.at.isoformat(), "why": entry.why or None}
        for update, entry in _of(channel, told).items()
    ]
    return {
        "name": channel.name,
        "service": answer.why if is_usable else None,
        "error": None if is_usable else answer.why,
        "notices": notices,
    }


def _test(channels: Sequence[Channel], config: Config, as_json: bool) -> int:
    """Send every channel a message that nobody can take for real."""
    site = config.site
    text = f"Nothing is wrong. What {site.name} publishes on its status page will be told here as well: {site.url}/"
    message = Message(f"{site.name}: this is a test", text, (f"{site.name}: this is a test. {text}",), Tone.INFO)

    def attempt(channel: Channel) -> Answer:
        reason = missing_address(channel)
        return Answer(Outcome.WAITING, reason) if reason else send(channel, message, site.name)

    with ThreadPoolExecutor(min(MOST_AT_ONCE, len(channels))) as threads:
        answers = list(threads.map(attempt, channels))
    pairs = list(zip(channels, answers, strict=True))
    if as_json:
        say_json({"channels": [{"name": one.name, "ok": _is_told(it), "why": it.why or None} for one, it in pairs]})
    for channel, answer in pairs if not as_json else ():
        is_told = _is_told(answer)
        words = good("has taken the test") if is_told else bad(f"has not taken the test: {answer.why}")
        say(f"{bold(channel.name)} {words}", to_errors=not is_told)
    return 0 if all(_is_told(answer) for answer in answers) else 3


def _is_told(answer: Answer) -> bool:
    return answer.outcome is Outcome.TOLD
