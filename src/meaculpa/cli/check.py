"""`meaculpa check`: what is wrong in the files, and what in their words."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import click

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_config, read_content
from meaculpa.cli.common import clock, now_option, project_root
from meaculpa.cli.customers.shout import find_debts, overdue_words
from meaculpa.cli.sarif import as_sarif
from meaculpa.cli.wording import (
    as_data,
    bad,
    bold,
    count,
    faint,
    good,
    problem_lines,
    say,
    say_json,
    summary,
    warning,
)
from meaculpa.errors import InvalidInput, Problem, Refused, Severity, did_you_mean, has_errors
from meaculpa.lint.rules import MEANINGS, Rule, is_blocking
from meaculpa.project import ProjectFiles, read_project
from meaculpa.status import Site
from meaculpa.timeline import IncidentState

_FORMATS = ("text", "json", "sarif")


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help="For people, programs, code hosts."
)
@click.option("--strict", is_flag=True, help="Warnings count as errors, but for promises that are overdue.")
@click.option("--all", "everything", is_flag=True, help="The archive, too, and not only what is open or recent.")
@click.option("--explain", metavar="RULE", help="Say what a rule such as MC301 is for, with an example.")
@now_option
@click.pass_context
def check_command(
    context: click.Context,
    as_json: bool,
    form: str,
    strict: bool,
    everything: bool,
    explain: str | None,
    now: datetime | None,
) -> int:
    """Show every problem in the files, and what the rules for messages find in their words.

    Mistakes in files are always shown; findings for incidents that are open or of the last 30 days, with --all for
    every one. A comment in the update that holds it takes a finding back: <!-- meaculpa-ignore MC502: why -->.
    The exit code is 1 if there is an error.
    """
    if explain:
        _explain(explain)
        return 0
    problems, incidents = _find_problems(read_project(project_root(context)), clock(now), everything)
    failed = any(_fails(problem, strict) for problem in problems)
    if form == "sarif":
        say_json(as_sarif(problems))
    elif as_json or form == "json":
        say_json({"ok": not failed, "incidents": incidents, "problems": [as_data(problem) for problem in problems]})
    else:
        _print(problems, incidents)
    return 1 if failed else 0


def _fails(problem: Problem, strict: bool) -> bool:
    """Being late is mended by publishing, so it never blocks; what is taken back has been decided."""
    if problem.severity is Severity.NOTE or problem.rule in (Rule.OVERDUE, Rule.PROMISE):
        return False
    return strict or problem.severity is Severity.ERROR


def _print(problems: Sequence[Problem], incidents: int) -> None:
    for line in problem_lines(problems):
        say(line)
    if has_errors(problems):
        say(bad(summary(problems, "")))
    elif any(problem.severity is Severity.WARNING for problem in problems):
        warnings = sum(problem.severity is Severity.WARNING for problem in problems)
        say(f"{count(warnings, 'warning')}, no error in {count(incidents, 'incident')}.")
    else:
        say(good(f"No problem in {count(incidents, 'incident')}."))
    told = [one for one in problems if one.rule and one.severity is not Severity.NOTE]
    if told:
        gravest = min(told, key=lambda one: (not is_blocking(one), one.severity is not Severity.ERROR, one.rule))
        say(faint(f"What a rule is for: meaculpa check --explain {gravest.rule}"))


def _explain(wanted: str) -> None:
    name = wanted.upper()
    if name not in list(Rule):
        raise click.UsageError(f"there is no rule {wanted} ({did_you_mean(name, list(Rule))})")
    meaning = MEANINGS[Rule(name)]
    mark = bad("error") if meaning.severity is Severity.ERROR else warning("warning")
    say(f"{bold(f'{name} {meaning.name}')} ({mark})")
    say()
    say(click.wrap_text(meaning.why, 92))
    say()
    say(f"  not   {meaning.bad}")
    say(f"  but   {meaning.good}")
    say()
    say(faint(f"Source: {meaning.source}"))


def _find_problems(files: ProjectFiles, now: datetime, everything: bool) -> tuple[tuple[Problem, ...], int]:
    memory = Memory()
    try:
        done = build(files, now, memory)
        late = [*(_overdue(state) for state in done.site.overdue), *_unsent(files, done.site)]
        found: Iterable[Problem] = done.findings
        if everything:
            incidents = read_content(files, done.config, memory).incidents
            found = memory.findings.follow(incidents, files, done.config, now, everything=True)
        return tuple(sorted({*done.problems, *late, *found})), len(files.incidents)
    except InvalidInput as error:
        return tuple(sorted({*error.problems, *_findings_beside(files, now, memory, everything)})), len(
            files.incidents
        )
    finally:
        memory.pool.close()


def _findings_beside(files: ProjectFiles, now: datetime, memory: Memory, everything: bool) -> list[Problem]:
    """What the rules find in the files that can be read although others cannot."""
    try:
        config = read_config(files, memory)
    except InvalidInput:
        return []
    incidents = read_content(files, config, memory).incidents
    return memory.findings.follow(incidents, files, config, now, everything)


def _unsent(files: ProjectFiles, site: Site) -> list[Problem]:
    """Who was promised a mail and has not got it; a ledger that cannot be read is told by `list`."""
    try:
        debts = [debt for debt in find_debts(files.root, site) if debt.is_overdue]
    except Refused:
        return []
    paths = {state.incident.id: state.incident.path for state in site.every}
    told = [(paths[debt.incident], *overdue_words(debt, site.now)) for debt in debts]
    return [Problem(path, 0, words, step, Severity.WARNING, str(Rule.PROMISE)) for path, words, step in told]


def _overdue(state: IncidentState) -> Problem:
    due = f"{state.next_update:%Y-%m-%d %H:%M} UTC" if state.next_update else ""
    return Problem(
        state.incident.path,
        state.updates[-1].line,
        f"the update promised for {due} has not come",
        f"meaculpa update {state.incident.id} ...",
        Severity.WARNING,
        str(Rule.OVERDUE),
    )
