"""Statuspage's API to the letter: the shapes, and two clients that others have written, unmodified."""

import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from meaculpa.build.composition import Build, build
from meaculpa.build.memory import Memory
from meaculpa.manifest import shard_of
from meaculpa.model import OutputFile
from meaculpa.plan import Group, group_of
from meaculpa.project import read_project
from meaculpa.publish import Options, publish
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.render.api import MOST, id_of
from meaculpa.render.bars import ComponentView, view_component
from meaculpa.render.plain import to_text
from meaculpa.render.words import Words
from meaculpa.status import ComponentState
from tests.making import CONFIG, at, incident_text, write_project

NOW = "2026-11-22 10:30"
GROUPED = CONFIG.replace(
    b"  - {id: payments, name: Card payments}\n",
    b"  - {id: payments, name: Card payments, group: Paying, since: 2026-01-05}\n"
    b"  - {id: vouchers, name: Vouchers, group: Paying}\n  - {id: mail, name: E-mail}\n",
)
CARD = (
    "## 2026-11-22 09:20 UTC investigating\npayments: major_outage\n\nYou cannot pay **by card**.\n\n"
    "## 2026-11-22 09:40 UTC identified\nvouchers: degraded_performance\n\nWe know the cause.\n"
)
RESOLVED = "\n## 2026-11-22 10:20 UTC resolved\n\nYou could not pay by card from 09:20 to 10:20 UTC.\n"
PLANNED = (
    "kind: maintenance\nstarts: 2026-11-26 02:00 UTC\nends: 2026-11-26 04:00 UTC\n"
    "components:\n  checkout: under_maintenance\n"
)
SCHEDULED = "## 2026-11-20 09:00 UTC scheduled\n\nYou cannot order from {start} on.\n"
FILES = (
    *("summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances"),
    *("scheduled-maintenances/upcoming", "scheduled-maintenances/active"),
)
PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    *("id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date"),
    *("group_id", "page_id", "group", "only_show_if_degraded"),
}
INCIDENT = {
    *("id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink"),
    *("started_at", "page_id", "incident_updates", "components"),
}
UPDATE = {
    *("id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components"),
    *("deliver_notifications", "custom_tweet", "tweet_id"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")


def built(
    tmp_path: Path, config: bytes = GROUPED, now: str = NOW, more: Mapping[str, str] | None = None, **incidents: str
) -> Mapping[str, OutputFile]:
    project = write_project(tmp_path / "shop", **incidents, **(more or {}))
    (project / "meaculpa.yml").write_bytes(config)
    memory = Memory()
    try:
        return build(read_project(project), at(now), memory).files
    finally:
        memory.pool.close()


def api(
    tmp_path: Path, config: bytes = GROUPED, now: str = NOW, more: Mapping[str, str] | None = None, **incidents: str
) -> dict[str, Any]:
    files = built(tmp_path, config, now, more, **incidents)
    return {name: json.loads(files[f"api/v2/{name}.json"].body) for name in FILES}


def bodies(done: Build) -> dict[str, bytes]:
    return {path: file.body for path, file in done.files.items()}


def card(more: str = "", front: str = "impact: major\n") -> str:
    return incident_text(front, CARD + more)


def maintenance(more: str = "") -> str:
    return incident_text(PLANNED, SCHEDULED + more, title="You cannot order")


# ---- Shapes


def test_every_file_has_what_its_clients_look_for(tmp_path: Path) -> None:
    found = api(tmp_path, card=card(), works=maintenance())
    keys = {name: set(value) for name, value in found.items()}
    assert keys == {
        "summary": {"page", "components", "incidents", "scheduled_maintenances", "status"},
        "status": {"page", "status"},
        "components": {"page", "components"},
        "incidents": {"page", "incidents"},
        "incidents/unresolved": {"page", "incidents"},
        "scheduled-maintenances": {"page", "scheduled_maintenances"},
        "scheduled-maintenances/upcoming": {"page", "scheduled_maintenances"},
        "scheduled-maintenances/active": {"page", "scheduled_maintenances"},
    }
    summary = found["summary"]
    (incident,), (planned,) = summary["incidents"], summary["scheduled_maintenances"]
    assert set(summary["page"]) == PAGE
    assert all(set(one) - {"components"} == COMPONENT for one in summary["components"])
    assert set(incident) == INCIDENT
    assert set(planned) == INCIDENT | {"scheduled_for", "scheduled_until"}
    assert all(set(one) == UPDATE for one in (*incident["incident_updates"], *planned["incident_updates"]))


def test_moments_and_ids_are_written_as_statuspage_writes_them(tmp_path: Path) -> None:
    summary = api(tmp_path, card=card(RESOLVED), works=maintenance())
    text = json.dumps(summary)
    for key, value in re.findall(r'"(\w+_at|scheduled_for|scheduled_until)": "([^"]*)"', text):
        assert MOMENT.fullmatch(value), key
    ids = re.findall(r'"(?:id|page_id|group_id|incident_id|code)": "([^"]*)"', text)
    assert ids
    assert all(re.fullmatch(r"[a-z0-9]{12}", one) for one in ids)
    assert summary["summary"]["page"]["time_zone"] == "Europe/London"
    assert summary["summary"]["page"]["updated_at"] == "2026-11-22T10:20:00.000Z"


def test_ids_stay_the_same_for_ever() -> None:
    """Whoever has stored one finds it again after every edit: these three are written down here."""
    names = [("incident", "2026-11-22-card"), ("component", "payments"), ("page", "https://status.northwind.example")]
    assert [id_of(*one) for one in names] == IDS


IDS = ["6n0tkpytm46l", "i7kkdarsx1sx", "os3awcmngy7l"]


def test_an_incident_says_what_has_happened(tmp_path: Path) -> None:
    (incident,) = api(tmp_path, card=card(RESOLVED))["incidents"]["incidents"]
    assert (incident["status"], incident["impact"], incident["name"]) == (
        "resolved",
        "major",
        "You cannot pay by card",
    )
    assert (incident["resolved_at"], incident["monitoring_at"]) == ("2026-11-22T10:20:00.000Z", None)
    assert incident["shortlink"] == "https://status.northwind.example/incidents/card.html"
    updates = incident["incident_updates"]
    assert [one["status"] for one in updates] == ["resolved", "identified", "investigating"]
    assert updates[2]["body"] == "You cannot pay by card."
    assert [
        [(one["name"], one["old_status"], one["new_status"]) for one in update["affected_components"]]
        for update in updates
    ] == [
        [
            ("Paying - Card payments", "major_outage", "operational"),
            ("Paying - Vouchers", "degraded_performance", "operational"),
        ],
        [("Paying - Vouchers", "operational", "degraded_performance")],
        [("Paying - Card payments", "operational", "major_outage")],
    ]
    assert [(one["name"], one["status"]) for one in incident["components"]] == [
        ("Card payments", "operational"),
        ("Vouchers", "operational"),
    ]


def test_an_update_keeps_its_id_when_another_one_is_put_before_it(tmp_path: Path) -> None:
    def ids(name: str, text: str) -> dict[str, str]:
        (incident,) = api(tmp_path / name, card=text)["incidents"]["incidents"]
        return {one["created_at"]: one["id"] for one in incident["incident_updates"]}

    between = "\n## 2026-11-22 09:30 UTC investigating\n\nWe are looking for it.\n"
    before, after = ids("before", card()), ids("after", incident_text("impact: major\n", CARD + between))
    assert len(after) == 3
    assert before.items() <= after.items()


def test_what_was_learnt_closes_an_incident(tmp_path: Path) -> None:
    learnt = "\n## 2026-11-22 10:25 UTC postmortem\n\nWe switched without testing.\n"
    found = api(tmp_path, card=card(RESOLVED + learnt))
    assert found["incidents"]["incidents"][0]["status"] == "postmortem"
    assert found["incidents/unresolved"]["incidents"] == []


def test_components_stand_in_their_groups(tmp_path: Path) -> None:
    components = api(tmp_path, card=card())["components"]["components"]
    assert [(one["name"], one["position"], one["group"], one["status"]) for one in components] == [
        ("Storefront", 1, False, "operational"),
        ("Checkout", 2, False, "operational"),
        ("Paying", 3, True, "major_outage"),
        ("Card payments", 1, False, "major_outage"),
        ("Vouchers", 2, False, "degraded_performance"),
        ("E-mail", 4, False, "operational"),
    ]
    group, child = components[2], components[3]
    assert group["components"] == [components[3]["id"], components[4]["id"]]
    assert (child["group_id"], group["group_id"], child["start_date"]) == (group["id"], None, "2026-01-05")
    assert child["updated_at"] == "2026-11-22T09:20:00.000Z"


@pytest.mark.parametrize(
    ("now", "status", "upcoming", "active", "indicator"),
    [
        ("2026-11-22 10:30", "scheduled", 1, 0, "none"),
        ("2026-11-26 03:00", "in_progress", 0, 1, "maintenance"),
        ("2026-11-26 05:00", "completed", 0, 0, "none"),
    ],
)
def test_planned_work_comes_and_goes(
    tmp_path: Path, now: str, status: str, upcoming: int, active: int, indicator: str
) -> None:
    found = api(tmp_path, now=now, works=maintenance())
    (planned,) = found["scheduled-maintenances"]["scheduled_maintenances"]
    assert (planned["status"], planned["impact"]) == (status, "maintenance")
    assert planned["scheduled_for"] == "2026-11-26T02:00:00.000Z"
    assert planned["incident_updates"][0]["body"] == "You cannot order from 26 Nov 2026, 02:00 UTC on."
    assert len(found["scheduled-maintenances/upcoming"]["scheduled_maintenances"]) == upcoming
    assert len(found["scheduled-maintenances/active"]["scheduled_maintenances"]) == active
    assert len(found["summary"]["scheduled_maintenances"]) == upcoming + active
    assert found["status"]["status"]["indicator"] == indicator


def test_an_announcement_touches_no_component_before_its_time(tmp_path: Path) -> None:
    begun = "\n## 2026-11-26 02:05 UTC in_progress\n\nWe have begun.\n"
    found = api(tmp_path, now="2026-11-26 03:00", works=maintenance(begun))
    (planned,) = found["scheduled-maintenances"]["scheduled_maintenances"]
    newest, announced = planned["incident_updates"]
    assert announced["affected_components"] is None
    assert [(one["old_status"], one["new_status"]) for one in newest["affected_components"]] == [
        ("operational", "under_maintenance")
    ]


@pytest.mark.parametrize(
    ("impact", "description"),
    [
        ("none", "All Systems Operational"),
        ("minor", "Minor Service Outage"),
        ("major", "Partial System Outage"),
        ("critical", "Major Service Outage"),
    ],
)
def test_the_whole_is_said_in_words_that_clients_know(tmp_path: Path, impact: str, description: str) -> None:
    found = api(tmp_path, card=card(front=f"impact: {impact}\n"))
    assert found["status"]["status"] == {"indicator": impact, "description": description}


def test_clients_that_know_no_maintenance_can_be_spared_it(tmp_path: Path) -> None:
    config = GROUPED + b"api: {maintenance_indicator: none}\n"
    found = api(tmp_path, config, "2026-11-26 03:00", works=maintenance())
    assert found["status"]["status"] == {"indicator": "none", "description": "Service Under Maintenance"}


def test_the_newest_fifty_are_listed_and_everything_that_is_open(tmp_path: Path) -> None:
    one = "## 2026-{month:02}-{day:02} 09:00 UTC investigating\n\nYou cannot.\n\n"
    one += one.replace("09:00", "10:00").replace("investigating", "resolved")
    old = {
        f"old_{month}_{day}": incident_text(updates=one.format(month=month, day=day))
        for month in (1, 2, 3)
        for day in range(1, 21)
    }
    found = api(tmp_path, card=card(), more=old)
    names = [incident["created_at"] for incident in found["incidents"]["incidents"]]
    assert len(names) == MOST
    assert names == sorted(names, reverse=True)
    assert len(found["summary"]["incidents"]) == 1


@pytest.mark.parametrize(("length", "listed"), [(300, 50), (1_200, 20), (60_000, 10)])
def test_of_long_incidents_fewer_are_listed(tmp_path: Path, length: int, listed: int) -> None:
    said = f"{'You cannot pay. ' * 9999}"[: length - 1].strip() + "\n"
    days = [(day, hour) for day in range(1, 11) for hour in range(10, 16)]
    many = {
        f"n{day:02}-{hour}": incident_text("", f"## 2026-02-{day:02} {hour}:00 resolved\n\n{said}")
        for day, hour in days
    }
    found = api(tmp_path, more=many)
    newest = sorted((f"{day:02}-{hour}.html" for day, hour in days), reverse=True)[:listed]
    assert [one["shortlink"][-10:] for one in found["incidents"]["incidents"]] == newest


def test_of_planned_work_the_next_windows_are_listed_before_those_far_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meaculpa.render.api.MOST", 3)
    monkeypatch.setattr("meaculpa.render.calendar.MOST", 3)
    window = "kind: maintenance\nstarts: 2026-11-{0:02} 02:00\nends: 2026-11-{0:02} 04:00\ncomponents: {{}}\n"
    work = {
        f"w{day}": incident_text(window.format(day), "## 2026-11-01 09:00 scheduled\n\nx\n") for day in range(18, 28)
    }
    files = built(tmp_path, now="2026-11-23 03:00", more=work)

    def listed(name: str) -> list[str]:
        found = json.loads(files[f"api/v2/{name}.json"].body)["scheduled_maintenances"]
        return [one["shortlink"][-8:-5] for one in found]

    assert listed("scheduled-maintenances/upcoming") == ["w26", "w25", "w24"]
    assert listed("scheduled-maintenances") == ["w25", "w24", "w23"]
    assert listed("scheduled-maintenances/active") == ["w23"]
    calendar = files["maintenance.ics"].body.decode()
    assert re.findall(r"UID:(w\d\d)@", calendar) == ["w23", "w24", "w25"]
    for name in ("w24", "w25", "w26", "w27"):
        del work[name]
        (tmp_path / "shop" / "incidents" / f"{name}.md").unlink()
    files = built(tmp_path, now="2026-11-23 03:00", more=work)
    assert listed("scheduled-maintenances") == ["w23", "w22", "w21"]


def test_an_edit_prepares_the_updates_and_the_component_that_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_project(tmp_path, one=card(), two=card(RESOLVED))
    (root / "meaculpa.yml").write_bytes(GROUPED)
    memory, said, drawn = Memory(), list[str](), list[str]()

    def noting(html: str) -> str:
        said.append(html)
        return to_text(html)

    def drawing(state: ComponentState, words: Words) -> ComponentView:
        drawn.append(state.component.id)
        return view_component(state, words)

    try:
        build(read_project(root), at(NOW), memory)
        monkeypatch.setattr("meaculpa.render.api.to_text", noting)
        monkeypatch.setattr("meaculpa.render.bars.view_component", drawing)
        edited = card().replace("We know the cause", "We know why").replace("vouchers: deg", "mail: deg")
        (root / "incidents" / "one.md").write_text(edited)
        warm = build(read_project(root), at(NOW), memory)
        assert said == ["<p>You cannot pay <strong>by card</strong>.</p>", "<p>We know why.</p>"]
        assert sorted(drawn) == ["mail", "mail", "vouchers", "vouchers"], "in both languages"
        assert bodies(warm) == bodies(build(read_project(root), at(NOW), Memory(memory.pool)))
    finally:
        memory.pool.close()


def test_an_empty_site_is_well(tmp_path: Path) -> None:
    found = api(tmp_path)
    assert found["status"]["status"]["indicator"] == "none"
    assert found["incidents"]["incidents"] == []
    assert MOMENT.fullmatch(found["summary"]["page"]["updated_at"])


def test_a_draft_is_in_no_file(tmp_path: Path) -> None:
    files = built(tmp_path, card=card(front="impact: major\ndraft: true\n"))
    assert not any(b"cannot pay" in files[f"api/v2/{name}.json"].body for name in FILES)


def test_they_go_out_with_what_is_asked_for_by_name() -> None:
    assert {group_of(f"api/v2/{name}.json") for name in FILES} == {Group.POINTERS}
    assert {shard_of(f"api/v2/{name}.json") for name in FILES} == {"site"}


# ---- Clients that others have written


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def exported(tmp_path: Path, now: str, incidents: Mapping[str, str]) -> dict[str, str]:
    """What the exporter for Prometheus makes of a site: values by metric and labels."""
    files = built(tmp_path, now=now, more=incidents)
    publish(files, {}, DirectoryTarget("out", tmp_path / "public"), Options(force=True, is_plain=True))
    services, text = tmp_path / "services.json", tmp_path / "metrics.prom"
    with served(tmp_path / "public") as url:
        services.write_text(json.dumps({"shop": {"url": f"{url}/api/v2/summary.json", "name": "Shop"}}))
        environment = {
            **os.environ,
            "SERVICES_JSON_PATH": str(services),
            "RUN_MODE": "once",
            "METRICS_TEXTFILE_PATH": str(text),
        }
        command = [sys.executable, "-c", "from statuspage_prometheus_exporter.status_monitoring import main; main()"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = text.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_the_exporter_for_prometheus_understands_it(tmp_path: Path) -> None:
    found = exported(tmp_path, NOW, {"card": card(), "works": maintenance()})
    assert found['statuspage_service_status{service_name="Shop"}'] == "0.0"
    component = 'statuspage_component_status{{component_name="{}",service_name="Shop"}}'
    assert found[component.format("Card payments")] == "0.0"
    assert found[component.format("E-mail")] == "1.0"
    told = [key for key in found if key.startswith("statuspage_incident_info")]
    assert len(told) == 1
    assert 'impact="major"' in told[0]
    assert "Card payments" in told[0]
    assert 'incident_name="You cannot pay by card"' in told[0]
    assert any(key.startswith("statuspage_maintenance_info") and "2026-11-26T02:00" in key for key in found)


@pytest.mark.parametrize(
    ("now", "incidents", "value"),
    [
        (NOW, {}, "1.0"),
        (NOW, {"card": card(RESOLVED)}, "1.0"),
        (NOW, {"card": card(front="impact: critical\n")}, "0.0"),
        ("2026-11-26 05:00", {"works": maintenance()}, "1.0"),
    ],
)
def test_the_exporter_knows_good_from_bad(tmp_path: Path, now: str, incidents: dict[str, str], value: str) -> None:
    assert exported(tmp_path, now, incidents)['statuspage_service_status{service_name="Shop"}'] == value
