"""Puts an earlier build back, from what later ones replaced, and holds it there."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from meaculpa.errors import Refused, TargetError
from meaculpa.manifest import MANIFEST_PATH, Index, PublishedBuild, Shard, read_index, read_shard, shard_path
from meaculpa.model import OutputFile
from meaculpa.publish import Options, Report, Wanted, bring
from meaculpa.publish.bundle import Bundle, unpack
from meaculpa.publish.published import Standing, read_all
from meaculpa.publish.stamp import STAMPED
from meaculpa.publish.target import Target
from meaculpa.render.headers import output_file

PREVIOUS = "previous"
_SHORTEST_NAME = 4


class Past(Struct, frozen=True):
    """An earlier state of a target: its shards, and the bodies of what has been replaced since."""

    shards: Mapping[str, Shard]
    bodies: Mapping[str, bytes]


def earlier_builds(target: Target) -> tuple[PublishedBuild, ...]:
    """List the builds that are known at a target, the published one last; raises TargetError."""
    found = target.read(MANIFEST_PATH)
    return read_index(found.body).builds if found else ()


def rollback(build: str, target: Target, options: Options) -> Report:
    """Put a build back (its name or the beginning of it, or `previous`) and hold it until it is released.

    Raises Refused where that is not possible, and TargetError.
    """
    return bring(lambda index: _wanted(index, build, target), target, replace(options, force=True), Standing())


def _wanted(index: Index | None, build: str, target: Target) -> Wanted:
    if index is None or not index.builds:
        raise Refused(f"nothing is published at {target.describe()}")
    chosen = _choose(index, build)
    past = _past(index, chosen, target)
    files = _files_to_restore(index, _shards(index, target, ()), past)
    return Wanted(past.shards, files, held=chosen.build)


def _choose(index: Index, name: str) -> PublishedBuild:
    earlier = index.builds if index.pending else index.builds[:-1]
    if name == PREVIOUS:
        return _previous(index)
    matching = [one for one in earlier if len(name) >= _SHORTEST_NAME and one.build.startswith(name.lower())]
    if not matching:
        if len(name) < _SHORTEST_NAME:
            raise Refused(
                f'"{name}" is too short for the name of a build: at least its first {_SHORTEST_NAME} letters'
            )
        raise Refused(f'there is no earlier build "{name}" here; `meaculpa rollback` without a name lists them')
    return matching[-1]


def _previous(index: Index) -> PublishedBuild:
    """The build before the newest one that changed a file.

    Of a run that did not finish, the one before that run, or the one that it was about to put back; of one that is
    held, the one before that.
    """
    held = [one for one in index.builds if one.build == index.held]
    if index.pending and held:
        return held[-1]
    newer: PublishedBuild | None = None
    if held:
        newer = held[-2] if held[-1] is index.builds[-1] and held[:-1] else held[-1]
    elif not index.pending:
        newer = next((one for one in reversed(index.builds) if one.changed), None)
    earlier = [one for one in index.builds if newer is None or one.number < newer.number]
    if not earlier:
        raise Refused("there is no earlier build to go back to")
    return earlier[-1]


def _past(index: Index, chosen: PublishedBuild, target: Target) -> Past:
    """Undo one publish after the other, the newest first."""
    bundles = _bundles_since(index, chosen, target)
    if not bundles or bundles[0].index.build != chosen.build:
        raise TargetError(f"{target.describe()}: what build {chosen.build} consisted of was not kept or is gone")
    bodies: dict[str, bytes] = {}
    for bundle in reversed(bundles):
        bodies |= bundle.files
    return Past(_shards(bundles[0].index, target, bundles), bodies)


def _bundles_since(index: Index, chosen: PublishedBuild, target: Target) -> list[Bundle]:
    later = [path for one in index.builds if one.number > chosen.number for path in one.bundles]
    stored = read_all(target, list(dict.fromkeys([*later, *index.bundles])))
    return [unpack(one.body, path) for path, one in stored.items()]


def _shards(index: Index, target: Target, bundles: Sequence[Bundle]) -> dict[str, Shard]:
    kept = {digest: shard for bundle in bundles for digest, shard in bundle.shards.items()}
    paths = {name: shard_path(name, digest) for name, digest in index.shards.items() if digest not in kept}
    stored = read_all(target, paths.values())
    missing = [path for path in paths.values() if path not in stored]
    if missing:
        raise TargetError(f"{target.describe()}/{missing[0]} is gone; publish again before rolling back")
    read = {name: read_shard(stored[path].body, path) for name, path in paths.items()}
    return {name: read.get(name) or kept[digest] for name, digest in index.shards.items()}


def _files_to_restore(index: Index, now: Mapping[str, Shard], past: Past) -> dict[str, OutputFile]:
    """What has to be written again; raises Refused when something of it was not kept."""
    files, missing = {}, []
    for name, shard in past.shards.items():
        current = now.get(name, Shard())
        for path, digest in shard.files.items():
            is_same, body = current.files.get(path) == digest, past.bodies.get(path)
            # What is marked as gone and was never replaced is still there as it was.
            is_there = is_same or (body is None and path in current.gone)
            if body is not None and _fits(path, body, digest) and not (is_same and name not in index.pending):
                files[path] = dataclasses.replace(output_file(path, body), digest=digest)
            elif not is_there:
                missing.append(path)
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise Refused(f"{missing[0]}{others} of that build was not kept, so it cannot be put back whole")
    return files


def _fits(path: str, body: bytes, digest: str) -> bool:
    """Whether a body is what was published; a stamp stands outside the digest."""
    is_same: bool = hashlib.sha256(body).hexdigest()[:40] == digest.split("-")[0]
    return path == STAMPED or is_same
