"""Checks that the mapping files fit together: names, groups, overlays, and the parts that each user needs."""

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
#: The sections of a group that users include, and the sections that events include.
_OF_USERS, _OF_EVENTS = ("identifiers", "attributes"), ("params",)


def file_name(topic: str) -> str:
    """Return the name that a topic's mapping file must have."""
    return topic.replace("/", ".") + ".yaml"


def snake_case(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def check(shared: Layer, overlays: Mapping[str, Layer], problems: Problems) -> dict[str, dict[str, str]]:
    """Check all layers, add the problems, and return the kinds of values by section and name."""
    are_all_files_valid = not problems
    layers = [shared, *overlays.values()]
    for layer in layers:
        for document, part in layer.topics.values():
            _check_topic(document, part)
    if are_all_files_valid:  # the groups of an invalid file would wrongly count as missing
        _check_layer(shared, None)
        for overlay in overlays.values():
            _check_layer(overlay, shared)
        if not problems:  # a group would wrongly count as unused if another problem hides its use
            _check_unused(shared, layers)
            for overlay in overlays.values():
                _check_unused(overlay, [shared, overlay])
    return kinds.check(layers)


def merged_groups(layer: Layer, below: Layer | None) -> dict[str, Group]:
    """Return the groups of a layer, laid over the groups of the layer below."""
    groups = dict(below.groups) if below else {}
    for name, group in layer.groups.items():
        lower = groups.get(name)
        groups[name] = group if lower is None else _over(group, lower)
    return groups


def _over(group: Group, lower: Group) -> Group:
    return replace(
        group,
        identifiers={**lower.identifiers, **group.identifiers},
        attributes={**lower.attributes, **group.attributes},
        params={**lower.params, **group.params},
    )


def _check_topic(document: Document, part: TopicPart) -> None:
    """Check one file without the other files."""
    if not TOPIC.fullmatch(part.topic):
        meant = re.sub(r"[^A-Za-z0-9_.-]+", "/", part.topic).strip("/.")
        sentence = f"{part.topic!r} is not a topic; a topic is like swell/tier/earned"
        sentence += suggestion(meant) if TOPIC.fullmatch(meant) else ""
        document.problem(("topic",), "topic-syntax", sentence, of_value=True)
    elif document.name != file_name(part.topic):
        sentence = f"the file of this topic must be named {file_name(part.topic)}; rename it, or correct the topic"
        document.problem(("topic",), "file-name", sentence, of_value=True)
    if part.notice is None and not part.users:
        sentence = "a mapping needs users, or a notice if the topic is for the merchant"
        document.problem(("users",), "no-users", sentence)
    if part.notice and part.users:
        sentence = "a notice is for topics without users; keep one of the two"
        document.problem(("notice",), "notice-beside-users", sentence)
    for index, user in enumerate(part.users):
        if user.person in [other.person for other in part.users[:index]]:
            person = ", ".join(".".join(path) for path in user.person) or "of the whole webhook"
            sentence = f"the person {person} has an entry already; write all about one person in one entry"
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
            sentence = f"the event {event.name!r} has an entry already; write all its params in one entry"
            document.problem(here, "event-twice", sentence, of_value=True)
        names.add(event.name)


def _check_layer(layer: Layer, below: Layer | None) -> None:
    """Check that a layer refers only to groups and rules that exist, and that each user has the parts that it needs."""
    groups = merged_groups(layer, below)
    if layer.groups_document:
        for name, group in layer.groups.items():
            lower = below.groups.get(name) if below else None
            if lower and lower.paths != group.paths:
                remedy = "leave out paths" if lower.from_person else "write paths: webhook"
                sentence = f"the paths of the shared group {name!r} start elsewhere; {remedy} here too"
                layer.groups_document.problem((name,), "overlay-scope", sentence)
            for section in ("attributes", "params"):
                names = set(getattr(lower, section)) if lower else set()
                _check_omitted(layer.groups_document, (name, section), getattr(group, section), names)
        if below:
            _check_clashes(layer, below, groups)
    for topic, (document, part) in layer.topics.items():
        base = below.topics[topic].part if below and topic in below.topics else None
        if base:
            _check_scope(document, part, base)
        for index, user in enumerate(part.users):
            _check_user(document, ("users", index), user, base, groups)


def _check_clashes(layer: Layer, below: Layer, groups: Mapping[str, Group]) -> None:
    """Check that a group of an overlay does not write the same name as another group of the same shared topic."""
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
    """Check that an overlay does not change the parts of a topic that all stores share."""
    for key in ("notice", "skip_hook"):
        if getattr(part, key):
            document.problem((key,), "overlay-scope", f"an overlay only changes users; leave out {key!r}")
    if base.notice and part.users:
        sentence = "the shared file of this topic is a notice for the merchant, so an overlay can have no users"
        document.problem(("users",), "overlay-scope", sentence)


def _check_user(
    document: Document, steps: Steps, user: UserPart, base: TopicPart | None, groups: Mapping[str, Group]
) -> None:
    """Check a user of a topic's file.

    In an overlay, `base` is the shared file of the topic. If the shared file has a user for the same person, the
    overlay's user changes the rules of that user.
    """
    below = next((other for other in base.users if other.person == user.person), None) if base else None
    if below and user.optional:
        sentence = "only the shared file says whether this person is optional; leave this out"
        document.problem((*steps, "optional"), "overlay-scope", sentence)
    inherited = below.include if below else ()
    _check_include(document, (*steps, "include"), user.include, groups, below=inherited, sections=_OF_USERS)
    names = _names_in([*inherited, *user.include], groups, "attributes") | set(below.attributes if below else ())
    _check_omitted(document, (*steps, "attributes"), user.attributes, names)
    for number, event in enumerate(user.events):
        lower = next((other for other in below.events if other.name == event.name), None) if below else None
        _check_event(document, (*steps, "events", number), event, lower, groups)
    if below or any(name not in groups for name in user.include):
        return
    included = [groups[name] for name in user.include]
    if not user.identifiers and not any(group.identifiers for group in included):
        _add_no_identifiers(document, steps, user, base)
    elif not user.attributes and not user.events and not any(group.attributes for group in included):
        document.problem(steps, "nothing-told", "this user has no attributes and no events; add some")


def _add_no_identifiers(document: Document, steps: Steps, user: UserPart, base: TopicPart | None) -> None:
    """Add the problem of a user without identifiers. In an overlay, the name of the person is probably misspelt."""
    persons = [".".join(path) for other in base.users for path in other.person] if base else []
    if persons:
        person = ", ".join(".".join(path) for path in user.person)
        sentence = (
            f"the mapping below has no person {person!r}{did_you_mean(person, persons)}; a new one needs identifiers"
        )
        document.problem((*steps, "person"), "overlay-person", sentence, of_value=True)
    else:
        sentence = "this user has no identifiers, so Insider cannot know who it is; include a group with some"
        document.problem(steps, "no-identifiers", sentence)


def _check_event(
    document: Document, steps: Steps, event: UserEventPart, below: UserEventPart | None, groups: Mapping[str, Group]
) -> None:
    inherited = below.include if below else ()
    _check_include(document, (*steps, "include"), event.include, groups, below=inherited, sections=_OF_EVENTS)
    names = _names_in([*inherited, *event.include], groups, "params") | set(below.params if below else ())
    _check_omitted(document, (*steps, "params"), event.params, names)


def _names_in(include: Iterable[str], groups: Mapping[str, Group], section: str) -> set[str]:
    """Return the names that the included groups write in a section."""
    return {rule for name in include if name in groups for rule in getattr(groups[name], section)}


def _check_omitted(document: Document, steps: Steps, rules: Mapping[str, Source], names: Collection[str]) -> None:
    """Check that each OMIT rule omits one of `names`."""
    for name, source in rules.items():
        if source.type == OMIT and name not in names:
            sentence = f"no other rule writes {name!r}, so there is nothing to omit{did_you_mean(name, names)}"
            document.problem((*steps, name), "nothing-to-omit", sentence)


def _check_unused(layer: Layer, layers: Iterable[Layer]) -> None:
    """Check that each group of a layer is included somewhere in `layers`. The rules of an unused group never run."""
    users = [user for other in layers for _, part in other.topics.values() for user in part.users]
    used = {name for user in users for name in user.include}
    used |= {name for user in users for event in user.events for name in event.include}
    for name in layer.groups:
        if name not in used and layer.groups_document:
            hint = did_you_mean(name, used - layer.groups.keys())
            sentence = f"no mapping includes the group {name!r}{hint}; include it, or remove it"
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
    """Check that the included groups exist, have usable rules, and do not write the same names.

    `below` lists the groups that the layer below includes. These groups must not write the same names either.
    """
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
        rules = [(section, rule) for section in sections for rule in getattr(groups[name], section)]
        if not rules:
            sentence = f"the group {name!r} has no {' and no '.join(sections)} to use here"
            document.problem(here, "group-brings-nothing", sentence + _better_place(groups[name], sections))
        for rule in rules:
            other = written.setdefault(rule, name)
            if other != name:
                sentence = f"the groups {other!r} and {name!r} both write {rule[1]!r}; include one, or rename a rule"
                document.problem(here, "group-clash", sentence)
                break


def _better_place(group: Group, sections: tuple[str, ...]) -> str:
    if sections == _OF_USERS and group.params:
        return "; its params belong to an event, so include it there"
    if sections == _OF_EVENTS and (group.attributes or group.identifiers):
        return "; its rules belong to a user, so include it there"
    return ""
