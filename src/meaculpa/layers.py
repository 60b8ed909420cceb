"""Two mappings as one: a large one that lasts, and what changes above it, so that looking for changes costs those."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, filterfalse, repeat
from operator import is_not
from typing import Generic, TypeVar

from msgspec import Struct

Key = TypeVar("Key")
Value = TypeVar("Value")
_ABSENT = object()


@dataclass(frozen=True, slots=True, eq=False)
class Layers(Mapping[Key, Value], Generic[Key, Value]):
    """What is `above` hides what `lasts`. Whoever changes nothing in what lasts hands on the same object."""

    lasts: Mapping[Key, Value]
    above: Mapping[Key, Value]

    def __getitem__(self, key: Key) -> Value:
        return self.above[key] if key in self.above else self.lasts[key]

    def __contains__(self, key: object) -> bool:
        return key in self.above or key in self.lasts

    def __iter__(self) -> Iterator[Key]:
        yield from filterfalse(self.above.__contains__, self.lasts)
        yield from self.above

    def __len__(self) -> int:
        return len(self.lasts) + sum(key not in self.lasts for key in self.above)


class Changes(Struct, Generic[Key, Value], frozen=True):
    """What is new or another object than before, and the keys of what is no longer there."""

    renewed: Mapping[Key, Value]
    gone: frozenset[Key]


def overlay(before: Mapping[Key, Value], changed: Mapping[Key, Value]) -> Layers[Key, Value]:
    """Put what has changed above what was there; however often that happens, there are two layers."""
    lasts, above = _layers_of(before)
    return Layers(lasts, {**above, **changed})


def flat(mapping: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """Give a mapping without layers, for whoever is going to look at most of it."""
    lasts, above = _layers_of(mapping)
    return {**lasts, **above} if above else lasts


def is_equal(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> bool:
    """Whether two mappings say the same; of what they have in common nothing is looked at."""
    touched = find_changes(before, now)
    return not touched.gone and all(key in before and before[key] == one for key, one in touched.renewed.items())


def as_before(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """Give what was there before if nothing has changed: whoever compares the two again sees it at once."""
    touched = find_changes(before, now)
    return now if touched.renewed or touched.gone else before


def find_changes(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> Changes[Key, Value]:
    """Find what differs; what is the same object is the same, which is seen at once."""
    (old, above), (new, higher) = _layers_of(before), _layers_of(now)
    if old is new:
        keys = {**above, **higher}
        return _compare(
            {key: before[key] for key in keys if key in before}, {key: now[key] for key in keys if key in now}
        )
    return _compare(flat(before), flat(now))


def _layers_of(mapping: Mapping[Key, Value]) -> tuple[Mapping[Key, Value], Mapping[Key, Value]]:
    """What lasts of a mapping, and what is above it: of most, nothing."""
    return (mapping.lasts, mapping.above) if isinstance(mapping, Layers) else (mapping, {})


def _compare(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> Changes[Key, Value]:
    # For tens of thousands, without a step of the interpreter for each.
    are_others = map(is_not, map(before.get, now, repeat(_ABSENT)), now.values())
    renewed = dict(compress(now.items(), are_others))
    is_any_gone = len(now) - sum(key not in before for key in renewed) < len(before)
    return Changes(renewed, frozenset(before.keys() - now.keys()) if is_any_gone else frozenset())
