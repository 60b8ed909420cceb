"""The calendar of planned work, as `icalendar` and calendar programs read it."""

from pathlib import Path

from icalendar import Calendar, Event

from meaculpa.build.composition import build
from meaculpa.build.memory import Memory
from meaculpa.project import read_project
from tests.making import at, incident_text, write_project

WINDOW = "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
FRONT = f"{WINDOW}components:\n  checkout: under_maintenance\n"
SCHEDULED = (
    "## 2026-11-20 09:00 UTC scheduled\n\nYou cannot order from {start} on; your basket, and all in it, is kept.\n"
)
CALLED_OFF = "\n## 2026-11-25 09:00 UTC completed\n\nWe do not do it: no work is needed.\n"
LATE = "\n## 2026-11-26 04:10 UTC in_progress\n\nWe need longer.\n"
LATE += "\n## 2026-11-26 04:40 UTC completed\n\nIt took 40 minutes longer.\n"


def body(root: Path, memory: Memory, now: str, **incidents: str) -> str:
    return (
        build(read_project(write_project(root, **incidents)), at(now), memory).files["maintenance.ics"].body.decode()
    )


def event(root: Path, memory: Memory, updates: str, now: str = "2026-11-27 12:00", front: str = FRONT) -> Event:
    planned = incident_text(front, updates, title="You cannot check out from {start}")
    (found,) = Calendar.from_ical(body(root, memory, now, checkout=planned)).walk("VEVENT")
    assert isinstance(found, Event)
    return found


def test_a_window_is_an_event(tmp_path: Path, memory: Memory) -> None:
    found = event(tmp_path, memory, SCHEDULED, "2026-11-22 12:00")
    assert found["uid"] == "checkout@status.northwind.example"
    assert (found.decoded("dtstart"), found.decoded("dtend")) == (at("2026-11-26 02:00"), at("2026-11-26 04:00"))
    assert (found["status"], found["sequence"], found["transp"]) == ("CONFIRMED", 0, "TRANSPARENT")
    assert found["summary"] == "Northwind: You cannot check out from 26 Nov 2026, 02:00 GMT"
    assert "your basket, and all in it, is kept" in str(found["description"])
    assert found["url"] == "https://status.northwind.example/incidents/checkout.html"


def test_what_is_called_off_is_cancelled_where_it_stood(tmp_path: Path, memory: Memory) -> None:
    before = event(tmp_path, memory, SCHEDULED, "2026-11-24 12:00")
    found = event(tmp_path, memory, SCHEDULED + CALLED_OFF, "2026-11-25 12:00")
    assert (found["status"], found["sequence"]) == ("CANCELLED", 1)
    assert (found["uid"], found.decoded("dtstart")) == (before["uid"], before.decoded("dtstart"))
    assert found.decoded("dtend") == before.decoded("dtend")
    assert found.decoded("dtstamp") == at("2026-11-25 09:00")


def test_what_was_moved_or_took_longer_keeps_its_uid_and_counts_up(tmp_path: Path, memory: Memory) -> None:
    moved = event(
        tmp_path,
        memory,
        SCHEDULED + "\n## 2026-11-21 09:00 UTC scheduled\n\nWe moved it.\n",
        "2026-11-22 12:00",
        FRONT.replace("2026-11-26", "2026-12-01"),
    )
    assert (moved["uid"], moved["sequence"]) == ("checkout@status.northwind.example", 1)
    assert moved.decoded("dtstart") == at("2026-12-01 02:00")
    longer = event(tmp_path, memory, SCHEDULED + LATE)
    assert longer.decoded("dtend") == at("2026-11-26 04:40")


def test_the_clock_alone_changes_nothing(tmp_path: Path, memory: Memory) -> None:
    planned = incident_text(FRONT, SCHEDULED)
    bodies = {
        body(tmp_path, memory, now, checkout=planned)
        for now in ("2026-11-22 12:00", "2026-11-26 03:00", "2026-11-27 12:00")
    }
    assert len(bodies) == 1


def test_only_planned_work_is_in_it(tmp_path: Path, memory: Memory) -> None:
    calendar = Calendar.from_ical(body(tmp_path, memory, "2026-11-22 12:00", card_payments=incident_text()))
    assert list(calendar.walk("VEVENT")) == []
    assert calendar["x-wr-calname"] == "Northwind: planned work"
    assert calendar["method"] == "PUBLISH"


def test_lines_are_as_rfc_5545_wants_them(tmp_path: Path, memory: Memory) -> None:
    long = SCHEDULED + "\n" + "Überall, wo Sie; bestellen: " * 20 + "\n"
    content = body(tmp_path, memory, "2026-11-22 12:00", checkout=incident_text(FRONT, long))
    lines = content.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "\n" not in "".join(lines)
    assert "Überall, wo Sie; bestellen" in str(next(iter(Calendar.from_ical(content).walk("VEVENT")))["description"])


def test_no_text_adds_a_line_of_its_own(tmp_path: Path, memory: Memory) -> None:
    hostile = SCHEDULED + "\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:injected\n"
    found = event(tmp_path, memory, hostile, "2026-11-22 12:00")
    assert "END:VEVENT" in str(found["description"])
