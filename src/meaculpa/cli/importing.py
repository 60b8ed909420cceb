"""`meaculpa import`: incidents from another status page, with a report of everything that changed."""

import json
import re
from collections import Counter
from pathlib import Path

import click

from meaculpa.build.composition import Memory
from meaculpa.cli.common import project_root, read_all
from meaculpa.cli.wording import bad, bold, count, faint, say, say_json
from meaculpa.config import parse_config
from meaculpa.errors import Refused
from meaculpa.files import create_file, write_file
from meaculpa.importers import Entry, Import, NewComponent, Outcome
from meaculpa.strict_yaml import load


@click.group("import")
def import_command() -> None:
    """Take incidents over from another status page.

    Nothing that is already in the project is changed, and doing it twice changes nothing.
    """


@import_command.command("cstate")
@click.argument("source", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@click.option("--dry-run", is_flag=True, help="Write nothing; report what would be taken.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def cstate_command(context: click.Context, source: Path, dry_run: bool, as_json: bool) -> None:
    """Take over a cState site: DIR is its repository, with content/issues and config.yml in it.

    What changes and what cannot be taken is listed file by file. The systems of config.yml become components.
    """
    from meaculpa.importers.cstate import import_cstate

    root = project_root(context)
    _, config = read_all(root, Memory())
    found = import_cstate(source, config)
    entries = [_against_existing(entry, found, root) for entry in found.entries]
    if not dry_run:
        _write(found, entries, root)
    if as_json:
        say_json(
            {"components": [one.id for one in found.components], "files": [_as_data(entry) for entry in entries]}
        )
    else:
        _print_report(entries, found, dry_run)


def _against_existing(entry: Entry, found: Import, root: Path) -> Entry:
    """A file that is already there is left alone, whatever it holds."""
    if entry.path is None or not (root / entry.path).exists():
        return entry
    same = (root / entry.path).read_bytes() == found.files[entry.path].encode()
    if same:
        return Entry(entry.source, Outcome.ALREADY_THERE, None)
    note = f"{entry.path} is already there and differs; it was left alone"
    return Entry(entry.source, Outcome.NOT_TAKEN, None, (note,))


def _write(found: Import, entries: list[Entry], root: Path) -> None:
    if found.components:
        _add_components(found.components, root / "meaculpa.yml")
    for entry in entries:
        if entry.path:
            create_file(root / entry.path, found.files[entry.path].encode())


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


def _print_report(entries: list[Entry], found: Import, dry_run: bool) -> None:
    for entry in entries:
        if entry.notes:
            mark = bad("not taken") if entry.outcome is Outcome.NOT_TAKEN else faint("taken")
            say(f"{entry.source}: {mark}: {'; '.join(entry.notes)}")
    totals = Counter(entry.outcome for entry in entries)
    verb = "would be taken" if dry_run else "taken"
    say(
        f"{bold(count(len(entries), 'file'))}: {totals[Outcome.TAKEN]} {verb} as they were, "
        f"{totals[Outcome.CHANGED]} with the changes above, {totals[Outcome.NOT_TAKEN]} not taken"
        + (f", {totals[Outcome.ALREADY_THERE]} already there." if totals[Outcome.ALREADY_THERE] else ".")
    )
    if found.components:
        say(f"{count(len(found.components), 'component')} {'would be ' if dry_run else ''}added to meaculpa.yml.")
