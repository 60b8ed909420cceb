"""Figures for monitors: what a site says and how publishing it goes, as JSON and as a text file for node_exporter."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import asdict, replace

from meaculpa.build.composition import Build
from meaculpa.cli.outcomes import Outcome
from meaculpa.cli.wording import say
from meaculpa.errors import Severity
from meaculpa.model import Impact
from meaculpa.publish import Report


class SiteFigures(Struct, frozen=True):
    """What a build of a site says and cost; `open` counts open incidents by impact, `next_update` is due first."""

    site: str
    built_at: datetime
    build_seconds: float
    files: int
    bytes: int
    incidents: int
    open: Mapping[str, int]
    overdue: int
    next_update: datetime | None
    maintenance_upcoming: int
    maintenance_under_way: int
    errors: int
    warnings: int


class TargetFigures(Struct, frozen=True):
    """How publishing to a target went: whether the last try worked, and what the last that did came to."""

    ok: bool
    at: datetime | None = None
    seconds: float = 0.0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    bytes: int = 0


def site_figures(done: Build, seconds: float) -> SiteFigures:
    """Count what a build says."""
    site, told = done.site, [*done.problems, *done.findings]
    due = [state.next_update for state in site.open if state.next_update]
    impacts = Counter(str(state.incident.impact) for state in site.open if not state.is_maintenance)
    severities = Counter(problem.severity for problem in told)
    return SiteFigures(
        site=done.config.site.url,
        built_at=site.now,
        build_seconds=round(seconds, 3),
        files=len(done.files),
        bytes=sum(file.size for file in done.files.values()),
        incidents=site.count,
        open={str(impact): impacts[str(impact)] for impact in Impact if impact is not Impact.MAINTENANCE},
        overdue=len(site.overdue),
        next_update=min(due, default=None),
        maintenance_upcoming=len(site.upcoming),
        maintenance_under_way=sum(state.is_maintenance for state in site.open),
        errors=severities[Severity.ERROR],
        warnings=severities[Severity.WARNING],
    )


def target_figures(report: Report, at: datetime) -> TargetFigures:
    """Count what a publish came to."""
    plan = report.plan
    return TargetFigures(
        ok=True,
        at=at,
        seconds=round(report.seconds, 3),
        changed=len(plan.uploads),
        deleted=len(plan.deletes),
        unchanged=plan.unchanged,
        bytes=sum(upload.file.size for upload in plan.uploads),
    )


def figures_data(figures: SiteFigures | TargetFigures) -> dict[str, Any]:
    """Figures for programs."""
    values = asdict(figures)
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in values.items()}


class Board:
    """The newest figures of a site and its targets, in a file that node_exporter reads; may be used by threads."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root = folder, root
        self._site: SiteFigures | None = None
        self._targets: dict[str, TargetFigures] = {}
        self._lock = Lock()

    def built(self, figures: SiteFigures, targets: Mapping[str, object]) -> None:
        """Take up a build; targets that are not configured any more are forgotten; raises OSError."""
        with self._lock:
            self._site = figures
            self._targets = {name: one for name, one in self._targets.items() if name in targets}
            self._write()
            write_run(self._folder, self._root, figures.built_at, not figures.errors)

    def broken(self, at: datetime, errors: int) -> None:
        """Take up that there can be no build at the moment; raises OSError."""
        with self._lock:
            if self._site:
                self._site = replace(self._site, errors=errors)
                self._write()
            write_run(self._folder, self._root, at, is_whole=False)

    def tried(self, target: str, ok: bool, figures: TargetFigures | None) -> None:
        """Take up whether a target could be reached, and what was published if anything was; raises OSError."""
        with self._lock:
            before = self._targets.get(target, TargetFigures(ok))
            self._targets[target] = figures or replace(before, ok=ok)
            self._write()

    def _write(self) -> None:
        if self._site:
            write_textfile(self._folder, self._site, self._targets)


def textfile_name(site: str) -> str:
    """The name of a site's file: several sites may share a folder."""
    parts = urlsplit(site)
    return f"meaculpa-{_slug(f'{parts.netloc}{parts.path}')}.prom"


