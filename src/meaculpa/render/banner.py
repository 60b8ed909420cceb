"""Site -> what the banner says, as data (`banner.json`) and baked into its code (`banner.js`)."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from meaculpa.config import Config
from meaculpa.errors import InvalidInput, Problem
from meaculpa.model import Incident, Surface
from meaculpa.render.views import text_in
from meaculpa.render.words import Words
from meaculpa.status import IncidentState, Site, is_shown_on

VERSION = 1
_PLACE_OF_STATE = "/*meaculpa:state*/ null"


def banner_state(site: Site, config: Config, words: tuple[Words, ...]) -> dict[str, Any]:
    """Give the banner's state: the open incidents that reach it, and planned work that will."""
    shown = [state for state in (*site.open, *site.upcoming) if is_shown_on(state.incident, Surface.BANNER)]
    return {
        "v": VERSION,
        "at": _iso(site.changed),
        "site": config.site.url,
        "position": config.banner.position,
        "poll": config.banner.poll_seconds,
        "labels": {one.locale: _labels(one) for one in words},
        "items": [_item(state, config, words) for state in shown],
    }


def banner_json(state: dict[str, Any]) -> str:
    """Write the state as `banner.json`."""
    return json.dumps(state, ensure_ascii=False, indent=1) + "\n"


def banner_script(code: str, state: dict[str, Any]) -> str:
    """Bake a state into the banner's code, escaped so that no text in it can end a script or a line."""
    literal = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        literal = literal.replace(sign, f"\\u{ord(sign):04x}")
    if code.count(_PLACE_OF_STATE) != 1:
        hint = f"it must hold {_PLACE_OF_STATE} once, where the state is put"
        raise InvalidInput([Problem("site_templates/banner.js", 0, "there is no place for the state", hint)])
    return code.replace(_PLACE_OF_STATE, literal)


def _labels(words: Words) -> dict[str, str]:
    return {name: words.say(f"banner.{name}") for name in ("label", "more", "dismiss")}


def _item(state: IncidentState, config: Config, words: tuple[Words, ...]) -> dict[str, Any]:
    incident = state.incident
    item = {
        "id": incident.id,
        "kind": str(incident.kind),
        "impact": str(incident.impact),
        "status": str(state.status),
        "components": {key: str(value) for key, value in state.components.items()},
        "starts": _iso(state.began) if state.is_maintenance else None,
        "ends": _iso(incident.ends) if state.is_maintenance and not _overran(state) else None,
        "updated": _iso(state.changed),
        "paths": list(_paths(state, config)),
        "regions": list(incident.audience.regions),
        "locales": list(incident.audience.locales),
        "text": _texts(incident, words, config.default_locale),
        "link": {one.locale: _link(incident, one.locale, config) for one in words},
    }
    return {**item, "revision": _revision(state, item["text"])}


def _overran(state: IncidentState) -> bool:
    """Maintenance that goes on after its window has no end that anybody could name."""
    ends = state.incident.ends
    return state.is_open and ends is not None and state.changed >= ends


def _texts(incident: Incident, words: Iterable[Words], default: str) -> dict[str, str]:
    texts = {}
    for one in words:
        text = text_in(incident, "summary", one, default) or text_in(incident, "title", one, default)
        if text and text.lang is None:
            texts[one.locale] = text.text
    return texts


def _paths(state: IncidentState, config: Config) -> tuple[str, ...]:
    """Where the shop shows it: as the incident says, else where its components are; without any, everywhere."""
    incident = state.incident
    if incident.audience.paths:
        return incident.audience.paths
    named = {*incident.components, *state.components}
    touched = [component for component in config.components if component.id in named]
    if not touched or any(not component.paths for component in touched):
        return ()
    return tuple(dict.fromkeys(path for component in touched for path in component.paths))


def _link(incident: Incident, locale: str, config: Config) -> str:
    prefix = "" if locale == config.default_locale else f"{locale}/"
    return f"{config.site.url}/{prefix}incidents/{incident.id}.html"


def _revision(state: IncidentState, text: object) -> str:
    """Name what was said, so that a dismissed banner comes back when something new is."""
    said = json.dumps([text, len(state.updates), str(state.status)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _iso(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if at else None
