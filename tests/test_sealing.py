"""Letters for the page: who has the token opens one, and what lies in the shards tells nobody else anything."""

import hashlib
import json
import math
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from meaculpa.customers.ledger_file import open_ledger
from meaculpa.customers.sealing import SHARDS, Sealed, campaign_of, fill_shards, fragment_of, seal, token_of
from meaculpa.customers.shelf import find_shelves, is_laid, lay, read_secret, seal_letters, withdraw
from meaculpa.errors import Refused
from meaculpa.model import OutputFile

SECRET = bytes(range(32))
CAMPAIGN = campaign_of(SECRET, "throws", "delay")


def token(number: int) -> bytes:
    return token_of(SECRET, "throws", "delay", str(number))


def letter(number: int, length: int = 100) -> Sealed:
    return seal({"subject": f"Order {number}", "text": "x" * length}, token(number), CAMPAIGN, os.urandom(12))


def opened(shards: dict[str, bytes], key: bytes) -> object:
    """What the page does, written once more from the document and not from the code."""

    def derive(purpose: str, length: int) -> bytes:
        info = f"meaculpa letter {purpose}".encode()
        return HKDF(SHA256(), length, salt=bytes.fromhex(CAMPAIGN), info=info).derive(key)

    name = derive("name", 16)
    body = shards[f"{int.from_bytes(name[:2], 'big') >> 6:03x}"]
    length = int.from_bytes(body[:4], "big")
    records = [body[at : at + length] for at in range(4, len(body), length)]
    (record,) = [one for one in records if one.startswith(name)]
    for end in range(28 + 4096 + 16, length + 1, 4096):
        try:
            plain = AESGCM(derive("key", 32)).decrypt(record[16:28], record[28:end], bytes.fromhex(CAMPAIGN))
            return json.loads(plain)
        except InvalidTag:
            continue
    raise AssertionError("it does not open")


def test_each_letter_opens_with_its_own_token_whatever_its_length() -> None:
    lengths = {number: 50 + number * 700 for number in range(40)}
    shards = dict(fill_shards((letter(number, length) for number, length in lengths.items()), SECRET, CAMPAIGN))
    for number, length in lengths.items():
        assert opened(shards, token(number)) == {"subject": f"Order {number}", "text": "x" * length}


@pytest.mark.parametrize("count", [0, 1, 300, 3_000])
def test_all_shards_are_equally_long_and_look_like_noise(count: int) -> None:
    shards = dict(fill_shards(map(letter, range(count)), SECRET, CAMPAIGN))
    assert len(shards) == SHARDS
    assert len({len(body) for body in shards.values()}) == 1
    for body in list(shards.values())[:50]:
        noise = body[4:]
        shares = [number / len(noise) for number in Counter(noise).values()]
        assert -sum(share * math.log2(share) for share in shares) > 7.9, "eight bits of chance a byte"
        assert len(zlib.compress(noise)) > len(noise), "nothing in it can be pressed out"


def test_the_same_letters_give_the_same_bytes_and_more_letters_move_nothing_else() -> None:
    letters = [letter(number) for number in range(20)]
    before = dict(fill_shards(letters, SECRET, CAMPAIGN))
    assert dict(fill_shards(reversed(letters), SECRET, CAMPAIGN)) == before
    one = next(sealed for number in range(20, 400) if not shares_a_shard(sealed := letter(number), letters))
    after = dict(fill_shards([*letters, one], SECRET, CAMPAIGN))
    assert sum(after[name] != body for name, body in before.items()) == 1


def shares_a_shard(sealed: Sealed, letters: Iterable[Sealed]) -> bool:
    return int.from_bytes(sealed.name[:2], "big") >> 6 in {
        int.from_bytes(one.name[:2], "big") >> 6 for one in letters
    }


def test_links_tell_nothing_and_differ_in_everything() -> None:
    tokens = {
        token_of(SECRET, incident, stage, recipient) for incident in "ab" for stage in "cd" for recipient in "ef"
    }
    assert len(tokens) == 8
    assert token_of(os.urandom(32), "throws", "delay", "1") != token(1)
    fragment = fragment_of(CAMPAIGN, token(1))
    assert (len(fragment), fragment[:12]) == (34, CAMPAIGN)


def test_two_letters_never_share_key_or_place() -> None:
    sealed = [letter(number) for number in range(500)]
    assert len({one.name for one in sealed}) == 500
    assert len({one.box[:12] for one in sealed}) == 500


