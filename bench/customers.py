"""Measures planning letters and reading orders, and prints a table: medians of whole processes, and peak memory.

python bench/customers.py              10,000 letters, 1,000,000 rows
"""

import argparse
import csv
import itertools
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from build import MEACULPA, timed

RUNS = 3
NOW = "2026-11-22 12:00"
INCIDENT = """---
title: Some orders leave us late
kind: orders
reason: We counted one delivery twice and did not check the shelf.
budget: {currency: EUR, incident: 9999999, per_customer: 25}
offers:
  - {when: "order.essential_date", give: call, also: true}
  - {when: "order.price >= 50", give: gift_certificate, amount: 20, codes: gift-20.txt, expires: 2027-02-01}
  - {when: "true", give: free_delivery, cost: 4.50}
---

## 2026-11-20 09:20 identified

We write to each of you.
"""
GERMAN = """---
title: Einige Bestellungen gehen zu spät ab
reason: Wir haben eine Lieferung doppelt gezählt und das Regal nicht geprüft.
---
"""
MAIL = "mail: {from: 'Shop <orders@shop.example>', signed_by: Anna Berg, transport: {type: smtp, host: localhost}}\n"
COLUMNS = (
    *("order_id", "email", "name", "item", "price", "currency", "total"),
    *("ordered_on", "promised_ship_on", "new_ship_on", "notice_number", "charge_state", "refunded_on"),
    *("essential_date", "jurisdiction", "locale", "phone"),
)
# Every rule of the delay law, every state that the money of a delayed order can have, both languages.
CASES = tuple(
    itertools.product(
        (
            ("2026-11-24", "2026-12-02", "1"),
            ("2026-11-24", "", "1"),
            ("2026-11-24", "2026-12-02", "2"),
            ("2026-11-20", "2026-12-02", "1"),
        ),
        (("not_charged", ""), ("held", ""), ("charged", "")),
        ("us", "eu", "uk", ""),
        ("en", "de"),
        (("24.00", "28.50"), ("180.00", "184.50")),
        ("", "2026-12-05"),
    )
)


def orders(count: int) -> Iterator[list[str]]:
    for number, case in zip(range(count), itertools.cycle(CASES), strict=False):
        (promised, new, notice), (state, refunded), jurisdiction, locale, (price, total), essential = case
        who = [str(10_000 + number), f"customer{number}@example.com", f"Customer {number}", "Zigzag throw"]
        dates = ["2026-10-25", promised, new, notice, state, refunded, essential]
        yield [*who, price, "EUR", total, *dates, jurisdiction, locale, "+44 800 555 0100"]


def write_orders(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(COLUMNS)
        rows.writerows(orders(count))


def write_project(folder: Path, codes: int) -> Path:
    project = folder / "shop"
    subprocess.run([*MEACULPA, "init", str(project), "--sample"], check=True, stdout=subprocess.DEVNULL)
    config = (project / "meaculpa.yml").read_text(encoding="utf-8").split("\nmail:")[0]
    (project / "meaculpa.yml").write_text(f"{config}\n{MAIL}", encoding="utf-8")
    (project / "incidents" / "2026-11-20-late.md").write_text(INCIDENT, encoding="utf-8")
    (project / "incidents" / "2026-11-20-late.de.md").write_text(GERMAN, encoding="utf-8")
    pool = project / "private" / "codes" / "gift-20.txt"
    pool.parent.mkdir(parents=True)
    pool.write_text("".join(f"C-{number}\n" for number in range(codes)), encoding="utf-8")
    return project


READ = (
    "import sys\nfrom meaculpa.customers.order import Order, Stage\n"
    "from meaculpa.customers.orders import read_orders\n"
    "with open(sys.argv[1], encoding='utf-8', newline='') as lines:\n"
    "    count = sum(isinstance(one, Order) for one in read_orders(lines, 'orders.csv', Stage.DELAY))\n"
    "assert count == int(sys.argv[2]), count"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    counts = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project, file = write_project(Path(name), counts.letters), Path(name) / "orders.csv"
        write_orders(file, counts.letters)
        command = [
            *MEACULPA,
            "-C",
            str(project),
            "customers",
            "plan",
            "2026-11-20-late",
            "--stage",
            "delay",
            "--now",
            NOW,
        ]
        runs = [timed([*command, "--orders", str(file)]) for _ in range(RUNS)]
        report(f"planning {counts.letters:,} letters", runs)
        write_orders(file, counts.rows)
        report(f"reading {counts.rows:,} orders", [timed([sys.executable, "-c", READ, str(file), str(counts.rows)])])


def report(what: str, runs: list[tuple[float, float]]) -> None:
    seconds = statistics.median(seconds for seconds, _ in runs)
    print(f"{what}: {seconds:.1f} s, {max(memory for _, memory in runs):.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
