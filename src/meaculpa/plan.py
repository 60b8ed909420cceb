"""OutputFiles x Manifest -> Plan: what to upload and why, what to delete, and when to refuse."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from meaculpa.errors import TooManyRemovals, UnsafePlan
from meaculpa.manifest import MOST_NAMED, Index, Shard, moment_of, shard_of, shard_path
from meaculpa.model import OutputFile
from meaculpa.render.headers import PINNED, is_earlier
from meaculpa.times import TimeMistake, format_time, parse_time

_WAY_OUT = (
    "fetch what is published first (git pull, say); if yours is what should be read, `meaculpa publish --force`"
)
MOST_REMOVALS = 256
REMOVALS_ANYBODY_MAY = 10
LARGEST_SHARE_REMOVED = 0.2
# Where the state of the shop is read first, in whatever language; those that are compared stand together.
_FACES = ("index.html", "banner.json", "banner.js", "splash.html", "splash.tiny.html")


class Reason(StrEnum):
    """Why a file is uploaded."""

    NEW = "new"
    CHANGED = "content changed"
    HEADERS = "headers changed"
    LOST = "missing at the target, or asked for"
    UNFINISHED = "left unfinished by an earlier run"


class Group(StrEnum):
    """The order of publishing: nothing is visible before what it refers to."""

    ASSETS = "assets"
    PAGES = "pages"
    LISTINGS = "listings"
    POINTERS = "pointers"


class Upload(Struct, frozen=True):
    """One file to upload, and why."""

    file: OutputFile
    reason: Reason

    @property
    def group(self) -> Group:
        """When it goes."""
        return group_of(self.file.path)

    @property
    def turn(self) -> tuple[int, int]:
        """When it goes, within its group too: what is equal goes together.

        What everybody looks at comes first and at once, so that it never disagrees; but nothing before what it may
        name and what was never there.
        """
        path = self.file.path
        # The face of a further language is new with the language, and the other faces name it.
        is_first = self.reason is Reason.NEW and ("/" in path or not is_face(path))
        return tuple(Group).index(self.group), 0 if is_first else 1 if is_face(path) else 2


class Plan(Struct, frozen=True):
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
    renewed: tuple[str, ...] = ()
    is_finishing: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the target already is as it should be."""
        return not (self.uploads or self.deletes or self.gone or self.shards or self.is_finishing)

    @property
    def touched(self) -> tuple[str, ...]:
        """The shards whose files will be written or deleted."""
        paths = [*(upload.file.path for upload in self.uploads), *self.deletes]
        return tuple(sorted({shard_of(path) for path in paths if not path.startswith(".meaculpa/")}))

    @property
    def created(self) -> tuple[str, ...]:
        """The paths that the target's manifest does not list yet."""
        return tuple(upload.file.path for upload in self.uploads if upload.reason is Reason.NEW)


# What is to be done where all is as it should be.
NOTHING = Plan((), (), (), {}, Index({}), 0)


def group_of(path: str) -> Group:
    """Say when a path is published: pictures, incidents, what lists them, then what visitors ask for by name."""
    if path.startswith(("assets/", PINNED)):
        return Group.ASSETS
    if path.startswith("api/"):
        return Group.POINTERS
    if is_earlier(path):
        return Group.LISTINGS
    if "incidents/" in path:
        return Group.PAGES
    name = path.rsplit("/", 1)[-1]
    is_listing = "history" in path or "sitemap" in path or name in ("404.html", "robots.txt")
    return Group.LISTINGS if is_listing else Group.POINTERS


def is_face(path: str) -> bool:
    """Whether this is where people look first to see how the shop is."""
    return group_of(path) is Group.POINTERS and path.rsplit("/", 1)[-1] in _FACES


