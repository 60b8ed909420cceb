"""What is published, as a value: an index of shards, a shard a month.

The index (`.meaculpa/manifest.json`) names the shards, each stored under the digest of its content. So one edit
writes one shard, an unchanged site is recognised by the index alone, and whoever reads the index reads a complete
state.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from meaculpa.errors import TargetError
from meaculpa.model import OutputFile

MANIFEST_PATH = ".meaculpa/manifest.json"
FORMAT = 1
_UNDATED_SHARDS = 16
_MONTH = re.compile(r"(?:^|/)(?:incidents|history|sitemaps)/(\d{4}-\d{2})\b")


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
    the target's files is not to be trusted. `created` are paths that such a run may have added.
    """

    shards: Mapping[str, str]
    superseded: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    created: tuple[str, ...] = ()

    @property
    def build(self) -> str:
        """Name the published state; equal content has equal names."""
        return hashlib.sha256(_encode(dict(sorted(self.shards.items())))).hexdigest()[:12]

    @property
    def body(self) -> bytes:
        """The index as it is stored."""
        value = {"v": FORMAT, "build": self.build, "shards": dict(sorted(self.shards.items()))}
        value |= {"superseded": sorted(self.superseded), "pending": sorted(self.pending)}
        return _encode({**value, "created": sorted(self.created)})


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


def shard_path(name: str, digest: str) -> str:
    """Where a shard is stored."""
    return f".meaculpa/manifest/{name}.{digest}.json"


def read_index(body: bytes) -> Index:
    """Read a stored index; raises TargetError when it is not one of ours."""
    value = _decode(body, MANIFEST_PATH)
    if value.get("v") != FORMAT:
        raise TargetError(f"{MANIFEST_PATH} was written by another version of meaculpa (format {value.get('v')})")
    shards, superseded = value.get("shards"), value.get("superseded", [])
    pending, created = value.get("pending", []), value.get("created", [])
    if not (_is_texts_by_text(shards) and _is_paths(superseded) and _is_texts(pending) and _is_paths(created)):
        raise _damaged(MANIFEST_PATH)
    return Index(shards, tuple(superseded), tuple(pending), tuple(created))


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
