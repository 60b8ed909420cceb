"""`meaculpa kit`: what support needs to answer with one voice."""

from datetime import datetime
from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.cli.common import clock, now_option, project_root, read_all, the_incident
from meaculpa.cli.wording import bold, faint, say, say_json
from meaculpa.customers.people import read_people
from meaculpa.errors import InvalidInput, Refused
from meaculpa.lint.pages import inspect_pages
from meaculpa.lint.rules import is_blocking
from meaculpa.model import Incident
from meaculpa.project import read_kit_templates
from meaculpa.render.kit import PARTS, Kit, make_kit
from meaculpa.timeline import state_of

_NAMES = {"reply": "Reply to a mail", "post": "Short post", "phone": "On the phone"}


@click.command("kit")
@click.argument("incident_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@now_option
@click.pass_context
def kit_command(context: click.Context, incident_id: str, as_json: bool, now: datetime | None) -> None:
    """Print a reply for support, a short post and what to say on the phone, in each language of the incident.

    Everything comes from the incident ID (a part of it is enough) as it stands now, so that support says what the
    page says. A language that the incident is not translated into is left out.
    """
    root = project_root(context)
    incident = the_incident(root, incident_id)
    _, config = read_all(root, Memory())
    state = state_of(incident, clock(now))
    if state is None:
        raise Refused(f"{incident.id} has said nothing yet; its first update lies ahead")
    _refuse_what_nobody_can_read(root, incident)
    templates, site = read_kit_templates(root), config.site
    spoken = [one for one in site.locales if one == config.default_locale or one in incident.translations]
    kits = [make_kit(state, locale, templates, site.url, site.timezone) for locale in spoken]
    found = [kit for kit in kits if kit]
    if not found:
        raise Refused(f"there is no kit in {', '.join(spoken)}; write site_templates/kit/{spoken[0]}/reply.txt.j2")
    if as_json:
        say_json({kit.locale: dict(kit.texts) for kit in found})
        return
    for kit in found:
        _print(kit)
    for kit in found:
        if kit.untranslated:
            say(faint(f"Not translated in {kit.locale}: {', '.join(kit.untranslated)}."), to_errors=True)
    missing = [one for one in site.locales if one not in {kit.locale for kit in found}]
    if missing:
        say(faint(f"Not in {', '.join(missing)}: {incident.id} is not translated."), to_errors=True)


def _refuse_what_nobody_can_read(root: Path, incident: Incident) -> None:
    """Support must not say what the page does not; raises Refused or InvalidInput where it is not on the page."""
    if incident.draft:
        raise Refused(f"{incident.id} is a draft, so nobody can read it yet")
    files, config = read_all(root, Memory())
    found = inspect_pages(incident, files.incidents, config, read_people(root))
    blocking = [one for one in found if is_blocking(one)]
    if blocking:
        raise InvalidInput(blocking)


def _print(kit: Kit) -> None:
    for part in PARTS:
        say(f"{bold(_NAMES[part])} {faint(kit.locale)}\n\n{kit.texts[part]}\n")
