"""`meaculpa serve`: the live desk, which follows the files until stopped."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from meaculpa.build.composition import Build
from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_config
from meaculpa.cli.common import now_option, program_for, project_root
from meaculpa.cli.customers.common import PLANS, changes_since, plan_again, project_ledger
from meaculpa.cli.following import WHEN_BROKEN, Look, Teller, look, stay_small, stop_on_signals, tell, tell_degraded
from meaculpa.cli.look import standing, state_data
from meaculpa.cli.wording import as_data, bold, count, faint, good, say, unmarked
from meaculpa.config import Config
from meaculpa.customers.ledger import Ledger
from meaculpa.customers.letters import STAGES
from meaculpa.errors import InvalidInput, Problem, Refused
from meaculpa.folders import has_ledger
from meaculpa.model import Incident
from meaculpa.names import LEDGER
from meaculpa.preview.desk import Desk
from meaculpa.preview.letters import Planned, PlansFolder
from meaculpa.preview.server import PREFIX, Served, Service
from meaculpa.project import ProjectFiles, read_scaffold
from meaculpa.status import Site
from meaculpa.watch import Follower, Occasion, Signal, watch

_DEFAULT_PORT = 8080


@click.command("serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULT_PORT,
    show_default=True,
    help="The port on localhost; 0 takes any that is free.",
)
@click.option(
    "--storefront",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    metavar="FILE",
    help="A page of your shop, saved as HTML, to show the banner on. Its own scripts do not run.",
)
@now_option
@click.pass_context
def serve_command(context: click.Context, port: int, storefront: Path | None, now: datetime | None) -> None:
    """Show what customers will read, side by side, and follow every change of the files; publishes nothing.

    The live desk shows status page, banner, splash page and planned letters as of any moment, what was promised, and
    what is wrong in the files. Only this machine can open it. With --now its clock begins at that time.
    """
    if storefront and storefront.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"{storefront.name} is no HTML; save the page as HTML (complete), or with SingleFile")
    stay_small()
    root, signal = project_root(context), stop_on_signals()
    desk = Desk(_NOTHING_YET, now - datetime.now(UTC) if now else timedelta(0))
    plans = PlansFolder(root / PLANS, root / LEDGER)
    key = secrets.token_urlsafe(16)
    try:
        served = Served(Service(desk, read_scaffold("desk"), plans, key, storefront, root, signal.ask), port)
    except OSError as error:
        raise click.UsageError(
            f"port {port} cannot be used ({error.strerror}); choose another: --port 8081"
        ) from None
    try:
        _print_addresses(served.url, root, key)
        _follow(root, desk, plans, signal, served.url, storefront)
    finally:
        served.stop()
    tell("Stopped.")


def _follow(root: Path, desk: Desk, plans: PlansFolder, signal: Signal, url: str, storefront: Path | None) -> None:
    memory, teller = Memory(), Teller()
    seen: list[tuple[Look, ProjectFiles | None]] = []

    def planned() -> list[dict[str, Any]]:
        found, files = seen[0]
        return _plans_data(plans.look(), found.done, files, desk.now())

    def act(occasion: Occasion) -> datetime:
        found = look(occasion, memory, teller, url)
        seen[:] = [(found, occasion.files)]
        is_first = not desk.shown.files
        facts = {**_facts(found, occasion.files), "plans": planned(), "program": program_for(root)}
        changed = desk.show(found.done.files if found.done else None, facts)
        if changed and not is_first:
            tell(good(f"Shown: {count(len(changed), 'file')} changed"))
        if found.done is None:
            return occasion.now + WHEN_BROKEN
        return min(moment for moment in (found.done.site.next_change, found.done.look_again) if moment)

    def look_beside() -> None:
        """What lies outside of the project's own folders sends no events."""
        news: dict[str, Any] = {}
        if seen and plans.sees_change():
            news["plans"] = planned()
        if storefront and _stamp(storefront) != desk.shown.facts["storefront"]:
            news["storefront"] = _stamp(storefront)
        if news:
            desk.show(None, news)

    try:
        watch(root, Follower(act, tell_degraded, look_beside), signal, desk.now)
    finally:
        memory.pool.close()


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


# ---- What the desk says beside the pages


