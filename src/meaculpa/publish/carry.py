"""Carries a plan out: group by group, each write under the condition that nobody else was there meanwhile."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from msgspec import Struct, field
from msgspec.structs import replace

from meaculpa.errors import TargetError
from meaculpa.halves import can_be_halved, in_halves
from meaculpa.manifest import MANIFEST_PATH, MOST_NAMED, Index, shard_path, with_build
from meaculpa.model import OutputFile
from meaculpa.plan import Group, Plan, Reason, Upload
from meaculpa.publish.bundle import Bundle, pack
from meaculpa.publish.published import Published, Standing, read_all, side_by_side
from meaculpa.publish.stamp import STAMPED, next_stamp, read_stamp, with_stamp
from meaculpa.publish.target import ABSENT, Conflict, Stored, Target
from meaculpa.render.headers import CONTENT_TYPES, cache_control
from meaculpa.times import format_time

_TAKEOVERS = 8
_TOGETHER = 64
# So many files take longer to write than a copy of the process does.
_MUCH = 4_000


class Stopped(TargetError):
    """Asked to end, between two writes."""


class Manner(Struct, frozen=True):
    """How a run writes: its moment, how long its stamp holds, whether it keeps what it replaces, and when it ends."""

    now: datetime
    valid_for: timedelta | None = None
    is_plain: bool = False
    held: str | None = None
    stopping: Callable[[], bool] = lambda: False


class Touched(Struct):
    """What this run has written since it last finished: shards of files, and paths that were not there before."""

    shards: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)


class _Run(Struct):
    """One try: the target, what it held, and the index as this run has begun it."""

    target: Target
    standing: Standing
    manner: Manner
    replaced: Mapping[str, Stored]
    index: Index
    version: str
    done: list[str] = field(default_factory=list)


def carry_out(
    plan: Plan, target: Target, published: Published, manner: Manner, standing: Standing, touched: Touched
) -> None:
    """Upload group by group, delete what went earlier, then the manifest: no page ever lacks what it names.

    Before the first file is written the index says which shards will be, and what is replaced is kept: a run that
    ends in the middle leaves word of what it may have written, and two publishers meet before either has written.
    """
    done: list[str] = []
    try:
        run = _begin(plan, target, published, manner, standing, done)
        touched.shards |= set(plan.touched)
        touched.created |= set(plan.created)
        for _, group in groupby(plan.uploads, key=lambda upload: upload.turn):
            _upload(list(group), run)
        left = _delete(plan, run)
        for name, shard in plan.shards.items():
            target.write(_plain(shard_path(name, shard.digest), shard.body))
        _finish(replace(plan, index=replace(plan.index, superseded=(*plan.index.superseded, *left))), run)
        touched.shards.clear()
        touched.created.clear()
    except Conflict:
        standing.forget()
        raise
    except TargetError as error:
        told = f"{error}. {len(done)} of {len(plan.uploads)} files were uploaded; run it again to go on."
        raise type(error)(told) from error


def _begin(
    plan: Plan, target: Target, published: Published, manner: Manner, standing: Standing, done: list[str]
) -> _Run:
    """Say in the index what will be written, and keep what will be replaced."""
    index, version = published.index or Index({}), published.version
    if not (plan.uploads or plan.deletes):
        return _Run(target, standing, manner, {}, index, version, done)
    if manner.is_plain:
        begun, bundle, replaced = begin_index(index, plan.touched, plan.created), None, dict[str, Stored]()
    else:
        replaced = _read_replaced(plan, target, standing)
        bundle = pack(_bundle(published, replaced)) if published.index else None
        begun = begin_index(index, plan.touched, plan.created, (bundle.path,) if bundle else ())
    # Who comes after a rollback that was killed must know that it was one.
    begun = replace(begun, held=manner.held or index.held)
    version = write_index(target, begun, version)
    standing.version = version
    if bundle:
        target.write(bundle)
    return _Run(target, standing, manner, replaced, begun, version, done)


def begin_index(index: Index, shards: Iterable[str], created: Iterable[str], bundles: tuple[str, ...] = ()) -> Index:
    """The index of a run that has begun: what it says of these shards is not to be trusted until one has finished."""
    pending, paths = tuple({*index.pending, *shards}), tuple({*index.created, *created})
    kept = (*index.bundles, *(path for path in bundles if path not in index.bundles))
    return replace(index, pending=pending, created=paths, bundles=kept, run=uuid.uuid4().hex)


def _read_replaced(plan: Plan, target: Target, standing: Standing) -> dict[str, Stored]:
    """What the plan will overwrite or delete, with its versions; what we wrote ourselves need not be read."""
    overwritten = [upload.file.path for upload in plan.uploads if upload.reason is not Reason.NEW]
    paths = [*overwritten, *plan.deletes]
    remembered = {path: standing.recent[path] for path in paths if path in standing.recent}
    return remembered | read_all(target, [path for path in paths if path not in remembered])


def _bundle(published: Published, replaced: Mapping[str, Stored]) -> Bundle:
    """What the way back needs: nothing that only an unfinished run wrote."""
    index = published.index or Index({})
    listed = {path for shard in published.stored.values() for path in shard.files}
    listed |= {path for shard in published.stored.values() for path in shard.gone}
    files = {path: stored.body for path, stored in replaced.items() if path in listed}
    shards = {index.shards[name]: shard for name, shard in published.stored.items() if name in index.shards}
    return Bundle(index, {digest: shard for digest, shard in shards.items() if shard.digest == digest}, files)


def _upload(uploads: list[Upload], run: _Run) -> None:
    """Write files side by side where the target likes that; on a failure the rest of the group still goes."""
    if run.manner.is_plain and run.target.writers == 1 and len(uploads) >= _MUCH and can_be_halved():
        _upload_in_halves(uploads, run)
        return
    files = {upload.file.path: upload for upload in uploads}
    side_by_side(run.target, lambda path: _write(files[path], run), files)


def _upload_in_halves(uploads: list[Upload], run: _Run) -> None:
    """Write files to this machine, half of them in a copy of the process."""
    batches = [uploads[start : start + _TOGETHER] for start in range(0, len(uploads), _TOGETHER)]

    def here(number: int) -> None:
        for upload in batches[number]:
            _write(upload, run)

    def there(number: int) -> bytes:
        here(number)
        return b""

    def take(number: int, _answer: bytes) -> None:
        run.done.extend(upload.file.path for upload in batches[number])

    in_halves(len(batches), here, there, take)


def _write(upload: Upload, run: _Run) -> None:
    if run.manner.stopping():
        raise Stopped("asked to end")
    file = upload.file
    if run.manner.is_plain or upload.group is Group.ASSETS:
        run.target.write(file)
    else:
        run.standing.remember(file.path, _write_guarded(file, run))
    run.done.append(file.path)


def _write_guarded(file: OutputFile, run: _Run) -> Stored:
    """Write a file under the condition that it is as it was; gives it as it is stored now.

    A lost reply to our own write is no conflict; what a killed run left is taken over; where another publisher has
    begun since, that one goes first. Raises Conflict then.
    """
    before = run.replaced.get(file.path)
    for _ in range(_TAKEOVERS):
        made = _with_stamp_if_due(file, before, run.manner)
        try:
            return Stored(made.body, run.target.write(made, before.version if before else ABSENT))
        except Conflict:
            before = run.target.read(file.path)
            if before and before.body == made.body:
                return before
            _refuse_if_overtaken(run)
    raise Conflict(f"{run.target.describe()}/{file.path} is changed again and again by somebody else")


def _with_stamp_if_due(file: OutputFile, before: Stored | None, manner: Manner) -> OutputFile:
    if file.path != STAMPED:
        return file
    stamp = read_stamp(before.body) if before else None
    return with_stamp(file, next_stamp(stamp, manner.now, manner.valid_for))


def _delete(plan: Plan, run: _Run) -> tuple[str, ...]:
    """Delete what went earlier and what no state needs any more; gives what of the latter is still there.

    Nobody guards a deletion, so it is not done when somebody else has begun since: what goes may be in use again.
    """
    if plan.deletes or plan.leftovers:
        _refuse_if_overtaken(run)
    for path in plan.deletes:
        run.standing.drop(path)
    side_by_side(run.target, run.target.delete, plan.deletes)
    tried = side_by_side(run.target, partial(_try_to_delete, run.target), plan.leftovers)
    return tuple(path for path in tried if path)


def _try_to_delete(target: Target, path: str) -> str | None:
    try:
        target.delete(path)
    except TargetError:
        return path
    return None


def _refuse_if_overtaken(run: _Run) -> None:
    """Raise Conflict when another publisher has begun since this run did."""
    found = run.target.read(MANIFEST_PATH)
    if (found.version if found else ABSENT) != run.version:
        raise Conflict(f"{run.target.describe()} was changed by another publisher")


def _finish(plan: Plan, run: _Run) -> None:
    """Write the index of the new state: from now on it is what is published."""
    before = run.index
    index = replace(plan.index, number=before.number, builds=before.builds, retracted=before.retracted)
    if not run.manner.is_plain:
        index = with_build(index, before, format_time(run.manner.now), len(plan.uploads), plan.renewed[:MOST_NAMED])
        index = replace(index, held=run.manner.held)
    run.standing.version = write_index(run.target, index, run.version)


def write_index(target: Target, index: Index, version: str) -> str:
    """Write the index under the condition that nobody else did; a lost reply to our own write is no conflict."""
    try:
        return target.write(_plain(MANIFEST_PATH, index.body), version)
    except Conflict:
        found = target.read(MANIFEST_PATH)
        if found is None or found.body != index.body:
            raise
        return found.version


def _plain(path: str, body: bytes) -> OutputFile:
    return OutputFile(path, body, CONTENT_TYPES["json"], cache_control(path), "")