def _rank(path: str) -> tuple[int, int, str]:
    """The order of what goes together: the default language first, and what is compared at the same moment."""
    name = path.rsplit("/", 1)[-1]
    return path.count("/"), _FACES.index(name) if is_face(path) else len(_FACES), path


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
    wanted = _with_pinned(wanted, stored)
    same = {name for name in wanted if index and index.shards.get(name) == wanted[name].digest}
    uploads = _uploads(files, wanted, stored, same, pending, lost)
    removed = _unlisted(wanted, (path for shard in stored.values() for path in shard.files))
    tombstones = {path for shard in stored.values() for path in shard.gone} | set(index.created if index else ())
    deletes = _unlisted(wanted, tombstones) | (removed if delete_at_once else set())
    deletes = {path for path in deletes if not path.startswith(PINNED)}
    gone = set() if delete_at_once else removed
    shards = _with_tombstones(wanted, gone)
    next_index = _next_index(shards, index)
    if delete_at_once:
        deletes |= set(next_index.superseded)
        next_index = Index(next_index.shards)
    return Plan(
        uploads=uploads,
        deletes=tuple(sorted(deletes)),
        gone=tuple(sorted(gone)),
        shards={name: shard for name, shard in shards.items() if name not in same},
        index=next_index,
        unchanged=len(files) - len(uploads),
        leftovers=_leftovers(index, shards),
        renewed=_renewed(wanted, stored, same),
        is_finishing=bool(pending),
    )


def _unlisted(wanted: Mapping[str, Shard], paths: Iterable[str]) -> set[str]:
    """The paths that no shard of ours lists; most are found where they belong."""
    nothing = Shard()
    missed = {path for path in paths if path not in wanted.get(shard_of(path), nothing).files}
    # What an earlier version has listed may stand elsewhere.
    return missed and missed.difference(*(shard.files for shard in wanted.values()))


def _with_pinned(wanted: Mapping[str, Shard], stored: Mapping[str, Shard]) -> dict[str, Shard]:
    """Our shards, with what shops have pinned and we no longer build."""
    found = dict(wanted)
    for name, shard in stored.items():
        pinned = {path: digest for path, digest in shard.files.items() if path.startswith(PINNED)}
        if name in wanted and not pinned.keys() <= wanted[name].files.keys():
            found[name] = Shard({**pinned, **wanted[name].files}, wanted[name].gone, wanted[name].known)
    return found


def _uploads(
    files: Mapping[str, OutputFile],
    wanted: Mapping[str, Shard],
    stored: Mapping[str, Shard],
    same: Collection[str],
    pending: Collection[str],
    lost: Collection[str],
) -> tuple[Upload, ...]:
    """What is to be written, and why, in the order of its groups; of what a pending shard lists everything is."""
    before = {path: digest for shard in stored.values() for path, digest in shard.files.items()}
    uploads = []
    for name, shard in wanted.items():
        if name in same and name not in pending and not lost:
            continue
        for path, digest in shard.files.items():
            reason = _reason(path, digest, before, name in same, path in lost, name in pending)
            if reason and path in files:
                uploads.append(Upload(files[path], reason))
    return tuple(sorted(uploads, key=lambda upload: (upload.turn, *_rank(upload.file.path))))


def _reason(
    path: str, digest: str, before: Mapping[str, str], same: bool, lost: bool, pending: bool
) -> Reason | None:
    if not same and path not in before:
        return Reason.NEW
    if lost and (same or before[path] == digest):
        return Reason.LOST
    if pending:
        return Reason.UNFINISHED
    if same or before[path] == digest:
        return None
    body_is_equal = before[path].split("-")[0] == digest.split("-")[0]
    return Reason.HEADERS if body_is_equal else Reason.CHANGED


def _renewed(wanted: Mapping[str, Shard], stored: Mapping[str, Shard], same: Collection[str]) -> tuple[str, ...]:
    """The incidents of which another version will be shown than now, or none any more."""
    ours = {
        one: version for name, shard in wanted.items() if name not in same for one, version in shard.known.items()
    }
    theirs = {one: version for shard in stored.values() for one, version in shard.known.items()}
    return tuple(sorted(one for one in ours.keys() | theirs.keys() if ours.get(one) != theirs.get(one)))


