"""Runs every trial, prints a line for each goal, and writes docs/reliability.md.

make soak                                 everything, about an hour
make soak SCALE=0.2                       a fifth of it; the document says so
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
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


def trials(folder: Path, url: str, scale: float) -> Iterator[Callable[[], list[Figure]]]:
    def many(count: int) -> int:
        return max(6, int(count * scale))

    yield lambda: deploys(folder, url, many(200))
    yield lambda: kills(folder, url)
    yield lambda: races(folder, url, max(1, many(100) // 10))
    yield lambda: way_back(folder, url)
    yield lambda: saved_to_served(folder, url, many(500))
    yield lambda: deaf(folder, many(200))
    yield lambda: rescan(folder)
    yield lambda: through_a_cache(folder, url)
    yield lambda: without_an_origin(folder)
    yield lambda: told_failures(folder, url)
    yield lambda: claims(folder, many(1_000))
    yield lambda: hostile_files(folder)
    yield lambda: hostile_texts(many(100_000))
    yield lambda: fuzzed(folder, many(600))
    yield lambda: side_by_side(
        lambda: faults(folder, url, many(10_000)),
        lambda: long_run(folder, many(20_000)),
    )


def side_by_side(*every: Callable[[], list[Figure]]) -> list[Figure]:
    """Run trials in which no time is measured at once."""
    with ThreadPoolExecutor(len(every)) as threads:
        return [figure for figures in threads.map(lambda trial: trial(), every) for figure in figures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of everything")
    scale = parser.parse_args().scale
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="eu-west-1")
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    share = "All of it." if scale == 1 else f"This was {scale:.0%} of the whole; each line says how many."
    date, python = f"{datetime.now(UTC):%-d %B %Y}", platform.python_version()
    head = HEAD.format(date=date, machine=machine, python=python, share=share)
    lines, failed = [], False
    with tempfile.TemporaryDirectory() as name, seaweedfs(Path(name) / "s3") as url:
        for trial in trials(Path(name), url, scale):
            for figure in trial():
                mark = "holds" if figure.holds else "**does not hold**"
                failed |= not figure.holds
                lines.append(f"| {figure.goal} | {figure.asked} | {figure.found} | {mark} |")
                print(lines[-1], flush=True)
    DOCUMENT.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
