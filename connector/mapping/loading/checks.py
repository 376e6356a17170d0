"""What must fit between the mapping files: names, groups, overlays, and what each user needs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.mapping.loading import kinds
from connector.mapping.reading.problems import did_you_mean, suggestion
from connector.mapping.types.rules import OMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from connector.mapping.grammar.parts import Group, Source, TopicPart, UserEventPart, UserPart
    from connector.mapping.loading.layers import Layer
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.reading.problems import Problems

TOPIC = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*")
#: What users take of groups, and what events take.
_OF_USERS, _OF_EVENTS = ("identifiers", "attributes"), ("params",)


def file_name(topic: str) -> str:
    return topic.replace("/", ".") + ".yaml"


def snake_case(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def check(shared: Layer, overlays: Mapping[str, Layer], problems: Problems) -> dict[str, dict[str, str]]:
    """Check all layers; return the kinds of attributes and of params."""
    could_all_be_read = not problems
    everything = [shared, *overlays.values()]
    for layer in everything:
        for document, part in layer.topics.values():
            _check_topic(document, part)
    if could_all_be_read:  # else a group may be missing only because its file could not be read
        _check_layer(shared, None)
        for overlay in overlays.values():
            _check_layer(overlay, shared)
        if not problems:  # else a group may be unused only because its name is misspelt somewhere
            _check_unused(shared, everything)
            for overlay in overlays.values():
                _check_unused(overlay, [shared, overlay])
    return kinds.check(everything)


def merged_groups(layer: Layer, below: Layer | None) -> dict[str, Group]:
    """Return the groups of a layer, over those of the layer below."""
    under = dict(below.groups) if below else {}
    for name, group in layer.groups.items():
        other = under.get(name)
        under[name] = group if other is None else _over(group, other)
    return under


def _over(group: Group, other: Group) -> Group:
    return replace(
        group,
        identifiers={**other.identifiers, **group.identifiers},
        attributes={**other.attributes, **group.attributes},
        params={**other.params, **group.params},
    )


def _check_topic(document: Document, part: TopicPart) -> None:
    """Check what one file says by itself."""
    if not TOPIC.fullmatch(part.topic):
        meant = re.sub(r"[^A-Za-z0-9_.-]+", "/", part.topic).strip("/.")
        sentence = f"{part.topic!r} is no topic, such as swell/tier/earned"
        sentence += suggestion(meant) if TOPIC.fullmatch(meant) else ""
        document.problem(("topic",), "topic-syntax", sentence, of_value=True)
    elif document.name != file_name(part.topic):
        sentence = f"the file of this topic must be called {file_name(part.topic)}; rename it, or correct the topic"
        document.problem(("topic",), "file-name", sentence, of_value=True)
    if part.notice is None and not part.users:
        sentence = "a mapping needs users, or a notice where the topic is for the merchant"
        document.problem(("users",), "no-users", sentence)
    if part.notice and part.users:
        sentence = "a notice is for topics without users; keep one of the two"
        document.problem(("notice",), "notice-beside-users", sentence)
    for index, user in enumerate(part.users):
        if user.person in [other.person for other in part.users[:index]]:
            person = ", ".join(".".join(path) for path in user.person) or "of the whole webhook"
            sentence = f"the person {person} again; write all about one person in one entry"
            document.problem(("users", index, "person"), "person-twice", sentence)
        _check_events(document, ("users", index), user)


def _check_events(document: Document, steps: Steps, user: UserPart) -> None:
    names: set[str] = set()
    for number, event in enumerate(user.events):
        here: Steps = (*steps, "events", number, "name")
        if event.name != snake_case(event.label):
            sentence = f"the name of this event must be {snake_case(event.label)!r}, its label in snake case"
            document.problem(here, "event-name", sentence, of_value=True)
        elif event.name in names:
            sentence = f"the event {event.name!r} again; write all its params in one entry"
            document.problem(here, "event-twice", sentence, of_value=True)
        names.add(event.name)


def _check_layer(layer: Layer, below: Layer | None) -> None:
    """Check that what is included and overridden is there, and that each user has what it needs."""
    groups = merged_groups(layer, below)
    if layer.groups_document:
        for name, group in layer.groups.items():
            under = below.groups.get(name) if below else None
            if under and under.paths != group.paths:
                way = "leave out paths" if under.from_person else "write paths: webhook"
                sentence = f"the shared group of this name lets paths start elsewhere; {way} here too"
                layer.groups_document.problem((name,), "overlay-scope", sentence)
            for section in ("attributes", "params"):
                brought = set(getattr(under, section)) if under else set()
                _check_omitted(layer.groups_document, (name, section), getattr(group, section), brought)
        if below:
            _check_clashes(layer, below, groups)
    for topic, (document, part) in layer.topics.items():
        base = below.topics[topic].part if below and topic in below.topics else None
        if base:
            _check_scope(document, part, base)
        for index, user in enumerate(part.users):
            _check_user(document, ("users", index), user, base, groups)


def _check_clashes(layer: Layer, below: Layer, groups: Mapping[str, Group]) -> None:
    """Check that what an overlay's groups bring does not write over what the shared topics include beside them."""
    includes = [(user.include, "attributes") for _, part in below.topics.values() for user in part.users]
    events = [event for _, part in below.topics.values() for user in part.users for event in user.events]
    includes += [(event.include, "params") for event in events]
    for name, group in layer.groups.items() if layer.groups_document else ():
        for include, section in includes:
            if name not in include:
                continue
            for other in include:
                for rule in getattr(group, section).keys() & getattr(groups[other], section).keys():
                    if other != name and layer.groups_document:
                        sentence = f"the groups {name!r} and {other!r} both write {rule!r}; rename a rule"
                        layer.groups_document.problem((name, section, rule), "group-clash", sentence)


