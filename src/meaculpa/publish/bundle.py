"""What a publish replaces, in one archive: the way back to the build before.

A bundle is a zip file named for its content. It holds the index as it was, the shards that were superseded and the
bytes of every file that was overwritten or deleted, as they are; gzip packs them as one, for pages share their style,
and feeds their texts.
"""

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import IO, cast

from msgspec import Struct, field

from meaculpa.errors import TargetError
from meaculpa.manifest import Index, Shard, read_index, read_shard
from meaculpa.model import OutputFile

FOLDER = ".meaculpa/kept/"
_INDEX, _SHARDS, _FILES = "index.json", "shards/", "files/"
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Beyond it, a hundredth is saved in a third more time.
_LEVEL = 6
# What zlib adds to the size of its window to write as gzip does, without a moment.
_AS_GZIP = 16


class Bundle(Struct, frozen=True):
    """The index before a publish, and what that publish replaced: shards by digest, bodies by path."""

    index: Index
    shards: Mapping[str, Shard] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class _Packer:
    """A stream that packs what is written to it, and has no way back: what is replaced may be a whole site."""

    def __init__(self) -> None:
        self._pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | _AS_GZIP)
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Take the next piece."""
        self._pieces.append(self._pack.compress(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits for anything."""

    def packed(self) -> bytes:
        """Give all of it."""
        return b"".join([*self._pieces, self._pack.flush()])


def pack(bundle: Bundle) -> OutputFile:
    """Write a bundle as a file to be stored; equal bundles give equal bytes."""
    entries = {_INDEX: bundle.index.body}
    entries |= {f"{_SHARDS}{digest}": shard.body for digest, shard in bundle.shards.items()}
    entries |= {f"{_FILES}{path}": body for path, body in bundle.files.items()}
    stream = _Packer()
    with zipfile.ZipFile(cast("IO[bytes]", stream), "w") as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), entries[name])
    body = stream.packed()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return OutputFile(f"{FOLDER}{digest}.zip.gz", body, "application/gzip", "private, no-store", digest)


def unpack(body: bytes, path: str) -> Bundle:
    """Read a stored bundle; raises TargetError when it is damaged."""
    try:
        # All of it, for the sum that tells what is damaged stands at the end.
        with zipfile.ZipFile(io.BytesIO(gzip.decompress(body))) as archive:
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                # We pack none by itself, and each way to unpack fails in its own way.
                raise zipfile.BadZipFile
            entries = {name: archive.read(name) for name in archive.namelist()}
        index = read_index(entries[_INDEX])
        shards = {name: read_shard(entry, path) for name, entry in _under(_SHARDS, entries)}
        return Bundle(index, shards, dict(_under(_FILES, entries)))
    except (zipfile.BadZipFile, zlib.error, LookupError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise TargetError(f"{path}, which holds an earlier build, is damaged") from error


def _under(folder: str, entries: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    return ((name.removeprefix(folder), body) for name, body in entries.items() if name.startswith(folder))
