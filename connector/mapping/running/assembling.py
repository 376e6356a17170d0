"""Puts a topic's mapping together: the groups' rules, over them its own, and in each case an overlay's over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from connector.mapping.running.compiling import Rule, fill
from connector.mapping.running.topic import EventMapping, NoticeMapping, TopicMapping, UserMapping
from connector.mapping.types.lookup import person_of
from connector.mapping.types.rules import OMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.mapping.grammar.parts import Group, NoticePart, Source, TopicPart, UserEventPart, UserPart
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.types.lookup import Path

Rules = dict[str, Rule]
_Part = TypeVar("_Part")


class File(NamedTuple):
    """The file of a topic, read and found sound."""

    document: Document
    part: TopicPart


class _Written(NamedTuple, Generic[_Part]):
    """A part of a file, and where it stands."""

    document: Document
    steps: Steps
    part: _Part

    @property
    def place(self) -> str:
        return f"{self.document.file}:{self.document.place(self.steps).line}"

    def rules(self, section: str) -> Rules:
        return _rules(self.document, (*self.steps, section), getattr(self.part, section))


@dataclass(frozen=True, kw_only=True)
class GroupRules:
    """The rules that a group brings."""

    identifiers: Rules
    attributes: Rules
    params: Rules

    def under(self, over: GroupRules) -> GroupRules:
        """Return these rules with those of an overlay over them."""
        return GroupRules(
            identifiers=_merged([self.identifiers, over.identifiers]),
            attributes=_merged([self.attributes, over.attributes]),
            params=_merged([self.params, over.params]),
        )


NO_RULES = GroupRules(identifiers={}, attributes={}, params={})


def group_rules(document: Document, groups: Mapping[str, Group]) -> dict[str, GroupRules]:
    def rules(name: str, section: str) -> Rules:
        group = groups[name]
        return _rules(document, (name, section), getattr(group, section), group=name, from_person=group.from_person)

    return {
        name: GroupRules(
            identifiers=rules(name, "identifiers"),
            attributes=rules(name, "attributes"),
            params=rules(name, "params"),
        )
        for name in groups
    }


def topic_mapping(files: Sequence[File], groups: Mapping[str, GroupRules]) -> TopicMapping:
    """Compile a topic from its own file and, over it, that of an overlay. All have passed the checks."""
    document, part = files[0]
    return TopicMapping(
        topic=part.topic,
        description=part.description,
        file=document.file,
        skip_hook=part.skip_hook,
        users=tuple(_user(layers, groups) for layers in _users(files)),
        notice=_notice(document, part.notice) if part.notice else None,
    )


def omitting_rules(files: Sequence[File], groups: Mapping[str, GroupRules]) -> tuple[Rule, ...]:
    """Return the rules of a topic that only take others away; a compiled mapping has no trace of them."""
    found: list[Rules] = []
    for user in _users(files):
        found.append(_laid_over("attributes", user, groups))
        found += [_laid_over("params", event, groups) for event in _events(user)]
    return tuple(rule for rules in found for rule in rules.values() if rule.source.type == OMIT)


def _users(files: Sequence[File]) -> list[list[_Written[UserPart]]]:
    """Return the layers of each user, in the order of the persons."""
    persons: dict[tuple[Path, ...], list[_Written[UserPart]]] = {}
    for file in files:
        for index, user in enumerate(file.part.users):
            persons.setdefault(user.person, []).append(_Written(file.document, ("users", index), user))
    return list(persons.values())


def _user(layers: Sequence[_Written[UserPart]], groups: Mapping[str, GroupRules]) -> UserMapping:
    """Compile a user from the topic's own part and, over it, that of an overlay."""
    own = layers[0]
    identifiers = _kept(_laid_over("identifiers", layers, groups))
    attributes = _kept(_laid_over("attributes", layers, groups))
    events = tuple(_event(event, groups) for event in _events(layers))
    return UserMapping(
        place=own.place,
        person=own.part.person,
        whereabouts=" or ".join(".".join(path) for path in own.part.person) or "the top of it",
        person_of=person_of(own.part.person),
        optional=own.part.optional,
        identifiers=identifiers,
        attributes=attributes,
        events=events,
        fill=fill(
            person=own.part.person,
            identifiers=identifiers,
            attributes=attributes,
            events=[(event.name, event.params) for event in events],
            optional=own.part.optional,
        ),
    )


def _events(layers: Sequence[_Written[UserPart]]) -> list[list[_Written[UserEventPart]]]:
    """Return the layers of each event of a user."""
    named: dict[str, list[_Written[UserEventPart]]] = {}
    for document, steps, user in layers:
        for index, event in enumerate(user.events):
            named.setdefault(event.name, []).append(_Written(document, (*steps, "events", index), event))
    return list(named.values())


def _event(layers: Sequence[_Written[UserEventPart]], groups: Mapping[str, GroupRules]) -> EventMapping:
    own = layers[0]
    return EventMapping(
        name=own.part.name,
        label=own.part.label,
        place=own.place,
        params=_kept(_laid_over("params", layers, groups)),
    )


def _laid_over(
    section: str,
    layers: Sequence[_Written[UserPart]] | Sequence[_Written[UserEventPart]],
    groups: Mapping[str, GroupRules],
) -> Rules:
    """Lay the layers' own rules over those of the groups."""
    # Each group once: an overlay may repeat what is included below it.
    included = dict.fromkeys(name for layer in layers for name in layer.part.include)
    return _merged(
        [
            *(getattr(groups[name], section) for name in included),
            *(layer.rules(section) for layer in layers),
        ]
    )


def _notice(document: Document, part: NoticePart) -> NoticeMapping:
    details = _kept(_rules(document, ("notice", "details"), part.details))
    filled = fill(attributes=details)
    return NoticeMapping(text=part.text, details=details, fill=filled)


def _rules(
    document: Document,
    steps: Steps,
    sources: Mapping[str, Source],
    *,
    group: str | None = None,
    from_person: bool = False,
) -> Rules:
    return {
        name: Rule(name, source, from_person, f"{document.file}:{document.place((*steps, name)).line}", group)
        for name, source in sources.items()
    }


def _merged(rules: Iterable[Rules]) -> Rules:
    """Lay rules over each other by their names; each remembers what it overrides."""
    merged: Rules = {}
    for each in rules:
        for name, rule in each.items():
            merged[name] = rule._replace(overrides=merged.get(name) or rule.overrides)
    return merged


def _kept(rules: Rules) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules.values() if rule.source.type != OMIT)
