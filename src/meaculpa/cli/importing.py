"""`meaculpa import`: incidents from another status page, with a report of everything that changed."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from msgspec.structs import replace

from meaculpa.build.memory import Memory
from meaculpa.cli.common import project_root, read_all
from meaculpa.cli.wording import bad, bold, count, faint, say, say_json
from meaculpa.config import parse_config
from meaculpa.content.files import as_text
from meaculpa.errors import InvalidInput, Refused, Severity
from meaculpa.files import create_file, write_file
from meaculpa.importers import Entry, Import, NewComponent, Outcome
from meaculpa.model import Source
from meaculpa.names import REDIRECTS_FILE
from meaculpa.project import ProjectFiles
from meaculpa.redirects import parse_redirects
from meaculpa.strict_yaml import load

_REDIRECTS_ARE = "# Earlier addresses of this status page, and the pages that they lead to."
_MARKS = {Outcome.TAKEN: "taken", Outcome.CHANGED: "taken", Outcome.ALREADY_THERE: "already there"}


@click.group("import")
def import_command() -> None:
    """Take incidents over from another status page.

    Nothing that is already in the project is changed, and doing it twice changes nothing. The addresses that
    incidents had are noted in redirects.yml, and lead to their new pages from then on.

    How to get what is to be imported:

    \b
      cstate      clone its repository
      statuspage  curl -O https://YOUR.PAGE/api/v2/incidents.json
                  curl -O https://YOUR.PAGE/api/v2/scheduled-maintenances.json
                  curl -O https://YOUR.PAGE/history.atom
      upptime     clone its repository; in it:
                  gh issue list --state all --limit 5000 --json \\
                  number,title,body,labels,createdAt,closedAt,comments > issues.json

    `meaculpa import statuspage --help` says how to get more than the newest.
    """  # noqa: D301 (click wants the sign itself)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What all imports have in common."""
    command = click.option("--json", "as_json", is_flag=True, help="For programs.")(command)
    return click.option("--dry-run", is_flag=True, help="Write nothing; report what would be taken.")(command)


