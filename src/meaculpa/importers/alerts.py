"""A monitor's webhook body -> alerts: Alertmanager, Grafana, PagerDuty, or plain JSON of one's own."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from meaculpa.errors import Refused
from meaculpa.importers.naming import in_one_line

_LONGEST = 500
_FIRST_YEAR = 1971
_WORSE = ("critical", "page", "high", "error", "fatal", "emergency", "disaster")
_HARMLESS = ("info", "information", "none", "low", "debug")
# What names the thing that fails, in the order in which it is shown where nothing better is there.
_NAMES = ("component", "service", "app", "job", "alertname", "instance")


class Alert(Struct, frozen=True):
    """One alert: the same `fingerprint` is the same alert; `names` are words in it that may name a component."""

    fingerprint: str
    title: str
    is_firing: bool
    severity: str = ""
    text: str = ""
    names: tuple[str, ...] = ()
    began: datetime | None = None

    @property
    def is_bad(self) -> bool:
        """Whether the monitor calls it worse than a warning; without a word it is."""
        return not self.severity or self.severity.casefold() in _WORSE

    @property
    def is_harmless(self) -> bool:
        """Whether the monitor only mentions it."""
        return self.severity.casefold() in _HARMLESS


def read_alerts(kind: str, text: str) -> list[Alert]:
    """Read a webhook body of a kind of `KINDS`; raises Refused with what is wrong."""
    try:
        value = json.loads(text)
        alerts = list(KINDS[kind](value))
    except (ValueError, RecursionError) as error:
        raise Refused(f"that is not JSON: {error}") from None
    except KeyError as error:
        raise Refused(f"that is not what {kind} sends: {error} is missing") from None
    except (TypeError, AttributeError):
        raise Refused(f"that is not what {kind} sends") from None
    if not alerts:
        raise Refused("there is no alert in it")
    return alerts


def _alertmanager(value: Any) -> Iterator[Alert]:
    """Alertmanager's webhook, version 4, which Grafana's alerting sends as well."""
    for one in value["alerts"]:
        labels = _texts({**value.get("commonLabels", {}), **one["labels"]})
        notes = _texts({**value.get("commonAnnotations", {}), **one.get("annotations", {})})
        name = labels.get("alertname", "")
        yield Alert(
            fingerprint=_one(one.get("fingerprint")) or _one(json.dumps(labels, sort_keys=True)),
            title=notes.get("summary") or notes.get("title") or name or "Something fails",
            is_firing=one["status"] == "firing",
            severity=labels.get("severity", ""),
            text=notes.get("description") or notes.get("message") or "",
            names=_named(labels),
            began=_moment(one.get("startsAt")),
        )


def _grafana(value: Any) -> Iterator[Alert]:
    """Grafana's alerting, and its webhooks of before (`state`, `ruleId`)."""
    if "alerts" in value:
        yield from _alertmanager(value)
        return
    tags = _texts(value.get("tags") or {})
    yield Alert(
        fingerprint=f"rule-{_one(value['ruleId'])}",
        title=_one(value.get("ruleName") or value["title"]),
        is_firing=value["state"] in ("alerting", "no_data", "pending"),
        severity=tags.get("severity", ""),
        text=_one(value.get("message")),
        names=_named(tags),
    )


def _pagerduty(value: Any) -> Iterator[Alert]:
    """PagerDuty's webhooks, version 3."""
    event, data = value["event"], value["event"]["data"]
    service = data.get("service") or {}
    priority = (data.get("priority") or {}).get("summary") or ""
    yield Alert(
        fingerprint=_one(data["id"]),
        title=_one(data["title"]),
        is_firing=not str(event["event_type"]).endswith(".resolved") and data.get("status") != "resolved",
        severity="high" if str(priority).upper() in ("P1", "P2") else _one(data.get("urgency")),
        names=tuple(name for name in (_one(service.get("summary")), _one(service.get("id"))) if name),
        began=_moment(data.get("created_at")),
    )


def _plain(value: Any) -> Iterator[Alert]:
    """JSON of one's own: `title`, and optionally `id`, `status`, `severity`, `text`, `component`, `started`."""
    for one in value if isinstance(value, list) else [value]:
        title = _one(one["title"])
        yield Alert(
            fingerprint=_one(one.get("id") or one.get("fingerprint")) or title,
            title=title,
            is_firing=_one(one.get("status")).casefold() not in ("resolved", "ok", "up", "closed"),
            severity=_one(one.get("severity")),
            text=_one(one.get("text")),
            names=_named(_texts(one)),
            began=_moment(one.get("started")),
        )


KINDS: dict[str, Callable[[Any], Iterator[Alert]]] = {
    "alertmanager": _alertmanager,
    "grafana": _grafana,
    "pagerduty": _pagerduty,
    "json": _plain,
}


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): _one(one) for key, one in value.items()}


def _one(value: object) -> str:
    return in_one_line(str(value))[:_LONGEST] if value is not None and not isinstance(value, (dict, list)) else ""


def _named(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Every value of the labels, those first that usually name what fails."""
    known = [labels[name] for name in _NAMES if labels.get(name)]
    return tuple(dict.fromkeys([*known, *(one for one in labels.values() if one)]))


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if at.year < _FIRST_YEAR:
        # Go's zero time: the monitor does not know.
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)
