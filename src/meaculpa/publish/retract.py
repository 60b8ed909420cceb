"""Takes off what should never have been published: pages, kept builds, old versions, copies in caches."""

import contextlib
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.errors import Refused, TargetError
from meaculpa.manifest import MANIFEST_PATH, SHARDS, Index, read_index, read_shard, retracted_name, shard_path
from meaculpa.model import OutputFile
from meaculpa.publish import Options, publish
from meaculpa.publish.bundle import FOLDER as KEPT
from meaculpa.publish.bundle import Bundle, unpack
from meaculpa.publish.carry import write_index
from meaculpa.publish.published import read_all, side_by_side
from meaculpa.publish.target import ABSENT, Conflict, Target

_OURS = ".meaculpa/"
# An update that nobody can have missed.
_ALWAYS = "9999"
_ATTEMPTS = 5


class Retraction(Struct, frozen=True):
    """What a retraction did at a target: files written and deleted, kept builds and old versions erased.

    `is_released` says that a hold was ended, `failures` say what may still be there.
    """

    target: str
    changed: int
    deleted: tuple[str, ...]
    builds: int
    versions: int
    is_released: bool = False
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
    holds may show them. It may be run again at any time, and does again what is still to be done.
    """
    before = mark(ids, target)
    pages = {path for one in ids for path in _pages_of(one, files)}
    ours = _published_paths(target) | pages | {path for bundle in _bundles(target) for path in bundle.files}
    checkout = replace(options.checkout, seen={**options.checkout.seen, **dict.fromkeys(ids, _ALWAYS)})
    settled = replace(options, checkout=checkout, removals_meant=True, release=True, delete_at_once=True)
    changed, deleted, is_released, failures = 0, tuple[str, ...](), False, list[str]()
    try:
        plan = publish(files, known, target, settled).plan
        changed, deleted, is_released = len(plan.uploads), plan.deletes, bool(before and before.held)
    except Refused as error:
        failures.append(f"{error}. Its pages are deleted; what lists it is not yet written anew")
    deleted = tuple(sorted({*(path for path in deleted if not path.startswith(_OURS)), *_there(target, pages)}))
    side_by_side(target, target.delete, pages)
    builds, versions = _forget_builds(target), 0
    try:
        versions = target.forget_versions(lambda path: path.startswith(_OURS) or path in ours)
    except TargetError as error:
        failures.append(str(error))
    return Retraction(target.name, changed, deleted, builds, versions, is_released, tuple(failures))


def is_known(incident_id: str, target: Target) -> bool:
    """Whether a target shows an incident, keeps it in an earlier build, or knows it as retracted."""
    found = target.read(MANIFEST_PATH)
    if found and retracted_name(incident_id) in read_index(found.body).retracted:
        return True
    page = f"incidents/{incident_id}.html"
    return target.read(page) is not None or any(page in bundle.files for bundle in _bundles(target))


def mark(ids: Collection[str], target: Target) -> Index | None:
    """Write into the index that some incidents must never be published again; gives it as it was."""
    burnt = {retracted_name(one) for one in ids}
    return _rewrite_index(target, lambda index: replace(index, retracted=tuple(sorted({*index.retracted, *burnt}))))


def _pages_of(incident_id: str, files: Mapping[str, OutputFile]) -> set[str]:
    """The pages of an incident in every language of the site, as HTML and Markdown, whatever a manifest says."""
    homes = (path.removesuffix("index.html") for path in files if path.rpartition("/")[2] == "index.html")
    return {f"{home}incidents/{incident_id}.{ending}" for home in homes for ending in ("html", "md")}


def _there(target: Target, paths: Collection[str]) -> list[str]:
    return [path for path in paths if target.read(path) is not None]


def _bundles(target: Target) -> list[Bundle]:
    """What is kept of earlier builds, as far as it can be read."""
    bundles = []
    for path, stored in read_all(target, target.names(KEPT)).items():
        with contextlib.suppress(TargetError):
            bundles.append(unpack(stored.body, path))
    return bundles


def _forget_builds(target: Target) -> int:
    """Erase what was kept for a rollback, listed or not; gives how many builds that were."""
    side_by_side(target, target.delete, target.names(KEPT))
    before = _rewrite_index(target, _without_past)
    if before is None:
        return 0
    in_use = {shard_path(name, digest) for name, digest in before.shards.items()}
    side_by_side(target, target.delete, [path for path in target.names(SHARDS) if path not in in_use])
    return max(0, len(before.builds) - 1)


def _without_past(index: Index) -> Index:
    newest = tuple(replace(one, incidents=(), bundles=()) for one in index.builds[-1:])
    return replace(index, builds=newest, superseded=(), bundles=())


def _rewrite_index(target: Target, change: Callable[[Index], Index]) -> Index | None:
    """Change the index, whoever else is writing; gives it as it was before."""
    for _ in range(_ATTEMPTS):
        found = target.read(MANIFEST_PATH)
        before = read_index(found.body) if found else None
        after = change(before or Index({}))
        if after == (before or Index({})):
            return before
        with contextlib.suppress(Conflict):
            write_index(target, after, found.version if found else ABSENT)
            return before
    raise Conflict(f"{target.describe()} is changed again and again by somebody else; run it again")


def _published_paths(target: Target) -> set[str]:
    found = target.read(MANIFEST_PATH)
    index = read_index(found.body) if found else None
    paths = {shard_path(name, digest) for name, digest in index.shards.items()} if index else set()
    shards = [read_shard(stored.body, path) for path, stored in read_all(target, paths).items()]
    return {path for shard in shards for path in (*shard.files, *shard.gone)}
