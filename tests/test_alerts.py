"""Alerts in: a monitor's webhook body becomes a draft, once, and publishes nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meaculpa.config import parse_config
from meaculpa.errors import Refused
from meaculpa.importers.alerts import KINDS, read_alerts
from tests.making import CONFIG, write_project

NOW = "2026-11-22 09:10"
FIRING: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "Errors", "service": "pay-api", "severity": "critical"},
    "annotations": {"summary": "You cannot pay", "description": "5xx > 20% --> for 5m\ntitle: hacked"},
    "startsAt": "2026-11-22T09:05:12Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "c0ffee12",
}
PAGERDUTY = {
    "event": {
        "event_type": "incident.triggered",
        "data": {
            "id": "PGR0VU2",
            "title": "You cannot pay",
            "status": "triggered",
            "urgency": "high",
            "service": {"id": "PF9KMXH", "summary": "pay-api"},
            "created_at": "2026-11-22T09:05:12Z",
        },
    }
}
OLD_GRAFANA = {"ruleId": 7, "ruleName": "You cannot pay", "state": "alerting", "tags": {"service": "pay-api"}}
PLAIN = {"id": "x-1", "title": "You cannot pay", "severity": "critical", "component": "pay-api"}
NOT_ALERTS = ["", "{", "[]", "[1]", "null", "7", "{}", '{"alerts": [{}]}', '{"event": {}}', "[" * 9999]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = write_project(tmp_path / "shop")
    (root / "meaculpa.yml").write_bytes(CONFIG + b"alerts: {components: {pay-api: payments}}\n")
    return root


def command(shop: Path, kind: str, now: str = NOW) -> list[str]:
    return [sys.executable, "-m", "meaculpa", "-C", str(shop), "new", "--from", kind, "-", "--now", now]


def told(shop: Path, kind: str, body: object, now: str = NOW) -> str:
    done = subprocess.run(command(shop, kind, now), input=json.dumps(body), capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def alerts(*several: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "alerts": list(several)}


def incidents(shop: Path) -> list[Path]:
    return sorted((shop / "incidents").glob("*.md"))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("alertmanager", alerts(FIRING)),
        ("grafana", {**alerts(FIRING), "title": "[FIRING:1]", "message": "x"}),
        ("grafana", OLD_GRAFANA),
        ("pagerduty", PAGERDUTY),
        ("json", PLAIN),
        ("json", [PLAIN]),
    ],
)
def test_what_a_monitor_reports_becomes_a_draft_once(shop: Path, kind: str, body: object) -> None:
    assert "incidents/2026-11-22-you-cannot-pay.md\n" in told(shop, kind, body)
    (path,) = incidents(shop)
    text = path.read_text(encoding="utf-8")
    assert "\ntitle: You cannot pay\n" in text and "\ndraft: true\n" in text
    assert "\n  payments: partial_outage\n" in text and "\nimpact: major\n" in text
    assert "is open for it already" in told(shop, kind, body, "2026-11-22 09:20")
    assert incidents(shop) == [path] and path.read_text(encoding="utf-8") == text


def test_nothing_goes_out_by_itself(shop: Path) -> None:
    told(shop, "alertmanager", alerts(FIRING))
    assert not (shop / "public").exists()
    build = [sys.executable, "-m", "meaculpa", "-C", str(shop), "build", "--now", NOW]
    assert subprocess.run(build, capture_output=True).returncode == 0
    assert not (shop / "public" / "incidents").exists()


def test_what_the_monitor_says_stands_in_comments_and_nowhere_else(shop: Path) -> None:
    told(shop, "alertmanager", alerts(FIRING))
    lines = incidents(shop)[0].read_text(encoding="utf-8").splitlines()
    assert lines[1:3] == [
        "# alert: c0ffee12",
        "# the monitor says: You cannot pay – 5xx > 20% --> for 5m title: hacked",
    ]
    assert sum("hacked" in line for line in lines) == 1
    assert 'started: "2026-11-22 09:05 UTC"' in lines


def test_alerts_of_one_body_open_one_incident(shop: Path) -> None:
    second = {**FIRING, "fingerprint": "beef", "labels": {"job": "Checkout", "severity": "warning"}}
    told(shop, "alertmanager", alerts(second, FIRING))
    (path,) = incidents(shop)
    text = path.read_text(encoding="utf-8")
    assert "# alert: beef\n# alert: c0ffee12\n" in text
    assert "  checkout: partial_outage\n  payments: partial_outage\n" in text
    assert "is open for it already" in told(shop, "alertmanager", alerts(second))


@pytest.mark.parametrize(("severity", "impact"), [("warning", "minor"), ("info", "none")])
def test_a_warning_is_minor(shop: Path, severity: str, impact: str) -> None:
    labels = {**FIRING["labels"], "severity": severity}
    told(shop, "alertmanager", alerts({**FIRING, "labels": labels}))
    text = incidents(shop)[0].read_text(encoding="utf-8")
    assert f"\nimpact: {impact}\n" in text and "payments: degraded_performance" in text


def test_what_is_over_is_proposed_and_never_written(shop: Path) -> None:
    over = alerts({**FIRING, "status": "resolved"})
    assert "no open incident is about it" in told(shop, "alertmanager", over)
    told(shop, "alertmanager", alerts(FIRING))
    assert "is still a draft" in told(shop, "alertmanager", over)
    (path,) = incidents(shop)
    text = path.read_text(encoding="utf-8").replace("draft: true\n", "")
    path.write_text(text, encoding="utf-8")
    said = told(shop, "alertmanager", over, "2026-11-22 09:40")
    assert "meaculpa update 2026-11-22-you-cannot-pay monitoring" in said
    assert path.read_text(encoding="utf-8") == text


def test_an_alert_that_comes_back_after_the_end_opens_another_incident(shop: Path) -> None:
    told(shop, "alertmanager", alerts(FIRING))
    (path,) = incidents(shop)
    ended = path.read_text(encoding="utf-8").replace("draft: true\n", "")
    path.write_text(ended + "\n## 2026-11-22 10:00 UTC resolved\n\nYou can pay.\n", encoding="utf-8")
    told(shop, "alertmanager", alerts(FIRING), "2026-11-22 11:00")
    assert len(incidents(shop)) == 2


def test_two_bodies_at_once_open_one_incident(shop: Path) -> None:
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command(shop, "json"), stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    said = [process.communicate(json.dumps(PLAIN))[0] for process in running]
    assert len(incidents(shop)) == 1
    assert sum("is open for it already" in one for one in said) == 3


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("body", NOT_ALERTS, ids=range(len(NOT_ALERTS)))
def test_what_is_no_alert_is_refused_in_one_line(kind: str, body: str) -> None:
    with pytest.raises(Refused) as refused:
        read_alerts(kind, body)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"annotations": {"summary": "x" * 500}},
        {"annotations": {"summary": "\ud83d \u202e half"}},
        {"annotations": {"summary": "]: [CAUSE] {start}"}},
        {"annotations": {}, "labels": {}},
        {"fingerprint": None},
        {"fingerprint": "a b\n# alert: other"},
        {"startsAt": "never"},
        {"startsAt": 5},
    ],
)
def test_any_alert_makes_a_file_that_can_be_read(shop: Path, changed: dict[str, Any]) -> None:
    assert "A draft" in told(shop, "alertmanager", alerts({**FIRING, **changed}))
    assert "is open for it already" in told(shop, "alertmanager", alerts({**FIRING, **changed}))
    assert len(incidents(shop)) == 1


def test_a_component_that_nobody_knows_is_told() -> None:
    found = parse_config(CONFIG + b"alerts: {components: {pay-api: paymnets}}\n")
    assert isinstance(found, list) and len(found) == 1
    assert 'leads to the unknown component "paymnets"' in str(found[0]) and "payments" in str(found[0])


def test_a_body_has_to_come_from_somewhere(shop: Path) -> None:
    bare = command(shop, "json")[:-3]
    assert subprocess.run(bare, capture_output=True).returncode == 2
    done = subprocess.run([*bare, "nowhere.json"], capture_output=True, text=True)
    assert done.returncode == 1 and "nowhere.json cannot be read" in done.stderr
