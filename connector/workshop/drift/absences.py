"""Finds rules, paths of rules, and persons that the mappings read but that no sampled webhook has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.workshop.drift.shapes import NOTHING, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connector.workshop.drift.reads import Alternative, Use
    from connector.workshop.drift.shapes import Shape

#: The kinds of absences, the most severe first. ``rule``: the rule never found a value. ``alternative``: the rule found
#: values, but never at these paths. ``elsewhere``: the rule found values, but none in these topics. For a rule of a
#: group this can be normal, because not every topic has all fields that the group reads.
Absence = Literal["rule", "alternative", "elsewhere"]
_NO_PERSON = TYPES - {"object"}
_ORDER: tuple[Absence, ...] = ("rule", "alternative", "elsewhere")


@dataclass(frozen=True, kw_only=True, slots=True)
class UseInTopic:
    """A topic whose mapping uses a rule."""

    topic: str
    #: The rule's person, in words; empty if the topic's mapping has only one person.
    person: str
    #: How many events of the topic were sampled.
    sampled: int
    #: The number of these events in which a path of the rule exists, but contains only null or a blank text. A path to
    #: a person counts if it exists, but contains no object.
    empty: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """Paths of a rule that never had a value. `topics` contains all topics with the same `absence`."""

    absence: Absence
    #: ``identifiers``, ``attributes``, ``params`` or ``details``; for the paths to a person: ``person``.
    section: str
    name: str
    #: The file and the line of the rule, such as ``groups.yaml:12``.
    place: str
    #: The paths as they are written in the mapping file.
    paths: tuple[str, ...]
    #: True if the paths start at the person, False if they start at the top of the webhook.
    from_person: bool
    sampled: int
    empty: int
    topics: tuple[UseInTopic, ...]


class _UseOnSample(NamedTuple):
    """A use of a rule, with the shape of the sampled events of its topic."""

    topic: str
    shape: Shape
    use: Use
    #: The paths of the rule that had a value.
    present: frozenset[str]

    def in_topic(self, paths: Iterable[str]) -> UseInTopic:
        """Return the topic with the counts for these paths."""
        alternatives = [alternative for alternative in self.use.alternatives if alternative.written in paths]
        return UseInTopic(
            topic=self.topic,
            person=self.use.whereabouts,
            sampled=self.shape.events,
            empty=max(_events(self.shape, alternative) for alternative in alternatives),
        )


def absent(uses: Mapping[str, Iterable[Use]], shapes: Mapping[str, Shape]) -> tuple[Absent, ...]:
    """Return the paths that the mappings use but that have no value in any sampled event, the most severe first."""
    rules: dict[tuple[str, str, str], list[_UseOnSample]] = {}
    for topic, shape in shapes.items():
        for sampled in _sample(topic, shape, uses.get(topic, ())):
            rules.setdefault((sampled.use.section, sampled.use.name, sampled.use.place), []).append(sampled)
    absences = [absence for of_rule in rules.values() for absence in _of_rule(of_rule)]
    return tuple(sorted(absences, key=_rank))


def _sample(topic: str, shape: Shape, uses: Iterable[Use]) -> Iterator[_UseOnSample]:
    """Yield the uses with the shape of the topic's events. If a person is missing, its rules are left out."""
    missing = set()
    for use in uses:
        ignored = _NO_PERSON if use.section == "person" else NOTHING
        present = frozenset(
            alternative.written for alternative in use.alternatives if _events(shape, alternative, besides=ignored)
        )
        if use.section == "person" and not present:
            missing.add(use.whereabouts)
        if use.from_person and use.whereabouts in missing:
            continue
        yield _UseOnSample(topic, shape, use, present)


def _of_rule(uses: list[_UseOnSample]) -> Iterator[Absent]:
    """Yield the absences of one rule, from all its uses."""
    paths = tuple(dict.fromkeys(alternative.written for sampled in uses for alternative in sampled.use.alternatives))
    present = frozenset().union(*(sampled.present for sampled in uses))
    if not present:
        yield _absent("rule", paths, uses)
        return
    if absent_paths := tuple(path for path in paths if path not in present):
        yield _absent("alternative", absent_paths, uses)
    if empty_uses := [sampled for sampled in uses if not sampled.present]:
        yield _absent("elsewhere", paths, empty_uses)


def _absent(absence: Absence, paths: tuple[str, ...], uses: list[_UseOnSample]) -> Absent:
    use = uses[0].use
    topics = sorted(
        (sampled.in_topic(paths) for sampled in uses),
        key=lambda in_topic: (-in_topic.sampled, in_topic.topic, in_topic.person),
    )
    return Absent(
        absence=absence,
        section=use.section,
        name=use.name,
        place=use.place,
        paths=paths,
        from_person=use.from_person,
        sampled=sum(in_topic.sampled for in_topic in topics),
        empty=sum(in_topic.empty for in_topic in topics),
        topics=tuple(topics),
    )


def _events(shape: Shape, alternative: Alternative, *, besides: frozenset[str] = frozenset()) -> int:
    """Return how many events have a value at the path. Values of the JSON types in `besides` do not count."""
    nodes = [shape.at(path) for path in alternative.paths]
    return max((node.events(besides=besides) for node in nodes if node), default=0)


def _rank(absent: Absent) -> tuple[int, bool, int, str, str]:
    return _ORDER.index(absent.absence), absent.empty > 0, -absent.sampled, absent.place, absent.name
