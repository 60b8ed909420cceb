"""How fast the rules for messages are, and what they find in real incidents: `python -m bench.lint [--sample N]`.

The corpus is the project's own; the real incidents lie in the folder that MEACULPA_DATA names.
"""

import argparse
import json
import os
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from corpus import write_project
from meaculpa.build.findings import Findings
from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_config, read_content
from meaculpa.lint.prose import read_prose, sentences
from meaculpa.lint.rules import MEANINGS, Rule
from meaculpa.lint.texts import LANGUAGES, find_clock_without_zone, inspect_text, is_stock
from meaculpa.project import read_project
from meaculpa.times import parse_time

_ROUNDS = 5


def main() -> None:
    """Print medians and counts; with --sample, that many random hits to read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"1,000 incidents: {_speed(1000):.2f} s median of {_ROUNDS}")
    folder = os.environ.get("MEACULPA_DATA")
    if folder:
        _rates(Path(folder), given.sample, given.seed)


def _speed(count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, count)
        memory = Memory()
        files = read_project(root)
        config = read_config(files, memory)
        content = read_content(files, config, memory)
        now = parse_time("2026-11-22 12:00 UTC", config.site.timezone)
        spans = []
        for _ in range(_ROUNDS):
            memory.findings = Findings()
            begin = time.perf_counter()
            memory.findings.follow(content.incidents, files, config, now, everything=True)
            spans.append(time.perf_counter() - begin)
        memory.pool.close()
    return statistics.median(spans)


def _rates(folder: Path, sample: int, seed: int) -> None:
    english, counts, hits, number = LANGUAGES["en"], Counter[Rule](), [], 0
    for text in _texts(folder):
        number += 1
        prose = read_prose(text).text
        found = [*inspect_text(prose, english), *find_clock_without_zone(prose, english)]
        rules = {hit.rule for hit in found} | ({Rule.STOCK_UPDATE} if is_stock(prose, english) else set())
        counts.update(rules)
        for hit in found:
            here = next(one for one in reversed(sentences(prose)) if one.start <= hit.start)
            hits.append(f"{hit.rule} | {hit.words} | {here.text.strip()}")
    print(f"{number:,} updates of real incidents; updates with a finding, by rule:")
    for rule, count in counts.most_common():
        print(f"  {rule} {MEANINGS[rule].name:18} {count:5,}  {count / number:6.1%}")
    for line in random.Random(seed).sample(hits, min(sample, len(hits))):
        print(line)


def _texts(folder: Path) -> Iterator[str]:
    for line in (folder / "statuspage-github" / "incidents.jsonl").read_text(encoding="utf-8").splitlines():
        yield from (update["message"] for update in json.loads(line)["updates"])
    for path in sorted((folder / "cstate-jenkins").rglob("*.md")):
        yield re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL)


if __name__ == "__main__":
    main()
