"""`meaculpa doctor`: whether everything is ready for a bad night."""

from collections.abc import Callable, Iterable
from datetime import datetime

import click

from meaculpa.cli.common import clock, now_option, project_root
from meaculpa.cli.doctor.checks import OUTSIDE, examine
from meaculpa.cli.wording import bad, count, faint, good, say, say_json, warning
from meaculpa.doctor import Finding, Verdict


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def doctor_command(context: click.Context, as_json: bool, now: datetime | None) -> int:
    """Check whether everything is ready for a bad night, and say the next step where it is not.

    It reads the files, writes a trial file to each target and deletes it, asks the site's address as a shop's page
    would, looks for what site and shop share, and logs in to the mail server; it sends nothing and publishes nothing.

    The exit code is 0 when nothing fails, 3 when a target, a server or an address does, else 1.
    """
    root, at = project_root(context), clock(now)
    findings = examine(root, at)
    failed = [one for one in findings if one.verdict is Verdict.FAIL]
    if as_json:
        checks = [
            {"check": one.check, "verdict": str(one.verdict), "message": one.message, "next": one.next_step or None}
            for one in findings
        ]
        say_json({"ok": not failed, "checks": checks})
    else:
        _print(findings)
    if any(one.check in OUTSIDE for one in failed):
        return 3
    return 1 if failed else 0


_SIGNS: dict[Verdict, Callable[[str], str]] = {Verdict.OK: good, Verdict.WARN: warning, Verdict.FAIL: bad}


def _print(findings: Iterable[Finding]) -> None:
    told = sorted(findings, key=lambda one: [Verdict.FAIL, Verdict.WARN, Verdict.OK].index(one.verdict))
    for one in told:
        say(f"{_SIGNS[one.verdict](f'{one.verdict:4}')}  {one.check:<11}  {one.message}")
        if one.next_step:
            say(faint(f"{'':19}→ {one.next_step}"))
    numbers = [sum(one.verdict is verdict for one in told) for verdict in (Verdict.FAIL, Verdict.WARN)]
    words = f"{numbers[0]} of {count(len(told), 'check')} failed, {count(numbers[1], 'warning')}."
    say(bad(words) if numbers[0] else good(words))
