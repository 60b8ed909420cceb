"""A plan on disk: the letters, what they were made from, and pages to leaf through; for its owner only."""

import csv
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jinja2 import Environment
from msgspec import Struct
from msgspec.structs import asdict

from meaculpa.errors import Refused
from meaculpa.names import LETTERS

if TYPE_CHECKING:
    from meaculpa.customers.planning import Refused as RefusedOrder

PLAN, PREVIEW, SKIPPED = "plan.json", "index.html", "skipped.csv"
FORMAT = 2
_A_PAGE = 50
_REMAINS_ARE_OLD = 86_400
_OURS = re.compile(r"letters\.jsonl|plan\.json|skipped\.csv|index(-\d+)?\.html")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Basis(Struct, frozen=True):
    """What a plan was made from: whatever of it changes, the plan is not what would be made now.

    `orders` is empty where the letters go to those whom the ledger knows as promised. `day` is the day, in the site's
    zone, that letters count from; `given_digest` stands for the goodwill that other letters have given.
    """

    incident: str
    incident_digest: str
    stage: str
    day: str
    orders: str
    orders_digest: str
    templates_digest: str
    settings_digest: str
    given_digest: str


class Plan(Struct, frozen=True):
    """A plan that lies in a folder: what it was made from, the digest of its letters, and how many they are."""

    folder: Path
    basis: Basis
    digest: str
    count: int


def read_plan(folder: Path) -> Plan:
    """Read a plan; raises Refused where there is none, and where its letters are not those that were planned."""
    try:
        if not (folder / PLAN).is_file() or not (folder / LETTERS).is_file():
            raise FileNotFoundError(folder)
        found = json.loads((folder / PLAN).read_bytes())
        if found["format"] != FORMAT:
            raise Refused(f"{folder} was planned by another version of meaculpa; plan it again")
        plan = Plan(folder, _read_basis(found["basis"]), str(found["digest"]), int(found["letters"]))
        digest = digest_of(folder / LETTERS)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Refused(f"{folder} holds no plan; `meaculpa customers plan` writes one") from None
    if digest != plan.digest:
        raise Refused(f"{folder / LETTERS} has been changed since it was planned; plan it again")
    return plan


def _read_basis(values: dict[str, str]) -> Basis:
    """Raises TypeError or ValueError for what nobody has planned."""
    if any(not isinstance(value, str) or "\0" in value for value in values.values()):
        raise ValueError
    return Basis(**values)


def read_letters(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the letters of a plan one by one."""
    with (folder / LETTERS).open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


@contextmanager
def new_folder(
    place: Path, incident: str, stage: str, was_used: Callable[[str], bool] = lambda _: False
) -> Iterator[Path]:
    """Fill a folder that takes its place whole, or not at all; raises Refused where something else lies there.

    A plan that lies there goes; one that was used (asked by its digest) stays beside it: calls need its facts.
    """
    before = _refuse_foreign(place, incident, stage)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _clear_remains(place)
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        yield fresh
        _take_place(fresh, place, before is not None and was_used(before))
    finally:
        with suppress(OSError):
            shutil.rmtree(fresh)


def drop_plan(folder: Path) -> None:
    """Delete a plan, and its folder if nothing else lies in it."""
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _take_place(fresh: Path, place: Path, is_kept: bool) -> None:
    """Put a new plan where it belongs; the one before it goes, or stays beside it under a number."""
    if not place.exists():
        fresh.rename(place)
        return
    numbered = (place.with_name(f"{place.name}-{number}") for number in count(1))
    old = next(one for one in numbered if not one.exists()) if is_kept else fresh.with_name(f"{fresh.name}.old")
    place.rename(old)
    try:
        fresh.rename(place)
    except BaseException:
        old.rename(place)
        raise
    if not is_kept:
        shutil.rmtree(old, ignore_errors=True)


def _clear_remains(place: Path) -> None:
    """Delete what a run that was killed has left, a day later."""
    for path in place.parent.glob(f".{place.name}.*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _REMAINS_ARE_OLD:
                shutil.rmtree(path)


def _refuse_foreign(place: Path, incident: str, stage: str) -> str | None:
    """Only a plan of the same letters is replaced, and only if nothing else lies beside it; gives its digest."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return None
    other = f"{place} holds something else than a plan; choose another folder with --out"
    if not place.is_dir() or place.resolve() == Path.cwd().resolve():
        raise Refused(other)
    try:
        found = json.loads((place / PLAN).read_bytes())
        basis = found["basis"]
        digest = str(found["digest"])
        is_same = (found["format"], basis["incident"], basis["stage"]) == (FORMAT, incident, stage)
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(other) from None
    if not is_same:
        raise Refused(
            f"{place} holds the plan of {basis['incident']}, {basis['stage']}; choose another one with --out"
        )
    strangers = sorted(path.name for path in place.iterdir() if not _OURS.fullmatch(path.name))
    if strangers:
        raise Refused(f"{place} holds {strangers[0]} beside the plan; it would be lost: put it somewhere else")
    return digest


def private_file(path: Path) -> IO[str]:
    """Open a new file that nobody else may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def write_private(path: Path, body: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def find_plans(folder: Path, incident: str) -> tuple[list[Plan], list[str]]:
    """Find the plans of letters about an incident, and say which folders hold none that can be read."""
    found, unreadable = list[Plan](), list[str]()
    for path in sorted(folder.glob(f"[!.]*/{PLAN}")):
        try:
            plan = read_plan(path.parent)
        except Refused as error:
            unreadable.append(str(error))
            continue
        if plan.basis.incident == incident:
            found.append(plan)
    return found, unreadable


def write_plan(folder: Path, basis: Basis, digest: str, summary: dict[str, Any]) -> None:
    """Write what the plan was made from and what it comes to, last: without it there is no plan."""
    value = {
        "format": FORMAT,
        "digest": digest,
        "basis": asdict(basis),
    }
    with private_file(folder / PLAN) as stream:
        json.dump({**value, **summary}, stream, ensure_ascii=False, indent=2)


def write_skipped(folder: Path, skipped: tuple["RefusedOrder", ...]) -> None:
    """List the orders that get no letter."""
    with private_file(folder / SKIPPED) as stream:
        rows = csv.writer(stream)
        rows.writerow(["row", "order_id", "why"])
        rows.writerows([one.line, safe_cell(one.order_id), safe_cell("; ".join(one.reasons))] for one in skipped)


def write_previews(folder: Path, templates: Environment, title: str) -> None:
    """Write pages on which every letter can be looked at as it will be read, some on a page."""
    with (folder / LETTERS).open(encoding="utf-8") as stream:
        number_of_all = sum(1 for _ in stream)
    pages = max(1, -(-number_of_all // _A_PAGE))
    page = templates.get_template("plan.html.j2")
    with (folder / LETTERS).open(encoding="utf-8") as stream:
        for number in range(1, pages + 1):
            letters = [json.loads(line) for line in islice(stream, _A_PAGE)]
            with private_file(folder / _page_name(number)) as output:
                facts = {"letters": letters, "number": number, "pages": pages, "count": number_of_all, "title": title}
                output.write(page.render(**facts, page_name=_page_name))


def _page_name(number: int) -> str:
    return PREVIEW if number == 1 else f"index-{number}.html"


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, however large."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