def _check_scope(document: Document, part: TopicPart, base: TopicPart) -> None:
    """Check that an overlay leaves alone what all stores share of a topic."""
    for key in ("notice", "skip_hook"):
        if getattr(part, key):
            document.problem((key,), "overlay-scope", f"an overlay only changes users; leave out {key!r}")
    if base.notice and part.users:
        sentence = "the shared file of this topic is a notice for the merchant, so an overlay can have no users"
        document.problem(("users",), "overlay-scope", sentence)


def _check_user(
    document: Document, steps: Steps, user: UserPart, base: TopicPart | None, groups: Mapping[str, Group]
) -> None:
    """Check a user, which may lie over one of a mapping below."""
    below = next((other for other in base.users if other.person == user.person), None) if base else None
    if below and user.optional:
        sentence = "whether this person is optional, the shared file says; leave this out"
        document.problem((*steps, "optional"), "overlay-scope", sentence)
    theirs = below.include if below else ()
    _check_include(document, (*steps, "include"), user.include, groups, below=theirs, sections=_OF_USERS)
    brought = _brought([*theirs, *user.include], groups, "attributes") | set(below.attributes if below else ())
    _check_omitted(document, (*steps, "attributes"), user.attributes, brought)
    for number, event in enumerate(user.events):
        under = next((other for other in below.events if other.name == event.name), None) if below else None
        _check_event(document, (*steps, "events", number), event, under, groups)
    if below or any(name not in groups for name in user.include):
        return
    included = [groups[name] for name in user.include]
    if not user.identifiers and not any(group.identifiers for group in included):
        _tell_no_identifiers(document, steps, user, base)
    elif not user.attributes and not user.events and not any(group.attributes for group in included):
        document.problem(steps, "nothing-told", "this user has neither attributes nor events; add some")


def _tell_no_identifiers(document: Document, steps: Steps, user: UserPart, base: TopicPart | None) -> None:
    known = [".".join(path) for other in base.users for path in other.person] if base else []
    if known:
        person = ", ".join(".".join(path) for path in user.person)
        sentence = (
            f"the mapping below has no person {person!r}{did_you_mean(person, known)}; a new one needs identifiers"
        )
        document.problem((*steps, "person"), "overlay-person", sentence, of_value=True)
    else:
        sentence = "this user has no identifiers, so Insider could not know who it is; include a group with some"
        document.problem(steps, "no-identifiers", sentence)


def _check_event(
    document: Document, steps: Steps, event: UserEventPart, below: UserEventPart | None, groups: Mapping[str, Group]
) -> None:
    theirs = below.include if below else ()
    _check_include(document, (*steps, "include"), event.include, groups, below=theirs, sections=_OF_EVENTS)
    brought = _brought([*theirs, *event.include], groups, "params") | set(below.params if below else ())
    _check_omitted(document, (*steps, "params"), event.params, brought)


def _brought(include: Iterable[str], groups: Mapping[str, Group], section: str) -> set[str]:
    return {rule for name in include if name in groups for rule in getattr(groups[name], section)}


def _check_omitted(document: Document, steps: Steps, rules: Mapping[str, Source], brought: Collection[str]) -> None:
    for name, source in rules.items():
        if source.type == OMIT and name not in brought:
            sentence = f"nothing brings {name!r}, so there is nothing to omit{did_you_mean(name, brought)}"
            document.problem((*steps, name), "nothing-to-omit", sentence)


def _check_unused(layer: Layer, layers: Iterable[Layer]) -> None:
    """Check that each group is included somewhere: a rule that nothing runs is no rule."""
    users = [user for each in layers for _, part in each.topics.values() for user in part.users]
    used = {name for user in users for name in user.include}
    used |= {name for user in users for event in user.events for name in event.include}
    for name in layer.groups:
        if name not in used and layer.groups_document:
            near = did_you_mean(name, used - layer.groups.keys())
            sentence = f"no mapping includes the group {name!r}{near}; include it, or take it away"
            layer.groups_document.problem((name,), "unused-group", sentence)


def _check_include(
    document: Document,
    steps: Steps,
    include: tuple[str, ...],
    groups: Mapping[str, Group],
    *,
    below: tuple[str, ...],
    sections: tuple[str, ...],
) -> None:
    """Check that the groups exist, bring something, and do not write over each other, nor over those `below`."""
    written = {
        (section, rule): name
        for name in below
        if name in groups
        for section in sections
        for rule in getattr(groups[name], section)
    }
    for index, name in enumerate(include):
        here = (*steps, index)
        if name not in groups:
            where = "either groups.yaml" if document.overlay else "groups.yaml"
            sentence = f"no group {name!r} in {where}{did_you_mean(name, groups)}"
            document.problem(here, "unknown-group", sentence)
            continue
        brought = [(section, rule) for section in sections for rule in getattr(groups[name], section)]
        if not brought:
            sentence = f"the group {name!r} has no {' and no '.join(sections)} to bring here"
            document.problem(here, "group-brings-nothing", sentence + _elsewhere(groups[name], sections))
        for rule in brought:
            other = written.setdefault(rule, name)
            if other != name:
                sentence = f"the groups {other!r} and {name!r} both write {rule[1]!r}; include one, or rename a rule"
                document.problem(here, "group-clash", sentence)
                break


def _elsewhere(group: Group, sections: tuple[str, ...]) -> str:
    if sections == _OF_USERS and group.params:
        return "; its params belong to an event, which may include it"
    if sections == _OF_EVENTS and (group.attributes or group.identifiers):
        return "; what it has belongs to a user, who may include it"
    return ""
