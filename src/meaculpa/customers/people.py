"""Who must not be named in public: the names and order numbers of whoever a plan or an order list holds."""

import csv
import functools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from meaculpa.folders import Stamp, lists_of_people
from meaculpa.lint.people import NOBODY, People, name_key

# A letter is a line of JSON with sorted keys; reading it whole would take ten times as long.
_NAME, _RECIPIENT = re.compile(r'"name": ("(?:[^"\\]|\\.)*")'), re.compile(r'"recipient": ("(?:[^"\\]|\\.)*")')


def read_people(root: Path) -> People:
    """Collect them from `private/`; what cannot be read holds nobody."""
    found = lists_of_people(root)
    return _collect(found) if found else NOBODY


@functools.lru_cache(maxsize=4)
def _collect(stamps: tuple[tuple[Path, Stamp], ...]) -> People:
    names, orders = set[str](), set[str]()
    for path, _ in stamps:
        for name, order in _read(path):
            orders.add(order)
            key = name_key(name)
            # A single word may be a word.
            if " " in key:
                names.add(key)
    return People(frozenset(names), frozenset(orders - {""}))


def _read(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            yield from _letters(stream) if path.suffix == ".jsonl" else _rows(stream)
    except (OSError, csv.Error, ValueError):
        return


def _letters(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, recipient = _NAME.search(line), _RECIPIENT.search(line)
        if name and recipient:
            yield json.loads(name[1]), json.loads(recipient[1])


def _rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    source = iter(lines)
    header = next(source, "")
    delimiter = next((sign for sign in ",;\t" if sign in header), ",")
    columns = [name.strip().strip('"') for name in header.strip().split(delimiter)]
    if "order_id" not in columns:
        return
    for cells in csv.reader(source, delimiter=delimiter):
        row = dict(zip(columns, cells, strict=False))
        yield row.get("name", ""), row.get("order_id", "").strip()
