"""What examples hold: the evidence that the paths of mapping files lead somewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.mapping.types.lookup import at, is_nothing, person_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from connector.mapping.grammar.parts import UserPart
    from connector.mapping.loading.layers import Layer
    from connector.mapping.types.lookup import Path
    from connector.model import Json

#: Users take identifiers and attributes of groups, events take params.
Taker = Literal["users", "events"]


@dataclass(frozen=True)
class Held:
    """Objects in which paths start: the webhooks of a topic, or the persons in them."""

    objects: tuple[Json, ...] = ()

    @cached_property
    def paths(self) -> frozenset[Path]:
        """Every path that leads to something in one of them, be it null."""
        return frozenset(path for each in self.objects for path in _paths(each))

    def persons(self, paths: tuple[Path, ...]) -> Held:
        """Return the persons that are found in them."""
        find = person_of(paths)
        return Held(tuple(person for each in self.objects if (person := find(each)) is not None))

    def holds_object(self, path: Path) -> bool:
        return any(isinstance(at(each, path), dict) for each in self.objects)


NOTHING_HELD = Held()


class Use(NamedTuple):
    """A place where a group is included."""

    topic: str
    webhooks: Held
    persons: Held
    #: The rules of the place itself, which override the group's.
    own: frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """The examples of a layer, together with those of the layer below."""

    webhooks: Mapping[str, Held]
    _persons: dict[tuple[str, tuple[Path, ...]], Held] = field(default_factory=dict)

    def of(self, topic: str) -> Held:
        return self.webhooks.get(topic, NOTHING_HELD)

    def persons(self, topic: str, paths: tuple[Path, ...]) -> Held:
        key = (topic, paths)
        if key not in self._persons:
            self._persons[key] = self.of(topic).persons(paths) if paths else self.of(topic)
        return self._persons[key]

    def uses(self, layers: Iterable[Layer]) -> dict[tuple[str, Taker], list[Use]]:
        """Return where each group is included, by users and by events."""
        found: dict[tuple[str, Taker], list[Use]] = {}
        for layer in layers:
            for topic, (_, part) in layer.topics.items():
                for user in part.users:
                    for group, taker, own in _included(user):
                        use = Use(topic, self.of(topic), self.persons(topic, user.person), own)
                        found.setdefault((group, taker), []).append(use)
        return found


def evidence(*layers: Mapping[str, Sequence[Json]]) -> Evidence:
    """Return the evidence of webhooks by topic, of one or several layers."""
    topics = dict.fromkeys(topic for layer in layers for topic in layer)
    return Evidence({topic: Held(tuple(body for layer in layers for body in layer.get(topic, ()))) for topic in topics})


def first_value(root: Json, paths: Sequence[Path]) -> object:
    """Return what the first path leads to that holds something; None where none does."""
    return next((raw for path in paths if not is_nothing(raw := at(root, path))), None)


def _included(user: UserPart) -> Iterator[tuple[str, Taker, frozenset[str]]]:
    for group in user.include:
        yield group, "users", frozenset({*user.identifiers, *user.attributes})
    for event in user.events:
        for group in event.include:
            yield group, "events", frozenset(event.params)


def _paths(root: Json) -> Iterator[Path]:
    """Yield every path in a JSON object, however deep it is."""
    rest: list[tuple[Path, object]] = [((), root)]
    while rest:
        path, value = rest.pop()
        entries = (
            value.items()
            if isinstance(value, dict)
            else ((str(number), item) for number, item in enumerate(value))
            if isinstance(value, list)
            else ()
        )
        for step, inner in entries:
            yield (*path, step)
            if isinstance(inner, dict | list):
                rest.append(((*path, step), inner))
