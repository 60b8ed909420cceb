"""What a publish replaces, in one archive: the way back to the build before.

A bundle is a gzipped tar file named for its content. It holds the index as it was, the shards that were superseded
and the bytes of every file that was overwritten or deleted. All are packed as one: pages share their style, and feeds
their texts.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from meaculpa.errors import TargetError
from meaculpa.manifest import Index, Shard, read_index, read_shard
from meaculpa.model import OutputFile

FOLDER = ".meaculpa/kept/"
_INDEX, _SHARDS, _FILES = "index.json", "shards/", "files/"
# Beyond it, a hundredth is saved in a third more time.
_LEVEL = 6


class Bundle(Struct, frozen=True):
    """The index before a publish, and what that publish replaced: shards by digest, bodies by path."""

    index: Index
    shards: Mapping[str, Shard] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def pack(bundle: Bundle) -> OutputFile:
    """Write a bundle as a file to be stored; equal bundles give equal bytes."""
    entries = {_INDEX: bundle.index.body}
    entries |= {f"{_SHARDS}{digest}": shard.body for digest, shard in bundle.shards.items()}
    entries |= {f"{_FILES}{path}": body for path, body in bundle.files.items()}
    stream = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", _LEVEL, stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(entries):
            entry = tarfile.TarInfo(name)
            entry.size = len(entries[name])
            archive.addfile(entry, io.BytesIO(entries[name]))
    body = stream.getvalue()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return OutputFile(f"{FOLDER}{digest}.tar.gz", body, "application/gzip", "private, no-store", digest)


def unpack(body: bytes, path: str) -> Bundle:
    """Read a stored bundle; raises TargetError when it is damaged."""
    try:
        # All of it, for the sum that tells what is damaged stands at the end.
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(body)), mode="r:") as archive:
            entries = {one.name: stream.read() for one in archive if (stream := archive.extractfile(one))}
        index = read_index(entries[_INDEX])
        shards = {name: read_shard(entry, path) for name, entry in _under(_SHARDS, entries)}
        return Bundle(index, shards, dict(_under(_FILES, entries)))
    except (tarfile.TarError, zlib.error, LookupError, EOFError, OSError, ValueError, RecursionError) as error:
        raise TargetError(f"{path}, which holds an earlier build, is damaged") from error


def _under(folder: str, entries: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    return ((name.removeprefix(folder), body) for name, body in entries.items() if name.startswith(folder))
