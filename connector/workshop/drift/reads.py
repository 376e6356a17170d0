"""Lists the paths of a topic's webhooks that the rules of its mapping read, and the paths that intake reads."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from connector.yotpo.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connector.mapping import TopicMapping
    from connector.mapping.running.compiling import Rule
    from connector.mapping.running.topic import UserMapping
    from connector.mapping.types.lookup import Path

#: The step of a path that stands for any item of a list, or for any key that may be data.
ANY = "*"
#: The paths where intake looks for the topic of a webhook.
_TOPIC_NAMES: tuple[Path, ...] = (("topic",), ("event",), ("trigger", "type"))


class Alternative(NamedTuple):
    """One path of a rule."""

    #: The path as it is written in the mapping file.
    written: str
    #: The same path from the top of the webhook. A rule of a person has one path for each path to the person.
    paths: tuple[Path, ...]


class Use(NamedTuple):
    """One use of a rule in a topic's `users` or `notice`. The `person` of a user counts as a rule too."""

    #: ``person``, ``identifiers``, ``attributes``, ``params`` or ``details``.
    section: str
    name: str
    #: The file and the line, such as ``groups.yaml:12``.
    place: str
    #: The place of the person in the webhook, in words; empty if the mapping has only one person.
    whereabouts: str
    from_person: bool
    alternatives: tuple[Alternative, ...]


class Reads(NamedTuple):
    """The paths of a topic's webhooks that something reads. The step for an item of a list is ANY."""

    mapped: frozenset[Path]
    #: The objects and lists that contain the mapped paths.
    ways: frozenset[Path]
    intake: frozenset[Path]

    def is_read_by_intake(self, path: Path) -> bool:
        """Whether intake reads a path, or an object that contains it. The idempotency key can use a whole object."""
        return any(path[:length] in self.intake for length in range(1, len(path) + 1))


def reads_of(topic: str, uses: Sequence[Use]) -> Reads:
    """Return the paths of a topic's webhooks that intake reads, and the paths that the `uses` of its mapping read."""
    persons = _paths(use for use in uses if use.section == "person")
    mapped = _paths(use for use in uses if use.section != "person")
    kind = TOPICS.get(topic)
    paths = (*kind.customer, *kind.time, *kind.key) if kind else ()
    of_topic = (tuple(path.split(".")) for path in paths if not path.startswith("@"))
    return Reads(
        mapped=mapped,
        ways=persons.union(path[:length] for path in persons | mapped for length in range(1, len(path))),
        intake=frozenset(chain(_TOPIC_NAMES, of_topic)),
    )


def uses_of(mapping: TopicMapping) -> Iterator[Use]:
    """Yield every use of a rule in a mapping, in the order of the file."""
    for user in mapping.users:
        whereabouts = user.whereabouts if len(mapping.users) > 1 else ""
        if user.person:
            persons = tuple(Alternative(".".join(path), (_general(path),)) for path in user.person)
            yield Use("person", "person", user.place, whereabouts, from_person=False, alternatives=persons)
        for section, rules in _sections(user):
            for rule in rules:
                yield from _use(section, rule, whereabouts, user.person)
    for rule in mapping.notice.details if mapping.notice else ():
        yield from _use("details", rule, "", ())


def _paths(uses: Iterable[Use]) -> frozenset[Path]:
    return frozenset(path for use in uses for alternative in use.alternatives for path in alternative.paths)


def _sections(user: UserMapping) -> Iterator[tuple[str, Sequence[Rule]]]:
    yield "identifiers", user.identifiers
    yield "attributes", user.attributes
    for event in user.events:
        yield "params", event.params


def _use(section: str, rule: Rule, whereabouts: str, person: tuple[Path, ...]) -> Iterator[Use]:
    roots = (person or ((),)) if rule.from_person else ((),)
    items = (ANY,) if rule.source.type == "list" else None
    alternatives = []
    for path in dict.fromkeys(rule.source.all_paths):
        absolute = [_general((*root, *path)) for root in roots]
        # A rule for a list reads all items. No type of rule reads the fields inside an object.
        with_items = chain(absolute, ((*list_path, *items) for list_path in absolute if items))
        alternatives.append(Alternative(".".join(path), tuple(with_items)))
    if alternatives:
        yield Use(section, rule.name, rule.place, whereabouts, rule.from_person, tuple(alternatives))


def _general(path: Path) -> Path:
    """Return the path with ANY instead of each number of a list item."""
    return tuple(ANY if step.isdigit() else step for step in path)
