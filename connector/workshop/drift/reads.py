"""Which paths of a topic's webhooks are read: by the rules of its mapping, and by intake to recognise them."""

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

#: Stands for any place in a list, and for any key that may be data.
ANY = "*"
#: What tells the topic of any webhook.
_TOPIC_NAMES: tuple[Path, ...] = (("topic",), ("event",), ("trigger", "type"))


class Alternative(NamedTuple):
    """One path of a rule."""

    #: As the mapping file has it.
    written: str
    #: From the top of the webhook: one for each place where the person may lie.
    paths: tuple[Path, ...]


class Use(NamedTuple):
    """A rule as one entry of a topic's `users`, or its `notice`, uses it; or that entry's person."""

    #: ``person``, ``identifiers``, ``attributes``, ``params`` or ``details``.
    section: str
    name: str
    #: ``groups.yaml:12``
    place: str
    #: Where the person of the entry lies, in words; empty where the mapping is about one person alone.
    whereabouts: str
    from_person: bool
    alternatives: tuple[Alternative, ...]


class Reads(NamedTuple):
    """What is read of a topic's webhooks. Places in lists are ANY."""

    mapped: frozenset[Path]
    #: The objects and lists on the way to what is mapped.
    ways: frozenset[Path]
    intake: frozenset[Path]

    def is_read_by_intake(self, path: Path) -> bool:
        """Whether intake reads it, or an object that it is in: of some, the idempotency key takes all."""
        return any(path[:length] in self.intake for length in range(1, len(path) + 1))


def reads_of(topic: str, uses: Sequence[Use]) -> Reads:
    """Return what is read of a topic's webhooks, where its mapping consists of these uses."""
    persons = _paths(use for use in uses if use.section == "person")
    mapped = _paths(use for use in uses if use.section != "person")
    known = TOPICS.get(topic)
    written = (*known.customer, *known.time, *known.key) if known else ()
    of_topic = (tuple(path.split(".")) for path in written if not path.startswith("@"))
    return Reads(
        mapped=mapped,
        ways=persons.union(path[:length] for path in persons | mapped for length in range(1, len(path))),
        intake=frozenset(chain(_TOPIC_NAMES, of_topic)),
    )


def uses_of(mapping: TopicMapping) -> Iterator[Use]:
    """Yield everything that reads a path, in the order of the file."""
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
        # A list is read with all its items; of an object, no type of rule reads what is in it.
        alternatives.append(
            Alternative(".".join(path), tuple(chain(absolute, ((*one, *items) for one in absolute if items))))
        )
    if alternatives:
        yield Use(section, rule.name, rule.place, whereabouts, rule.from_person, tuple(alternatives))


def _general(path: Path) -> Path:
    return tuple(ANY if step.isdigit() else step for step in path)
