"""Composition: a project's files -> every published file, making again only what has changed."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.build.binding import versions_of
from meaculpa.build.closing import is_over
from meaculpa.build.fallback import as_they_were, last_good, without_refused
from meaculpa.build.memory import Memory
from meaculpa.build.reading import missing_logo, parsed_config, parsed_theme, read_content
from meaculpa.build.values import read_metrics
from meaculpa.config import Config
from meaculpa.content import Content
from meaculpa.content.files import as_text, id_in
from meaculpa.errors import InvalidInput, Outdated, Problem, Severity, has_errors
from meaculpa.layers import Layers
from meaculpa.lint import inspect, same_until
from meaculpa.lint.rules import is_blocking
from meaculpa.manifest import version_of
from meaculpa.model import Incident, OutputFile
from meaculpa.names import CONFIG_FILE
from meaculpa.project import ProjectFiles
from meaculpa.redirects import parse_redirects
from meaculpa.render.environment import Theme
from meaculpa.render.pages import Chapter
from meaculpa.render.redirects import redirect_pages, unusable
from meaculpa.render.site import render
from meaculpa.status import Site, derive
from meaculpa.timeline import IncidentState

Good = TypeVar("Good", Config, Theme)


class Build(Struct, frozen=True):
    """One build: the site, its files by path, the versions in it (`manifest_of`), and what is wrong.

    `problems` are errors in files that kept their last good version, and warnings; `findings` are what the rules for
    messages say, and keep nothing from going out; `left_out` are broken files of
    which no good version is known. `made` counts the files that had to be made; the others were taken from the memory
    of an earlier build. `look_again` is when a text that was too slow gets another chance. Until `same_until`
    another build of the same files would make the same of them, and find the same in them.
    """

    site: Site
    config: Config
    files: Mapping[str, OutputFile]
    known: Mapping[str, str]
    problems: tuple[Problem, ...]
    findings: tuple[Problem, ...]
    left_out: tuple[str, ...]
    made: int
    look_again: datetime | None
    same_until: datetime


def build(
    files: ProjectFiles, now: datetime, memory: Memory, keep_going: bool = False, site_url: str | None = None
) -> Build:
    """Build the whole site as it stands at `now`.

    Raises InvalidInput with every problem of all files. With `keep_going` whatever has a problem keeps its last good
    version, from this process or (incidents) an earlier one, and everything else goes out; it raises only where
    there is no good configuration or theme. `site_url` replaces the configured one.
    """
    while True:
        try:
            return _build(files, now, memory, keep_going, site_url)
        except _Opened:
            continue
        except Outdated:
            # Whoever builds again must not be told the same again.
            if memory.archive:
                memory.archive.record.discard()
            raise


class _Opened(Exception):
    """Months had to be opened, so their incidents have to be read after all."""


def _build(files: ProjectFiles, now: datetime, memory: Memory, keep_going: bool, site_url: str | None) -> Build:
    """Build once; raises _Opened besides what `build` raises."""
    problems: list[Problem] = []
    config = _good_or_before(parsed_config(files, memory, site_url), memory.good_config, keep_going, problems)
    theme = _good_or_before(parsed_theme(files, config, memory), memory.good_theme, keep_going, problems)
    content = read_content(_without_closed(files, config, theme, memory, now), config, memory, begin_rendering=True)
    memory.give_another_chance()
    problems += [*files.problems, *content.problems, *missing_logo(config, files)]
    incidents, left_out = content.incidents, tuple[str, ...]()
    findings = memory.findings.follow(content.incidents, files, config, now)
    blocked = [problem for problem in findings if is_blocking(problem)]
    problems += blocked
    problems += _suddenly_empty(files, memory) if keep_going else []
    if has_errors(problems):
        if not keep_going:
            raise InvalidInput([*problems, *memory.bodies.refusals(memory.doubtful.values(), files.assets)])
        incidents, left_out = _as_they_were(content, blocked, problems, files, config, memory)
    site = _derive(incidents, config, now, memory, memory.states_before(now, config))
    outputs, made, theme = _produce_all(site, config, theme, files, memory, keep_going, problems)
    refused = memory.bodies.refusals(memory.doubtful.values(), files.assets)
    memory.doubtful = {key: one for key, one in memory.doubtful.items() if not memory.bodies.is_plain(one)}
    if refused:
        # Rendered and read side by side, a text turns out to be refused when its page has been made without it.
        memory.workshop.forget({id_in(problem.path) for problem in refused})
        problems += refused
        if not keep_going:
            raise InvalidInput(problems)
        incidents, left_out = _as_they_were(content, [*blocked, *refused], problems, files, config, memory)
        site = _derive(incidents, config, now, memory)
        outputs, made, theme = _produce_all(site, config, theme, files, memory, keep_going, problems)
    memory.bodies.forget_others((*content.incidents, *incidents))
    memory.remember_good(site, config, theme, incidents)
    told = sorted([*problems, *inspect(incidents, config, now)])
    known = _known(site, files, memory)
    _close_months(site, theme, told, memory)
    return Build(
        site=site,
        config=config,
        files=outputs,
        known=known,
        problems=tuple(told),
        findings=tuple(problem for problem in findings if not is_blocking(problem)),
        left_out=left_out,
        made=made,
        look_again=memory.bodies.next_chance(now),
        same_until=_same_until(site, incidents, files, memory),
    )


def _same_until(site: Site, incidents: Iterable[Incident], files: ProjectFiles, memory: Memory) -> datetime:
    # Charts move on all the time.
    moving = site.now if files.metrics else None
    moments = (site.next_change, memory.bodies.next_chance(site.now), moving, same_until(incidents, site.now))
    return min(moment for moment in moments if moment)


def _without_closed(files: ProjectFiles, config: Config, theme: Theme, memory: Memory, now: datetime) -> ProjectFiles:
    """The project without incidents that need not be read."""
    if memory.archive is None:
        return files
    memory.heed_doubts()
    return replace(files, incidents=memory.archive.follow(files.incidents, config, theme, files.assets, now))


def _derive(
    incidents: Iterable[Incident],
    config: Config,
    now: datetime,
    memory: Memory,
    earlier: Mapping[str, IncidentState] | None = None,
) -> Site:
    """Derive the site; raises _Opened where it shows something else beside what is closed."""
    if memory.archive is None:
        return derive(incidents, config, now, earlier)
    site = derive(incidents, config, now, earlier, memory.archive.volumes.values())
    if memory.archive.opens_beside(site):
        raise _Opened
    memory.archive.let_go(site, memory.contents.sources)
    return site


def _close_months(site: Site, theme: Theme, problems: Iterable[Problem], memory: Memory) -> None:
    if memory.archive and memory.archive.is_made_with(theme):
        made = {month.name: memory.workshop.files_of(month.name) for month in site.months}
        memory.archive.close(site, memory.contents.sources, made, problems)


def _good_or_before(
    found: Good | list[Problem], before: Good | None, keep_going: bool, problems: list[Problem]
) -> Good:
    """What was found, or, when it has problems and that is allowed, what there was before."""
    if not isinstance(found, list):
        return found
    if not keep_going or before is None:
        raise InvalidInput(found)
    problems += found
    return before


def _suddenly_empty(files: ProjectFiles, memory: Memory) -> list[Problem]:
    """Doubt that all incidents were taken away in the midst of one."""
    if files.incidents or not memory.site or not memory.site.open:
        return []
    hint = "if that is meant, start again, or publish --force"
    return [Problem("incidents", 0, "the folder is suddenly empty while incidents are open", hint)]


def _as_they_were(
    content: Content,
    refused: Iterable[Problem],
    problems: Iterable[Problem],
    files: ProjectFiles,
    config: Config,
    memory: Memory,
) -> tuple[tuple[Incident, ...], tuple[str, ...]]:
    """The incidents with broken ones as they last were, and the broken files of which no good version is known."""
    wrong = {problem.path for problem in problems if problem.severity is Severity.ERROR}
    good = without_refused(content.incidents, refused)
    before = last_good(files.root, wrong, config, memory.good_incidents, memory.copied.digests)
    incidents, left_out = as_they_were(good, before, wrong)
    memory.bodies.begin(one for one in incidents if not memory.bodies.is_plain(one))
    return incidents, left_out


def _produce_all(
    site: Site,
    config: Config,
    theme: Theme,
    files: ProjectFiles,
    memory: Memory,
    keep_going: bool,
    problems: list[Problem],
) -> tuple[Mapping[str, OutputFile], int, Theme]:
    """Make all files; a template of the project's own that fails gives way to the one before, if that is allowed."""
    try:
        outputs = _produce(site, config, theme, files, memory, problems)
    except InvalidInput as error:
        if not keep_going or memory.good_theme in (None, theme) or memory.good_theme is None:
            raise
        problems += error.problems
        theme = memory.good_theme
        outputs = _produce(site, config, theme, files, memory, problems)
    return outputs, memory.workshop.made, theme


