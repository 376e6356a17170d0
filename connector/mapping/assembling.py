"""Puts a topic's mapping together: the groups' rules, the file's own over them, and those of an overlay over all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from connector.mapping.compiling import Rule, fill
from connector.mapping.reading import person_of
from connector.mapping.rules import OMIT
from connector.mapping.topic import EventMapping, NoticeMapping, TopicMapping, UserMapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.mapping.documents import Document, Steps
    from connector.mapping.parts import Group, NoticePart, Path, Source, TopicPart, UserEventPart, UserPart

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
            identifiers=self.identifiers | over.identifiers,
            attributes=self.attributes | over.attributes,
            params=self.params | over.params,
        )


NO_RULES = GroupRules(identifiers={}, attributes={}, params={})


def group_rules(document: Document, groups: Mapping[str, Group]) -> dict[str, GroupRules]:
    return {
        name: GroupRules(
            identifiers=_rules(document, (name, "identifiers"), group.identifiers, from_person=group.from_person),
            attributes=_rules(document, (name, "attributes"), group.attributes, from_person=group.from_person),
            params=_rules(document, (name, "params"), group.params, from_person=group.from_person),
        )
        for name, group in groups.items()
    }


def topic_mapping(files: Sequence[File], groups: Mapping[str, GroupRules]) -> TopicMapping:
    """Compile a topic from its own file and, over it, that of an overlay. All have passed the checks."""
    document, part = files[0]
    users: dict[tuple[Path, ...], list[_Written[UserPart]]] = {}
    for file in files:
        for index, user in enumerate(file.part.users):
            users.setdefault(user.person, []).append(_Written(file.document, ("users", index), user))
    return TopicMapping(
        topic=part.topic,
        description=part.description,
        file=document.file,
        skip_hook=part.skip_hook,
        users=tuple(_user(layers, groups) for layers in users.values()),
        notice=_notice(document, part.notice) if part.notice else None,
    )


def _user(layers: Sequence[_Written[UserPart]], groups: Mapping[str, GroupRules]) -> UserMapping:
    """Compile a user from the topic's own part and, over it, that of an overlay."""
    own = layers[0]
    named: dict[str, list[_Written[UserEventPart]]] = {}
    for document, steps, user in layers:
        for index, event in enumerate(user.events):
            named.setdefault(event.name, []).append(_Written(document, (*steps, "events", index), event))
    included = [groups[name] for layer in layers for name in layer.part.include]
    identifiers = _merged(group.identifiers for group in included) | _own("identifiers", layers)
    attributes = _merged(group.attributes for group in included) | _own("attributes", layers)
    events = tuple(_event(event, groups) for event in named.values())
    return UserMapping(
        place=own.place,
        whereabouts=" or ".join(".".join(path) for path in own.part.person) or "the top of it",
        person_of=person_of(own.part.person),
        optional=own.part.optional,
        identifiers=_kept(identifiers),
        attributes=_kept(attributes),
        events=events,
        fill=fill(
            identifiers=_kept(identifiers),
            attributes=_kept(attributes),
            params=[event.params for event in events],
            optional=own.part.optional,
        ),
    )


def _event(layers: Sequence[_Written[UserEventPart]], groups: Mapping[str, GroupRules]) -> EventMapping:
    own = layers[0]
    included = _merged(groups[name].params for layer in layers for name in layer.part.include)
    return EventMapping(
        name=own.part.name,
        label=own.part.label,
        place=own.place,
        params=_kept(included | _own("params", layers)),
    )


def _notice(document: Document, part: NoticePart) -> NoticeMapping:
    details = _kept(_rules(document, ("notice", "details"), part.details))
    filled = fill(identifiers=(), attributes=details, params=(), optional=False)
    return NoticeMapping(text=part.text, details=details, fill=filled)


def _rules(document: Document, steps: Steps, sources: Mapping[str, Source], *, from_person: bool = False) -> Rules:
    return {
        name: Rule(name, source, from_person, f"{document.file}:{document.place((*steps, name)).line}")
        for name, source in sources.items()
    }


def _own(section: str, layers: Iterable[_Written[_Part]]) -> Rules:
    return _merged(layer.rules(section) for layer in layers)


def _merged(rules: Iterable[Rules]) -> Rules:
    merged: Rules = {}
    for each in rules:
        merged |= each
    return merged


def _kept(rules: Rules) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules.values() if rule.source.type != OMIT)
