"""Site -> what the banner says, as data (`banner.json`), baked into its code (`banner.js`), and the code alone."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from meaculpa.config import Config
from meaculpa.model import ComponentStatus, Incident, Surface
from meaculpa.render.headers import PINNED
from meaculpa.render.scripts import plant
from meaculpa.render.views import text_in, with_window_in_words
from meaculpa.render.words import Words
from meaculpa.status import Site, is_shown_on
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_minute

VERSION = 1
_MODES = {Surface.PAGE: "notice", Surface.BANNER: "banner", Surface.SPLASH: "splash"}
# What the banner's code reads of `banner.json`, and no byte more.
LARGEST = 32_768
# What a stamp may add when it is published: seconds, and until when it holds.
_STAMP = 64
_LABELS = ("label", "more", "dismiss", "stale")


def banner_state(site: Site, config: Config, words: tuple[Words, ...]) -> dict[str, Any]:
    """Give the banner's state: what is open, and planned work that will be; without texts what no banner shows."""
    states = () if config.banner.off else (*site.open, *site.upcoming)
    items = [_item(state, config, words) for state in states]
    state = {
        "v": VERSION,
        "at": _iso(site.changed),
        "site": config.site.url,
        "position": config.banner.position,
        "poll": config.banner.poll_seconds,
        "labels": {one.locale: _labels(one) for one in words},
        "items": items,
    }
    # What comes last is planned for the farthest day: it will fit when its time comes.
    while items and len(banner_json(state).encode()) > LARGEST - _STAMP:
        items.pop()
    return {**state, "off": True} if config.banner.off else state


def banner_json(state: Mapping[str, Any]) -> str:
    """Write the state as `banner.json`."""
    return json.dumps(state, ensure_ascii=False, indent=1) + "\n"


def banner_script(code: str, seed: Mapping[str, Any]) -> str:
    """Make a banner of its code and a seed: the whole state (`banner.js`), or where to ask for it (`core_seed`)."""
    return plant("banner.js", code, seed)


def core_seed(config: Config) -> dict[str, Any]:
    """All that the code alone knows: where the state is."""
    return {"site": config.site.url}


def core_path(script: str) -> str:
    """Name the code alone for its content, so that a shop can pin it."""
    return f"{PINNED}{hashlib.sha256(script.encode()).hexdigest()[:12]}.js"


def integrity(text: str) -> str:
    """Give the value of an `integrity` attribute (Subresource Integrity, section 3.5)."""
    return "sha384-" + b64encode(hashlib.sha384(text.encode()).digest()).decode()


def _labels(words: Words) -> dict[str, str]:
    return {"dir": words.direction, **{name: words.say(f"banner.{name}") for name in _LABELS}}


def _item(state: IncidentState, config: Config, words: tuple[Words, ...]) -> dict[str, Any]:
    incident = state.incident
    item = {
        "id": incident.id,
        "kind": str(incident.kind),
        "impact": str(incident.impact),
        "status": str(state.status),
        "mode": _MODES[incident.show],
        "components": {key: str(value) for key, value in _components(state).items()},
        "starts": _iso(state.began) if state.is_maintenance else None,
        "ends": _iso(incident.ends) if state.is_maintenance and not _overran(state) else None,
        "updated": _iso(state.changed),
        "paths": list(_paths(state, config)),
        "regions": list(incident.audience.regions),
        "locales": list(incident.audience.locales),
    }
    item = {key: value for key, value in item.items() if value is not None}
    if not is_shown_on(incident, Surface.BANNER):
        return item
    texts = _texts(incident, words, config.default_locale, _overran(state))
    links = {one.locale: _link(incident, one.locale, config) for one in words}
    return {**item, "text": texts, "link": links, "revision": _revision(state, texts)}


def _components(state: IncidentState) -> Mapping[str, ComponentStatus]:
    """What is affected while the item is shown: planned work appears by the clock, with no new state."""
    return state.incident.components if state.is_upcoming else state.components


def _overran(state: IncidentState) -> bool:
    """Maintenance that goes on after its window has no end that anybody could name."""
    ends = state.incident.ends
    return state.is_open and ends is not None and state.changed >= ends


def _texts(incident: Incident, words: Iterable[Words], default: str, is_window_over: bool) -> dict[str, str]:
    """What is said by locale; the browser puts the window's times in, unless it is told of none."""
    texts = {}
    for one in words:
        text = text_in(incident, "summary", one, default) or text_in(incident, "title", one, default)
        if text and text.lang is None:
            texts[one.locale] = with_window_in_words(text.text, incident, one.moment) if is_window_over else text.text
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
    return iso_minute(at) if at else None