def _produce(
    site: Site, config: Config, theme: Theme, files: ProjectFiles, memory: Memory, problems: list[Problem]
) -> Mapping[str, OutputFile]:
    """Every file of the site, and what answers at the addresses of an earlier one."""
    memory.values, metrics, wrong = read_metrics(files, config, site.now, memory.values)
    problems += [problem for problem in wrong if problem not in problems]
    closed = memory.archive.files if memory.archive else {}
    chapters = list(render(site, config, theme, memory.bodies, files.assets, metrics, memory.kept))
    if memory.workshop.is_much(chapters):
        memory.pool.rest()
    made = memory.workshop.make(chapters, _putting_away(site, memory))
    if memory.archive and memory.bodies.lacks:
        # It is told of, and tried again, where its month is open and its incident is looked at.
        memory.bodies.lacks = False
        memory.make_all_anew()
        memory.archive.open(list(memory.archive.volumes))
        memory.doubtful.update({incident.id: incident for incident in memory.contents.content.incidents})
        raise _Opened
    earlier = _earlier_addresses(Layers(closed, made), config, theme, files, memory, problems)
    return Layers(closed, made | earlier)


def _putting_away(site: Site, memory: Memory) -> Callable[[Chapter], None]:
    """Of a month that is over the texts need no memory once its chapter is made."""
    months = {month.name: month for month in site.months if memory.archive and is_over(month, site.now)}

    def put_away(chapter: Chapter) -> None:
        if chapter.name in months:
            memory.bodies.put_away(state.incident for state in months[chapter.name].states)

    return put_away


