"""Composition: a project's files -> every published file, making again only what has changed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from meaculpa.build.last_good import recall
from meaculpa.build.markup_pool import Answer, MarkupPool, TooSlow
from meaculpa.config import Config, parse_config
from meaculpa.content import Content, order, parse, parse_incident
from meaculpa.content.files import IncidentFiles, group_files
from meaculpa.errors import InvalidInput, Problem, Severity
from meaculpa.lint import inspect
from meaculpa.model import Incident, Markup, OutputFile
from meaculpa.project import ProjectFiles
from meaculpa.render.environment import Theme, make_theme
from meaculpa.render.pages import Page
from meaculpa.render.site import render
from meaculpa.status import Site, derive
from meaculpa.times import format_time


@dataclass(frozen=True, slots=True)
class Build:
    """One build: the site, its files by path, the newest published update per incident, and what is wrong.

    `problems` are errors in files that kept their last good version, and warnings; `left_out` are broken files of
    which no good version is known. `made` counts the files
    that had to be made; the others were taken from the memory of an earlier build.
    """

    site: Site
    config: Config
    files: Mapping[str, OutputFile]
    known: Mapping[str, str]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...]
    made: int


@dataclass
class Memory:
    """What an earlier build of the same process knew; it may be dropped at any time."""

    pool: MarkupPool = field(default_factory=MarkupPool)
    config: tuple[str, Config | list[Problem]] | None = None
    theme: tuple[tuple[object, ...], Theme | list[Problem]] | None = None
    incidents: dict[tuple[object, ...], Incident | list[Problem]] = field(default_factory=dict)
    markup: dict[str, Answer] = field(default_factory=dict)
    pages: dict[str, tuple[tuple[object, ...], OutputFile]] = field(default_factory=dict)
    last_good: dict[str, Incident] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)


def build(
    files: ProjectFiles, now: datetime, memory: Memory, keep_going: bool = False, site_url: str | None = None
) -> Build:
    """Build the whole site as it stands at `now`.

    Raises InvalidInput with every problem of all files. With `keep_going` an incident file with a problem keeps
    its last good version, from this process or an earlier one, and the others
    go out. `site_url` replaces the configured one.
    """
    config = read_config(files, memory, site_url)
    content = read_content(files, config, memory)
    theme = _theme(files, config, memory)
    markup, refused = _render_bodies(content.incidents, files.assets, memory)
    problems = [*files.problems, *content.problems, *refused, *_missing_logo(config, files)]
    incidents, left_out = content.incidents, tuple[str, ...]()
    if any(problem.severity is Severity.ERROR for problem in problems):
        if not keep_going or not _only_incidents_are_broken(problems):
            raise InvalidInput(problems)
        incidents, left_out = _as_they_were(content, refused, problems, files, config, memory)
        markup |= _markup_of(incidents, memory)
    site = derive(incidents, config, now)
    pages = list(render(site, config, theme, markup, files.assets))
    outputs, made = _produce(pages, memory)
    memory.last_good = {incident.path: incident for incident in incidents}
    told = [*problems, *inspect(incidents, config, now)]
    return Build(site, config, outputs, _known(site), tuple(sorted(told)), left_out, made)


def read_config(files: ProjectFiles, memory: Memory, site_url: str | None = None) -> Config:
    """Read the configuration; raises InvalidInput."""
    if memory.config is None or memory.config[0] != files.config.digest:
        parsed = parse_config(files.config.content)
        if site_url and isinstance(parsed, Config):
            parsed = parsed.model_copy(update={"site": parsed.site.model_copy(update={"url": site_url})})
        memory.config = (files.config.digest, parsed)
    config = memory.config[1]
    if isinstance(config, list):
        raise InvalidInput(config)
    return config


def read_content(files: ProjectFiles, config: Config, memory: Memory) -> Content:
    """Read all incident files, those of unchanged content from memory; gives every problem of all."""
    groups, problems = group_files(files.incidents.values(), config.site.locales)
    read = {_memory_key(group, files): group for group in groups}
    memory.incidents = {
        key: memory.incidents[key] if key in memory.incidents else parse_incident(group, config)
        for key, group in read.items()
    }
    incidents = [one for one in memory.incidents.values() if isinstance(one, Incident)]
    problems += [problem for one in memory.incidents.values() if isinstance(one, list) for problem in one]
    return Content(tuple(sorted(incidents, key=order)), tuple(sorted(problems)))


def _memory_key(group: IncidentFiles, files: ProjectFiles) -> tuple[object, ...]:
    return (files.config.digest, *group.key)


def _theme(files: ProjectFiles, config: Config, memory: Memory) -> Theme:
    key = (
        config.site.locales,
        tuple((name, source.digest) for name, source in sorted(files.templates.items())),
    )
    if memory.theme is None or memory.theme[0] != key:
        memory.theme = (key, make_theme(files.templates, config.site.locales))
    theme = memory.theme[1]
    if isinstance(theme, list):
        raise InvalidInput(theme)
    return theme


def _bodies(incident: Incident) -> Iterable[tuple[str, str, int]]:
    """Every text of an incident in Markdown, with its file and line."""
    for update in incident.updates:
        yield update.body, incident.path, update.line
    for translation in incident.translations.values():
        for body in translation.bodies:
            if body is not None:
                yield body, translation.path, 0


def _render_bodies(
    incidents: Collection[Incident], assets: Collection[str], memory: Memory
) -> tuple[dict[str, Markup], list[Problem]]:
    """Render what is not in memory; gives the markup of all texts, and a problem for each that is refused."""
    texts = [place for incident in incidents for place in _bodies(incident)]
    wanted = {text for text, _, _ in texts}
    known = {text: answer for text, answer in memory.markup.items() if text in wanted}
    known.update(memory.pool.render(text for text in wanted if text not in known))
    memory.markup = known
    problems = [problem for text, path, line in texts for problem in _refusals(known[text], path, line, assets)]
    return {text: answer for text, answer in known.items() if isinstance(answer, Markup)}, problems


def _refusals(answer: Answer, path: str, line: int, assets: Collection[str]) -> Iterable[Problem]:
    if isinstance(answer, Markup):
        for picture in answer.pictures:
            if picture not in assets:
                hint = "pictures lie in the project's assets folder: ![what it shows](assets/name.png)"
                yield Problem(path, line, f'there is no picture "{picture}"', hint)
    elif isinstance(answer, TooSlow):
        yield Problem(path, line, "this text takes too long to render", "shorten it, or leave out unusual markup")
    else:
        yield Problem(path, line, "this text is nested too deep", "use fewer levels of lists and quotes")


def _missing_logo(config: Config, files: ProjectFiles) -> list[Problem]:
    if config.brand.logo is None or config.brand.logo in files.assets:
        return []
    return [
        Problem(
            files.config.path,
            0,
            f'there is no picture "{config.brand.logo}"',
            "brand.logo names a file in assets/",
        )
    ]


def _only_incidents_are_broken(problems: Iterable[Problem]) -> bool:
    errors = (problem for problem in problems if problem.severity is Severity.ERROR)
    return all(problem.path.startswith("incidents/") for problem in errors)


def _as_they_were(
    content: Content,
    refused: Iterable[Problem],
    problems: Iterable[Problem],
    files: ProjectFiles,
    config: Config,
    memory: Memory,
) -> tuple[tuple[Incident, ...], tuple[str, ...]]:
    """The incidents with broken ones as they last were, and the broken files of which no good version is known."""
    not_rendered = {problem.path for problem in refused}
    good = {one.path: one for one in content.incidents if not not_rendered & {one.path, *_translation_paths(one)}}
    wrong = {problem.path for problem in problems if problem.severity is Severity.ERROR}
    before = memory.last_good or {one.path: one for one in parse(recall(files.root).values(), config).incidents}
    kept = {path: one for path, one in before.items() if path not in good and _is_touched(one, wrong)}
    known = {path for one in kept.values() for path in (one.path, *_translation_paths(one))}
    left_out = sorted(path for path in wrong - known if _original_of(path) not in kept)
    return tuple(sorted((good | kept).values(), key=order)), tuple(left_out)


def _is_touched(incident: Incident, wrong: Collection[str]) -> bool:
    """Whether an incident's own file or one of its translations is among broken files."""
    return any(_original_of(path) == incident.path or path in _translation_paths(incident) for path in wrong)


def _original_of(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.split('.')[0]}.md"


def _translation_paths(incident: Incident) -> set[str]:
    return {translation.path for translation in incident.translations.values()}


def _markup_of(incidents: Iterable[Incident], memory: Memory) -> dict[str, Markup]:
    """Render what only last good versions say."""
    texts = [text for incident in incidents for text, _, _ in _bodies(incident) if text not in memory.markup]
    answers = memory.pool.render(texts)
    memory.markup.update(answers)
    return {text: answer for text, answer in answers.items() if isinstance(answer, Markup)}


def _produce(pages: Iterable[Page], memory: Memory) -> tuple[dict[str, OutputFile], int]:
    """Make the pages whose inputs differ from those of the last build."""
    outputs: dict[str, OutputFile] = {}
    remembered: dict[str, tuple[tuple[object, ...], OutputFile]] = {}
    made = 0
    for page in pages:
        before = memory.pages.get(page.path)
        if before is None or before[0] != page.inputs:
            before = (page.inputs, page.produce())
            made += 1
        remembered[page.path] = before
        outputs[page.path] = before[1]
    memory.pages = remembered
    return outputs, made


def _known(site: Site) -> dict[str, str]:
    return {state.incident.id: format_time(state.updates[-1].at) for state in site.every}
