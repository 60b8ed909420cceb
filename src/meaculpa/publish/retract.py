"""Takes off what should never have been published: pages, kept builds, old versions, copies in caches."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from meaculpa.errors import TargetError
from meaculpa.manifest import MANIFEST_PATH, Index, read_index, read_shard, retracted_name, shard_path
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.carry import write_index
from meaculpa.publish.published import read_all, side_by_side
from meaculpa.publish.target import Conflict, Target

_OURS = ".meaculpa/"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Retraction:
    """What a retraction did at a target: files written and deleted, kept builds and old versions erased.

    `failures` say what may still be there.
    """

    target: str
    changed: int
    deleted: tuple[str, ...]
    builds: int
    versions: int
    failures: tuple[str, ...] = ()

    def with_failure(self, failure: str) -> "Retraction":
        """Add what may still be there."""
        return replace(self, failures=(*self.failures, failure))


def retract(
    ids: Collection[str],
    files: Mapping[str, OutputFile],
    known: Mapping[str, str],
    target: Target,
    options: Options,
) -> Retraction:
    """Publish a build without some incidents, and erase every trace of them at the target; raises TargetError.

    First the index names them, so that no other publisher brings them back meanwhile. A hold is released: what it
    holds may show them.
    """
    mark(ids, target)
    settled = replace(options, force=True, release=True, delete_at_once=True)
    plan = publish(files, known, target, settled).plan
    builds = _forget_builds(target)
    versions, failures = 0, []
    try:
        ours = _published_paths(target) | set(plan.deletes)
        versions = target.forget_versions(lambda path: path.startswith(_OURS) or path in ours)
    except TargetError as error:
        failures.append(str(error))
    deleted = tuple(path for path in plan.deletes if not path.startswith(_OURS))
    return Retraction(target.name, len(plan.uploads), deleted, builds, versions, tuple(failures))


def is_published(incident_id: str, target: Target) -> bool:
    """Whether a target's manifest lists an incident's page; raises TargetError."""
    return f"incidents/{incident_id}.html" in _published_paths(target)


def mark(ids: Collection[str], target: Target) -> None:
    """Write into the index that some incidents must never be published again; raises TargetError."""
    burnt = {retracted_name(one) for one in ids}
    _rewrite_index(target, lambda index: replace(index, retracted=tuple(sorted({*index.retracted, *burnt}))))


def _forget_builds(target: Target) -> int:
    """Erase what was kept for a rollback; gives how many builds that were."""
    before = _rewrite_index(target, _without_past)
    if before is None:
        return 0
    kept = [*before.superseded, *before.bundles, *(path for one in before.builds for path in one.bundles)]
    side_by_side(target, target.delete, dict.fromkeys(kept))
    return max(0, len(before.builds) - 1)


def _without_past(index: Index) -> Index:
    newest = tuple(replace(one, incidents=(), bundles=()) for one in index.builds[-1:])
    return replace(index, builds=newest, superseded=(), bundles=())


def _rewrite_index(target: Target, change: Callable[[Index], Index]) -> Index | None:
    """Change the index where there is one, whoever else is writing; gives it as it was before."""
    for _ in range(_ATTEMPTS):
        found = target.read(MANIFEST_PATH)
        if found is None:
            return None
        before = read_index(found.body)
        after = change(before)
        if after == before:
            return before
        with contextlib.suppress(Conflict):
            write_index(target, after, found.version)
            return before
    raise Conflict(f"{target.describe()} is changed again and again by somebody else; run it again")


def _published_paths(target: Target) -> set[str]:
    found = target.read(MANIFEST_PATH)
    index = read_index(found.body) if found else None
    paths = {shard_path(name, digest) for name, digest in index.shards.items()} if index else set()
    shards = [read_shard(stored.body, path) for path, stored in read_all(target, paths).items()]
    return {path for shard in shards for path in (*shard.files, *shard.gone)}
