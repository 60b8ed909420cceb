"""Messages between a process and its helper: four bytes of length (big-endian), then JSON."""

import json
import struct
from typing import BinaryIO

LENGTH = struct.Struct(">I")


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one message; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return stream.read(LENGTH.unpack(head)[0])


def make_frame(value: object) -> bytes:
    """Write a value as a message."""
    body = json.dumps(value).encode()
    return LENGTH.pack(len(body)) + body
