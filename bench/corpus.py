"""Writes incidents of a shop in meaculpa's format: many, the same for the same numbers, about 3 kB each.

Sizes follow what status pages really hold: four updates an incident, about 120 words an update, twelve components,
five years, two incidents open.
"""

import argparse
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
YEARS = 5
COMPONENTS = (
    ("storefront", "Storefront", "Shop"),
    ("search", "Search", "Shop"),
    ("basket", "Basket", "Shop"),
    ("checkout", "Checkout", "Shop"),
    ("accounts", "Accounts", "Shop"),
    ("cards", "Card payments", "Money"),
    ("wallets", "Wallets", "Money"),
    ("refunds", "Refunds", "Money"),
    ("orders", "Order tracking", "After the order"),
    ("delivery", "Delivery", "After the order"),
    ("email", "Order e-mails", "After the order"),
    ("partners", "Partner interface", "Partners"),
)
_WHO = ("You", "Some 40 of you", "One in nine of you", "Those of you in Ireland", "Those of you who pay by card")
_WHAT = (
    "could not finish an order",
    "waited 20 seconds for a page",
    "saw an old price",
    "got no confirmation",
    "had to log in twice",
    "saw stock that was not there",
    "could not open the order history",
)
_DONE = (
    "put the earlier version back",
    "added six machines",
    "renewed the certificate",
    "emptied the queue by hand",
    "moved orders to the second site",
    "switched the new search off",
    "raised the limit for connections",
)
_CLOSE = (
    "Orders that were placed are safe.",
    "No card was charged twice.",
    "We check each order by hand.",
    "Your basket is kept until Friday.",
    "You can order by phone on **0800 555 0100**.",
)
_STAGES = ("investigating", "identified", "monitoring", "resolved")


def _sentence(chance: random.Random) -> str:
    kind = chance.randrange(5)
    if kind == 0:
        return f"{chance.choice(_WHO)} {chance.choice(_WHAT)}."
    if kind == 1:
        return f"At {chance.randrange(24):02d}:{chance.randrange(60):02d} UTC we {chance.choice(_DONE)}."
    if kind == 2:
        return f"We {chance.choice(_DONE)}, and pages opened again within {chance.randint(2, 55)} minutes."
    if kind == 3:
        return f"More stands on [our help page](https://help.shop.example/articles/{chance.randint(100, 9999)})."
    return chance.choice(_CLOSE)


def _body(chance: random.Random, words: int = 120) -> str:
    blocks: list[str] = []
    count, wanted = 0, max(20, int(chance.gauss(words * 0.85, words * 0.25)))
    while count < wanted:
        as_list = bool(blocks) and chance.random() < 0.22
        sentences = [_sentence(chance) for _ in range(chance.randint(2, 4))]
        block = "\n".join(f"- {one}" for one in sentences) if as_list else " ".join(sentences)
        blocks.append(block)
        count += len(block.split())
    return "\n\n".join(blocks)


def incidents(count: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Give the name and text of each incident file, oldest first; the newest two are open."""
    begin, span = NOW - timedelta(days=365 * YEARS), timedelta(days=365 * YEARS - 3)
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        is_open = number >= count - 2
        started = NOW - timedelta(minutes=40 * (count - number)) if is_open else begin + span * (number / count)
        touched = chance.sample([one[0] for one in COMPONENTS], chance.choice((1, 1, 1, 2, 3)))
        impact = chance.choices(("minor", "major", "critical"), (45, 38, 17))[0]
        title = f"{chance.choice(_WHO)} {chance.choice(_WHAT)}"
        front = [
            f"title: {title}",
            f"impact: {impact}",
            "components:",
            *(f"  {one}: partial_outage" for one in touched),
        ]
        at, blocks = started.replace(second=0, microsecond=0), []
        for stage in _STAGES[: 3 if is_open else 4]:
            blocks.append(f"## {at:%Y-%m-%d %H:%M} UTC {stage}\n\n{_body(chance)}\n")
            at += timedelta(minutes=chance.randint(4, 10 if is_open else 70))
        yield f"{started:%Y-%m-%d}-{number:05d}", "---\n" + "\n".join(front) + "\n---\n\n" + "\n".join(blocks)


def write_project(folder: Path, count: int) -> None:
    """Write a project of that many incidents."""
    (folder / "incidents").mkdir(parents=True)
    components = "".join(f'  - {{id: {key}, name: "{name}", group: "{group}"}}\n' for key, name, group in COMPONENTS)
    (folder / "meaculpa.yml").write_text(
        'site: {name: Example Shop, url: "https://status.shop.example", store_url: "https://www.shop.example"}\n'
        f"components:\n{components}targets:\n  - {{name: local, type: directory, path: public}}\n"
    )
    for name, text in incidents(count):
        (folder / "incidents" / f"{name}.md").write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=1000)
    arguments = parser.parse_args()
    write_project(arguments.folder, arguments.n)
