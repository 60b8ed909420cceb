"""Prints how large everything is that a browser gets; ends with 1 when something is above its limit."""

import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project, read_scaffold
from meaculpa.render.banner import banner_script
from meaculpa.render.scaffold import sample_shop

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PARTS = ("storefront", "search", "account", "basket", "checkout", "payments", "delivery", "returns", "email", "stock")
TITLES = {
    "You cannot pay by card": "critical",
    "Search shows nothing": "major",
    "Parcels are late in the north": "minor",
    "Confirmation e-mails come late": "minor",
    "The tent has a wrong price": "minor",
}
STATUSES = ("degraded_performance", "partial_outage", "major_outage")


@dataclass(frozen=True)
class Size:
    """One measured size and the most it may be, in bytes (or elements)."""

    name: str
    unit: str
    measured: int
    limit: int


def sizes() -> Iterator[Size]:
    """Measure the sample shop, and a large one: ten components, 90 days of trouble, five open incidents."""
    with tempfile.TemporaryDirectory() as folder:
        sample = _built(Path(folder) / "sample", sample_shop(read_scaffold("sample"), b"", NOW))
        large = _built(Path(folder) / "large", large_shop())
    yield from _banner(sample)
    yield from _splash(sample)
    page = large.files["index.html"].body
    yield Size("index.html, 10 components, 90 days, 5 open", "brotli", _brotli(page), 5_000)
    yield Size("index.html, 10 components, 90 days, 5 open", "elements", len(re.findall(rb"<[a-z]", page)), 500)


def _banner(done: Build) -> Iterator[Size]:
    core = next(file.body for path, file in done.files.items() if path.startswith("banner.core."))
    yield Size("banner code alone", "raw", len(core), 7_800)
    yield Size("banner code alone", "brotli", _brotli(core), 3_500)
    with_one = banner_script(_code(), _one_incident(done)).encode()
    yield Size("banner.js, 1 incident, 2 languages", "brotli", _brotli(with_one), 4_096)
    yield Size("banner.json, the most that is read", "raw", len(done.files["banner.json"].body), 32_768)


def _splash(done: Build) -> Iterator[Size]:
    yield Size("splash.html, 2 languages", "raw", len(done.files["splash.html"].body), 6_000)
    yield Size("splash.tiny.html", "raw", len(done.files["splash.tiny.html"].body), 1_024)
    yield Size("splash-worker.js", "raw", len(done.files["splash-worker.js"].body), 1_300)
    yield Size("splash-worker.off.js", "raw", len(done.files["splash-worker.off.js"].body), 300)


def _code() -> str:
    small = Path(__file__).parents[1] / "site_templates" / "minified" / "banner.js"
    return small.read_text(encoding="utf-8")


def _one_incident(done: Build) -> dict[str, object]:
    """The sample's state with nothing in it but the first incident that is told in two languages."""
    state = json.loads(done.files["banner.json"].body)
    return {**state, "items": [item for item in state["items"] if len(item.get("text", {})) == 2][:1]}


def large_shop() -> dict[str, bytes]:
    """Write the files of a large shop in trouble; the same on every run."""
    chance = random.Random(7)
    components = "".join(
        f"  - {{id: {part}, name: {part.title()}, group: {'Shop' if number < 5 else 'Orders'}}}\n"
        for number, part in enumerate(PARTS)
    )
    site = "site: {name: Northwind Outfitters, url: https://status.northwind.example, locales: [en, de],"
    site += " store_url: https://www.northwind.example}\n"
    files = {"meaculpa.yml": f"{site}components:\n{components}".encode()}
    for days in range(1, 90, 2):
        begin = NOW - timedelta(days=days, hours=chance.randint(0, 5))
        files[f"incidents/{begin:%Y-%m-%d}-past.md"] = _past(begin, chance).encode()
    for number, (title, impact) in enumerate(TITLES.items()):
        begin = NOW - timedelta(hours=3 + number)
        files[f"incidents/{begin:%Y-%m-%d}-open-{number}.md"] = _open(begin, title, impact, number, chance).encode()
    return files


def _past(begin: datetime, chance: random.Random) -> str:
    part = chance.choice(PARTS)
    ended = begin + timedelta(minutes=chance.randint(20, 200))
    return (
        f"---\ntitle: {part.title()} was slow for some of you ({begin.day})\nimpact: minor\n"
        f"components: {{{part}: {chance.choice(STATUSES)}}}\n---\n"
        f"## {begin:%Y-%m-%d %H:%M} UTC investigating\n\nSome of you waited.\n\n"
        f"## {ended:%Y-%m-%d %H:%M} UTC resolved\n\nIt works again.\n"
    )


def _open(begin: datetime, title: str, impact: str, number: int, chance: random.Random) -> str:
    touched = f"{PARTS[number * 2]}: {STATUSES[number % 3]}, {PARTS[number * 2 + 1]}: {STATUSES[(number + 1) % 3]}"
    updates = "".join(
        f"\n## {at:%Y-%m-%d %H:%M} UTC {'investigating' if step < 3 else 'identified'}\n"
        f"next_update: {at + timedelta(hours=4):%Y-%m-%d %H:%M} UTC\n\n"
        f"We are working on it: {title.lower()}. Step {step} is done. "
        f"{chance.choice(['It did not help.', 'It helped some of you.', 'We go on.'])}\n"
        for step in range(12)
        for at in [begin + timedelta(minutes=12 * step)]
    )
    return (
        f"---\ntitle: {title}\nimpact: {impact}\ncomponents: {{{touched}}}\nsummary: {title}. Your basket is saved.\n"
        "works: You can pay with PayPal, or order by phone.\nmoney: No card was charged for an order that failed.\n"
        f"---\n{updates}"
    )


def written(root: Path, files: dict[str, bytes]) -> Path:
    """Write the files of a project; gives its folder."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def _built(root: Path, files: dict[str, bytes]) -> Build:
    memory = Memory()
    try:
        return build(read_project(written(root, files)), NOW, memory)
    finally:
        memory.pool.close()


def _brotli(content: bytes) -> int:
    return len(brotli.compress(content))


def main() -> int:
    """Print the table."""
    found = list(sizes())
    for size in found:
        mark = "" if size.measured <= size.limit else "  TOO LARGE"
        print(f"{size.name:<44} {size.unit:<8} {size.measured:>7,} of {size.limit:>7,}{mark}")
    return int(any(size.measured > size.limit for size in found))


if __name__ == "__main__":
    sys.exit(main())
