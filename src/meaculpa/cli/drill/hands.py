"""What is done in a drill: commands as processes of their own, questions and an editor for a person."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from meaculpa.cli.drill.scenario import Scenario, Stage
from meaculpa.cli.drill.score import Score
from meaculpa.cli.drill.sink import Sink
from meaculpa.cli.wording import bad, faint, say
from meaculpa.cli.writing import edit_text
from meaculpa.errors import Refused

_SECONDS_A_COMMAND = 120


class Game(Struct, frozen=True):
    """A drill that is being played; `clock` counts the seconds since "go"."""

    scenario: Scenario
    stage: Stage
    sink: Sink
    is_auto: bool
    clock: Callable[[], float]
    score: Score

    @property
    def public(self) -> Path:
        """Where the site is published to."""
        return self.stage.folder / "public"

    @property
    def facts(self) -> Mapping[str, str]:
        """What the drill itself types, in the shop's language if it speaks it."""
        wanted = self.stage.locale.split("-")[0]
        return self.scenario.facts[wanted if wanted in self.scenario.facts else "en"]


def brief(game: Game, text: str) -> None:
    """Say what has happened, and wait until somebody has read it."""
    if game.is_auto:
        return
    say()
    say(text.strip())
    say()
    click.prompt("Enter, and the clock runs", default="", show_default=False, prompt_suffix=" ")


def call(game: Game, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that asks nothing; raises Refused for one that does not end."""
    command = [sys.executable, "-P", "-m", "meaculpa", "-C", str(game.stage.folder), *arguments]
    if not game.is_auto:
        say(faint(f"$ meaculpa {shlex.join(_without_folder(game, arguments))}"))
    try:
        return subprocess.run(  # noqa: S603 (our own commands)
            command,
            env={**game.stage.environment, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_A_COMMAND,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(f"meaculpa {arguments[0]} took more than {_SECONDS_A_COMMAND} s") from error


def _without_folder(game: Game, arguments: tuple[str, ...]) -> list[str]:
    """A command as it is typed in the project's own folder."""
    return [argument.removeprefix(f"{game.stage.folder}/") for argument in arguments]


def run(game: Game, *arguments: str, may_fail: bool = False) -> str:
    """Run a command and give its output; raises Refused where it fails."""
    done = call(game, *arguments)
    if done.returncode and not may_fail:
        raise Refused(f"meaculpa {' '.join(arguments[:3])}: {said(done)}")
    return done.stdout


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """What a command that failed had to say."""
    return done.stderr.strip() or done.stdout.strip()


def look_up(game: Game, incident: str) -> Mapping[str, Any]:
    """How an incident stands, as the tool itself says; empty where it is not open."""
    found = json.loads(run(game, "list", "--json", may_fail=True))["incidents"]
    return next((one for one in found if one["id"] == incident), {})


def type_command(game: Game, *arguments: str) -> None:
    """Let a person answer a command's questions; what they leave unsaid is theirs."""
    say(faint(f"$ meaculpa {shlex.join(arguments)}"))
    command = [sys.executable, "-P", "-m", "meaculpa", "-C", str(game.stage.folder), *arguments]
    subprocess.run(command, env=dict(game.stage.environment), check=False)  # noqa: S603 (our own commands)


def try_again(why: str) -> None:
    """Say what is in the way, and wait for a person; Ctrl-C ends the drill."""
    say(bad(why))
    click.prompt("Enter to try again, Ctrl-C to end the drill", default="", show_default=False, prompt_suffix=" ")


def mend(game: Game, incident: str, why: str) -> bool:
    """Let a person mend the incident's file; says whether it was saved."""
    try_again(why)
    path = game.stage.folder / "incidents" / f"{incident}.md"
    text = edit_text(path.read_text(encoding="utf-8"))
    if text is None:
        return False
    path.write_text(text, encoding="utf-8")
    return True