def _with_tombstones(wanted: Mapping[str, Shard], gone: Collection[str]) -> dict[str, Shard]:
    """Our shards, with what is gone marked; a shard of which nothing is left lives on as its tombstones."""
    marks: dict[str, list[str]] = {}
    for path in gone:
        marks.setdefault(shard_of(path), []).append(path)
    shards = {name: wanted.get(name, Shard()) for name in sorted(wanted.keys() | marks.keys())}
    marked = {
        name: Shard(shards[name].files, tuple(sorted({*paths, *shards[name].gone})), shards[name].known)
        for name, paths in marks.items()
    }
    return shards | marked


def _next_index(shards: Mapping[str, Shard], index: Index | None) -> Index:
    digests = {name: shard.digest for name, shard in shards.items()}
    before = index.shards if index else {}
    superseded = tuple(shard_path(name, digest) for name, digest in before.items() if digests.get(name) != digest)
    return Index(digests, superseded)


def _leftovers(index: Index | None, shards: Mapping[str, Shard]) -> tuple[str, ...]:
    """What earlier states left stored, unless this state has come back to it."""
    in_use = {shard_path(name, shard.digest) for name, shard in shards.items()}
    return tuple(path for path in (index.superseded if index else ()) if path not in in_use)


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
    # What is deleted now was counted when it was marked as gone.
    removed = len(plan.gone)
    many = removed > MOST_REMOVALS
    large_share = removed > REMOVALS_ANYBODY_MAY and removed > LARGEST_SHARE_REMOVED * max(published, 1)
    if many or large_share:
        raise TooManyRemovals(
            f"this would take away {removed} of {published} published files, as if a folder were missing; "
            "`meaculpa publish --force` does it all the same"
        )


class Checkout(Struct, frozen=True):
    """What a publisher knows of its own files.

    `seen` are the newest versions that this process ever saw, by incident: what it saw and sees no more was taken out
    on purpose. `had` are all versions that this checkout ever published from, `saved` says when the files of an
    incident were last changed, None where that is not known.
    """

    seen: Mapping[str, str] = field(default_factory=dict)
    had: Collection[str] = ()
    saved: Callable[[str], datetime | None] = lambda _: None


def refuse_if_behind(known: Mapping[str, str], stored: Iterable[Shard], index: Index, checkout: Checkout) -> None:
    """Refuse to take back what is published when our files do not know of it; raises UnsafePlan.

    They do not when an update is missing. They probably do not when the published version is one that this checkout
    never had, and our own files were last changed before it was published.
    """
    theirs = [one for shard in stored for one in sorted(shard.known.items())]
    for name, version in theirs:
        moment, newest = moment_of(version), max(known.get(name, ""), checkout.seen.get(name, ""))
        if moment_of(newest) < moment:
            raise UnsafePlan(
                f"your files are behind: the update of {moment} to {name} is published and not here; {_WAY_OUT}"
            )
    for name, version in theirs:
        if known.get(name, version) == version or version in checkout.had:
            continue
        published, saved = _published_at(name, index), checkout.saved(name)
        if published and saved and saved < published:
            raise UnsafePlan(
                f"your files are behind: {name} was changed elsewhere and published at {format_time(published)}, "
                f"and yours is of {format_time(saved)}; {_WAY_OUT}"
            )


def _published_at(name: str, index: Index) -> datetime | None:
    """When the version of an incident that is there now was published; to the minute, never too late."""
    for build in reversed(index.builds):
        if name in build.incidents or len(build.incidents) == MOST_NAMED:
            with contextlib.suppress(TimeMistake):
                return parse_time(build.at, ZoneInfo("UTC"))
    return None
