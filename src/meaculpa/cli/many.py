"""`meaculpa publish --all`: many projects, each by a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from meaculpa.cli.common import shown_path
from meaculpa.cli.publish import Asked
from meaculpa.cli.wording import bad, bold, count, faint, good, say, say_json
from meaculpa.names import CONFIG_FILE
from meaculpa.times import format_time

_AT_ONCE = 8
_FAILED = 3


class Result(Struct, frozen=True):
    """What became of one project: the code its process ended with, and what it said."""

    project: Path
    code: int
    out: str
    errors: str


def publish_all(places: Sequence[Path], asked: Asked) -> int:
    """Publish every project among some folders; gives the gravest exit code."""
    projects = sorted({place for place in places if (place / CONFIG_FILE).is_file()})
    for place in places:
        if place not in projects:
            say(faint(f"{shown_path(place)}: no {CONFIG_FILE} there, left alone"), to_errors=True)
    if not projects:
        raise click.UsageError(f"none of these folders holds a {CONFIG_FILE}; name projects: publish --all sites/*")
    arguments = tuple(_arguments(asked))
    results = []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for future in as_completed([threads.submit(_publish, project, arguments) for project in projects]):
            results.append(future.result())
            if not asked.as_json:
                _print(results[-1])
    if asked.as_json:
        say_json({"projects": [_data(result) for result in sorted(results, key=lambda one: one.project)]})
    else:
        _print_summary(results)
    return max(result.code for result in results)


def _arguments(asked: Asked) -> Iterator[str]:
    for name in asked.names:
        yield from ("--target", name)
    flags = {
        "--dry-run": asked.dry_run,
        "--keep-going": asked.keep_going,
        "--force": asked.force,
        "--strict": asked.strict,
        "--release": asked.release,
        "--json": asked.as_json,
    }
    yield from (name for name, is_set in flags.items() if is_set)
    if asked.metrics:
        yield from ("--metrics", str(asked.metrics.absolute()))
    if asked.now:
        yield from ("--now", format_time(asked.now))


def _publish(project: Path, arguments: tuple[str, ...]) -> Result:
    command = [sys.executable, "-P", "-m", "meaculpa", "-C", str(project), "publish", *arguments]
    done = subprocess.run(  # noqa: S603 (our own command)
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    # A process that was killed ends with the signal's number below zero.
    return Result(project, done.returncode if done.returncode >= 0 else _FAILED, done.stdout, done.stderr)


def _print(result: Result) -> None:
    """Tell what became of a project in one piece: others end at the same time."""
    said = f"{result.out}{result.errors}".rstrip().splitlines()
    say("\n".join([bold(shown_path(result.project)), *(f"  {line}" for line in said)]))


def _print_summary(results: Sequence[Result]) -> None:
    failed = sorted(shown_path(result.project) for result in results if result.code)
    if failed:
        say(bad(f"{len(failed):,} of {count(len(results), 'project')} failed: {', '.join(failed)}"), to_errors=True)
    else:
        say(good(f"{count(len(results), 'project')} published."))


def _data(result: Result) -> dict[str, Any]:
    """What a project's process said for programs; what is no JSON is why it failed."""
    try:
        said = json.loads(result.out)
    except ValueError:
        said = {}
    data = {"project": str(result.project), "exit_code": result.code, **said}
    return {**data, "errors": result.errors.splitlines()}
