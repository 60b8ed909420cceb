"""Plan -> somewhere: reads what is published, plans, and carries the plan out in a safe order."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from meaculpa.config import DirectoryTarget as DirectorySettings
from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import TargetError
from meaculpa.model import OutputFile
from meaculpa.plan import (
    MANIFEST_PATH,
    Index,
    Plan,
    Shard,
    Upload,
    compare,
    manifest_of,
    read_index,
    read_shard,
    refuse_if_behind,
    refuse_if_unsafe,
    shard_path,
    shards_to_read,
)
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.target import ABSENT, Conflict, Target
from meaculpa.render.headers import CONTENT_TYPES, cache_control

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish: `force` overrides refusals, `removed_knowingly` names incidents whose removal was seen."""

    force: bool = False
    delete_at_once: bool = False
    dry_run: bool = False
    removed_knowingly: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What a publish did, or with a dry run would do; `warning` is what went wrong without harm."""

    target: str
    place: str
    plan: Plan
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    """What a target holds, as far as it differs from what we have."""

    index: Index | None
    version: str
    stored: Mapping[str, Shard]


def open_target(settings: DirectorySettings | S3Settings, root: Path) -> Target:
    """Make the target that a project's settings describe; raises TargetError."""
    if isinstance(settings, DirectorySettings):
        folder = (root / settings.path).resolve()
        refuse_source_folder(folder, root)
        return DirectoryTarget(settings.name, folder)
    from meaculpa.publish.s3 import S3Target

    return S3Target(settings)


def refuse_source_folder(folder: Path, root: Path) -> None:
    """Refuse to mix what is published with what it is made from; raises TargetError."""
    sources = [
        root.resolve(),
        *(root.resolve() / name for name in ("incidents", "assets", "site_templates", "private")),
    ]
    if folder in sources or root.resolve().is_relative_to(folder):
        raise TargetError(f"{folder} holds the project itself; choose a folder of its own, such as public")


def publish(files: Mapping[str, OutputFile], known: Mapping[str, str], target: Target, options: Options) -> Report:
    """Bring a target to a build; raises UnsafePlan or TargetError, and then says what was done.

    When another publisher wrote meanwhile, reads again and plans again.
    """
    wanted = manifest_of(files, known)
    for attempt in range(_ATTEMPTS):
        published = _read_published(target, wanted)
        plan = _plan(files, wanted, known, published, target, options)
        if options.dry_run or plan.is_empty:
            break
        try:
            _carry_out(plan, target, published)
            break
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
    return Report(target.name, target.describe(), plan)


def _read_published(target: Target, wanted: Mapping[str, Shard]) -> _Published:
    found = target.read(MANIFEST_PATH)
    if found is None:
        return _Published(None, ABSENT, {})
    index = read_index(found.body)
    stored = {}
    for name, digest in shards_to_read(wanted, index).items():
        path = shard_path(name, digest)
        shard = target.read(path)
        # A shard that is gone says nothing; what it listed is uploaded again.
        stored[name] = read_shard(shard.body, path) if shard else Shard()
    return _Published(index, found.version, stored)


def _plan(
    files: Mapping[str, OutputFile],
    wanted: Mapping[str, Shard],
    known: Mapping[str, str],
    published: _Published,
    target: Target,
    options: Options,
) -> Plan:
    index, stored = published.index, published.stored
    listed = _listed(wanted, published)
    plan = compare(files, wanted, index, stored, target.lost(listed), options.delete_at_once)
    if not options.force:
        refuse_if_behind(known, stored.values(), options.removed_knowingly)
        refuse_if_unsafe(plan, len(listed))
    return plan


def _listed(wanted: Mapping[str, Shard], published: _Published) -> list[str]:
    """Every path that the target's manifest lists."""
    before = published.index.shards if published.index else {}
    equal = (shard for name, shard in wanted.items() if before.get(name) == shard.digest)
    return [path for shard in (*equal, *published.stored.values()) for path in shard.files]


def _carry_out(plan: Plan, target: Target, published: _Published) -> None:
    """Upload group by group, then the manifest, then delete: at no moment does a page lack what it names."""
    done: list[str] = []
    try:
        for _, group in groupby(plan.uploads, key=lambda upload: upload.group):
            _upload(list(group), target, done)
        for name, shard in plan.shards.items():
            _write_plain(target, shard_path(name, shard.digest), shard.body)
        _write_index(plan, target, published)
        for path in (*plan.deletes, *(published.index.superseded if published.index else ())):
            target.delete(path)
    except Conflict:
        raise
    except TargetError as error:
        total = len(plan.uploads)
        raise TargetError(f"{error}. {len(done)} of {total} files were uploaded; run it again to go on.") from error


def _upload(uploads: list[Upload], target: Target, done: list[str]) -> None:
    """Write files side by side where the target likes that; on a failure the rest of the group still goes."""
    if target.writers == 1 or len(uploads) == 1:
        for upload in uploads:
            target.write(upload.file)
            done.append(upload.file.path)
        return
    with ThreadPoolExecutor(target.writers) as threads:
        running = {upload.file.path: threads.submit(target.write, upload.file) for upload in uploads}
    failures = [error for future in running.values() if (error := future.exception())]
    done += [path for path, future in running.items() if not future.exception()]
    if failures:
        raise failures[0]


def _write_plain(target: Target, path: str, body: bytes, expected: str | None = None) -> None:
    content_type = CONTENT_TYPES["json"]
    target.write(OutputFile(path, body, content_type, cache_control(path), ""), expected)


def _write_index(plan: Plan, target: Target, published: _Published) -> None:
    """Write the index under the condition that nobody else did; a lost reply to our own write is no conflict."""
    try:
        _write_plain(target, MANIFEST_PATH, plan.index.body, published.version)
    except Conflict:
        found = target.read(MANIFEST_PATH)
        if found is None or found.body != plan.index.body:
            raise


def published_paths(reports: Iterable[Report]) -> Collection[str]:
    """Collect the paths that reports say were written or deleted."""
    return {
        path
        for report in reports
        for path in (*(upload.file.path for upload in report.plan.uploads), *report.plan.deletes)
    }
