"""Badges: what they say, how they look to machines, and that no name breaks them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from meaculpa.render.badges import text_width
from tests.making import CONFIG, at, incident_text, write_project

NOW = at("2026-11-22 12:00")
SVG = "{http://www.w3.org/2000/svg}"
FRONT = "impact: {impact}\ncomponents:\n  payments: {status}\n"
STATES = {
    "minor": ("degraded_performance", "Minor impact", "Slow or unreliable"),
    "major": ("partial_outage", "Major impact", "Works in part"),
    "critical": ("major_outage", "Critical impact", "Does not work"),
}


def built(root: Path, memory: Memory, **incidents: str) -> Build:
    return build(read_project(write_project(root, **incidents)), NOW, memory)


def shields(done: Build, name: str) -> dict[str, object]:
    found = json.loads(done.files[f"{name}.json"].body)
    assert isinstance(found, dict)
    return found


def label(done: Build, name: str) -> str:
    return ElementTree.fromstring(done.files[f"{name}.svg"].body.decode()).get("aria-label") or ""


def test_all_is_well(tmp_path: Path, memory: Memory) -> None:
    done = built(tmp_path, memory)
    assert label(done, "badge") == "Northwind: Works"
    assert label(done, "badge/payments") == "Card payments: Works"
    assert shields(done, "badge") == {
        "schemaVersion": 1,
        "label": "Northwind",
        "message": "Works",
        "color": "1a7f4b",
        "isError": False,
        "cacheSeconds": 300,
    }


@pytest.mark.parametrize("impact", STATES)
def test_each_state_is_said_of_the_whole_and_of_the_part(tmp_path: Path, memory: Memory, impact: str) -> None:
    status, whole, part = STATES[impact]
    done = built(tmp_path, memory, card=incident_text(FRONT.format(impact=impact, status=status)))
    assert label(done, "badge") == f"Northwind: {whole}"
    assert label(done, "badge/payments") == f"Card payments: {part}"
    assert label(done, "badge/checkout") == "Checkout: Works"
    assert shields(done, "badge/payments")["message"] == part
    assert shields(done, "badge")["color"] != "1a7f4b"
    assert shields(done, "badge")["isError"] is (impact == "critical")


def test_planned_work_is_no_trouble(tmp_path: Path, memory: Memory) -> None:
    window = "kind: maintenance\nstarts: 2026-11-22 11:00 UTC\nends: 2026-11-22 13:00 UTC\n"
    front = f"{window}components:\n  checkout: under_maintenance\n"
    done = built(tmp_path, memory, work=incident_text(front, "## 2026-11-20 09:00 UTC scheduled\n\nWe work.\n"))
    assert label(done, "badge") == "Northwind: Planned work"
    assert label(done, "badge/checkout") == "Checkout: Planned work"
    assert shields(done, "badge")["color"] == shields(done, "badge/checkout")["color"] == "1d5fbf"


def test_any_name_fits_and_breaks_nothing(tmp_path: Path, memory: Memory) -> None:
    root = write_project(tmp_path)
    name = '店舗 <b>&"x"</b> Wäre'
    (root / "meaculpa.yml").write_bytes(CONFIG.replace(b"name: Northwind,", f"name: '{name}',".encode()))
    done = build(read_project(root), NOW, memory)
    image = ElementTree.fromstring(done.files["badge.svg"].body.decode())
    assert image.get("aria-label") == f"{name}: Works"
    first, second = image.iter(f"{SVG}text")
    wide = int(image.get("width") or 0)
    assert int(first.get("textLength") or 0) + int(second.get("textLength") or 0) < wide
    assert text_width("店舗") == 22 and text_width("ill") < text_width("www")


def test_a_badge_is_made_again_only_when_it_says_something_else(tmp_path: Path, memory: Memory) -> None:
    updates = "## 2026-11-22 09:20 UTC investigating\n\nWe look.\n"
    front = FRONT.format(impact="major", status="partial_outage")
    before = built(tmp_path, memory, card=incident_text(front, updates))
    after = built(
        tmp_path, memory, card=incident_text(front, updates + "\n## 2026-11-22 09:40 UTC identified\n\nOh.\n")
    )
    assert before.files["badge.svg"] is after.files["badge.svg"]
