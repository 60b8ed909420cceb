"""What is published, as a value: an index of shards, a shard a month.

The index (`.meaculpa/manifest.json`) names the shards, each stored under the digest of its content. So one edit
writes one shard, an unchanged site is recognised by the index alone, and whoever reads the index reads a complete
state. It also names the earlier builds that a rollback can put back.
"""

import functools
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, ValidationError, convert, field
from msgspec.structs import asdict, replace

from meaculpa.errors import TargetError
from meaculpa.layers import find_changes
from meaculpa.model import OutputFile
from meaculpa.render.headers import is_earlier

MANIFEST_PATH = ".meaculpa/manifest.json"
SHARDS = ".meaculpa/manifest/"
FORMAT = 1
# The build that is published and fifty before it.
MOST_BUILDS = 51
MOST_NAMED = 20
_UNDATED_SHARDS = 16
Read = TypeVar("Read")
_REDIRECTS = "redirects"
# A month, and the sign behind it that ends it.
_MONTH_LENGTH = len("2026-11-")
_MONTH = re.compile(r"(?:^|/)(?:incidents|history|sitemaps)/(\d{4}-\d{2})\b")


class Shard(Struct, frozen=True, dict=True):
    """A part of a manifest: digests by path, paths that are gone but not yet deleted, versions of what it shows.

    `known` gives for each incident its version (`version_of`), and for `meaculpa.yml` that of the configuration.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The shard as it is stored."""
        value = {"files": dict(sorted(self.files.items())), "gone": sorted(self.gone)}
        return _encode({**value, "known": dict(sorted(self.known.items()))})

    @functools.cached_property
    def digest(self) -> str:
        """What identifies its content."""
        return hashlib.sha256(self.body).hexdigest()[:32]


def version_of(moment: str, digest: str) -> str:
    """Name a version of an incident: the moment of its newest update, and a digest of its texts."""
    return f"{moment} #{digest[:12]}"


def moment_of(version: str) -> str:
    """The moment of the newest update in a version."""
    return version.partition(" #")[0]


class PublishedBuild(Struct, frozen=True):
    """A build that was published: its place in the row, its name, when, how many files it changed, and whose.

    `incidents` are those whose version changed, at most `MOST_NAMED`; `bundles` are the paths under which lies what
    it replaced, in the order in which they were written.
    """

    number: int
    build: str
    at: str
    changed: int
    incidents: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()


class Index(Struct, frozen=True):
    """The head of a manifest: digests of the shards by name, and objects of earlier states still stored.

    `pending` names the shards whose files a run has begun to write: until a run has finished, what they say of
    the target's files is not to be trusted. `created` are paths that such a run may have added, `bundles` hold what
    it may have replaced, `run` tells two runs apart. `builds` are the newest published ones, oldest first; `held` is
    the build that a rollback has put back until it is released; `retracted` are incidents that must never be
    published again, by `retracted_name`.
    """

    shards: Mapping[str, str]
    superseded: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    run: str = ""
    number: int = 0
    builds: tuple[PublishedBuild, ...] = ()
    held: str | None = None
    retracted: tuple[str, ...] = ()

    @property
    def build(self) -> str:
        """Name the published state; equal content has equal names."""
        return hashlib.sha256(_encode(dict(sorted(self.shards.items())))).hexdigest()[:12]

    @property
    def body(self) -> bytes:
        """The index as it is stored."""
        value = {"v": FORMAT, "build": self.build, "number": self.number, "held": self.held, "run": self.run}
        value |= {"shards": dict(sorted(self.shards.items()))}
        for name in ("superseded", "pending", "created", "retracted"):
            value[name] = sorted(getattr(self, name))
        builds = [asdict(one) for one in self.builds]
        return _encode({**value, "bundles": self.bundles, "builds": builds})


def with_build(index: Index, before: Index | None, at: str, changed: int, incidents: tuple[str, ...]) -> Index:
    """Enter a build that has been published into its index; what only older builds needed is superseded."""
    earlier = before or Index({})
    number = earlier.number + 1
    entry = PublishedBuild(number, index.build, at, changed, incidents, earlier.bundles)
    builds = (*earlier.builds, entry)
    dropped = tuple(path for one in builds[:-MOST_BUILDS] for path in one.bundles)
    return replace(
        index,
        superseded=(*index.superseded, *dropped),
        number=number,
        builds=builds[-MOST_BUILDS:],
        retracted=earlier.retracted,
    )


def retracted_name(incident_id: str) -> str:
    """Name a retracted incident without saying its name, which may be what had to be retracted."""
    return hashlib.sha256(incident_id.encode()).hexdigest()[:16]