@import_command.command("cstate")
@click.argument("source", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@_options
@click.pass_context
def cstate_command(context: click.Context, source: Path, dry_run: bool, as_json: bool) -> None:
    """Take over a cState site.

    DIR is its repository, with content/issues and config.yml in it. What changes and what cannot be taken is listed
    file by file. The systems of config.yml become components.
    """
    from meaculpa.importers.cstate import import_cstate

    root = project_root(context)
    files, config = read_all(root, Memory())
    _finish(import_cstate(source, config), files, dry_run, as_json, "file")


@import_command.command("statuspage")
@click.argument("sources", type=click.Path(path_type=Path, exists=True), metavar="FILE...", nargs=-1, required=True)
@_options
@click.pass_context
def statuspage_command(context: click.Context, sources: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:
    """Take over a Statuspage.

    Give the files that it exports, or folders of them.

    \b
    Public, the newest 50 of each:
      curl -O https://YOUR.PAGE/api/v2/incidents.json
      curl -O https://YOUR.PAGE/api/v2/scheduled-maintenances.json
      curl -O https://YOUR.PAGE/api/v2/components.json
      curl -O https://YOUR.PAGE/history.atom

    \b
    All of them, with an API key, page by page until one is empty:
      curl -H "Authorization: OAuth $KEY" -o incidents-1.json \\
        "https://api.statuspage.io/v1/pages/$PAGE/incidents?limit=100&page=1"

    JSON tells impact, components and windows; the feed does not. Of what several files tell, JSON is taken. Lines
    of JSON (.jsonl) with title, url, impact and updates are read as well.
    """  # noqa: D301 (click wants the sign itself)
    from meaculpa.importers.statuspage import import_statuspage

    root = project_root(context)
    files, config = read_all(root, Memory())
    _finish(import_statuspage(sources, config, _known(files), _ids(files)), files, dry_run, as_json)


@import_command.command("upptime")
@click.argument("source", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@_options
@click.pass_context
def upptime_command(context: click.Context, source: Path, dry_run: bool, as_json: bool) -> None:
    """Take over Upptime.

    DIR is a clone of its repository, with its issues beside.

    \b
    In the clone:
      gh issue list --state all --limit 5000 --json \\
        number,title,body,labels,createdAt,closedAt,comments > issues.json

    Outages that have no issue are taken from the git log (or from a log.txt, written by
    git log --format='%aI %s' > log.txt). The sites become components.
    """  # noqa: D301 (click wants the sign itself)
    from meaculpa.importers.upptime import import_upptime

    root = project_root(context)
    files, config = read_all(root, Memory())
    _finish(import_upptime(source, config, _known(files), _ids(files)), files, dry_run, as_json)


def _known(files: ProjectFiles) -> dict[str, str]:
    """What was imported before: the ids of incidents by the address that they had."""
    return {old: Path(new).stem for old, new in _redirects(files).items() if new.startswith("incidents/")}


def _redirects(files: ProjectFiles) -> dict[str, str]:
    """The redirects that there are, new addresses by old ones; raises InvalidInput unless all can be read."""
    found, problems = parse_redirects(files.redirects.content) if files.redirects else ((), [])
    if problems:
        # Without knowing all of it, what was imported before would be written again.
        raise InvalidInput([replace(one, severity=Severity.ERROR) for one in problems])
    return {one.old: one.new for one in found}


def _ids(files: ProjectFiles) -> frozenset[str]:
    return frozenset(Path(path).name.split(".")[0] for path in files.incidents)


def _finish(found: Import, files: ProjectFiles, dry_run: bool, as_json: bool, what: str = "incident") -> None:
    there = {Path(path).name: source for path, source in files.incidents.items()}
    entries = [_against_existing(entry, found, there) for entry in found.entries]
    redirects = _new_redirects(found, files)
    if not dry_run:
        _write(found, entries, redirects, files.root)
    if as_json:
        components = [one.id for one in found.components]
        say_json({"components": components, "redirects": redirects, "files": [_as_data(one) for one in entries]})
    else:
        _print_report(entries, found, len(redirects), dry_run, what)


def _new_redirects(found: Import, files: ProjectFiles) -> dict[str, str]:
    """Those that redirects.yml does not have; what stands there was written by somebody who knows."""
    known = _redirects(files)
    return {old: new for old, new in sorted(found.redirects.items()) if old not in known}


def _against_existing(entry: Entry, found: Import, there: Mapping[str, Source]) -> Entry:
    """A file that is already there, in whatever folder, is left alone, whatever it holds."""
    source = there.get(Path(entry.path).name) if entry.path else None
    if entry.path is None or source is None:
        return entry
    if as_text(source.content) == found.files[entry.path].encode():
        return Entry(entry.source, Outcome.ALREADY_THERE, None)
    note = f"{source.path} is already there and differs; it was left alone"
    return Entry(entry.source, Outcome.NOT_TAKEN, None, (note,))


def _write(found: Import, entries: list[Entry], redirects: Mapping[str, str], root: Path) -> None:
    if found.components:
        _add_components(found.components, root / "meaculpa.yml")
    # Before the incidents: whoever is interrupted finds the same ids the next time.
    if redirects:
        _add_redirects(redirects, root / REDIRECTS_FILE)
    for entry in entries:
        if entry.path:
            create_file(root / entry.path, found.files[entry.path].encode())


def _add_redirects(redirects: Mapping[str, str], path: Path) -> None:
    before = path.read_bytes().decode("utf-8-sig").rstrip() if path.exists() else _REDIRECTS_ARE
    lines = "".join(f"{old}: {new}\n" for old, new in redirects.items())
    changed = f"{before}\n{lines}".encode()
    if parse_redirects(changed)[1]:
        raise Refused(f"lines cannot be added to {path} as it is written; write it a line each, old: new")
    write_file(path, changed)


def _add_components(components: tuple[NewComponent, ...], path: Path) -> None:
    """Put components into meaculpa.yml behind those that are there, touching no other line."""
    text = path.read_bytes().decode("utf-8-sig")
    lines = text.splitlines(keepends=True)
    line_end = "\r\n" if "\r\n" in text else "\n"
    addition = [_component_line(component) + line_end for component in components]
    places = [line for place, line in load(text).lines.items() if place[:1] == ("components",) and len(place) == 2]
    last = max(places)
    end = next((number for number in range(last, len(lines)) if re.match(r"[^\s#-]", lines[number])), len(lines))
    while end > last and not lines[end - 1].strip(" #\r\n"):
        end -= 1
    indent = re.match(r"\s*", lines[last - 1])
    before = lines[:end] if lines[end - 1].endswith("\n") else [*lines[: end - 1], lines[end - 1] + line_end]
    changed = "".join([*before, *((indent[0] if indent else "  ") + one for one in addition), *lines[end:]])
    if isinstance(parse_config(changed.encode()), list):
        listing = "".join(f"  {one}" for one in addition)
        raise Refused(
            f"add these lines under components in {path}, then import again:\n{listing}Nothing was written."
        )
    write_file(path, changed.encode())


def _component_line(component: NewComponent) -> str:
    group = f", group: {json.dumps(component.group, ensure_ascii=False)}" if component.group else ""
    return f"- {{id: {component.id}, name: {json.dumps(component.name, ensure_ascii=False)}{group}}}"


def _as_data(entry: Entry) -> dict[str, object]:
    return {
        "source": entry.source,
        "outcome": str(entry.outcome),
        "path": entry.path,
        "notes": list(entry.notes),
    }


def _print_report(entries: list[Entry], found: Import, redirects: int, dry_run: bool, what: str) -> None:
    for entry in entries:
        if entry.notes:
            mark = bad("not taken") if entry.outcome is Outcome.NOT_TAKEN else faint(_MARKS[entry.outcome])
            say(f"{entry.source}: {mark}: {'; '.join(entry.notes)}")
    totals = Counter(entry.outcome for entry in entries)
    verb = "would be taken" if dry_run else "taken"
    say(
        f"{bold(count(len(entries), what))}: {totals[Outcome.TAKEN]} {verb} as they were, "
        f"{totals[Outcome.CHANGED]} with the changes above, {totals[Outcome.NOT_TAKEN]} not taken"
        + (f", {totals[Outcome.ALREADY_THERE]} already there." if totals[Outcome.ALREADY_THERE] else ".")
    )
    if found.components:
        names = ", ".join(one.name for one in found.components)
        verb = "would be added" if dry_run else "added"
        say(f"{count(len(found.components), 'component')} {verb} to meaculpa.yml: {names}")
    if redirects:
        verb = "would be added" if dry_run else "added"
        say(f"{count(redirects, 'redirect')} {verb} to {REDIRECTS_FILE}: earlier addresses lead to the new pages.")