def _earlier_addresses(
    outputs: Mapping[str, OutputFile],
    config: Config,
    theme: Theme,
    files: ProjectFiles,
    memory: Memory,
    problems: list[Problem],
) -> dict[str, OutputFile]:
    if files.redirects is None:
        return {}
    if memory.redirects is None or memory.redirects[0] != files.redirects.digest:
        memory.redirects = (files.redirects.digest, parse_redirects(files.redirects.content))
    redirects, wrong = memory.redirects[1]
    lost = unusable(redirects, outputs)
    problems += [problem for problem in (*wrong, *lost.values()) if problem not in problems]
    usable = [one for one in redirects if one not in lost]
    return {page.path: page.produce() for page in redirect_pages(usable, outputs, config, theme)}


def _known(site: Site, files: ProjectFiles, memory: Memory) -> Mapping[str, str]:
    """The version of each incident that is shown, and of the configuration; months that are as before are known."""
    before, memory.versions = memory.versions, {}
    for month in site.months:
        known = before.get(month.name)
        versions = known[1] if known and known[0] == month else versions_of(month.states)
        memory.versions[month.name] = (month, versions)
    shown = versions_of(site.upcoming)
    for _, versions in memory.versions.values():
        shown.update(versions)
    shown[CONFIG_FILE] = version_of("", hashlib.sha256(as_text(files.config.content)).hexdigest())
    return Layers(memory.archive.versions if memory.archive else {}, shown)
