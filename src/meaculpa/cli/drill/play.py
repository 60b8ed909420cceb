"""Plays a scenario: the same commands as in the night, on a throwaway shop, with a clock running."""

import json
import time
from datetime import UTC, date, datetime
from typing import Any

from meaculpa.cli.drill.hands import (
    Game,
    brief,
    call,
    look_up,
    mend,
    run,
    said,
    try_again,
    type_command,
)
from meaculpa.cli.drill.scenario import CUSTOMERS, WAITING, Scenario, Stage, write_orders
from meaculpa.cli.drill.score import Mark, Score
from meaculpa.cli.drill.sink import Sink
from meaculpa.errors import Refused

# Within what time a step is to be done, in minutes (MESSAGES: acknowledge within 5 to 10, update every 20 to 30, mail
# when it lasts for more than 60; an order's customer hears within a day).
_FIRST_WORD, _LONG_OUTAGE, _A_DAY = 10, 60, 1440
_NEXT_WORD = {"critical": 30, "major": 60, None: 1440}
# What is due is due in a drill as well, but nobody has written it; a mistake in a file has no rule.
_NOT_WORDS = (None, "MC002", "MC013")


def play(scenario: Scenario, stage: Stage, sink: Sink, is_auto: bool) -> Score:
    """Play it from the first word to the last alert; raises Refused where a command of the drill itself fails."""
    game = Game(scenario, stage, sink, is_auto, lambda: time.monotonic() - begun, Score())
    begun = time.monotonic()
    _refuse_what_cannot_go_out(game)
    brief(game, scenario.briefing)
    begun = time.monotonic()
    incident = _open(game)
    _write_to_customers(game, incident)
    _go_on(game, incident)
    _end(game, incident)
    return game.score


def _refuse_what_cannot_go_out(game: Game) -> None:
    """What keeps the empty shop from being built is not in any text that is written in the drill."""
    done = call(game, "build", "--out", str(game.stage.folder / "trial"))
    if done.returncode:
        raise Refused(f"a copy of this shop cannot be built: {said(done)}")


def _mark(game: Game, step: str, minutes: float | None = None) -> None:
    game.score.marks.append(Mark(step, game.clock(), minutes * 60 if minutes else None))


def _open(game: Game) -> str:
    """Write the first message, and put it where customers read it."""
    facts, scenario = game.facts, game.scenario
    impact = ["--impact", scenario.impact] if scenario.impact else []
    if game.is_auto:
        components = [one for one in scenario.components if one in game.stage.components] or game.stage.components[:1]
        parts = [f"--component={one}=major_outage" for one in components] if scenario.impact else []
        told = [f"--{name}={facts[name]}" for name in ("works", "money", "reason") if name in facts]
        message = ["-m", f"{facts['title']}. {facts['works']}\n\n{facts['money']}"]
        run(game, "new", facts["title"], "--kind", scenario.kind, *impact, *parts, *told, *message)
    while not (incident := _newest(game)):
        type_command(game, "new", "--kind", scenario.kind, *impact)
        if not _newest(game):
            try_again("No incident was written.")
    _mark(game, "the file is written")
    _publish(game, incident)
    while not (game.public / "incidents" / f"{incident}.html").is_file():
        mend(game, incident, f"{incident} is not on the page; is it a draft?")
        _publish(game, incident)
    _mark(game, "on the page", _FIRST_WORD)
    _look_at_the_shop(game, incident)
    return incident


def _newest(game: Game) -> str:
    found = sorted((game.stage.folder / "incidents").glob("*.md"))
    return found[-1].stem if found else ""


def _look_at_the_shop(game: Game, incident: str) -> None:
    """Say whether the storefront and the splash page speak of it, each where it does."""
    items = json.loads((game.public / "banner.json").read_text(encoding="utf-8"))["items"]
    item: dict[str, Any] = next((one for one in items if one["id"] == incident), {})
    if item.get("text"):
        _mark(game, "on the banner", _FIRST_WORD)
    if item.get("mode") == "splash":
        _mark(game, "on the splash page", _FIRST_WORD)


