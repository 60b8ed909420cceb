"""`meaculpa drill`: a timed rehearsal, published nowhere."""

import signal as signals
import tempfile
from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, shown_path
from meaculpa.cli.drill.play import play
from meaculpa.cli.drill.report import keep, last_time, rows, write_report
from meaculpa.cli.drill.scenario import Scenario, build_stage, read_scenarios
from meaculpa.cli.drill.score import Score
from meaculpa.cli.drill.sink import mail_sink
from meaculpa.cli.wording import bad, bold, faint, good, say
from meaculpa.cli.writing import is_terminal
from meaculpa.config import Config
from meaculpa.errors import NotAProject, did_you_mean

DRILLS = "drills"


@click.command("drill")
@click.argument("name", metavar="[SCENARIO]", required=False)
@click.option("--auto", "is_auto", is_flag=True, help="Play it without a person: what the machine's part takes.")
@now_option
@click.pass_context
def drill_command(context: click.Context, name: str | None, is_auto: bool, now: datetime | None) -> int:
    """Rehearse a bad night on a throwaway copy of your shop, with a clock running.

    The scenarios: part (a part of the shop fails), closed (the whole shop), stock (sold but not there), price (a
    wrong one), late (orders that will be). You type what you would type in the night; the site is published to a
    folder, and letters go to a mail server of the drill's own, which delivers nothing. No real target, server or
    address is touched. The report and a history for comparison are kept in drills/.

    The exit code is 1 when a target was missed.
    """
    scenarios = read_scenarios()
    if name is not None and name not in scenarios:
        raise click.UsageError(f'there is no scenario "{name}" ({did_you_mean(name, scenarios)})')
    if not is_auto and not is_terminal():
        raise click.UsageError("a drill is played at a terminal; without a person: --auto")
    scenario = scenarios[name or _choose(list(scenarios))]
    root, config = _project(context)
    if root is None:
        say(faint("There is no project here, so this is the sample shop's night, and no report is kept."))
    for number in _ENDINGS:
        signals.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="meaculpa-drill-") as place, mail_sink() as sink:
        templates = root / "site_templates" if root else None
        stage = build_stage(Path(place), config, templates, sink.port)
        score = play(scenario, stage, sink, is_auto)
    at = clock(now)
    table = rows(score, last_time(root / DRILLS, scenario.key, is_auto) if root else {})
    _print(scenario.name, table, score.findings)
    if root:
        _keep(root, scenario, score, is_auto, at, write_report(scenario, score, is_auto, at, table))
    missed = [mark.step for mark in score.marks if not mark.is_met]
    say(bad(f"Missed: {', '.join(missed)}.") if missed else good("Every target was met."))
    return 1 if missed else 0


# A terminal that is closed, and whoever ends processes: the throwaway shop has to go all the same.
_ENDINGS = [getattr(signals, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signals, name)]


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _keep(root: Path, scenario: Scenario, score: Score, is_auto: bool, at: datetime, report: str) -> None:
    try:
        place = keep(root / DRILLS, scenario, score, is_auto, at, report)
    except OSError as error:
        say(bad(f"The report cannot be kept in {shown_path(root / DRILLS)}: {error.strerror}"), to_errors=True)
        return
    say(faint(f"Kept in {shown_path(place)}"))


def _choose(names: list[str]) -> str:
    return str(click.prompt("Which night?", type=click.Choice(names), default=names[0]))


def _project(context: click.Context) -> tuple[Path | None, Config | None]:
    """The project whose shop is rehearsed; outside of one it is the sample shop."""
    try:
        root = project_root(context)
    except NotAProject:
        return None, None
    return root, read_all(root, Memory())[1]


def _print(name: str, table: list[tuple[str, str, str, str]], findings: list[str]) -> None:
    say(bold(f"Drill: {name}"))
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    for step, after, target, before in table:
        limit = f"target {target:{widths[2]}}" if target else " " * (7 + widths[2])
        say(
            f"  {step:{widths[0]}}  {after:>{widths[1]}}  {limit}  {f'last time {before}' if before else ''}".rstrip()
        )
    for finding in findings:
        say(f"  {finding}")
