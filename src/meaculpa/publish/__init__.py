"""Plan -> somewhere: reads what is published, plans, and carries the plan out in a safe order."""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.config import DirectoryTarget as DirectorySettings
from meaculpa.config import S3Target as S3Settings
from meaculpa.errors import Held, MeaculpaError, Refused, Retracted, TargetError
from meaculpa.layers import flat
from meaculpa.manifest import MANIFEST_PATH, Index, Shard, listed, retracted_name
from meaculpa.model import OutputFile
from meaculpa.plan import Checkout, Plan, compare, hold_removals, refuse_if_behind, refuse_if_unsafe
from meaculpa.publish.carry import Manner, Touched, begin_index, carry_out, write_index
from meaculpa.publish.directory import DirectoryTarget
from meaculpa.publish.published import Published, Standing, read_head, read_published, side_by_side
from meaculpa.publish.stamp import STAMPED
from meaculpa.publish.target import Conflict, Target

# By path, in bytes.
Sizes = Mapping[str, int | None]

_SOURCE_FOLDERS = ("incidents", "assets", "site_templates", "metrics", "private", ".git", ".meaculpa")
_SECONDS, _SECONDS_AN_UPLOAD = 60.0, 0.2
_LONGEST_PAUSE = 8.0
_LOOK_FOR_LOST_SECONDS = 60.0


class Options(Struct, frozen=True):
    """How to publish.

    `force` overrides refusals, `release` ends the hold of a rollback, `hold_removals` leaves in place what is no
    longer built, `checkout` is what we know of our own files. `is_plain` is for a folder that nobody visits: no
    earlier build is kept, no stamp set, and deletes are done at once.
    `valid_for` is how long a watcher answers for what it publishes. `patience`, in seconds, is how long another
    publisher gets to finish. `lost` are files that the caller knows to be missing or wrong at the target;
    `removals_meant` allows many files to go, but not what is newer than ours. `thorough` has the target looked
    through for what is missing, also where that costs requests; who `looks_after` publishing (`find_lost`) need not
    wait for a look before it.
    """

    force: bool = False
    release: bool = False
    dry_run: bool = False
    delete_at_once: bool = False
    is_plain: bool = False
    hold_removals: bool = False
    checkout: Checkout = field(default_factory=Checkout)
    now: datetime | None = None
    valid_for: timedelta | None = None
    patience: float = 2.0
    lost: frozenset[str] = frozenset()
    removals_meant: bool = False
    thorough: bool = False
    looks_after: bool = False
    stopping: Callable[[], bool] = lambda: False


class Wanted(Struct, frozen=True):
    """What is to be published: the manifest, the files as far as they may have to be uploaded, the updates known.

    `held` is the build that a rollback puts back, None for files as they are built.
    """

    shards: Mapping[str, Shard]
    files: Mapping[str, OutputFile]
    known: Mapping[str, str] = field(default_factory=dict)
    held: str | None = None


class Report(Struct, frozen=True):
    """What a publish did, or with a dry run would do, how many seconds that took, and the manifest's version then."""

    target: str
    place: str
    plan: Plan
    seconds: float = 0.0
    version: str = ""


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


def publish(
    files: Mapping[str, OutputFile],
    known: Mapping[str, str],
    target: Target,
    options: Options,
    standing: Standing | None = None,
) -> Report:
    """Bring a target to a build; raises Refused or TargetError, and then says what was done.

    `standing` is what this process remembers of the target since it published there last.
    """
    standing = standing or Standing()
    standing.listing = listed(files, known, standing.listing)
    wanted = Wanted(standing.listing.shards, files, known)
    return bring(lambda _: wanted, target, options, standing)


def bring(choose: Callable[[Index | None], Wanted], target: Target, options: Options, standing: Standing) -> Report:
    """Bring a target to a state, which is chosen anew whenever what is published has changed.

    When another publisher wrote meanwhile, reads again and plans again, each time with more patience, so that of any
    number of publishers one after the other comes through. Whatever this run has already written is then left
    marked as unfinished, so that it is written again whoever comes next.
    """
    touched = Touched()
    target.allow(_SECONDS)
    begin, pause = time.monotonic(), options.patience
    limit = begin + _SECONDS
    while True:
        index, version = read_head(target, standing, pause)
        looked = time.monotonic() if _looks_before(standing, options) else standing.looked
        published = Published(index, version, {})
        try:
            wanted = choose(index)
            published = read_published(target, index, version, wanted.shards)
            plan = _plan(wanted, published, target, options, touched, standing)
        except MeaculpaError as error:
            if not _mark_unfinished(target, published, touched) and time.monotonic() < limit:
                continue
            if isinstance(error, Retracted):
                side_by_side(target, target.delete, touched.created)
            raise
        if options.dry_run:
            break
        if plan.is_empty:
            standing.version, standing.looked = version, looked
            break
        target.allow(_SECONDS + _SECONDS_AN_UPLOAD * len(plan.uploads))
        try:
            _check_conditions(target, standing)
            carry_out(plan, target, published, _manner(wanted, options), standing, touched)
            standing.looked = looked
            break
        except Conflict:
            if time.monotonic() > limit:
                raise
            pause = min(pause * random.uniform(1, 2), _LONGEST_PAUSE)  # noqa: S311 (only to come apart)
    return Report(target.name, target.describe(), plan, time.monotonic() - begin, standing.version or "")