def _write_to_customers(game: Game, incident: str) -> None:
    scenario = game.scenario
    if scenario.stage is None:
        return
    orders = write_orders(game.stage.folder, scenario, date.today())
    if scenario.is_promised:
        run(game, "customers", "promise", incident, "--emails", str(orders.with_name("asked.txt")))
    if game.is_auto:
        _complete(game, incident)
    plan = ("customers", "plan", incident, "--stage", scenario.stage, "--orders", str(orders))
    while (done := call(game, *plan)).returncode:
        if game.is_auto:
            raise Refused(f"meaculpa customers plan: {said(done)}")
        if not mend(game, incident, f"{said(done)}\nThe letters wait for this; the file opens."):
            put_in = _complete(game, incident)
            if not put_in:
                continue
            game.score.findings.append(f"letters could not be planned; the drill itself wrote: {', '.join(put_in)}")
    minutes = _LONG_OUTAGE if scenario.is_promised else _A_DAY
    _mark(game, "letters planned", minutes)
    _send(game, f"{incident}-{scenario.stage}")
    _mark(game, "letters sent", minutes)
    game.score.letters = CUSTOMERS
    game.score.arrived = sum(one.startswith("customer-") for one in game.sink.taken)


def _complete(game: Game, incident: str) -> list[str]:
    """Put in what the letters need and nobody wrote: the reason, and what customers may choose from."""
    path = game.stage.folder / "incidents" / f"{incident}.md"
    text = path.read_text(encoding="utf-8")
    missing = {}
    if "\nreason:" not in text and "reason" in game.facts:
        missing["reason"] = json.dumps(game.facts["reason"], ensure_ascii=False)
    if game.scenario.offers and "\noffers:" not in text:
        missing["offers"] = str(game.scenario.offers)
    lines = "\n".join(f"{key}: {value}" for key, value in missing.items())
    if missing:
        path.write_text(text.replace("\n---\n", f"\n{lines}\n---\n", 1), encoding="utf-8")
    return list(missing)


def _go_on(game: Game, incident: str) -> None:
    brief(game, game.scenario.later)
    promised = look_up(game, incident).get("next_update")
    if game.is_auto:
        run(game, "update", incident, "identified", "-m", game.facts["found"])
    else:
        _say_more(game, incident)
    _publish(game, incident)
    _mark(game, "the next update", _within(game, promised))
    if not look_up(game, incident):
        game.score.findings.append("it was said to be over while it was not")


def _within(game: Game, promised: str | None) -> float:
    """How many minutes after "go" the next update had to be there: as promised, if that was sooner than is fair."""
    fair = _NEXT_WORD[game.scenario.impact]
    if not promised:
        return fair
    left = (datetime.fromisoformat(promised) - datetime.now(UTC)).total_seconds()
    within = (game.clock() + left) / 60
    # Promises are made to the minute.
    return fair if within > fair - 1 else within


def _say_more(game: Game, incident: str, *status: str) -> None:
    """Let a person add an update, as often as it takes."""
    path = game.stage.folder / "incidents" / f"{incident}.md"
    before = path.read_bytes()
    type_command(game, "update", incident, *status)
    while path.read_bytes() == before:
        try_again("Nothing was added.")
        type_command(game, "update", incident, *status)


def _end(game: Game, incident: str) -> None:
    brief(game, game.scenario.over)
    if game.is_auto:
        run(game, "resolve", incident)
    elif look_up(game, incident):
        _say_more(game, incident, "resolved")
    _publish(game, incident)
    _mark(game, "said to be over")
    if game.scenario.is_promised:
        run(game, "customers", "plan", incident, "--stage", "restored")
        _send(game, f"{incident}-restored")
        _mark(game, "everybody promised is alerted")
        game.score.alerts = len(game.sink.taken) - game.score.arrived
        if game.score.alerts != CUSTOMERS + WAITING:
            raise Refused(f"{game.score.alerts} of {CUSTOMERS + WAITING} promised alerts arrived")


def _send(game: Game, plan: str) -> None:
    run(game, "customers", "send", str(game.stage.folder / "private" / "plans" / plan))


def _publish(game: Game, incident: str) -> None:
    found = json.loads(run(game, "check", "--json", may_fail=True))["problems"]
    words = [one for one in found if one["rule"] not in _NOT_WORDS and one["severity"] != "note"]
    told = [f"{one['rule']} {one['message']}" for one in words]
    game.score.findings += [one for one in told if one not in game.score.findings]
    while (done := call(game, "publish")).returncode:
        if game.is_auto:
            raise Refused(f"the drill's own text did not go out: {said(done)}")
        mend(game, incident, f"{said(done)}\nIt did not go out; the file opens.")
