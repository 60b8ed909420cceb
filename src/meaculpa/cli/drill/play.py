"""Plays a scenario: the same commands as in the night, on a throwaway shop, with a clock running."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import click

from meaculpa.cli.drill.scenario import CUSTOMERS, WAITING, Scenario, Stage, write_orders
from meaculpa.cli.drill.sink import Sink
from meaculpa.cli.wording import bold, faint, say
from meaculpa.errors import Refused

# Within what time a step is to be done, in minutes (MESSAGES: acknowledge within 5 to 10, update every 20 to 30, mail
# when it lasts for more than 60; an order's customer hears within a day).
_FIRST_WORD, _LONG_OUTAGE, _A_DAY = 10, 60, 1440
_NEXT_WORD = {"critical": 30, "major": 60, None: 1440}
_SECONDS_A_COMMAND = 120
# What is due is due in a drill as well, but nobody has written it; a mistake in a file has no rule.
_NOT_WORDS = (None, "MC002", "MC013")


@dataclass(frozen=True, slots=True)
class Mark:
    """A step that is done: seconds since `go`, and the most that it may take, where there is a target."""

    step: str
    seconds: float
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it was in time."""
        return self.target is None or self.seconds <= self.target


@dataclass
class Score:
    """What came of a drill."""

    marks: list[Mark] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    letters: int = 0
    arrived: int = 0
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class _Game:
    scenario: Scenario
    stage: Stage
    sink: Sink
    is_auto: bool
    clock: Callable[[], float]
    score: Score


def play(scenario: Scenario, stage: Stage, sink: Sink, is_auto: bool) -> Score:
    """Play it from the first word to the last alert; raises Refused where a command of the drill itself fails."""
    game = _Game(scenario, stage, sink, is_auto, lambda: time.monotonic() - begun, Score())
    begun = time.monotonic()
    _brief(game, scenario.briefing)
    begun = time.monotonic()
    incident = _open(game)
    _write_to_customers(game, incident)
    _go_on(game, incident)
    _end(game, incident)
    return game.score


def _brief(game: _Game, text: str) -> None:
    if game.is_auto:
        return
    say()
    say(text.strip())
    say()
    click.prompt("Enter, and the clock runs", default="", show_default=False, prompt_suffix=" ")


def _mark(game: _Game, step: str, minutes: float | None = None) -> None:
    game.score.marks.append(Mark(step, game.clock(), minutes * 60 if minutes else None))


def _open(game: _Game) -> str:
    """Write the first message, and put it where customers read it."""
    facts, scenario = game.scenario.facts[_language(game)], game.scenario
    if game.is_auto:
        components = [one for one in scenario.components if one in game.stage.components] or game.stage.components[:1]
        impact = ["--impact", scenario.impact] if scenario.impact else []
        parts = [f"--component={one}=major_outage" for one in components] if scenario.impact else []
        said = [f"--{name}={facts[name]}" for name in ("works", "money", "reason") if name in facts]
        message = ["-m", _first_message(facts)]
        _run(game, "new", facts["title"], "--kind", scenario.kind, *impact, *parts, *said, *message)
    else:
        _type(game, "new", "--kind", scenario.kind, *(["--impact", scenario.impact] if scenario.impact else []))
    incident = _the_incident(game)
    _mark(game, "the file is written")
    _publish(game)
    folder = game.stage.folder / "public"
    if not (folder / "incidents" / f"{incident}.html").is_file():
        raise Refused(f"{incident} is not on the page; is it a draft?")
    _mark(game, "on the page", _FIRST_WORD)
    if incident in (folder / "banner.json").read_text(encoding="utf-8"):
        _mark(game, "on the banner", _FIRST_WORD)
    return incident


def _first_message(facts: Mapping[str, str]) -> str:
    return f"{facts['title']}. {facts['works']}\n\n{facts['money']}"


def _language(game: _Game) -> str:
    wanted = game.stage.locale.split("-")[0]
    return wanted if wanted in game.scenario.facts else "en"


def _the_incident(game: _Game) -> str:
    found = sorted((game.stage.folder / "incidents").glob("*.md"))
    if not found:
        raise Refused("no incident was written, so the drill ends here")
    return found[-1].stem


