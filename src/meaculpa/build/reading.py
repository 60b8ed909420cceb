"""The files of a project -> its configuration, theme and incidents; what is unchanged is known from before."""

from msgspec.structs import replace

from meaculpa.build.bodies import simple_texts
from meaculpa.build.compiled import CompiledTemplates
from meaculpa.build.memory import Memory
from meaculpa.config import Config, line_of, parse_config
from meaculpa.content import Content
from meaculpa.errors import InvalidInput, Problem
from meaculpa.model import Incident
from meaculpa.project import ProjectFiles
from meaculpa.render.environment import Theme, make_theme

_BEGIN_TOGETHER = 32


def read_config(files: ProjectFiles, memory: Memory) -> Config:
    """Read the configuration; raises InvalidInput."""
    found = parsed_config(files, memory)
    if isinstance(found, list):
        raise InvalidInput(found)
    return found


def parsed_config(files: ProjectFiles, memory: Memory, site_url: str | None = None) -> Config | list[Problem]:
    """Read the configuration, or every problem of it; `site_url` replaces the address in it."""
    if memory.config is None or memory.config[0] != files.config.digest:
        parsed = parse_config(files.config.content)
        if site_url and isinstance(parsed, Config):
            parsed = parsed.model_copy(update={"site": parsed.site.model_copy(update={"url": site_url})})
        memory.config = (files.config.digest, parsed)
    return memory.config[1]


def parsed_theme(files: ProjectFiles, config: Config, memory: Memory) -> Theme | list[Problem]:
    """Compile the templates, or give every problem of them."""
    key = (config.site.locales, tuple((name, source.digest) for name, source in sorted(files.templates.items())))
    if memory.theme is None or memory.theme[0] != key:
        made = make_theme(files.templates, config.site.locales, CompiledTemplates())
        memory.theme = (key, _with_lines(made, files))
    return memory.theme[1]


def _with_lines(found: Theme | list[Problem], files: ProjectFiles) -> Theme | list[Problem]:
    """Say where in the configuration a language stands that there are no words for."""
    if not isinstance(found, list):
        return found
    path = files.config.path
    line = line_of(files.config.content, "site", "locales")
    return [replace(problem, line=line) if problem.path == path else problem for problem in found]


def missing_logo(config: Config, files: ProjectFiles) -> list[Problem]:
    """Tell of a logo that is not among the pictures, unless that was told already."""
    logo = config.brand.logo
    is_told = any(problem.path == logo for problem in files.problems)
    if logo is None or logo in files.assets or is_told:
        return []
    return [
        Problem(
            files.config.path,
            line_of(files.config.content, "brand", "logo"),
            f'there is no picture "{logo}"',
            "brand.logo names a file in assets/",
        )
    ]


def read_content(files: ProjectFiles, config: Config, memory: Memory, begin_rendering: bool = False) -> Content:
    """Read all incident files, those of unchanged content from memory; gives every problem of all.

    With `begin_rendering` the texts of those read so far are rendered while the others are still read.
    """
    fresh: list[Incident] = []
    look = simple_texts if begin_rendering else lambda _: list[int]()
    for incident, simple in memory.contents.follow(files.incidents, config, look):
        memory.doubtful[incident.id] = incident
        memory.bodies.note_simple(incident, simple)
        fresh.append(incident)
        if begin_rendering and len(fresh) >= _BEGIN_TOGETHER:
            memory.bodies.begin(fresh)
            fresh = []
    content = memory.contents.content
    if memory.doubtful:
        current = {incident.id: incident for incident in content.incidents}
        memory.doubtful = {key: one for key, one in memory.doubtful.items() if current.get(key) is one}
    if begin_rendering:
        memory.bodies.begin(memory.doubtful.values())
    return content
