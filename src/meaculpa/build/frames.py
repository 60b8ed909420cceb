"""Messages between a process and its helper: four bytes of length (big-endian), then that many bytes."""

import json
import struct
import zlib
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
# Of texts, a quarter to a half of their size is left.
_FASTEST = 1


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one message; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(LENGTH.unpack(head)[0])


def make_frame(body: bytes) -> bytes:
    """Write a message."""
    return LENGTH.pack(len(body)) + body


def pack(value: object) -> bytes:
    """Write a value, as JSON has it, so that it takes little room while it waits."""
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), _FASTEST)


def unpack(body: bytes) -> Any:
    """Read what `pack` has written."""
    return json.loads(zlib.decompress(body).decode("utf-8", "surrogatepass"))