# ---- Kept, laid out, withdrawn


def test_a_letter_is_sealed_once_and_anew_only_when_it_changes(tmp_path: Path) -> None:
    def boxes() -> dict[str, bytes]:
        with sqlite3.connect(tmp_path / "ledger.db") as rows:
            return dict(rows.execute("SELECT recipient, box FROM boxes"))

    with open_ledger(tmp_path / "ledger.db") as ledger:
        letters = [("1", {"text": "one"}), ("2", {"text": "two"})]
        seal_letters(ledger, "throws", "delay", letters, SECRET, date(2026, 12, 1))
        first = boxes()
        seal_letters(ledger, "throws", "delay", letters, SECRET, date(2026, 12, 1))
        assert boxes() == first
        seal_letters(ledger, "throws", "delay", [("1", {"text": "other"})], SECRET, date(2026, 12, 1))
        assert boxes()["1"] != first["1"]
        assert boxes()["1"][:12] != first["1"][:12], "a nonce serves once"
        assert boxes()["2"] == first["2"]


def test_what_was_stopped_while_it_was_laid_out_is_laid_again_and_withdrawn_when_its_time_is_over(
    tmp_path: Path,
) -> None:
    laid: dict[str, bytes] = {}

    def write(files: Iterable[OutputFile], most: int = 10_000) -> None:
        for number, file in enumerate(files):
            if number >= most:
                raise OSError("the line was cut")
            laid[file.path] = file.body

    with open_ledger(tmp_path / "ledger.db") as ledger:
        seal_letters(ledger, "throws", "delay", [("1", {"text": "one"})], SECRET, date(2026, 12, 1))
        (shelf,) = find_shelves(ledger)
        assert (shelf.count, is_laid(ledger, shelf, "s3")) == (1, False)
        with pytest.raises(OSError, match="cut"):
            lay(ledger, shelf, SECRET, "s3", lambda files: write(files, 100))
        assert not is_laid(ledger, shelf, "s3")
        lay(ledger, shelf, SECRET, "s3", write)
        assert (is_laid(ledger, shelf, "s3"), is_laid(ledger, shelf, "other"), len(laid)) == (True, False, SHARDS)
        assert withdraw(ledger, date(2026, 12, 1)) == 0
        assert withdraw(ledger, date(2026, 12, 2)) == 1
        (shelf,) = find_shelves(ledger)
        assert (shelf.count, is_laid(ledger, shelf, "s3"), is_laid(ledger, shelf, "other")) == (0, False, True)
        before = dict(laid)
        lay(ledger, shelf, SECRET, "s3", write)
        assert sum(laid[path] != body for path, body in before.items()) == 1
        assert is_laid(ledger, shelf, "s3")


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters.key"
    with open_ledger(tmp_path / "ledger.db") as ledger:
        first = read_secret(path, ledger)
        assert (len(first), read_secret(path, ledger), path.stat().st_mode & 0o777) == (32, first, 0o600)


@pytest.mark.parametrize("content", [b"", b"ab", b"not hexadecimal", b"\xff" * 64, b"ab" * 32, None])
def test_another_secret_than_letters_were_sealed_with_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "letters.key"
    with open_ledger(tmp_path / "ledger.db") as ledger:
        read_secret(path, ledger)
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(Refused):
            read_secret(path, ledger)
        assert path.exists() == (content is not None)


@pytest.mark.parametrize("count", [0, 1, 40, 3_000])
def test_nobody_can_tell_which_records_hold_letters(count: int) -> None:
    shards = dict(fill_shards(map(letter, range(count)), SECRET, CAMPAIGN))
    for number, body in enumerate(shards.values()):
        length = int.from_bytes(body[:4], "big")
        names = [body[at : at + 2] for at in range(4, len(body), length)]
        assert {int.from_bytes(name, "big") >> 6 for name in names} == {number}
        assert names == sorted(names)
    other = dict(fill_shards([], os.urandom(32), CAMPAIGN))
    assert not any(other[name] == body for name, body in dict(fill_shards([], SECRET, CAMPAIGN)).items())


def test_what_fills_records_cannot_be_computed_by_others() -> None:
    body = dict(fill_shards([], SECRET, CAMPAIGN))["000"][4:]
    assert hashlib.shake_256(body[:32]).digest(64) != body[32:96]
