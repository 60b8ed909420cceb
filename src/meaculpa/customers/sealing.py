"""A letter for the page: sealed so that only the link opens it, among others of equal size, in shards of equal size.

A link's fragment holds the campaign, which is no secret, and a token, which is. From the token follow the name of the
record and the key to it (HKDF, RFC 5869); the record lies in the shard that its name begins with. Whatever does not
hold a letter is filled with bytes that look the same.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

SHARD_BITS = 10
SHARDS = 2**SHARD_BITS
_NAME, _NONCE, _TAG, _HEAD = 16, 12, 16, 4
_STEP = 4096
_CAMPAIGN = 6


class Sealed(Struct, frozen=True):
    """A letter that nobody reads without its token: the name of its record, and nonce and ciphertext."""

    name: bytes
    box: bytes


def campaign_of(secret: bytes, incident: str, stage: str) -> str:
    """Name the letters of one stage of one incident, for their folder and their links; it tells nothing of them."""
    return _derived(secret, "campaign", incident, stage)[:_CAMPAIGN].hex()


def token_of(secret: bytes, incident: str, stage: str, recipient: str) -> bytes:
    """The 128 bits that open one letter: without the secret they cannot be told from chance."""
    return _derived(secret, "token", incident, stage, recipient)[:16]


def fragment_of(campaign: str, token: bytes) -> str:
    """What stands behind the # of a link."""
    return campaign + base64.urlsafe_b64encode(token).decode().rstrip("=")


def seal(content: Mapping[str, Any], token: bytes, campaign: str, nonce: bytes) -> Sealed:
    """Encrypt what the page shows (AES-256-GCM), its length hidden in steps of 4 KB; a nonce serves once."""
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    padded = plain + b" " * (-len(plain) % _STEP)
    box = AESGCM(_key(token, campaign, "key", 32)).encrypt(nonce, padded, bytes.fromhex(campaign))
    return Sealed(_key(token, campaign, "name", _NAME), nonce + box)


def fill_shards(letters: Iterable[Sealed], secret: bytes, campaign: str) -> Iterator[tuple[str, bytes]]:
    """Write every shard of a campaign, name and bytes; all are equally long, and none tells what it holds."""
    shelves: list[list[Sealed]] = [[] for _ in range(SHARDS)]
    for letter in letters:
        shelves[_shard(letter.name)].append(letter)
    places = max(1, *map(len, shelves))
    length = _NAME + max([_NONCE + _STEP + _TAG, *(len(one.box) for shelf in shelves for one in shelf)])
    for number, (name, shelf) in enumerate(zip(shard_names(), shelves, strict=True)):
        records = [_filled(one.name + one.box, length, secret) for one in shelf]
        # What holds nothing looks the same: its name belongs to the shard, its place is that of its bytes.
        empty = [_empty(number, place, length, secret, campaign) for place in range(places - len(shelf))]
        yield name, length.to_bytes(_HEAD, "big") + b"".join(sorted([*records, *empty]))


def _empty(number: int, place: int, length: int, secret: bytes, campaign: str) -> bytes:
    """A record that holds no letter."""
    chance = int.from_bytes(_derived(secret, "empty", campaign, str(number), str(place)), "big")
    free = 8 * hashlib.sha256().digest_size - SHARD_BITS
    start = (number << free | chance & (1 << free) - 1).to_bytes(hashlib.sha256().digest_size, "big")
    return _filled(start, length, secret)


def _filled(start: bytes, length: int, secret: bytes) -> bytes:
    """Fill a record up with bytes that nobody can tell from a ciphertext, and that are the same every time."""
    return start + hashlib.shake_256(secret + start).digest(length - len(start))


def shard_names() -> Iterator[str]:
    """Name every shard, in their order."""
    return (f"{number:03x}" for number in range(SHARDS))


def _shard(name: bytes) -> int:
    return int.from_bytes(name[:2], "big") >> 16 - SHARD_BITS


def _key(token: bytes, campaign: str, purpose: str, length: int) -> bytes:
    info = f"meaculpa letter {purpose}".encode()
    return HKDF(SHA256(), length, salt=bytes.fromhex(campaign), info=info).derive(token)


def _derived(secret: bytes, *parts: str) -> bytes:
    return hmac.digest(secret, "\0".join(parts).encode(), "sha256")
