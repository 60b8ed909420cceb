"""Measures planning, sending and opening letters, and reading orders: whole processes, medians, peak memory.

PYTHONPATH=. python bench/customers.py              10,000 letters, 1,000,000 rows

Mail goes to a server on this machine that says yes to everything; letters on the page go to SeaweedFS and into a
folder, from which they are opened in Chromium.
"""

import argparse
import csv
import functools
import http.server
import itertools
import json
import os
import random
import re
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from speed.measuring import timed
from speed.ours import MEACULPA

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
        many = Path(name) / "many.csv"
        write_orders(many, counts.rows)
        report(f"reading {counts.rows:,} orders", [timed([sys.executable, "-c", READ, str(many), str(counts.rows)])])
        measure_sending(project, counts.letters)
        measure_page(project, [*command, "--orders", str(file)], counts.letters, Path(name))


class Yes(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a sender needs that is never refused: what is measured is the sender."""

    def handle(self) -> None:
        self.wfile.write(b"220 bench\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            self.wfile.write(b"354 go on\r\n" if verb == b"DATA" else b"250 yes\r\n")
            if verb == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                self.wfile.write(b"250 taken\r\n")
            if verb == b"QUIT":
                return


def configure(project: Path, mail: str, more: str = "") -> None:
    """Put what is said of mail, and more, at the end of the configuration."""
    path = project / "meaculpa.yml"
    text = path.read_text(encoding="utf-8").split("\nmail:")[0]
    path.write_text(f"{text}\n{mail}{more}", encoding="utf-8")


def measure_sending(project: Path, letters: int) -> None:
    plan = str(project / "private" / "plans" / "2026-11-20-late-delay")
    command = [*MEACULPA, "-C", str(project), "customers", "send", plan, "--yes-send", str(letters), "--now", NOW]
    for connections in (1, 4):
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Yes) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            how = f"per_second: 10000, connections: {connections}, transport: {{type: smtp, security: none, host: "
            port = server.server_address[1]
            configure(
                project, MAIL.replace("transport: {type: smtp, host: localhost", f"{how}127.0.0.1, port: {port}")
            )
            runs = []
            for _ in range(RUNS):
                forget(project)
                runs.append(timed(command))
            server.shutdown()
        report(f"sending {letters:,} letters over {connections} connection(s)", runs)


def forget(project: Path) -> None:
    """Have nobody written to yet."""
    for path in (project / "private").glob("ledger.db*"):
        path.unlink()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A static host."""

    def log_message(self, *_: object) -> None:
        """Say nothing: what is measured is printed."""


def measure_page(project: Path, plan: list[str], letters: int, folder: Path) -> None:
    """Lay all letters out in S3 and in a folder, and open some of them."""
    # Not before: what this process is large with would be counted as its children's.
    from tests.conftest import make_bucket
    from tests.servers import ACCESS_KEY, SECRET_KEY, seaweedfs

    site = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder / "site"))
    )
    threading.Thread(target=site.serve_forever, daemon=True).start()
    path = project / "meaculpa.yml"
    text = re.sub(r"(?ms)^targets:.*?(?=^\w)", "", path.read_text(encoding="utf-8"))
    address = f"http://127.0.0.1:{site.server_address[1]}"
    path.write_text(re.sub(r"(?m)^  url: .*", f"  url: {address}", text, count=1), encoding="utf-8")
    with seaweedfs(folder) as url:
        os.environ |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        make_bucket(url, "letters")
        forget(project)
        bucket = f"{{name: s3, type: s3, bucket: letters, region: eu-west-1, endpoint_url: '{url}'}}"
        configure(project, MAIL, f"letters: {{days: 30}}\ntargets: [{bucket}]\n")
        subprocess.run(plan, check=True, stdout=subprocess.DEVNULL)
        print(f"laying {letters:,} letters out in S3: {lay(project):.1f} s", flush=True)
    configure(
        project, MAIL, f"letters: {{days: 30}}\ntargets: [{{name: site, type: directory, path: {folder}/site}}]\n"
    )
    print(f"laying {letters:,} letters out in a folder: {lay(project):.1f} s", flush=True)
    subprocess.run([*MEACULPA, "-C", str(project), "publish", "--now", NOW], check=True, stdout=subprocess.DEVNULL)
    open_some(project, letters)
    site.shutdown()


def lay(project: Path) -> float:
    """Do what `customers send` does before it sends; gives the seconds."""
    from meaculpa.build.memory import Memory
    from meaculpa.cli.common import read_all
    from meaculpa.cli.customers.common import project_ledger
    from meaculpa.cli.customers.page_letters import lay_out
    from meaculpa.customers.folder import read_plan

    plan = read_plan(project / "private" / "plans" / "2026-11-20-late-delay")
    _, config = read_all(project, Memory())
    with project_ledger(project) as ledger:
        begun = time.perf_counter()
        (laid,) = lay_out(plan, project, config, ledger)
        assert laid.error is None, laid.error
        return time.perf_counter() - begun


def open_some(project: Path, letters: int) -> None:
    from playwright.sync_api import sync_playwright
    from tests.conftest import find_browser

    lines = (project / "private" / "plans" / "2026-11-20-late-delay" / "letters.jsonl").read_text(encoding="utf-8")
    chosen = random.Random(1).sample(lines.splitlines(), 25)
    links = [re.findall(r"http\S+#\S+", json.loads(line)["text"])[0] for line in chosen]
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        for link in links:
            page = browser.new_page()
            page.goto(link)
            page.wait_for_selector("article h1")
            times.append(page.evaluate("performance.now()"))
            page.close()
        browser.close()
    print(
        f"opening one of {letters:,} letters: {statistics.median(times):.0f} ms, {max(times):.0f} at most", flush=True
    )


def report(what: str, runs: list[tuple[float, float]]) -> None:
    seconds = statistics.median(seconds for seconds, _ in runs)
    print(f"{what}: {seconds:.1f} s, {max(memory for _, memory in runs):.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
