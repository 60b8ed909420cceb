"""What is uploaded and why, what is deleted when, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from meaculpa.errors import TargetError, UnsafePlan
from meaculpa.manifest import (
    Index,
    Listing,
    PublishedBuild,
    Shard,
    listed,
    manifest_of,
    read_index,
    read_shard,
    shard_of,
    shards_to_read,
    version_of,
)
from meaculpa.model import OutputFile
from meaculpa.plan import (
    Checkout,
    Group,
    Plan,
    Reason,
    compare,
    group_of,
    hold_removals,
    refuse_if_behind,
    refuse_if_unsafe,
)
from meaculpa.render.headers import output_file
from tests.making import at


def files(**bodies: str) -> dict[str, OutputFile]:
    """Files by name, `__` for `/` and `_` for `.`."""
    paths = {name.replace("__", "/").replace("_", "."): body for name, body in bodies.items()}
    return {path: output_file(path, body) for path, body in paths.items()}


def plan(before: dict[str, OutputFile] | None, now: dict[str, OutputFile], lost: tuple[str, ...] = ()) -> Plan:
    wanted = manifest_of(now, {})
    if before is None:
        return compare(now, wanted, None, {}, lost)
    stored = manifest_of(before, {})
    index = Index({name: shard.digest for name, shard in stored.items()})
    return compare(now, wanted, index, {name: stored[name] for name in shards_to_read(wanted, index)}, lost)


PAGE = files(index_html="a", incidents__x_html="x")


@pytest.mark.parametrize(
    ("before", "now", "lost", "expected"),
    [
        (None, {}, (), []),
        (None, PAGE, (), [("incidents/x.html", Reason.NEW), ("index.html", Reason.NEW)]),
        (PAGE, PAGE, (), []),
        (PAGE, files(index_html="b", incidents__x_html="x"), (), [("index.html", Reason.CHANGED)]),
        (PAGE, {**PAGE, **files(splash_html="s")}, (), [("splash.html", Reason.NEW)]),
        (PAGE, PAGE, ("index.html",), [("index.html", Reason.LOST)]),
        (PAGE, files(index_html="a"), (), []),
    ],
    ids=["empty", "new", "same", "changed body", "one more", "lost", "one less"],
)
def test_each_upload_has_its_reason(
    before: dict[str, OutputFile] | None,
    now: dict[str, OutputFile],
    lost: tuple[str, ...],
    expected: list[tuple[str, Reason]],
) -> None:
    assert [(upload.file.path, upload.reason) for upload in plan(before, now, lost).uploads] == expected


def test_a_changed_header_is_a_reason_of_its_own() -> None:
    file = PAGE["index.html"]
    other = OutputFile(file.path, file.body, file.content_type, "no-store", file.digest.split("-")[0] + "-12345678")
    assert [upload.reason for upload in plan({**PAGE, "index.html": other}, PAGE).uploads] == [Reason.HEADERS]


def test_what_is_gone_is_deleted_by_the_next_run() -> None:
    first = plan(PAGE, files(index_html="a"))
    assert (first.gone, first.deletes) == (("incidents/x.html",), ())
    second = compare(files(index_html="a"), manifest_of(files(index_html="a"), {}), first.index, first.shards)
    assert (second.gone, second.deletes) == ((), ("incidents/x.html",))
    third = compare(files(index_html="a"), manifest_of(files(index_html="a"), {}), second.index, second.shards)
    assert third.is_empty


def test_what_comes_back_is_not_deleted() -> None:
    first = plan(PAGE, files(index_html="a"))
    wanted = manifest_of(PAGE, {})
    again = compare(PAGE, wanted, first.index, {name: first.shards[name] for name in first.shards})
    assert again.deletes == ()
    assert [upload.file.path for upload in again.uploads] == ["incidents/x.html"]


def test_what_another_shard_lists_than_an_earlier_version_did_is_not_taken_away() -> None:
    first = plan(None, PAGE)
    elsewhere = {"elsewhere": Shard({path: file.digest for path, file in PAGE.items()})}
    found = compare(PAGE, elsewhere, first.index, dict(first.shards), delete_at_once=True)
    assert [path for path in (*found.gone, *found.deletes) if path in PAGE] == []


@pytest.mark.parametrize("at_once", [False, True])
def test_code_that_shops_have_pinned_is_never_deleted(at_once: bool) -> None:
    before = {**PAGE, **{"banner.core.old.js": output_file("banner.core.old.js", "old")}}
    now = {**PAGE, **{"banner.core.new.js": output_file("banner.core.new.js", "new")}}
    stored = manifest_of(before, {})
    index = Index({name: shard.digest for name, shard in stored.items()}, created=("banner.core.old.js",))
    found = compare(now, manifest_of(now, {}), index, stored, delete_at_once=at_once)
    assert not [path for path in (*found.gone, *found.deletes) if path.startswith("banner.core.")]
    assert "banner.core.old.js" in found.shards["site"].files, "it stays listed"
    assert [upload.group for upload in found.uploads] == [Group.ASSETS], "before what may name it"
    assert "immutable" in now["banner.core.new.js"].cache_control


def test_code_that_only_an_unfinished_run_knew_may_be_pinned_already() -> None:
    index = Index({name: shard.digest for name, shard in manifest_of(PAGE, {}).items()})
    unfinished = replace(index, pending=("site",), created=("banner.core.new.js", "incidents/y.html"))
    assert compare(PAGE, manifest_of(PAGE, {}), unfinished, {}).deletes == ("incidents/y.html",)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123")),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123")),
)
def test_a_plan_carried_out_leaves_nothing_to_do(before: dict[str, str], now: dict[str, str]) -> None:
    old = files(**{f"{name}_html": body for name, body in before.items()})
    new = files(**{f"{name}_html": body for name, body in now.items()})
    first = plan(old, new)
    assert {upload.file.path for upload in first.uploads} == {path for path in new if old.get(path) != new[path]}
    wanted = manifest_of(new, {})
    stored = {name: first.shards[name] for name in shards_to_read(wanted, first.index) if name in first.shards}
    assert compare(new, wanted, first.index, stored).uploads == ()


def test_groups_go_in_the_order_in_which_they_depend_on_each_other() -> None:
    everything = files(
        index_html="i",
        banner_json="b",
        incidents__x_html="x",
        assets__p_png="p",
        de__index_html="d",
        history_html="h",
        sitemap_xml="s",
    )
    groups = [upload.group for upload in plan(None, everything).uploads]
    assert groups == sorted(groups, key=list(Group).index)
    assert set(groups) == set(Group)


def test_what_everybody_looks_at_goes_before_the_rest_and_after_what_is_new() -> None:
    before = files(banner_json="b", de__index_html="d", feed_atom="f", index_html="i")
    after = files(banner_json="B", de__index_html="D", feed_atom="F", index_html="I", badge_svg="new")
    uploads = plan(before, after).uploads
    names = [upload.file.path for upload in uploads]
    assert names == ["badge.svg", "index.html", "banner.json", "de/index.html", "feed.atom"]
    assert len({upload.turn for upload in uploads if upload.file.path.endswith(("json", "html"))}) == 1


def test_what_is_new_with_a_language_goes_before_what_names_it() -> None:
    before = files(index_html="i", incidents__x_html="x", history_html="h")
    after = files(index_html="I", incidents__x_html="X", history_html="H")
    german = files(de__index_html="i", de__incidents__x_html="x", de__history_html="h")
    names = [upload.file.path for upload in plan(before, {**after, **german}).uploads]
    for path in after:
        assert names.index(f"de/{path}") < names.index(path)


@pytest.mark.parametrize(
    ("path", "shard"),
    [
        ("incidents/2026-11-22-card.html", "2026-11"),
        ("de/incidents/2026-11-22-card.html", "2026-11"),
        ("history/2026-11.html", "2026-11"),
        ("sitemaps/2026-11.xml", "2026-11"),
        ("index.html", "site"),
        ("assets/2026-11.png", "site"),
    ],
)
def test_a_shard_holds_a_month(path: str, shard: str) -> None:
    assert shard_of(path) == shard


def test_one_edit_writes_one_shard_and_the_index() -> None:
    before = files(**{f"incidents__2026-{month:02d}-01-x_html": "x" for month in range(1, 12)})
    now = {**before, **files(**{"incidents__2026-03-01-x_html": "y"})}
    assert list(plan(before, now).shards) == ["2026-03"]


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("assets/p.png", Group.ASSETS),
        ("incidents/x.html", Group.PAGES),
        ("de/incidents/x.html", Group.PAGES),
        ("history.html", Group.LISTINGS),
        ("history/2026-11.html", Group.LISTINGS),
        ("404.html", Group.LISTINGS),
        ("robots.txt", Group.LISTINGS),
        ("sitemap.xml", Group.LISTINGS),
        ("index.html", Group.POINTERS),
        ("de/index.html", Group.POINTERS),
        ("banner.js", Group.POINTERS),
        ("banner.json", Group.POINTERS),
        ("splash.html", Group.POINTERS),
        ("favicon.svg", Group.POINTERS),
    ],
)
def test_each_path_has_its_turn(path: str, group: Group) -> None:
    assert group_of(path) is group


@pytest.mark.parametrize(
    ("removed", "of", "refused"),
    [(8, 40, False), (10, 40, False), (11, 40, True), (256, 5000, False), (257, 5000, True)],
)
def test_the_removal_guard_has_its_limits(removed: int, of: int, refused: bool) -> None:
    everything = files(**{f"p{number}_html": "x" for number in range(of)})
    found = plan(everything, dict(list(everything.items())[removed:]))
    if not refused:
        refuse_if_unsafe(found, of)
        return
    with pytest.raises(UnsafePlan):
        refuse_if_unsafe(found, of)


def test_taking_much_away_is_refused_with_the_numbers_and_the_way_out() -> None:
    many = files(**{f"p{number}_html": "x" for number in range(40)})
    with pytest.raises(UnsafePlan, match=r"take away 40 of 40 published files.*--force"):
        refuse_if_unsafe(plan(many, {}), 40)
    few = dict(list(many.items())[5:])
    refuse_if_unsafe(plan(many, few), 40)


CARD, NOON = "2026-11-22-card", "2026-11-22 12:00 UTC"
OURS, THEIRS = version_of("2026-11-22 09:48 UTC", "a" * 64), version_of("2026-11-22 09:48 UTC", "b" * 64)
OLDER = version_of("2026-11-22 09:20 UTC", "c" * 64)


def refuse(ours: dict[str, str], theirs: dict[str, str], builds: tuple[PublishedBuild, ...], **known: object) -> None:
    checkout = Checkout(**known)  # type: ignore[arg-type]
    refuse_if_behind(ours, manifest_of({}, theirs).values(), Index({}, builds=builds), checkout)


def test_files_that_lack_an_update_are_refused() -> None:
    refuse({CARD: OURS}, {CARD: OURS}, ())
    refuse({}, {CARD: OURS}, (), seen={CARD: OURS})
    refuse({CARD: OURS}, {CARD: OLDER}, ())
    for ours in ({}, {CARD: OLDER}):
        with pytest.raises(UnsafePlan, match=r"behind: the update of 2026-11-22 09:48 UTC to 2026-11-22-card"):
            refuse(ours, {CARD: OURS}, (), seen={CARD: OLDER})


@pytest.mark.parametrize(
    ("saved", "had", "named", "is_refused"),
    [
        ("11:59", (), (CARD,), True),
        ("12:00", (), (CARD,), False),
        ("11:59", (THEIRS,), (CARD,), False),
        (None, (), (CARD,), False),
        ("11:59", (), ("2026-11-21-x",), False),
        # A build of so many incidents that not all of them are named.
        ("11:59", (), tuple(f"x{number}" for number in range(20)), True),
    ],
    ids=["older", "newer", "its own", "unknown", "never published", "one of many"],
)
def test_files_that_lack_a_correction_are_refused(
    saved: str | None, had: tuple[str, ...], named: tuple[str, ...], is_refused: bool
) -> None:
    builds = (
        PublishedBuild(1, "b1", "2026-11-22 08:00 UTC", 1, ("2026-11-01-y",)),
        PublishedBuild(2, "b2", NOON, 1, named),
        PublishedBuild(3, "b3", "2026-11-22 13:00 UTC", 1, ("2026-11-01-y",)),
    )
    at_last = at(f"2026-11-22 {saved}") if saved else None
    with pytest.raises(UnsafePlan, match="was changed elsewhere") if is_refused else contextlib.nullcontext():
        refuse({CARD: OURS}, {CARD: THEIRS}, builds, had=had, saved=lambda _: at_last)


def test_a_build_whose_time_cannot_be_read_refuses_nobody() -> None:
    builds = (PublishedBuild(1, "b", "yesterday", 1, (CARD,)),)
    refuse({CARD: OURS}, {CARD: THEIRS}, builds, saved=lambda _: at("2020-01-01 00:00"))


def test_a_build_names_whose_version_it_changes() -> None:
    stored = manifest_of({}, {CARD: THEIRS, "2026-11-20-x": OURS, "2026-11-19-gone": OURS})
    wanted = manifest_of({}, {CARD: OURS, "2026-11-20-x": OURS, "2026-11-18-new": OURS})
    index = Index({name: shard.digest for name, shard in stored.items()})
    assert compare({}, wanted, index, stored).renewed == ("2026-11-18-new", "2026-11-19-gone", CARD)


def test_a_manifest_is_read_as_it_was_written() -> None:
    index = Index({"site": "abc"}, ("old",))
    assert read_index(index.body) == index
    shard = manifest_of(PAGE, {"x": "2026-11-22 09:48 UTC"})["site"]
    assert read_shard(shard.body, "p") == shard


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"v": 2, "shards": {}}',
        b"\xff",
        b'{"v": 1}',
        b'{"v": 1, "shards": [], "superseded": []}',
        b'{"v": 1, "shards": {}, "superseded": 5}',
        b'{"v": 1, "shards": {}, "superseded": ["../x"]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_index_is_told(body: bytes) -> None:
    with pytest.raises(TargetError):
        read_index(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"files": []}',
        b'{"gone": 5}',
        b'{"known": []}',
        b'{"gone": ["../meaculpa.yml"]}',
        b'{"gone": ["/etc/passwd"]}',
        b'{"files": {"a/../../b": "x"}}',
    ],
)
def test_a_damaged_shard_is_told_and_leads_nowhere(body: bytes) -> None:
    with pytest.raises(TargetError):
        read_shard(body, "p")


def test_what_a_run_left_unfinished_is_written_again() -> None:
    wanted = manifest_of(PAGE, {})
    index = Index({name: shard.digest for name, shard in wanted.items()}, (), ("site",))
    found = compare(PAGE, wanted, index, {})
    assert [(upload.file.path, upload.reason) for upload in found.uploads] == [
        ("incidents/x.html", Reason.UNFINISHED)
        if shard_of("incidents/x.html") == "site"
        else ("index.html", Reason.UNFINISHED)
    ]
    assert found.index.pending == ()


def test_held_back_nothing_is_taken_away() -> None:
    now = files(index_html="b")
    stored = manifest_of(PAGE, {"x": "2026-11-22 09:48 UTC"})
    index = Index({name: shard.digest for name, shard in stored.items()})
    held = hold_removals(manifest_of(now, {}), stored)
    found = compare(now, held, index, stored)
    assert (found.gone, found.deletes) == ((), ())
    assert [upload.file.path for upload in found.uploads] == ["index.html"]
    assert any("incidents/x.html" in shard.files for shard in {**stored, **found.shards}.values())


_listed_paths = st.sampled_from(
    [
        "index.html",
        "incidents/2026-11-01-a.html",
        "incidents/2026-11-01-a.md",
        "incidents/x.html",
        "history/2026-10.html",
    ]
)
_builds = st.lists(
    st.tuples(
        st.dictionaries(_listed_paths, st.sampled_from("abc")),
        st.dictionaries(st.sampled_from(["2026-11-01-a", "x", "meaculpa.yml"]), st.sampled_from(["v1", "v2"])),
    ),
    max_size=6,
)


@given(_builds)
def test_a_listing_that_follows_changes_is_one_made_from_nothing(
    builds: list[tuple[dict[str, str], dict[str, str]]],
) -> None:
    made: dict[tuple[str, str], OutputFile] = {}
    before = Listing()
    for texts, known in builds:
        now = {path: made.setdefault((path, text), output_file(path, text)) for path, text in texts.items()}
        before = listed(now, known, before)
        assert before.shards == manifest_of(now, known)
        assert list(before.shards) == sorted(before.shards)
        assert {name: shard.body for name, shard in before.shards.items()} == {
            name: shard.body for name, shard in manifest_of(now, known).items()
        }
