"""Plan -> somewhere: reads what is published, plans, and carries the plan out in a safe order."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from meaculpa.config import DirectoryTarget as DirectorySettings
from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import MeaculpaError, Refused, TargetError
from meaculpa.manifest import (
    MANIFEST_PATH,
    Index,
    Shard,
    manifest_of,
    read_index,
    read_shard,
    shard_path,
    shards_to_read,
)
from meaculpa.model import OutputFile
from meaculpa.plan import Plan, Upload, compare, hold_removals, refuse_if_behind, refuse_if_unsafe
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.target import ABSENT, Conflict, Target
from meaculpa.render.headers import CONTENT_TYPES, cache_control

_ATTEMPTS = 5
_SOURCE_FOLDERS = ("incidents", "assets", "site_templates", "private", ".git", ".meaculpa")


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish.

    `force` overrides refusals, `hold_removals` leaves in place what is no longer built, `seen` are the newest updates
    that this process ever saw in the files, by incident.
    """

    force: bool = False
    delete_at_once: bool = False
    dry_run: bool = False
    hold_removals: bool = False
    seen: Mapping[str, str] = field(default_factory=dict)


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


@dataclass
class _Touched:
    """What this run has written since it last finished: shards of files, and paths that were not there before."""

    shards: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)


def open_target(settings: DirectorySettings | S3Settings, root: Path) -> Target:
    """Make the target that a project's settings describe; raises TargetError, or Refused for its own folder."""
    if isinstance(settings, DirectorySettings):
        folder = (root / settings.path).resolve()
        refuse_source_folder(folder, root)
        return DirectoryTarget(settings.name, folder)
    from meaculpa.publish.s3 import S3Target

    return S3Target(settings)


def refuse_source_folder(folder: Path, root: Path) -> None:
    """Refuse to mix what is published with what it is made from; raises Refused."""
    top = root.resolve()
    is_inside = any(folder.is_relative_to(top / name) for name in _SOURCE_FOLDERS)
    if top.is_relative_to(folder) or is_inside:
        raise Refused(f"{folder} holds the project itself; choose a folder of its own, such as public")


def publish(files: Mapping[str, OutputFile], known: Mapping[str, str], target: Target, options: Options) -> Report:
    """Bring a target to a build; raises UnsafePlan or TargetError, and then says what was done.

    When another publisher wrote meanwhile, reads again and plans again; whatever this run has already written is
    then left marked as unfinished, so that it is written again whoever comes next.
    """
    touched = _Touched()
    for attempt in range(1, _ATTEMPTS + 1):
        published = _read_published(target, manifest_of(files, known))
        try:
            plan = _plan(files, known, published, target, options, touched)
        except MeaculpaError:
            _mark_unfinished(target, published, touched)
            raise
        if options.dry_run or plan.is_empty:
            break
        try:
            _carry_out(plan, target, published, touched)
            break
        except Conflict:
            if attempt == _ATTEMPTS:
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
    known: Mapping[str, str],
    published: _Published,
    target: Target,
    options: Options,
    touched: "_Touched",
) -> Plan:
    index, stored = published.index, published.stored
    wanted = manifest_of(files, known)
    if index and touched.shards:
        index = _begun(index, touched.shards, touched.created)
    before = index.shards if index else {}
    equal = [shard for name, shard in wanted.items() if before.get(name) == shard.digest]
    present = {path: files[path] for shard in (*equal, *stored.values()) for path in shard.files if path in files}
    if options.hold_removals:
        wanted = hold_removals(wanted, stored)
    plan = compare(files, wanted, index, stored, _lost(target, present, stored), options.delete_at_once)
    if options.hold_removals:
        plan = replace(plan, deletes=())
    if not options.force:
        refuse_if_behind(known, stored.values(), options.seen)
        refuse_if_unsafe(plan, sum(len(shard.files) for shard in (*equal, *stored.values())))
    return plan


def _lost(target: Target, present: Mapping[str, OutputFile], stored: Mapping[str, Shard]) -> set[str]:
    """Find what should be at the target as it is and is not; what has changed anyway does not count."""
    digests = {path: digest for shard in stored.values() for path, digest in shard.files.items()}
    as_it_was = {path: file for path, file in present.items() if digests.get(path, file.digest) == file.digest}
    return target.lost(as_it_was)


def _carry_out(plan: Plan, target: Target, published: _Published, touched: "_Touched") -> None:
    """Upload group by group, delete what went earlier, then the manifest: no page ever lacks what it names.

    Before the first file is written the index says which shards will be: a run that ends in the middle leaves word of
    what it may have written, and two publishers meet before either has written a page.
    """
    done: list[str] = []
    version = published.version
    try:
        if plan.uploads or plan.deletes:
            begun = _begun(published.index or Index({}), plan.touched, plan.created)
            version = _write_index(target, begun, version)
        touched.shards |= set(plan.touched)
        touched.created |= set(plan.created)
        for _, group in groupby(plan.uploads, key=lambda upload: upload.group):
            _upload(list(group), target, done)
        for path in plan.deletes:
            target.delete(path)
        for name, shard in plan.shards.items():
            _write_plain(target, shard_path(name, shard.digest), shard.body)
        _write_index(target, plan.index, version)
        touched.shards.clear()
        touched.created.clear()
        for path in plan.leftovers:
            target.delete(path)
    except Conflict:
        raise
    except TargetError as error:
        total = len(plan.uploads)
        raise TargetError(f"{error}. {len(done)} of {total} files were uploaded; run it again to go on.") from error


def _mark_unfinished(target: Target, published: _Published, touched: "_Touched") -> None:
    """Leave word of what this run wrote before it was refused; whoever publishes next writes it again."""
    index = published.index
    if index and touched.shards:
        _write_index(target, _begun(index, touched.shards, touched.created), published.version)


def _begun(index: Index, shards: Iterable[str], created: Iterable[str]) -> Index:
    """The index of a run that has begun: what it says of these shards is not to be trusted until one has finished."""
    pending = tuple({*index.pending, *shards})
    return Index(index.shards, index.superseded, pending, tuple({*index.created, *created}))


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


def _write_plain(target: Target, path: str, body: bytes, expected: str | None = None) -> str:
    return target.write(OutputFile(path, body, CONTENT_TYPES["json"], cache_control(path), ""), expected)


def _write_index(target: Target, index: Index, version: str) -> str:
    """Write the index under the condition that nobody else did; a lost reply to our own write is no conflict."""
    try:
        return _write_plain(target, MANIFEST_PATH, index.body, version)
    except Conflict:
        found = target.read(MANIFEST_PATH)
        if found is None or found.body != index.body:
            raise
        return found.version


def published_paths(reports: Iterable[Report]) -> Collection[str]:
    """Collect the paths that reports say were written or deleted."""
    return {
        path
        for report in reports
        for path in (*(upload.file.path for upload in report.plan.uploads), *report.plan.deletes)
    }