def _manner(wanted: Wanted, options: Options) -> Manner:
    now = options.now or datetime.now(UTC)
    return Manner(now, options.valid_for, options.is_plain, wanted.held, options.stopping)


def _check_conditions(target: Target, standing: Standing) -> None:
    """Ask once a process whether the place keeps two publishers apart; raises TargetError where it does not."""
    if not standing.checked and not target.heeds_conditions():
        raise TargetError(
            f"{target.describe()} ignores the conditions of conditional writes: of two publishers at once, both "
            "would win. Use a server that heeds If-Match and If-None-Match, or, if only one machine ever publishes, "
            f"say `conditional_writes: false` for the target {target.name} in meaculpa.yml"
        )
    standing.checked = True


def _plan(
    wanted: Wanted, published: Published, target: Target, options: Options, touched: Touched, standing: Standing
) -> Plan:
    index, stored, shards = published.index, published.stored, wanted.shards
    if index and touched.shards:
        index = begin_index(index, touched.shards, touched.created)
    if index and not (options.release or wanted.held):
        _refuse_if_held(index.held)
    if index and index.retracted:
        _refuse_if_retracted(index, shards.values())
    before = index.shards if index else {}
    equal = [shard for name, shard in shards.items() if before.get(name) == shard.digest]
    if options.hold_removals:
        shards = hold_removals(shards, stored)
    lost = _lost(target, wanted.files, [*equal, *stored.values()], stored, standing, options) | options.lost
    plan = compare(wanted.files, shards, index, stored, lost, options.delete_at_once or options.is_plain)
    if options.hold_removals:
        # What a killed run has created goes when removals do.
        plan = replace(plan, deletes=(), index=replace(plan.index, created=index.created if index else ()))
    if not options.force:
        # Whoever ends a hold knows that something else is there.
        checkout = replace(options.checkout, saved=_unknown) if options.release else options.checkout
        refuse_if_behind(wanted.known, stored.values(), index or Index({}), checkout)
        if not options.removals_meant:
            refuse_if_unsafe(plan, sum(len(shard.files) for shard in (*equal, *stored.values())))
    is_released = bool(index and index.held and options.release)
    return replace(plan, is_finishing=plan.is_finishing or is_released)


def _unknown(_: str) -> datetime | None:
    return None


def _refuse_if_held(held: str | None) -> None:
    if held:
        raise Held(
            f"a rollback has put build {held} back and holds it there; "
            "`meaculpa publish --release` publishes your files again"
        )


def _refuse_if_retracted(index: Index, shards: Iterable[Shard]) -> None:
    known = sorted(incident_id for shard in shards for incident_id in shard.known)
    burnt = [incident_id for incident_id in known if retracted_name(incident_id) in index.retracted]
    if burnt:
        raise Retracted(burnt)


def _lost(
    target: Target,
    files: Mapping[str, OutputFile],
    present: Iterable[Shard],
    stored: Mapping[str, Shard],
    standing: Standing,
    options: Options,
) -> set[str]:
    """Find what should be at the target as it is and is not; what has changed anyway does not count."""
    if not _looks_before(standing, options) and not options.thorough:
        return set()
    files = flat(files)
    digests = {path: digest for shard in stored.values() for path, digest in shard.files.items()}
    as_it_was = {
        path: file
        for shard in present
        for path in shard.files
        if (file := files.get(path)) and digests.get(path, file.digest) == file.digest
    }
    return target.lost(sizes_of(as_it_was), options.thorough)


def sizes_of(files: Mapping[str, OutputFile]) -> Sizes:
    """The size of each file as it should be at a target; None where it may be another one."""
    return {path: None if path == STAMPED else file.size for path, file in flat(files).items()}


def _looks_before(standing: Standing, options: Options) -> bool:
    """Whether to look before publishing: who has never looked does, whatever is to be done after it."""
    return standing.looked is None or (not options.looks_after and _is_look_due(standing.looked))


def _is_look_due(looked: float) -> bool:
    """A process whose word is still the last one there looks once a minute only."""
    return time.monotonic() - looked >= _LOOK_FOR_LOST_SECONDS


def is_as_left(target: Target, version: str, sizes: Sizes) -> bool:
    """Whether a target has the manifest of this version, and all of these files; raises TargetError."""
    target.allow(_SECONDS)
    found = target.read(MANIFEST_PATH)
    return found is not None and found.version == version and not target.lost(sizes)


def find_lost(files: Mapping[str, OutputFile], target: Target, standing: Standing) -> frozenset[str]:
    """Look, if that is due, whether all is still there of what was published last; raises TargetError."""
    if standing.looked is None or not _is_look_due(standing.looked):
        return frozenset()
    looked = time.monotonic()
    lost = target.lost(sizes_of(files))
    standing.looked = looked
    return frozenset(lost)


def _mark_unfinished(target: Target, published: Published, touched: Touched) -> bool:
    """Leave word of what this run wrote before it was refused; whoever publishes next writes it again.

    Gives whether that was possible: somebody else may be writing at this moment.
    """
    index = published.index
    if index and touched.shards:
        try:
            write_index(target, begin_index(index, touched.shards, touched.created), published.version)
        except Conflict:
            return False
    return True


def published_paths(report: Report) -> set[str]:
    """Collect the paths that were written or deleted."""
    return {*(upload.file.path for upload in report.plan.uploads), *report.plan.deletes}
