"""What is mapped that never comes: rules, alternatives of rules, and persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.workshop.drift.shapes import NOTHING, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connector.workshop.drift.reads import Alternative, Use
    from connector.workshop.drift.shapes import Shape

#: From the most severe: the rule never found anything; it found something, but never by these of its alternatives; it
#: found something, but nothing in these topics: groups may name more than each topic's webhooks hold.
Absence = Literal["rule", "alternative", "elsewhere"]
_NO_PERSON = TYPES - {"object"}
_ORDER: tuple[Absence, ...] = ("rule", "alternative", "elsewhere")


@dataclass(frozen=True, kw_only=True, slots=True)
class UseInTopic:
    """Where a rule is used."""

    topic: str
    #: Of which person, in words, where the topic's mapping tells something about several.
    person: str
    #: Events of the topic that were sampled, and of these, those that have one of the paths, but null or blank.
    sampled: int
    empty: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """Paths of a rule that never held anything, in all topics of which the same is to be told."""

    absence: Absence
    #: ``identifiers``, ``attributes``, ``params`` or ``details``; ``person`` for the paths to a person.
    section: str
    name: str
    #: Where the rule stands: ``groups.yaml:12``.
    place: str
    #: As the mapping file has them.
    paths: tuple[str, ...]
    #: True where the paths start at the person, False where they start at the top of the webhook.
    from_person: bool
    sampled: int
    empty: int
    topics: tuple[UseInTopic, ...]


class _Tried(NamedTuple):
    """A use, tried on the events of its topic."""

    topic: str
    shape: Shape
    use: Use
    #: Its alternatives that held something.
    came: frozenset[str]

    def in_topic(self, paths: Iterable[str]) -> UseInTopic:
        alternatives = [one for one in self.use.alternatives if one.written in paths]
        return UseInTopic(
            topic=self.topic,
            person=self.use.whereabouts,
            sampled=self.shape.events,
            empty=max(_events(self.shape, one) for one in alternatives),
        )


def absent(uses: Mapping[str, Iterable[Use]], shapes: Mapping[str, Shape]) -> tuple[Absent, ...]:
    """Return what never came of what is used in the topics that were sampled, the most severe first."""
    rules: dict[tuple[str, str, str], list[_Tried]] = {}
    for topic, shape in shapes.items():
        for tried in _try(topic, shape, uses.get(topic, ())):
            rules.setdefault((tried.use.section, tried.use.name, tried.use.place), []).append(tried)
    found = [one for of_rule in rules.values() for one in _of_rule(of_rule)]
    return tuple(sorted(found, key=_rank))


def _try(topic: str, shape: Shape, uses: Iterable[Use]) -> Iterator[_Tried]:
    """Try the uses on a topic's events. A person who never came is told once, not rule by rule."""
    missing = set()
    for use in uses:
        besides = _NO_PERSON if use.section == "person" else NOTHING
        came = frozenset(one.written for one in use.alternatives if _events(shape, one, besides=besides))
        if use.section == "person" and not came:
            missing.add(use.whereabouts)
        if use.from_person and use.whereabouts in missing:
            continue
        yield _Tried(topic, shape, use, came)


def _of_rule(tried: list[_Tried]) -> Iterator[Absent]:
    written = tuple(dict.fromkeys(one.written for each in tried for one in each.use.alternatives))
    came = frozenset().union(*(each.came for each in tried))
    if not came:
        yield _absent("rule", written, tried)
        return
    if never := tuple(path for path in written if path not in came):
        yield _absent("alternative", never, tried)
    if nowhere := [each for each in tried if not each.came]:
        yield _absent("elsewhere", written, nowhere)


def _absent(absence: Absence, paths: tuple[str, ...], tried: list[_Tried]) -> Absent:
    use = tried[0].use
    topics = sorted((each.in_topic(paths) for each in tried), key=lambda one: (-one.sampled, one.topic, one.person))
    return Absent(
        absence=absence,
        section=use.section,
        name=use.name,
        place=use.place,
        paths=paths,
        from_person=use.from_person,
        sampled=sum(one.sampled for one in topics),
        empty=sum(one.empty for one in topics),
        topics=tuple(topics),
    )


def _events(shape: Shape, alternative: Alternative, *, besides: frozenset[str] = frozenset()) -> int:
    nodes = [shape.at(path) for path in alternative.paths]
    return max((node.events(besides=besides) for node in nodes if node), default=0)


def _rank(found: Absent) -> tuple[int, bool, int, str, str]:
    return _ORDER.index(found.absence), found.empty > 0, -found.sampled, found.place, found.name