_NOTHING_YET: dict[str, Any] = {
    "shop": "",
    "locales": [],
    "incidents": [],
    "owed": [],
    "problems": [],
    "failure": [],
    "consequence": "",
    "plans": [],
    "letters_command": "",
    "program": "meaculpa",
    "next_change": None,
    "storefront": 0,
}


def _facts(found: Look, files: ProjectFiles | None) -> dict[str, Any]:
    """What is wrong, and, of a project that can be built, what is promised."""
    wrong = {
        "problems": [_problem_data(problem, files) for problem in found.problems],
        "failure": [unmarked(line) for line in found.failure],
        "consequence": unmarked(found.consequence),
    }
    if found.done is None:
        return wrong
    site = found.done.site
    return {
        **wrong,
        "shop": found.done.config.site.name,
        "locales": list(found.done.config.site.locales),
        "incidents": [state_data(state) for state in standing(site)],
        "owed": [unmarked(line) for line in found.owed],
        "next_change": site.next_change.isoformat(),
        "letters_command": _letters_command(site),
    }


def _letters_command(site: Site) -> str:
    """The command that plans the first letters of the gravest incident that is open."""
    for state in site.open:
        for stage in STAGES.get(state.incident.kind, ()):
            return f"customers plan {state.incident.id} --stage {stage} --orders FILE"
    return ""


def _problem_data(problem: Problem, files: ProjectFiles | None) -> dict[str, Any]:
    return {**as_data(problem), "text": _line_of(problem, files) if files else ""}


def _line_of(problem: Problem, files: ProjectFiles) -> str:
    """The line of a file that a problem stands in."""
    sources = {**files.incidents, files.config.path: files.config}
    source = sources.get(problem.path)
    lines = source.content.decode(errors="replace").splitlines() if source else []
    return lines[problem.line - 1].strip()[:200] if 0 < problem.line <= len(lines) else ""


def _plans_data(
    found: Sequence[Planned], done: Build | None, files: ProjectFiles | None, now: datetime
) -> list[dict[str, Any]]:
    """The plans of letters, and why each would be another one if it were made now."""
    if done is None or files is None:
        return [_plan_data(one, ()) for one in found]
    root, incidents = files.root, {state.incident.id: state.incident for state in done.site.every}
    unsure = "" if has_ledger(root) else "its ledger is gone"
    try:
        if found and not unsure:
            # The build's own configuration says that the site is served from here.
            config = read_config(files, Memory())
            with project_ledger(root, patience=0.2) as ledger:
                changes = [_why_outdated(one, incidents, root, config, ledger, now) for one in found]
            again = [plan_again(one.plan.basis, root) if one.plan else "" for one in found]
            return [_plan_data(*one) for one in zip(found, changes, again, strict=True)]
    except InvalidInput:
        unsure = "meaculpa.yml is broken"
    except Refused as error:
        unsure = str(error)
    return [_plan_data(one, (), unsure=unsure) for one in found]


def _why_outdated(
    planned: Planned, incidents: Mapping[str, Incident], root: Path, config: Config, ledger: Ledger, now: datetime
) -> list[str]:
    if planned.plan is None:
        return []
    incident = incidents.get(planned.plan.basis.incident)
    if incident is None:
        return [f"{planned.plan.basis.incident} is not on the site"]
    return changes_since(planned.plan.basis, incident, root, config, ledger, now)


def _plan_data(planned: Planned, changes: Sequence[str], again: str = "", unsure: str = "") -> dict[str, Any]:
    """A plan for the desk; `unsure` is why nobody can say whether it is still what would be planned now."""
    return {
        "name": planned.name,
        "count": planned.plan.count if planned.plan else 0,
        "trouble": planned.trouble,
        "changes": list(changes),
        "again": again if changes else "",
        "unsure": unsure if planned.plan else "",
    }


def _print_addresses(url: str, root: Path, key: str) -> None:
    for line in _addresses(url, key):
        say(line)
    say(faint(f"Edit the files in {root / 'incidents'} and save. Stop with Ctrl-C."))


def _addresses(url: str, key: str) -> Iterator[str]:
    yield f"Live desk    {bold(f'{url}{PREFIX}/#{key}')}"
    yield f"Status page  {url}"
    yield f"Splash page  {url}/splash.html"
