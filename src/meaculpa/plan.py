"""OutputFiles x Manifest -> Plan: what to upload and why, what to delete, and when to refuse.

A manifest lists what is published: an index (`.meaculpa/manifest.json`) that names shards, a shard a month,
each stored under the digest of its content. So one edit writes one shard, an unchanged site is recognised by
the index alone, and whoever reads the index reads a complete state.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeGuard

from meaculpa.errors import TargetError, TooManyRemovals, UnsafePlan
from meaculpa.model import OutputFile

MANIFEST_PATH = ".meaculpa/manifest.json"
FORMAT = 1
MOST_REMOVALS = 256
REMOVALS_ANYBODY_MAY = 10
LARGEST_SHARE_REMOVED = 0.2
_UNDATED_SHARDS = 16
_MONTH = re.compile(r"(?:^|/)(?:incidents|history|sitemaps)/(\d{4}-\d{2})\b")


class Reason(StrEnum):
    """Why a file is uploaded."""

    NEW = "new"
    CHANGED = "content changed"
    HEADERS = "headers changed"
    LOST = "missing at the target"
    UNFINISHED = "left unfinished by an earlier run"


class Group(StrEnum):
    """The order of publishing: nothing is visible before what it refers to."""

    ASSETS = "assets"
    PAGES = "pages"
    POINTERS = "pointers"


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a manifest: digests by path, paths that are gone but not yet deleted, newest updates known."""

    files: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The shard as it is stored."""
        value = {"files": dict(sorted(self.files.items())), "gone": sorted(self.gone)}
        return _encode({**value, "known": dict(sorted(self.known.items()))})

    @property
    def digest(self) -> str:
        """What identifies its content."""
        return hashlib.sha256(self.body).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Index:
    """The head of a manifest: digests of the shards by name, and shards of earlier states still stored.

    `pending` names the shards whose files a run has begun to write: until a run has finished, what they say of
    the target's files is not to be trusted.
    """

    shards: Mapping[str, str]
    superseded: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()

    @property
    def build(self) -> str:
        """Name the published state; equal content has equal names."""
        return hashlib.sha256(_encode(dict(sorted(self.shards.items())))).hexdigest()[:12]

    @property
    def body(self) -> bytes:
        """The index as it is stored."""
        value = {"v": FORMAT, "build": self.build, "shards": dict(sorted(self.shards.items()))}
        return _encode({**value, "superseded": sorted(self.superseded), "pending": sorted(self.pending)})


@dataclass(frozen=True, slots=True)
class Upload:
    """One file to upload, and why."""

    file: OutputFile
    reason: Reason

    @property
    def group(self) -> Group:
        """When it goes."""
        return group_of(self.file.path)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a publish will do; `shards` are those to be written, `index` comes last.

    `touched` names the shards of all uploads, `leftovers` the superseded shards that go at the end.
    """

    uploads: tuple[Upload, ...]
    deletes: tuple[str, ...]
    gone: tuple[str, ...]
    shards: Mapping[str, Shard]
    index: Index
    unchanged: int
    leftovers: tuple[str, ...] = ()
    is_finishing: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the target already is as it should be."""
        return not (self.uploads or self.deletes or self.gone or self.shards or self.is_finishing)

    @property
    def touched(self) -> tuple[str, ...]:
        """The shards whose files will be written."""
        return tuple(sorted({shard_of(upload.file.path) for upload in self.uploads}))


def group_of(path: str) -> Group:
    """Say when a path is published: pictures, then pages, then what visitors and banners ask for by name."""
    if path.startswith("assets/"):
        return Group.ASSETS
    name = path.rsplit("/", 1)[-1]
    is_page = "incidents/" in path or "history" in path or "sitemap" in path or name in ("404.html", "robots.txt")
    return Group.PAGES if is_page else Group.POINTERS


def shard_of(path: str) -> str:
    """Say which shard lists a path: its month, or for incidents without one a bucket, or `site`."""
    match = _MONTH.search(path)
    if match:
        return match[1]
    if "incidents/" in path:
        return f"undated-{zlib.crc32(path.rsplit('/', 1)[-1].encode()) % _UNDATED_SHARDS:02d}"
    return "site"


def manifest_of(files: Mapping[str, OutputFile], known: Mapping[str, str]) -> dict[str, Shard]:
    """List what a build holds, in shards; `known` maps incident ids to their newest update."""
    paths: dict[str, dict[str, str]] = {}
    updates: dict[str, dict[str, str]] = {}
    for path, file in files.items():
        paths.setdefault(shard_of(path), {})[path] = file.digest
    for incident_id, newest in known.items():
        updates.setdefault(shard_of(f"incidents/{incident_id}.html"), {})[incident_id] = newest
    names = paths.keys() | updates.keys()
    return {name: Shard(paths.get(name, {}), (), updates.get(name, {})) for name in sorted(names)}


def shards_to_read(wanted: Mapping[str, Shard], index: Index | None) -> dict[str, str]:
    """Name the stored shards that differ from ours: only they need to be read."""
    stored = index.shards if index else {}
    return {name: digest for name, digest in stored.items() if name not in wanted or wanted[name].digest != digest}


def compare(
    files: Mapping[str, OutputFile],
    wanted: Mapping[str, Shard],
    index: Index | None,
    stored: Mapping[str, Shard],
    lost: Collection[str] = (),
    delete_at_once: bool = False,
) -> Plan:
    """Find what differs between a build and what is published.

    `stored` holds the stored shards that differ from ours (`shards_to_read`); all others equal ours. What is no
    longer built is marked as gone and deleted by a later run, so that no visitor's page loses what it refers to.
    What `wanted` lists beyond `files` (`hold_removals`) stays as it is.
    """
    pending = set(index.pending) if index else set()
    before = {
        path: digest for name, shard in stored.items() if name not in pending for path, digest in shard.files.items()
    }
    same = {name for name in wanted if index and index.shards.get(name) == wanted[name].digest}
    kept = {path for shard in wanted.values() for path in shard.files}
    uploads = [
        Upload(files[path], reason)
        for name, shard in wanted.items()
        for path, digest in shard.files.items()
        if path in files
        and (reason := _reason(path, digest, before, name in same - pending, path in lost, name in pending))
    ]
    removed = {path for shard in stored.values() for path in shard.files} - kept
    tombstones = {path for shard in stored.values() for path in shard.gone}
    deletes = {path for path in tombstones | (removed if delete_at_once else set()) if path not in kept}
    gone = set() if delete_at_once else removed
    shards = _with_tombstones(wanted, gone)
    next_index = _next_index(shards, index)
    if delete_at_once:
        deletes |= set(next_index.superseded)
        next_index = Index(next_index.shards)
    return Plan(
        uploads=tuple(sorted(uploads, key=lambda upload: (tuple(Group).index(upload.group), upload.file.path))),
        deletes=tuple(sorted(deletes)),
        gone=tuple(sorted(gone)),
        shards={name: shard for name, shard in shards.items() if name not in same},
        index=next_index,
        unchanged=len(files) - len(uploads),
        leftovers=index.superseded if index else (),
        is_finishing=bool(pending),
    )


def _reason(
    path: str, digest: str, before: Mapping[str, str], same: bool, lost: bool, pending: bool
) -> Reason | None:
    if lost:
        return Reason.LOST
    if pending:
        return Reason.UNFINISHED
    if same or before.get(path) == digest:
        return None
    if path not in before:
        return Reason.NEW
    body_is_equal = before[path].split("-")[0] == digest.split("-")[0]
    return Reason.HEADERS if body_is_equal else Reason.CHANGED


def _with_tombstones(wanted: Mapping[str, Shard], gone: Collection[str]) -> dict[str, Shard]:
    """Our shards, with what is gone marked; a shard of which nothing is left lives on as its tombstones."""
    marks: dict[str, list[str]] = {}
    for path in gone:
        marks.setdefault(shard_of(path), []).append(path)
    shards = {name: wanted.get(name, Shard()) for name in sorted(wanted.keys() | marks.keys())}
    return {
        name: Shard(shard.files, tuple(sorted(marks.get(name, ()))), shard.known) for name, shard in shards.items()
    }


def _next_index(shards: Mapping[str, Shard], index: Index | None) -> Index:
    digests = {name: shard.digest for name, shard in shards.items()}
    before = index.shards if index else {}
    superseded = tuple(shard_path(name, digest) for name, digest in before.items() if digests.get(name) != digest)
    return Index(digests, superseded)


def shard_path(name: str, digest: str) -> str:
    """Where a shard is stored."""
    return f".meaculpa/manifest/{name}.{digest}.json"


def hold_removals(wanted: Mapping[str, Shard], stored: Mapping[str, Shard]) -> dict[str, Shard]:
    """Keep on listing what is published and no longer built, so that nothing of it is taken away."""
    ours = {path for shard in wanted.values() for path in shard.files}
    held: dict[str, Shard] = dict(wanted)
    for name, shard in stored.items():
        mine = wanted.get(name, Shard())
        kept = {path: digest for path, digest in shard.files.items() if path not in ours}
        held[name] = Shard({**kept, **mine.files}, tuple(set(shard.gone) - ours), {**shard.known, **mine.known})
    return held


def refuse_if_unsafe(plan: Plan, published: int) -> None:
    """Refuse a plan that takes much away; raises TooManyRemovals with the numbers and the way out."""
    removed = len({*plan.gone, *plan.deletes})
    many = removed > MOST_REMOVALS
    large_share = removed > REMOVALS_ANYBODY_MAY and removed > LARGEST_SHARE_REMOVED * max(published, 1)
    if many or large_share:
        raise TooManyRemovals(
            f"this would take away {removed} of {published} published files, as if a folder were missing; "
            "--force does it all the same"
        )


def refuse_if_behind(known: Mapping[str, str], stored: Iterable[Shard], seen: Mapping[str, str]) -> None:
    """Refuse to take back what is published when our files do not know of it; raises UnsafePlan.

    `known` are the newest updates of our files by incident, `seen` the newest that this process ever saw in them:
    what it saw and sees no more was taken out on purpose.
    """
    behind = sorted(
        (incident_id, newest)
        for shard in stored
        for incident_id, newest in shard.known.items()
        if known.get(incident_id, "") < newest and seen.get(incident_id, "") < newest
    )
    if behind:
        incident_id, newest = behind[0]
        others = f" and {len(behind) - 1} more" if len(behind) > 1 else ""
        raise UnsafePlan(
            f"your files are behind: the update of {newest} to {incident_id}{others} is published and not here; "
            "fetch it first, or use --force if it was removed on purpose"
        )


def read_index(body: bytes) -> Index:
    """Read a stored index; raises TargetError when it is not one of ours."""
    value = _decode(body, MANIFEST_PATH)
    if value.get("v") != FORMAT:
        raise TargetError(f"{MANIFEST_PATH} was written by another version of meaculpa (format {value.get('v')})")
    shards, superseded, pending = value.get("shards"), value.get("superseded", []), value.get("pending", [])
    if not (_is_texts_by_text(shards) and _is_paths(superseded) and _is_texts(pending)):
        raise _damaged(MANIFEST_PATH)
    return Index(shards, tuple(superseded), tuple(pending))


def read_shard(body: bytes, path: str) -> Shard:
    """Read a stored shard; raises TargetError when it is damaged."""
    value = _decode(body, path)
    files, gone, known = value.get("files", {}), value.get("gone", []), value.get("known", {})
    if not (_is_texts_by_text(files) and _is_paths([*files]) and _is_paths(gone) and _is_texts_by_text(known)):
        raise _damaged(path)
    return Shard(files, tuple(gone), known)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_texts_by_text(value: object) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and _is_texts([*value, *value.values()])


def _is_paths(value: object) -> TypeGuard[list[str]]:
    """Paths within the target: what a manifest names is deleted, so nothing in it may lead elsewhere."""
    return _is_texts(value) and not any(path.startswith("/") or ".." in path.split("/") for path in value)


def _damaged(path: str) -> TargetError:
    return TargetError(f"{path} is damaged; delete it and everything is published again")


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _decode(body: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(value, dict):
        raise _damaged(path)
    return value
