"""Builds the mapping of a topic. Its own rules override the rules of groups, and an overlay's rules override both."""

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
    """A topic's file that was read and is valid."""

    document: Document
    part: TopicPart


class _Layer(NamedTuple, Generic[_Part]):
    """A user or a user event as one file defines it: the topic's own file, or an overlay's file."""

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
    """The rules of a group."""

    identifiers: Rules
    attributes: Rules
    params: Rules

    def under(self, over: GroupRules) -> GroupRules:
        """Return these rules with the rules of an overlay laid over them."""
        return GroupRules(
            identifiers=_merged([self.identifiers, over.identifiers]),
            attributes=_merged([self.attributes, over.attributes]),
            params=_merged([self.params, over.params]),
        )


NO_RULES = GroupRules(identifiers={}, attributes={}, params={})


def group_rules(document: Document, groups: Mapping[str, Group]) -> dict[str, GroupRules]:
    """Return the rules of each group of a file, by the group's name."""

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
    """Compile a topic from its own file and, if there is one, the overlay's file, which overrides it.

    The files must have passed the checks.
    """
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
    """Return the rules of a topic that omit other rules. A compiled mapping does not contain them."""
    merged: list[Rules] = []
    for user in _users(files):
        merged.append(_laid_over("attributes", user, groups))
        merged += [_laid_over("params", event, groups) for event in _events(user)]
    return tuple(rule for rules in merged for rule in rules.values() if rule.source.type == OMIT)


def _users(files: Sequence[File]) -> list[list[_Layer[UserPart]]]:
    """Return the layers of each user, in the order in which the files name the persons."""
    persons: dict[tuple[Path, ...], list[_Layer[UserPart]]] = {}
    for file in files:
        for index, user in enumerate(file.part.users):
            persons.setdefault(user.person, []).append(_Layer(file.document, ("users", index), user))
    return list(persons.values())


def _user(layers: Sequence[_Layer[UserPart]], groups: Mapping[str, GroupRules]) -> UserMapping:
    """Compile a user from its layers: the topic's own part, and the overlay's part, which overrides it."""
    own = layers[0]
    identifiers = _without_omitted(_laid_over("identifiers", layers, groups))
    attributes = _without_omitted(_laid_over("attributes", layers, groups))
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


def _events(layers: Sequence[_Layer[UserPart]]) -> list[list[_Layer[UserEventPart]]]:
    """Return the layers of each event of a user."""
    by_name: dict[str, list[_Layer[UserEventPart]]] = {}
    for document, steps, user in layers:
        for index, event in enumerate(user.events):
            by_name.setdefault(event.name, []).append(_Layer(document, (*steps, "events", index), event))
    return list(by_name.values())


def _event(layers: Sequence[_Layer[UserEventPart]], groups: Mapping[str, GroupRules]) -> EventMapping:
    own = layers[0]
    return EventMapping(
        name=own.part.name,
        label=own.part.label,
        place=own.place,
        params=_without_omitted(_laid_over("params", layers, groups)),
    )


def _laid_over(
    section: str,
    layers: Sequence[_Layer[UserPart]] | Sequence[_Layer[UserEventPart]],
    groups: Mapping[str, GroupRules],
) -> Rules:
    """Return the rules of a section: the groups' rules, and the layers' own rules, which override them."""
    # Each group counts only once, because an overlay may include a group that the layer below also includes.
    included = dict.fromkeys(name for layer in layers for name in layer.part.include)
    return _merged(
        [
            *(getattr(groups[name], section) for name in included),
            *(layer.rules(section) for layer in layers),
        ]
    )


def _notice(document: Document, part: NoticePart) -> NoticeMapping:
    details = _without_omitted(_rules(document, ("notice", "details"), part.details))
    return NoticeMapping(text=part.text, details=details, fill=fill(attributes=details))


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
    """Merge rules by name. A later rule wins, and its `overrides` is the rule that it overrides."""
    merged: Rules = {}
    for by_name in rules:
        for name, rule in by_name.items():
            merged[name] = rule._replace(overrides=merged.get(name) or rule.overrides)
    return merged


def _without_omitted(rules: Rules) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules.values() if rule.source.type != OMIT)
