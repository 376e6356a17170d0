"""Puts a topic's mapping together: the groups' rules first, then the file's own, which override them by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.mapping.compiling import person_of, value_of
from connector.mapping.topic import EventMapping, NoticeMapping, Rule, TopicMapping, UserMapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.documents import Document, Steps
    from connector.mapping.parts import Group, Source, TopicPart, UserEventPart, UserPart

Rules = dict[str, Rule]


@dataclass(frozen=True, kw_only=True)
class CompiledGroup:
    identifiers: Rules
    attributes: Rules
    params: Rules


def compiled_groups(document: Document | None, groups: Mapping[str, Group]) -> dict[str, CompiledGroup]:
    """Compile each group once, for all the topics that include it."""
    if document is None:
        return {}
    return {
        name: CompiledGroup(
            identifiers=_rules(document, (name, "identifiers"), group.identifiers, from_person=group.from_person),
            attributes=_rules(document, (name, "attributes"), group.attributes, from_person=group.from_person),
            params=_rules(document, (name, "params"), group.params, from_person=group.from_person),
        )
        for name, group in groups.items()
    }


def topic_mapping(document: Document, part: TopicPart, groups: Mapping[str, CompiledGroup]) -> TopicMapping:
    """Compile one file, which has passed all checks."""
    notice = None
    if part.notice:
        details = _rules(document, ("notice", "details"), part.notice.details)
        notice = NoticeMapping(text=part.notice.text, details=tuple(details.values()))
    return TopicMapping(
        topic=part.topic,
        description=part.description,
        file=document.file,
        skip_hook=part.skip_hook,
        users=tuple(_user(document, ("users", index), user, groups) for index, user in enumerate(part.users)),
        notice=notice,
    )


def _user(document: Document, steps: Steps, user: UserPart, groups: Mapping[str, CompiledGroup]) -> UserMapping:
    included = [groups[name] for name in user.include]
    identifiers = _rules(document, (*steps, "identifiers"), user.identifiers)
    attributes = _rules(document, (*steps, "attributes"), user.attributes)
    return UserMapping(
        place=_place(document, steps),
        whereabouts=" or ".join(".".join(path) for path in user.person) or "the top of it",
        person_of=person_of(user.person),
        optional=user.optional,
        identifiers=_merged(*(group.identifiers for group in included), identifiers),
        attributes=_merged(*(group.attributes for group in included), attributes),
        events=tuple(
            _event(document, (*steps, "events", index), event, groups) for index, event in enumerate(user.events)
        ),
    )


def _event(document: Document, steps: Steps, event: UserEventPart, groups: Mapping[str, CompiledGroup]) -> EventMapping:
    params = _rules(document, (*steps, "params"), event.params)
    return EventMapping(
        name=event.name,
        label=event.label,
        place=_place(document, steps),
        params=_merged(*(groups[name].params for name in event.include), params),
    )


def _rules(document: Document, steps: Steps, sources: Mapping[str, Source], *, from_person: bool = False) -> Rules:
    return {
        name: Rule(
            name=name,
            value_of=value_of(source),
            from_person=from_person,
            place=_place(document, (*steps, name)),
            kind=source.kind,
        )
        for name, source in sources.items()
    }


def _place(document: Document, steps: Steps) -> str:
    return f"{document.file}:{document.place(steps).line}"


def _merged(*rules: Rules) -> tuple[Rule, ...]:
    merged: Rules = {}
    for each in rules:
        merged |= each
    return tuple(merged.values())
