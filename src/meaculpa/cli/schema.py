"""`meaculpa schema`: what may stand in the files, for editors."""

from pathlib import Path

import click

from meaculpa.build.memory import Memory
from meaculpa.build.reading import read_config
from meaculpa.cli.common import project_root
from meaculpa.cli.wording import say
from meaculpa.config import Config
from meaculpa.errors import MeaculpaError
from meaculpa.project import read_project


@click.command("schema")
@click.argument("what", type=click.Choice(["config", "incident"]))
@click.pass_context
def schema_command(context: click.Context, what: str) -> None:
    """Print JSON Schema of meaculpa.yml (config) or of an incident's front matter (incident).

    Editors complete keys with it and mark mistakes while you write. Within a project, an incident's components and
    languages are those of the project.
    """
    from meaculpa.content.editors import as_text, config_schema, incident_schema

    schema = config_schema() if what == "config" else incident_schema(_config(context))
    say(as_text(schema))


def _config(context: click.Context) -> Config | None:
    """The configuration of the project, if there is one that can be read."""
    try:
        root: Path = project_root(context)
        return read_config(read_project(root), Memory())
    except MeaculpaError:
        return None