class Sample(Struct, frozen=True):
    """One line of the text file."""

    name: str
    meaning: str
    value: float
    labels: Mapping[str, str]


def write_run(folder: Path, root: Path, at: datetime, is_whole: bool) -> None:
    """Write whether the last run of a project worked, also where its configuration cannot be read; raises OSError."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    for name, meaning, value in (
        ("run_timestamp_seconds", "When the project was last built, or could not be.", at.timestamp()),
        ("run_success", "Whether everything could be built and published then.", float(is_whole)),
    ):
        Gauge(f"meaculpa_{name}", meaning, ("project",), registry=registry).labels(str(root)).set(value)
    write_to_textfile(str(folder / f"meaculpa-run-{_slug(str(root))}.prom"), registry)


def write_outcomes(folder: Path, figures: SiteFigures, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Write what a publish came to; raises OSError."""
    targets = {
        one.name: target_figures(one.report, now) if one.report else TargetFigures(ok=False) for one in outcomes
    }
    write_textfile(folder, figures, targets)


def write_or_tell(write: Callable[[Path], None], folder: Path | None) -> None:
    """Write figures if they are wanted; that this fails is told, and makes nothing else fail."""
    if folder is None:
        return
    try:
        write(folder)
    except OSError as error:
        say(f"the figures could not be written to {folder}: {error.strerror}", to_errors=True)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def write_textfile(folder: Path, site: SiteFigures, targets: Mapping[str, TargetFigures]) -> None:
    """Write the figures in Prometheus' text format, whole or not at all; raises OSError."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry, gauges = CollectorRegistry(), dict[str, Gauge]()
    for sample in (*_site_samples(site), *_target_samples(targets)):
        if sample.name not in gauges:
            names = ("site", *sample.labels)
            gauges[sample.name] = Gauge(f"meaculpa_{sample.name}", sample.meaning, names, registry=registry)
        gauges[sample.name].labels(site.site, *sample.labels.values()).set(sample.value)
    write_to_textfile(str(folder / textfile_name(site.site)), registry)


def _site_samples(site: SiteFigures) -> Iterator[Sample]:
    def say(name: str, meaning: str, value: float, **labels: str) -> Sample:
        return Sample(name, meaning, value, labels)

    yield say("built_timestamp_seconds", "When the site was last built.", site.built_at.timestamp())
    yield say("build_seconds", "How long the last build took.", site.build_seconds)
    yield say("build_files", "Files of the site.", site.files)
    yield say("build_bytes", "Bytes of all files of the site.", site.bytes)
    yield say("incidents", "Incidents on the site, the archive included.", site.incidents)
    for impact, number in site.open.items():
        yield say("incidents_open", "Open incidents by impact.", number, impact=impact)
    yield say("updates_overdue", "Open incidents whose promised update has not come.", site.overdue)
    if site.next_update:
        due = site.next_update.timestamp()
        yield say("next_update_timestamp_seconds", "When the next promised update is due.", due)
    yield say("maintenance_upcoming", "Planned work that has not begun.", site.maintenance_upcoming)
    yield say("maintenance_under_way", "Planned work that has begun.", site.maintenance_under_way)
    for severity, number in (("error", site.errors), ("warning", site.warnings)):
        yield say("problems", "Problems in the files and in their words.", number, severity=severity)


def _target_samples(targets: Mapping[str, TargetFigures]) -> Iterator[Sample]:
    for name, one in sorted(targets.items()):
        labels = {"target": name}
        yield Sample("target_up", "Whether the last try to publish to a target worked.", one.ok, labels)
        if one.at is None:
            continue
        at = one.at.timestamp()
        yield Sample("target_published_timestamp_seconds", "When a target was last brought up to date.", at, labels)
        yield Sample("target_publish_seconds", "How long the last publish took.", one.seconds, labels)
        yield Sample("target_changed_files", "Files that the last publish wrote.", one.changed, labels)
        yield Sample("target_changed_bytes", "Bytes that the last publish wrote.", one.bytes, labels)
        yield Sample("target_deleted_files", "Files that the last publish deleted.", one.deleted, labels)
        yield Sample("target_unchanged_files", "Files that the last publish left.", one.unchanged, labels)
