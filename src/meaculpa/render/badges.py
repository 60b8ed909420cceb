"""Site -> badges: small pictures of how the shop and each part of it is, and the same for shields.io to draw."""

import json
from collections.abc import Iterator
from functools import partial

from meaculpa.model import ComponentStatus, Impact, OutputFile
from meaculpa.render.headers import fit_for_xml, output_file
from meaculpa.render.pages import Edition, Page
from meaculpa.render.symbols import SYMBOLS

FOLDER = "badge/"
WHOLE = "badge"
# What `shields.io` calls the version of its endpoint's form (shields.io/badges/endpoint-badge).
_SHIELDS_VERSION = 1
_SHIELDS_ASKS_AGAIN_SECONDS = 300
_IMPACT_OF = {
    ComponentStatus.OPERATIONAL: Impact.NONE,
    ComponentStatus.UNDER_MAINTENANCE: Impact.MAINTENANCE,
    ComponentStatus.DEGRADED_PERFORMANCE: Impact.MINOR,
    ComponentStatus.PARTIAL_OUTAGE: Impact.MAJOR,
    ComponentStatus.MAJOR_OUTAGE: Impact.CRITICAL,
}
# Widths of a sans-serif at 11 pixels, in pixels; the drawing makes any font fit what was reckoned here.
_NARROW, _WIDE = "iljtfrI.,:;'!|()[] ", "mwMWQ@%"
_WIDTH, _NARROW_WIDTH, _WIDE_WIDTH, _FULL_WIDTH = 6.4, 3.9, 9.4, 11.0
_MARGIN = 8
_LONGEST_LABEL = 40
_FIRST_FULL_WIDTH = "\u1100"


def badges(edition: Edition) -> Iterator[Page]:
    """List the badges: the shop's, and one of each component by its id; each as a picture and for shields.io."""
    words, overall = edition.words, edition.site.overall
    whole = {Impact.NONE: "component.operational", Impact.MAINTENANCE: "component.under_maintenance"}
    message = words.say(whole.get(overall, f"impact.{overall}"))
    yield from _both(edition, WHOLE, edition.config.site.name, message, overall)
    for state in edition.site.components:
        message = words.say(f"component.{state.status}")
        path = FOLDER + state.component.id
        yield from _both(edition, path, state.component.name, message, _IMPACT_OF[state.status])


def _both(edition: Edition, path: str, label: str, message: str, impact: Impact) -> Iterator[Page]:
    inputs = (edition.theme.digest, label, message, impact, edition.words.locale)
    colour = SYMBOLS[impact][2]
    yield Page(f"{path}.svg", inputs, partial(_picture, edition, f"{path}.svg", label, message, colour))
    yield Page(f"{path}.json", inputs, partial(_for_shields, f"{path}.json", label, message, colour, impact))


def _picture(edition: Edition, path: str, label: str, message: str, colour: str) -> OutputFile:
    shown = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"
    left, right = text_width(shown), text_width(message)
    text = edition.theme.render(
        "badge.svg.j2",
        lang=edition.words.locale,
        label=label,
        shown=shown,
        message=message,
        colour=colour,
        left={"text": left, "box": left + 2 * _MARGIN},
        right={"text": right, "box": right + 2 * _MARGIN},
    )
    return output_file(path, fit_for_xml(text))


def _for_shields(path: str, label: str, message: str, colour: str, impact: Impact) -> OutputFile:
    badge = {
        "schemaVersion": _SHIELDS_VERSION,
        "label": label,
        "message": message,
        "color": colour.removeprefix("#"),
        "isError": impact is Impact.CRITICAL,
        "cacheSeconds": _SHIELDS_ASKS_AGAIN_SECONDS,
    }
    return output_file(path, json.dumps(badge, ensure_ascii=False, separators=(",", ":")))


def text_width(text: str) -> int:
    """Reckon how many pixels a text takes in a badge."""
    return round(sum(map(_sign_width, text)))


def _sign_width(sign: str) -> float:
    if sign >= _FIRST_FULL_WIDTH:
        return _FULL_WIDTH
    if sign in _NARROW:
        return _NARROW_WIDTH
    return _WIDE_WIDTH if sign in _WIDE else _WIDTH
