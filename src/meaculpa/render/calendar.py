"""Planned work -> a calendar to subscribe to (RFC 5545), in the site's first language."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from meaculpa.model import OutputFile
from meaculpa.render.headers import output_file
from meaculpa.render.pages import Edition, Page
from meaculpa.render.plain import to_text
from meaculpa.render.views import with_window_in_words
from meaculpa.timeline import IncidentState

if TYPE_CHECKING:
    from icalendar import Event

CALENDAR = "maintenance.ics"
# As many windows as the other formats give.
MOST = 50
_ASK_AGAIN = timedelta(minutes=30)


def calendar(edition: Edition) -> Iterator[Page]:
    """List the calendar; nothing but planned work changes it."""
    shown = edition.site.planned(MOST)
    inputs = (*edition.common, tuple((state.incident.digest, len(state.updates)) for state in shown))
    yield Page(CALENDAR, inputs, lambda: _calendar(edition, shown))


def _calendar(edition: Edition, planned: list[IncidentState]) -> OutputFile:
    from icalendar import Calendar, vDuration, vText

    site = edition.config.site
    name = edition.words.say("calendar_name", site=site.name)
    made = Calendar()
    made.add("prodid", "-//meaculpa//planned work//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", vText(name))
    made.add("x-wr-calname", vText(name))
    made.add("x-wr-timezone", site.timezone.key)
    made.add("url", f"{site.url}/{CALENDAR}")
    made.add("refresh-interval", vDuration(_ASK_AGAIN), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(_ASK_AGAIN))
    for state in reversed(planned):
        made.add_component(_event(edition, state))
    return output_file(CALENDAR, made.to_ical())


def _event(edition: Edition, state: IncidentState) -> "Event":
    """One window: `SEQUENCE` grows with every update, so a calendar takes over what was moved or called off."""
    from icalendar import Event

    incident, site = state.incident, edition.config.site
    ends = state.ended if state.ended and state.ended > state.began else incident.ends
    event = Event()
    event.add("uid", f"{incident.id}@{urlsplit(site.url).hostname or 'localhost'}")
    event.add("sequence", len(state.updates) - 1)
    event.add("dtstamp", state.updates[-1].at)
    event.add("created", state.updates[0].at)
    event.add("last-modified", state.updates[-1].at)
    event.add("dtstart", incident.starts if state.is_called_off else state.began)
    event.add("dtend", incident.ends if state.is_called_off else ends)
    event.add("summary", f"{site.name}: {_in_words(edition, state, incident.title)}")
    event.add("description", _description(edition, state))
    event.add("url", f"{site.url}/incidents/{incident.id}.html")
    event.add("status", "CANCELLED" if state.is_called_off else "CONFIRMED")
    # It takes nobody's time: whoever subscribes is not busy because a shop is.
    event.add("transp", "TRANSPARENT")
    return event


def _description(edition: Edition, state: IncidentState) -> str:
    """What was said last, and below it what was announced."""
    said = dict.fromkeys((state.updates[-1].body, state.updates[0].body))
    texts = (to_text(edition.bodies.markup[body].html) for body in said)
    return _in_words(edition, state, "\n\n".join(text for text in texts if text))


def _in_words(edition: Edition, state: IncidentState, text: str) -> str:
    zone = edition.config.site.timezone
    return with_window_in_words(text, state.incident, partial(edition.words.local_moment, zone=zone))
