"""Simulates the return of a waiting crowd: 100,000 customers see a splash page while a shop is down for half an hour.

Compares the splash page, with the pauses that its own code computes (run in node), with what shops do otherwise: how
many requests a second hit the shop when it is back, and how long a server of bounded capacity needs to recover.

python bench/crowd.py
"""

import heapq
import random
import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CUSTOMERS = 100_000
DOWN = 1_800
CAPACITY = 1_200
RUNS = 3
HOUR = 3_600
SPLASH = Path(__file__).parents[1] / "site_templates" / "splash.js"


@dataclass(frozen=True)
class Policy:
    """When a waiting page first looks (from when it came), and when again (by the number of looks so far).

    `looks_first` pages ask with one request whether the shop is back, and return with another in `spread` seconds.
    """

    name: str
    begin: Callable[[float, random.Random], float]
    pause: Callable[[int, random.Random], float]
    looks_first: bool = False
    spread: float = 0


@dataclass(frozen=True)
class Outcome:
    """Requests a second at the worst, seconds above capacity, seconds until 95 of 100 customers are back."""

    peak: int
    overloaded: int
    recovered: float | None


def pauses_of_the_splash_page(retry: int) -> list[float]:
    """The mean pause before each look, in seconds, as the page's own `pauseOf` gives it."""
    function = re.search(r"function pauseOf\(.*?\n  \}", SPLASH.read_text(encoding="utf-8"), re.DOTALL)
    assert function, "the splash page computes its pauses in pauseOf"
    script = (
        f"{function[0]}; console.log([...Array(40).keys()].map((tries) => pauseOf({retry}, tries, .5) / 1e3).join())"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return [float(pause) for pause in done.stdout.split(",")]


def simulate(policy: Policy, chance: random.Random) -> Outcome:
    """Play it through, second by second.

    Above its capacity a server does useful work only in proportion to what it is not asked in vain: of L requests in
    a second it answers C * C / L, the others get the splash page again.
    """
    events: list[tuple[float, int, int, bool]] = []
    for customer in range(CUSTOMERS):
        at, tries = policy.begin(chance.uniform(0, DOWN), chance), 1
        while at < DOWN:
            at, tries = at + policy.pause(tries, chance), tries + 1
        heapq.heappush(events, (at, customer, tries, False))
    requests: Counter[int] = Counter()
    returned: list[float] = []
    while events and events[0][0] < DOWN + HOUR:
        second = int(events[0][0])
        batch = []
        while events and int(events[0][0]) == second:
            batch.append(heapq.heappop(events))
        load = len(batch)
        requests[second] += load
        share = 1.0 if load <= CAPACITY else (CAPACITY / load) ** 2
        for at, customer, tries, is_return in batch:
            if chance.random() >= share:
                heapq.heappush(events, (at + max(1, policy.pause(tries, chance)), customer, tries + 1, False))
            elif is_return or not policy.looks_first:
                returned.append(at)
            else:
                heapq.heappush(events, (at + 0.01 + chance.uniform(0, policy.spread), customer, tries, True))
    enough = int(CUSTOMERS * 0.95)
    recovered = sorted(returned)[enough - 1] - DOWN if len(returned) >= enough else None
    return Outcome(max(requests.values()), sum(count > CAPACITY for count in requests.values()), recovered)


def main() -> None:
    """Print the table: medians of several runs."""
    pauses = pauses_of_the_splash_page(120)

    def pause(tries: int, chance: random.Random) -> float:
        return pauses[tries] * (0.5 + chance.random())

    def begin(came: float, chance: random.Random) -> float:
        return came + pause(0, chance)

    policies = [
        Policy("told a time, then every 5 s", lambda _, chance: DOWN + chance.uniform(0, 5), lambda *_: 5.0),
        Policy("a page that reloads every 10 s", lambda came, _: came + 10, lambda *_: 10.0),
        Policy("a page that reloads every 30 s", lambda came, _: came + 30, lambda *_: 30.0),
        Policy("the splash page, return_over_seconds: 0", begin, pause, looks_first=True),
        Policy("the splash page as configured (120 s, 180 s)", begin, pause, looks_first=True, spread=180),
    ]
    print(
        f"{CUSTOMERS:,} customers, {DOWN // 60} minutes down, a server that answers {CAPACITY:,} requests a second\n"
    )
    print(f"{'':<46} {'peak req/s':>10} {'overloaded':>12} {'95 % back after':>16}")
    for policy in policies:
        outcomes = [simulate(policy, random.Random(run)) for run in range(RUNS)]
        back = [outcome.recovered for outcome in outcomes]
        peak = statistics.median(outcome.peak for outcome in outcomes)
        overloaded = statistics.median(outcome.overloaded for outcome in outcomes)
        recovered = "not in an hour" if None in back else f"{statistics.median(filter(None, back)):.0f} s"
        print(f"{policy.name:<46} {peak:>10,.0f} {overloaded:>10,.0f} s {recovered:>16}")


if __name__ == "__main__":
    main()
