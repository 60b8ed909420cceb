"""Small makers of values, so that a test shows only what it is about."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from meaculpa.config import Config, parse_config
from meaculpa.content import parse
from meaculpa.model import Incident, Source

CONFIG = b"""\
format: 1
site: {name: Northwind, url: "https://status.northwind.example", store_url: "https://www.northwind.example",
       timezone: Europe/London, locales: [en, de]}
components:
  - {id: storefront, name: Storefront, paths: ["/*"]}
  - {id: checkout, name: Checkout, paths: ["/checkout*"]}
  - {id: payments, name: Card payments}
targets:
  - {name: local, type: directory, path: public}
"""


def at(text: str) -> datetime:
    """`2026-11-22 09:20` as a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_config(content: bytes = CONFIG) -> Config:
    config = parse_config(content)
    assert isinstance(config, Config), config
    return config


def a_source(path: str, text: str | bytes) -> Source:
    content = text.encode() if isinstance(text, str) else text
    return Source(path, content, hashlib.sha256(content).hexdigest())


def incident_text(front: str = "", updates: str = "", title: str = "You cannot pay by card") -> str:
    impact = "" if "impact:" in front or "kind:" in front else "impact: major\n"
    updates = updates or "## 2026-11-22 09:20 UTC investigating\n\nYou cannot pay by card.\n"
    return f"---\ntitle: {title}\n{impact}{front}---\n\n{updates}"


def an_incident(front: str = "", updates: str = "", name: str = "card-payments", **translations: str) -> Incident:
    """Parse one incident, which must have no problem."""
    sources = [a_source(f"incidents/{name}.md", incident_text(front, updates))]
    sources += [a_source(f"incidents/{name}.{locale}.md", text) for locale, text in translations.items()]
    content = parse(sources, a_config())
    assert content.problems == ()
    return content.incidents[0]


def write_project(root: Path, **incidents: str) -> Path:
    """Write a project folder with incidents by id (`_` for `-`)."""
    (root / "incidents").mkdir(parents=True, exist_ok=True)
    (root / "meaculpa.yml").write_bytes(CONFIG)
    for name, text in incidents.items():
        (root / "incidents" / f"{name.replace('_', '-')}.md").write_text(text, encoding="utf-8")
    return root
