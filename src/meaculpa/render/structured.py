"""An incident -> what search engines read of it in its page: a schema.org SpecialAnnouncement, as JSON-LD."""

import json

from markupsafe import Markup as SafeHtml

from meaculpa.config import Config
from meaculpa.render.views import IncidentView
from meaculpa.timeline import IncidentState
from meaculpa.times import iso_second

# What would end a script element or begin a comment in it stands as an escape, which JSON reads back.
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def announcement(state: IncidentState, view: IncidentView, config: Config, language: str, url: str) -> SafeHtml:
    """Describe an incident as JSON that is safe within a script element."""
    site = config.site
    found = {
        "@context": "https://schema.org",
        "@type": "SpecialAnnouncement",
        "name": view.title.text,
        "text": view.description,
        "url": url,
        "inLanguage": view.title.lang or language,
        "datePosted": iso_second(state.updates[0].at),
        "dateModified": iso_second(state.changed),
        "temporalCoverage": _span(state),
        "publisher": {"@type": "Organization", "name": site.name, "url": site.store_url},
        "webFeed": f"{site.url}/feed.atom",
    }
    if state.ended:
        found["expires"] = iso_second(state.ended)
    return SafeHtml(json.dumps(found, ensure_ascii=False).translate(_IN_SCRIPT))  # noqa: S704 (escaped just now)


def _span(state: IncidentState) -> str:
    """An interval of ISO 8601; `..` where nobody knows the end."""
    ends = state.incident.ends if state.ended is None else state.ended
    return f"{iso_second(state.began)}/{iso_second(ends) if ends else '..'}"
