"""Collects the values of the examples. They are the evidence that the paths of mapping files exist in webhooks."""

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

#: The parts that can include a group: users use its identifiers and attributes, events use its params.
Includer = Literal["users", "events"]


@dataclass(frozen=True)
class ExampleObjects:
    """The objects where paths start: the example webhooks of a topic, or the persons in these webhooks."""

    objects: tuple[Json, ...] = ()

    @cached_property
    def paths(self) -> frozenset[Path]:
        """Every path that exists in at least one of the objects; its value may be null."""
        return frozenset(path for root in self.objects for path in _paths(root))

    def persons(self, paths: tuple[Path, ...]) -> ExampleObjects:
        """Return the person of each object that has one. The first path that leads to a person counts."""
        find = person_of(paths)
        return ExampleObjects(tuple(person for root in self.objects if (person := find(root)) is not None))

    def holds_object(self, path: Path) -> bool:
        """Return whether the path leads to an object, such as a person, in at least one of `objects`."""
        return any(isinstance(at(root, path), dict) for root in self.objects)


NO_OBJECTS = ExampleObjects()


class Use(NamedTuple):
    """A place that includes a group."""

    topic: str
    webhooks: ExampleObjects
    persons: ExampleObjects
    #: The names of the rules at this place. These rules override the rules of the group.
    own: frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """The examples of a layer, together with the examples of the layer below."""

    webhooks: Mapping[str, ExampleObjects]
    _persons: dict[tuple[str, tuple[Path, ...]], ExampleObjects] = field(default_factory=dict)

    def of(self, topic: str) -> ExampleObjects:
        return self.webhooks.get(topic, NO_OBJECTS)

    def persons(self, topic: str, paths: tuple[Path, ...]) -> ExampleObjects:
        key = (topic, paths)
        if key not in self._persons:
            self._persons[key] = self.of(topic).persons(paths) if paths else self.of(topic)
        return self._persons[key]

    def uses(self, layers: Iterable[Layer]) -> dict[tuple[str, Includer], list[Use]]:
        """Return the places that include each group. The key is the group and the kind of part that includes it."""
        uses: dict[tuple[str, Includer], list[Use]] = {}
        for layer in layers:
            for topic, (_, part) in layer.topics.items():
                for user in part.users:
                    for group, includer, own in _included(user):
                        use = Use(topic, self.of(topic), self.persons(topic, user.person), own)
                        uses.setdefault((group, includer), []).append(use)
        return uses


def evidence(*layers: Mapping[str, Sequence[Json]]) -> Evidence:
    """Return the evidence of one or several layers. Each layer is given as its webhooks by topic."""
    topics = dict.fromkeys(topic for layer in layers for topic in layer)
    return Evidence(
        {topic: ExampleObjects(tuple(body for layer in layers for body in layer.get(topic, ()))) for topic in topics}
    )


def first_value(root: Json, paths: Sequence[Path]) -> object:
    """Return the value of the first path that has a value; None if no path has a value."""
    return next((raw for path in paths if not is_nothing(raw := at(root, path))), None)


def _included(user: UserPart) -> Iterator[tuple[str, Includer, frozenset[str]]]:
    for group in user.include:
        yield group, "users", frozenset({*user.identifiers, *user.attributes})
    for event in user.events:
        for group in event.include:
            yield group, "events", frozenset(event.params)


def _paths(root: Json) -> Iterator[Path]:
    """Yield every path in a JSON object. The function does not recurse, so any depth works."""
    pending: list[tuple[Path, object]] = [((), root)]
    while pending:
        path, value = pending.pop()
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
                pending.append(((*path, step), inner))
