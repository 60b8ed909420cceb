"""A symbol for each state of the site: shape and colour together, as favicon and beside words."""

from urllib.parse import quote

from markupsafe import Markup as SafeHtml

from meaculpa.model import Impact

_GREEN, _AMBER, _RED, _BLUE = "#1a7f4b", "#b45309", "#c0271d", "#1d5fbf"
_TICK = "M5 8.3l2.2 2.2L11.2 6"
_MARK = "M8 4.6v4.2M8 11.3v.1"
_CROSS = "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"
_CLOCK = "M8 4.6V8l2.3 1.6"
_CIRCLE = "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z"
_TRIANGLE = "M8 1.2L15.4 14.4H.6z"
_OCTAGON = "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"

SYMBOLS: dict[Impact, tuple[str, str, str]] = {
    Impact.NONE: (_CIRCLE, _TICK, _GREEN),
    Impact.MAINTENANCE: (_CIRCLE, _CLOCK, _BLUE),
    Impact.MINOR: (_TRIANGLE, "M8 5.6v4M8 12v.1", _AMBER),
    Impact.MAJOR: (_OCTAGON, _MARK, _AMBER),
    Impact.CRITICAL: (_OCTAGON, _CROSS, _RED),
}


def favicon(impact: Impact) -> str:
    """Draw the favicon of an overall state as SVG."""
    shape, sign, colour = SYMBOLS[impact]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
        f'<path fill="{colour}" d="{shape}"/>'
        f'<path fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round" d="{sign}"/></svg>\n'
    )


def data_uri(svg: str) -> SafeHtml:
    """Write an SVG so that a page can hold it between double quotes, and needs no second request."""
    written = quote(svg.strip().replace('"', "'"), safe=" /:='-.,")
    return SafeHtml(f"data:image/svg+xml,{written}")  # noqa: S704 (what could end the attribute is encoded)
