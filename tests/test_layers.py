"""Two mappings as one: it is a mapping like any other, and what has changed is found whatever the layers."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from meaculpa.layers import Layers, as_before, find_changes, flat, is_equal, overlay

_MAPPINGS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2))


@given(_MAPPINGS, _MAPPINGS)
def test_layers_are_one_mapping(lasts: dict[str, int], above: dict[str, int]) -> None:
    both, plain = Layers(lasts, above), {**lasts, **above}
    assert both == plain
    assert len(both) == len(plain)
    assert sorted(both) == sorted(plain)
    assert dict(both.items()) == plain
    assert all((key in both) == (key in plain) for key in "abcde")
    assert [both.get(key) for key in "abcde"] == [plain.get(key) for key in "abcde"]


@given(_MAPPINGS, _MAPPINGS, _MAPPINGS, _MAPPINGS)
def test_changes_are_what_a_look_at_everything_finds(
    lasts: dict[str, int], others: dict[str, int], before: dict[str, int], now: dict[str, int]
) -> None:
    for earlier in (lasts, others):
        old, new = {**earlier, **before}, {**lasts, **now}
        found = find_changes(Layers(earlier, before), Layers(lasts, now))
        assert found.renewed == {key: value for key, value in new.items() if key not in old or old[key] != value}
        assert found.gone == old.keys() - new.keys()
        assert found == find_changes(old, new)


def test_what_lasts_is_not_looked_at() -> None:
    class Closed(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"a": 1, "b": 2}[key]

        def __iter__(self) -> Iterator[str]:
            raise AssertionError("looked through")

        def __len__(self) -> int:
            raise AssertionError("counted")

    closed = Closed()
    found = find_changes(Layers(closed, {"c": 3, "d": 4}), Layers(closed, {"c": 3, "a": 5}))
    assert found.renewed == {"a": 5}
    assert found.gone == {"d"}


def test_an_equal_object_is_another_one() -> None:
    one, same = "".join(["x", "y"]), "".join(["x", "y"])
    assert find_changes({"a": one}, {"a": same}).renewed == {"a": same}
    assert find_changes({"a": one}, {"a": one}).renewed == {}


def test_a_value_of_none_is_a_value() -> None:
    assert find_changes({}, {"a": None}).renewed == {"a": None}


@given(st.sampled_from((True, False)), _MAPPINGS, _MAPPINGS, _MAPPINGS)
def test_what_is_laid_above_is_seen_without_looking_at_the_rest(
    is_layered: bool, lasts: dict[str, int], first: dict[str, int], second: dict[str, int]
) -> None:
    before = overlay(lasts, first) if is_layered else lasts
    now = overlay(before, second)
    assert flat(now) == {**before, **second}
    assert (now.lasts is lasts, isinstance(now.lasts, Layers)) == (True, False)
    assert find_changes(before, now) == find_changes({**before}, {**now})
    assert is_equal(before, now) == ({**before} == {**now})


def test_two_mappings_that_say_the_same_are_equal_and_the_older_one_goes_on() -> None:
    one, same = "".join(["x", "y"]), "".join(["x", "y"])
    first, second = {"a": one}, {"a": same}
    assert is_equal(first, second)
    assert not is_equal(first, {"a": one, "b": one})
    assert not is_equal(first, {})
    assert as_before(first, {"a": one}) is first
    assert as_before(first, second) is second
    assert as_before({"a": one, "b": one}, first) is first
