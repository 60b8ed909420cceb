"""Measures what builds, edits and publishing cost, and writes the table of it into docs/performance.md.

make bench                     1,000 and 10,000 incidents, and builds and a watcher with 50,000
make bench-peers               beside them Pelican, MkDocs, Hugo, Eleventy and aws s3 sync on the same incidents
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.servers import ACCESS_KEY, SECRET_KEY, seaweedfs

from speed.measuring import Line
from speed.ours import builds, starts, watched
from speed.peers import compared, set_up, versions
from speed.serving import publishing, saved_to_served

# Larger archives take hours to publish and other programs minutes to build; they are built and watched.
MOST_COMPARED = 10_000
DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"
HEAD = """Written by `make bench` on {date}: {machine}, Python {python}. Medians of whole processes; in brackets the
shortest and the longest run, how many there were, and the most memory of any process. {share}

| what | incidents | found | goal |
|---|---|---|---|
"""


def measured(folder: Path, url: str, options: argparse.Namespace) -> Iterator[Line]:
    yield from starts(folder, options.runs)
    for count in options.n:
        # What takes minutes is done once; an hour of a shared machine is not the same hour at its end.
        runs = options.runs if count <= MOST_COMPARED else 1
        yield from builds(folder, count, runs)
        yield from watched(folder, count)
        if count > MOST_COMPARED:
            continue
        if options.peers:
            yield from compared(folder, count, runs)
        yield from publishing(folder, url, count, runs, options.peers)
        yield from saved_to_served(folder, url, count, options.edits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, action="append", help="how many incidents (repeatable)")
    parser.add_argument("--runs", type=int, default=3, help="of archives of up to 10,000")
    parser.add_argument("--edits", type=int, default=100, help="edits timed until S3 serves them")
    parser.add_argument("--peers", action="store_true", help="install other programs into .tools/ and compare")
    options = parser.parse_args()
    options.n = options.n or [1_000, MOST_COMPARED, 50_000]
    # Whoever has installed a program has it compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if options.peers:
        set_up()
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="us-east-1")
    rows = []
    with tempfile.TemporaryDirectory() as name, seaweedfs(Path(name) / "s3") as url:
        for line in measured(Path(name), url, options):
            rows.append(f"| {line.what} | {f'{line.count:,}' if line.count else ''} | {line.found} | {line.goal} |")
            print(rows[-1], flush=True)
    write(rows, f"Compared with {versions()}." if options.peers else "Without the other programs.")


def write(rows: list[str], share: str) -> None:
    """Put the table in the place of the one before."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    date = f"{datetime.now(UTC):%-d %B %Y}"
    head = HEAD.format(date=date, machine=machine, python=platform.python_version(), share=share)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    table = head + "\n".join(rows)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