def shard_of(path: str) -> str:
    """Say which shard lists a path: its month, or for incidents without one a bucket, `redirects`, or `site`."""
    if is_earlier(path):
        return _REDIRECTS
    month = _month_in(path[: path.rfind("/") + 1 + _MONTH_LENGTH])
    if month:
        return month
    if "incidents/" in path and not path.startswith("api/"):
        # A page and its Markdown belong together: one edit writes one shard.
        page = f"{path.rsplit('/', 1)[-1].rpartition('.')[0]}.html"
        return f"undated-{zlib.crc32(page.encode()) % _UNDATED_SHARDS:02d}"
    return "site"


@functools.lru_cache(maxsize=1 << 12)
def _month_in(beginning: str) -> str | None:
    """The month at the beginning of a file's name, or in the names of its folders: hundreds of files share it."""
    match = _MONTH.search(beginning)
    return match and match[1]


class Listing(Struct, frozen=True):
    """What a build holds, and the shards that list it; `known` maps incident ids to versions."""

    files: Mapping[str, OutputFile] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    shards: Mapping[str, Shard] = field(default_factory=dict)


def manifest_of(files: Mapping[str, OutputFile], known: Mapping[str, str]) -> dict[str, Shard]:
    """List what a build holds, in shards; `known` maps incident ids to versions."""
    return dict(listed(files, known, Listing()).shards)


def listed(files: Mapping[str, OutputFile], known: Mapping[str, str], before: Listing) -> Listing:
    """List what a build holds; shards in which nothing has changed since `before` are taken as they are."""
    made, told = find_changes(before.files, files), find_changes(before.known, known)
    paths = _by_shard((*made.renewed, *made.gone))
    updates = _by_shard((*told.renewed, *told.gone), _page_of)
    shards = dict(before.shards)
    for name in paths.keys() | updates.keys():
        old = shards.pop(name, Shard())
        entries = {**old.files, **{path: files[path].digest for path in paths.get(name, ()) if path in made.renewed}}
        versions = {**old.known, **{one: known[one] for one in updates.get(name, ()) if one in told.renewed}}
        shard = Shard(_without(entries, made.gone), (), _without(versions, told.gone))
        if shard.files or shard.known:
            # What says the same keeps its digest, which is known.
            shards[name] = old if old == shard else shard
    return Listing(files, known, dict(sorted(shards.items())))


def _page_of(incident_id: str) -> str:
    return f"incidents/{incident_id}.html"


def _by_shard(names: Iterable[str], path_of: Callable[[str], str] = str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(shard_of(path_of(name)), []).append(name)
    return found


def _without(entries: dict[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: one for name, one in entries.items() if name not in names} if names else entries


def shards_to_read(wanted: Mapping[str, Shard], index: Index | None) -> dict[str, str]:
    """Name the stored shards that differ from ours: only they need to be read."""
    stored = index.shards if index else {}
    return {name: digest for name, digest in stored.items() if name not in wanted or wanted[name].digest != digest}


def shard_path(name: str, digest: str) -> str:
    """Where a shard is stored."""
    return f"{SHARDS}{name}.{digest}.json"


def read_index(body: bytes) -> Index:
    """Read a stored index; raises TargetError when it is not one of ours."""
    value = _decode(body, MANIFEST_PATH)
    if value.get("v") != FORMAT:
        raise TargetError(f"{MANIFEST_PATH} was written by another version of meaculpa (format {value.get('v')})")
    index = _read(Index, value, MANIFEST_PATH)
    of_builds = (path for one in index.builds for path in one.bundles)
    _refuse_outside((*index.superseded, *index.created, *index.bundles, *of_builds), MANIFEST_PATH)
    return index


def read_shard(body: bytes, path: str) -> Shard:
    """Read a stored shard; raises TargetError when it is damaged."""
    shard = _read(Shard, _decode(body, path), path)
    _refuse_outside((*shard.files, *shard.gone), path)
    return shard


def _read(kind: type[Read], value: dict[str, Any], path: str) -> Read:
    try:
        return convert(value, kind)
    except ValidationError:
        raise _damaged(path) from None


def _refuse_outside(paths: Iterable[str], place: str) -> None:
    """What a manifest names is deleted, so nothing in it may lead out of the target."""
    if any(path.startswith("/") or ".." in path.split("/") for path in paths):
        raise _damaged(place)


def _damaged(path: str) -> TargetError:
    return TargetError(
        f"{path} is damaged; delete it and everything is published again "
        "(retract again what was retracted: the file that is damaged remembered it)"
    )


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _decode(body: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(value, dict):
        raise _damaged(path)
    return value
