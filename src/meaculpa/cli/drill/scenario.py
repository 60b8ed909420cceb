"""What is rehearsed: a scenario, and a throwaway shop that knows no real target, server or address."""

import csv
import io
import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from meaculpa.config import Config
from meaculpa.files import create_file
from meaculpa.project import read_scaffold

CUSTOMERS, WAITING = 12, 3
# Nothing is ever delivered below this name (RFC 2606).
_NOWHERE = "drill.invalid"
_OURS = ("AWS_", "MEACULPA_")


class Scenario(Struct, frozen=True):
    """One of the five mistakes: what people are told, and the facts that `--auto` types, by language."""

    key: str
    name: str
    kind: str
    briefing: str
    later: str
    over: str
    facts: Mapping[str, Mapping[str, str]]
    impact: str | None = None
    components: tuple[str, ...] = ()
    stage: str | None = None
    offers: str | None = None
    is_promised: bool = False


class Stage(Struct, frozen=True):
    """The throwaway shop: its folder, the language of its texts, and what commands see of the machine."""

    folder: Path
    locale: str
    environment: Mapping[str, str]
    components: tuple[str, ...] = ()


def read_scenarios() -> dict[str, Scenario]:
    """Read the packaged scenarios by name."""
    found = {}
    for name, content in read_scaffold("drills").items():
        values = yaml.safe_load(content)
        key = name.removesuffix(".yml")
        values["components"] = tuple(values.get("components", ()))
        found[key] = Scenario(key=key, **values)
    return found


def build_stage(folder: Path, config: Config | None, templates: Path | None, port: int) -> Stage:
    """Make a shop like the project's own, or the sample, whose one target is a folder and whose mails go nowhere."""
    values = _own(config) if config else yaml.safe_load(read_scaffold("sample")["meaculpa.yml"])
    values |= {"targets": [{"name": "drill", "type": "directory", "path": "public"}], "mail": _mail(port)}
    for key in ("letters", "brand"):
        values.pop(key, None)
    create_file(folder / "meaculpa.yml", yaml.safe_dump(values, allow_unicode=True, sort_keys=False).encode())
    (folder / "incidents").mkdir()
    for path in sorted(templates.rglob("*")) if templates and templates.is_dir() else ():
        if path.is_file():
            create_file(folder / "site_templates" / path.relative_to(templates or path), path.read_bytes())
    environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    locale = (values["site"].get("locales") or ["en"])[0]
    return Stage(folder, locale, environment, tuple(one["id"] for one in values["components"]))


def _own(config: Config) -> dict[str, Any]:
    """The whole configuration, but for what leads to other machines and to files that are not copied."""
    elsewhere = {"targets", "mail", "letters", "channels", "brand"}
    return config.model_dump(mode="json", by_alias=True, exclude=elsewhere, exclude_defaults=True)


def _mail(port: int) -> dict[str, Any]:
    transport = {"type": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}
    people = {"from": f"drill@{_NOWHERE}", "signed_by": "Drill", "reply_to": f"drill@{_NOWHERE}"}
    return {**people, "per_second": 1000, "transport": transport}


def write_orders(folder: Path, scenario: Scenario, today: date) -> Path:
    """Write the orders that the scenario is about: twelve customers who do not exist."""
    rows = [_order(number, scenario, today) for number in range(1, CUSTOMERS + 1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "private" / "orders.csv"
    create_file(path, text.getvalue().encode())
    create_file(folder / "private" / "asked.txt", "".join(f"asked-{n}@{_NOWHERE}\n" for n in range(WAITING)).encode())
    return path


def _order(number: int, scenario: Scenario, today: date) -> dict[str, str]:
    row = {
        "order_id": f"DRILL-{number}",
        "email": f"customer-{number}@{_NOWHERE}",
        "name": f"Customer {number}",
        "item": "Fjell tent" if scenario.kind == "pricing" else "Zigzag throw",
        "price": "24.90" if scenario.kind == "pricing" else "54.00",
        "currency": "EUR",
        "charge_state": "held",
        "ordered_on": str(today - timedelta(days=3)),
        "promised_ship_on": str(today + timedelta(days=2)),
        "new_ship_on": str(today + timedelta(days=9)),
    }
    return row | ({"right_price": "249.00"} if scenario.kind == "pricing" else {})
