"""Runs every trial, prints a line for each goal, and writes docs/reliability.md.

make soak                                 everything, about an hour
make soak SCALE=0.2                       a fifth of it; the document says so
... -m reliability --only hostile-files   one trial again; its line says so
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.servers import ACCESS_KEY, SECRET_KEY, seaweedfs

from reliability.figures import Figure
from reliability.input import fuzzed, hostile_files, hostile_texts
from reliability.publishing import deploys, faults, kills, races, way_back
from reliability.reading import claims, through_a_cache, told_failures, without_an_origin
from reliability.watching import deaf, long_run, rescan, saved_to_served

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """# Reliability

What must hold when everything else does not, and what was found. Written by `make soak` on {date}:
{machine}, Python {python}, against SeaweedFS on loopback. Speeds are of a shared machine. {share}

| goal | asked | found | |
|---|---|---|---|
"""


def trials(folder: Path, url: str, scale: float) -> Mapping[str, Callable[[], list[Figure]]]:
    def many(count: int) -> int:
        return max(6, int(count * scale))

    return {
        "deploys": lambda: deploys(folder, url, many(200)),
        "kills": lambda: kills(folder, url),
        "races": lambda: races(folder, url, max(1, many(100) // 10)),
        "rollback": lambda: way_back(folder, url),
        "saved-to-served": lambda: saved_to_served(folder, url, many(500)),
        "deaf": lambda: deaf(folder, many(200)),
        "rescan": lambda: rescan(folder),
        "cache": lambda: through_a_cache(folder, url),
        "origin": lambda: without_an_origin(folder),
        "failures": lambda: told_failures(folder, url),
        "claims": lambda: claims(folder, many(1_000)),
        "hostile-files": lambda: hostile_files(folder),
        "hostile-texts": lambda: hostile_texts(many(100_000)),
        "fuzz": lambda: fuzzed(folder, many(600)),
        "long": lambda: side_by_side(
            lambda: faults(folder, url, many(10_000)),
            lambda: long_run(folder, many(20_000)),
        ),
    }


def side_by_side(*every: Callable[[], list[Figure]]) -> list[Figure]:
    """Run trials in which no time is measured at once."""
    with ThreadPoolExecutor(len(every)) as threads:
        return [figure for figures in threads.map(lambda trial: trial(), every) for figure in figures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of everything")
    parser.add_argument("--only", action="append", metavar="TRIAL", help="run this trial again (repeatable)")
    options = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="eu-west-1")
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name, seaweedfs(Path(name) / "s3") as url:
        every = trials(Path(name), url, options.scale)
        for trial in options.only or every:
            for figure in every[trial]():
                lines[figure.goal] = line_of(figure)
                print(lines[figure.goal], flush=True)
    DOCUMENT.write_text(run_again(lines) if options.only else head(options.scale) + "".join(lines.values()))
    sys.exit(any("does not hold" in line for line in lines.values()))


def line_of(figure: Figure) -> str:
    mark = "holds" if figure.holds else "**does not hold**"
    return f"| {figure.goal} | {figure.asked} | {figure.found} | {mark} |\n"


def head(scale: float) -> str:
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    share = "All of it." if scale == 1 else f"This was {scale:.0%} of the whole; each line says how many."
    return HEAD.format(date=today(), machine=machine, python=platform.python_version(), share=share)


def run_again(lines: Mapping[str, str]) -> str:
    """The document with the lines of trials that were run again, which say so."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for line in text.splitlines(keepends=True):
        again = lines.get(line.removeprefix("| ").partition(" |")[0])
        if again:
            text = text.replace(line, again.replace(" |\n", f"; run again on {today()} |\n"))
    return text


def today() -> str:
    return f"{datetime.now(UTC):%-d %B %Y}"


if __name__ == "__main__":
    main()
