"""A message -> a channel, in a process of its own: a service that hangs, or a library that does, holds up nobody."""

import json
import os
import subprocess
import sys
from typing import Any

from meaculpa.channels import BEGUN, Answer, Outcome
from meaculpa.config import Channel
from meaculpa.render.message import Message

# Longer than apprise takes to connect and to wait for an answer.
_LONGEST = 40.0
# Each takes a process of some 60 MB.
MOST_AT_ONCE = 6


def missing_address(channel: Channel) -> str | None:
    """Say why a channel cannot be used from here; None where its address is there."""
    if os.environ.get(channel.variable, "").strip():
        return None
    return f"the environment variable {channel.variable} is not set here"


def send(channel: Channel, message: Message, sender: str) -> Answer:
    """Send a message; what may have arrived is never called waiting."""
    texts = [message.text, *message.shorter]
    return _ask(channel, {"sender": sender, "title": message.title, "texts": texts, "tone": str(message.tone)})


def look_at(channel: Channel) -> Answer:
    """Say which service the address of a channel belongs to, or why it cannot be used; sends nothing."""
    reason = missing_address(channel)
    return Answer(Outcome.WAITING, reason) if reason else _ask(channel, {"sender": ""})


def _ask(channel: Channel, request: dict[str, Any]) -> Answer:
    # A session of its own: Ctrl-C is for the program, which waits for what is on its way. Nothing is imported from
    # the folder that we happen to be in (-P).
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "meaculpa.channels.messenger"],
            input=json.dumps({**request, "variable": channel.variable}).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        return _without_answer(error.stdout or b"", f"no answer within {_LONGEST:.0f} s")
    except OSError as error:
        return Answer(Outcome.WAITING, f"no process can be started ({error.strerror})")
    try:
        answer = json.loads(done.stdout.rpartition(b"\n")[2])
    except ValueError:
        return _without_answer(done.stdout, "the process that sends has ended early")
    return Answer(Outcome(answer["outcome"]), answer["why"])


def _without_answer(written: bytes, why: str) -> Answer:
    is_begun = written.startswith(BEGUN.encode())
    return Answer(Outcome.UNSURE if is_begun else Outcome.WAITING, why)