def _write_to_customers(game: _Game, incident: str) -> None:
    scenario = game.scenario
    if scenario.stage is None:
        return
    _complete(game, incident)
    orders = write_orders(game.stage.folder, scenario, date.today())
    if scenario.is_promised:
        _run(game, "customers", "promise", incident, "--emails", str(orders.with_name("asked.txt")))
    _run(game, "customers", "plan", incident, "--stage", scenario.stage, "--orders", str(orders))
    minutes = _LONG_OUTAGE if scenario.is_promised else _A_DAY
    _mark(game, "letters planned", minutes)
    _send(game, f"{incident}-{scenario.stage}")
    _mark(game, "letters sent", minutes)
    game.score.letters = CUSTOMERS
    game.score.arrived = sum(one.startswith("customer-") for one in game.sink.taken)


def _complete(game: _Game, incident: str) -> None:
    """What the letters need and nobody wrote: the reason, and what customers may choose from."""
    path = game.stage.folder / "incidents" / f"{incident}.md"
    text = path.read_text(encoding="utf-8")
    facts, missing = game.scenario.facts[_language(game)], []
    if "\nreason:" not in text and "reason" in facts:
        missing.append(f"reason: {json.dumps(facts['reason'], ensure_ascii=False)}")
    if game.scenario.offers and "\noffers:" not in text:
        missing.append(f"offers: {game.scenario.offers}")
    if missing:
        path.write_text(text.replace("\n---\n", "\n" + "\n".join(missing) + "\n---\n", 1), encoding="utf-8")


def _go_on(game: _Game, incident: str) -> None:
    _brief(game, game.scenario.later)
    if game.is_auto:
        _run(game, "update", incident, "identified", "-m", game.scenario.facts[_language(game)]["found"])
    else:
        _say_more(game, incident)
    _publish(game)
    _mark(game, "the next update", _NEXT_WORD[game.scenario.impact])


def _say_more(game: _Game, incident: str, *status: str) -> None:
    """Let a person add an update; raises Refused where nothing was said, for then there is nothing to be timed."""
    path = game.stage.folder / "incidents" / f"{incident}.md"
    before = path.read_bytes()
    _type(game, "update", incident, *status)
    if path.read_bytes() == before:
        raise Refused("nothing was added, so the drill ends here")


def _end(game: _Game, incident: str) -> None:
    _brief(game, game.scenario.over)
    if game.is_auto:
        _run(game, "resolve", incident)
    else:
        _say_more(game, incident, "resolved")
    _publish(game)
    _mark(game, "said to be over")
    if game.scenario.is_promised:
        _run(game, "customers", "plan", incident, "--stage", "restored")
        _send(game, f"{incident}-restored")
        _mark(game, "everybody promised is alerted")
        game.score.alerts = len(game.sink.taken) - game.score.arrived
        if game.score.alerts != CUSTOMERS + WAITING:
            raise Refused(f"{game.score.alerts} of {CUSTOMERS + WAITING} promised alerts arrived")


def _send(game: _Game, plan: str) -> None:
    folder = game.stage.folder / "private" / "plans" / plan
    _run(game, "customers", "send", str(folder))


def _publish(game: _Game) -> None:
    found = json.loads(_run(game, "check", "--json", may_fail=True))["problems"]
    words = [one for one in found if one["rule"] not in _NOT_WORDS and one["severity"] != "note"]
    told = [f"{one['rule']} {one['message']}" for one in words]
    game.score.findings += [one for one in told if one not in game.score.findings]
    while _call(game, "publish").returncode:
        if game.is_auto:
            raise Refused("the drill's own text did not go out")
        say(bold("It did not go out. Mend the file, and the drill goes on."))
        _type(game, "check")
        click.edit(filename=str(next((game.stage.folder / "incidents").glob("*.md"))))


def _call(game: _Game, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "meaculpa", "-C", str(game.stage.folder), *arguments]
    if not game.is_auto:
        say(faint(f"$ meaculpa {' '.join(arguments[:4])}"))
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


def _run(game: _Game, *arguments: str, may_fail: bool = False) -> str:
    done = _call(game, *arguments)
    if done.returncode and not may_fail:
        raise Refused(f"meaculpa {' '.join(arguments[:3])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _type(game: _Game, *arguments: str) -> None:
    """Let a person answer a command's questions; what they leave unsaid is theirs."""
    say(faint(f"$ meaculpa {' '.join(arguments)}"))
    command = [sys.executable, "-m", "meaculpa", "-C", str(game.stage.folder), *arguments]
    subprocess.run(command, env=dict(game.stage.environment), check=False)  # noqa: S603 (our own commands)
