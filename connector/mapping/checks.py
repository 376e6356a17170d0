"""What must fit between the mapping files: names, groups, overlays, and one kind of value for each name."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from connector.mapping.problems import did_you_mean
from connector.mapping.rules import OMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from connector.mapping.documents import Document, Steps
    from connector.mapping.layers import Layer
    from connector.mapping.parts import Group, Source, TopicPart, UserEventPart, UserPart
    from connector.mapping.problems import Problems

_A = {"text": "a text", "number": "a number", "boolean": "a boolean", "time": "a time", "list": "a list"}
_TOPIC = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*")


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
    return _check_kinds(everything)


def _check_topic(document: Document, part: TopicPart) -> None:
    """Check what one file says by itself."""
    if not _TOPIC.fullmatch(part.topic):
        document.problem(("topic",), f"{part.topic!r} is no topic, such as swell/tier/earned")
    elif document.name != file_name(part.topic):
        document.problem(("topic",), f"the file of this topic must be called {file_name(part.topic)}")
    if part.notice is None and not part.users:
        document.problem((), "a mapping needs users, or a notice where the topic is for the merchant")
    if part.notice and part.users:
        document.problem(("notice",), "a notice is for topics without users")
    for index, user in enumerate(part.users):
        if user.person in [other.person for other in part.users[:index]]:
            document.problem(("users", index, "person"), "this person again; write all about one person in one entry")
        _check_events(document, ("users", index), user)


def _check_layer(layer: Layer, below: Layer | None) -> None:
    """Check that what is included and overridden is there, and that each user has what it needs."""
    groups = {**(below.groups if below else {}), **layer.groups}
    if layer.groups_document:
        for name, group in layer.groups.items():
            under = [below.groups[name]] if below and name in below.groups else []
            for section in ("attributes", "params"):
                brought = {rule for each in under for rule in getattr(each, section)}
                _check_omitted(layer.groups_document, (name, section), getattr(group, section), brought)
    for topic, (document, part) in layer.topics.items():
        base = below.topics[topic].part if below and topic in below.topics else None
        if base and (part.notice or part.skip_hook):
            document.problem(
                ("notice" if part.notice else "skip_hook",), "an overlay only changes users; leave this out"
            )
        for index, user in enumerate(part.users):
            under_it = next((other for other in base.users if other.person == user.person), None) if base else None
            _check_user(document, ("users", index), user, under_it, groups)


def _check_user(
    document: Document, steps: Steps, user: UserPart, below: UserPart | None, groups: Mapping[str, Group]
) -> None:
    """Check a user, which may lie over another."""
    theirs = below.include if below else ()
    _check_include(
        document, (*steps, "include"), user.include, groups, below=theirs, sections=("identifiers", "attributes")
    )
    brought = _brought([*theirs, *user.include], groups, "attributes") | set(below.attributes if below else ())
    _check_omitted(document, (*steps, "attributes"), user.attributes, brought)
    for number, event in enumerate(user.events):
        under = next((other for other in below.events if other.name == event.name), None) if below else None
        _check_event(document, (*steps, "events", number), event, under, groups)
    if below or any(name not in groups for name in user.include):
        return
    included = [groups[name] for name in user.include]
    if not user.identifiers and not any(group.identifiers for group in included):
        document.problem(steps, "this user has no identifiers, so Insider could not know whom it is about")
    if not user.attributes and not user.events and not any(group.attributes for group in included):
        document.problem(steps, "this user has neither attributes nor events")


def _check_event(
    document: Document, steps: Steps, event: UserEventPart, below: UserEventPart | None, groups: Mapping[str, Group]
) -> None:
    theirs = below.include if below else ()
    _check_include(document, (*steps, "include"), event.include, groups, below=theirs, sections=("params",))
    brought = _brought([*theirs, *event.include], groups, "params") | set(below.params if below else ())
    _check_omitted(document, (*steps, "params"), event.params, brought)


def _brought(include: Iterable[str], groups: Mapping[str, Group], section: str) -> set[str]:
    return {rule for name in include if name in groups for rule in getattr(groups[name], section)}


def _check_omitted(document: Document, steps: Steps, rules: Mapping[str, Source], brought: Collection[str]) -> None:
    for name, source in rules.items():
        if source.type == OMIT and name not in brought:
            sentence = f"nothing brings {name!r}, so there is nothing to omit{did_you_mean(name, brought)}"
            document.problem((*steps, name), sentence)


def _check_unused(layer: Layer, layers: Iterable[Layer]) -> None:
    """Check that each group is included somewhere: a rule that nothing runs is no rule."""
    users = [user for each in layers for _, part in each.topics.values() for user in part.users]
    used = {name for user in users for name in user.include}
    used |= {name for user in users for event in user.events for name in event.include}
    for name in layer.groups:
        if name not in used and layer.groups_document:
            layer.groups_document.problem((name,), f"no mapping includes the group {name!r}")


def _check_kinds(layers: Iterable[Layer]) -> dict[str, dict[str, str]]:
    """Check that each attribute, and each param, is of one kind everywhere; return the kinds.

    Insider fixes the type of an attribute when it is created, and silently drops what is of another.
    """
    kinds: dict[str, dict[str, str]] = {"attributes": {}, "params": {}}
    first: dict[tuple[str, str], str] = {}
    for document, section, steps, source in _written(layers):
        name = str(steps[-1])
        if source.type == OMIT:
            continue
        known = kinds[section].setdefault(name, source.kind)
        place = first.setdefault((section, name), f"{document.file}:{document.place(steps).line}")
        if known != source.kind:
            document.problem(steps, f"{name!r} is {_A[source.kind]} here, but {_A[known]} in {place}")
    return kinds


def _written(layers: Iterable[Layer]) -> Iterator[tuple[Document, str, Steps, Source]]:
    """Yield every rule that writes an attribute or a param: its file, which of the two, its steps and its source."""
    for layer in layers:
        sections: list[tuple[Document, str, Steps, Mapping[str, Source]]] = []
        if document := layer.groups_document:
            for name, group in layer.groups.items():
                sections.append((document, "attributes", (name, "attributes"), group.attributes))
                sections.append((document, "params", (name, "params"), group.params))
        for document, part in layer.topics.values():
            for index, user in enumerate(part.users):
                sections.append((document, "attributes", ("users", index, "attributes"), user.attributes))
                for number, event in enumerate(user.events):
                    steps: Steps = ("users", index, "events", number, "params")
                    sections.append((document, "params", steps, event.params))
        for document, section, above, rules in sections:
            for name, source in rules.items():
                yield document, section, (*above, name), source


def _check_events(document: Document, steps: Steps, user: UserPart) -> None:
    names = Counter(event.name for event in user.events)
    for number, event in enumerate(user.events):
        here: Steps = (*steps, "events", number, "name")
        if event.name != snake_case(event.label):
            document.problem(here, f"the name of this event must be {snake_case(event.label)!r}, like its label")
        elif names[event.name] > 1:
            document.problem(here, f"the event {event.name!r} stands here twice")


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
        (section, rule): name for name in below for section in sections for rule in getattr(groups[name], section)
    }
    for index, name in enumerate(include):
        here = (*steps, index)
        if name not in groups:
            document.problem(here, f"no group {name!r} in groups.yaml{did_you_mean(name, groups)}")
            continue
        brought = [(section, rule) for section in sections for rule in getattr(groups[name], section)]
        if not brought:
            document.problem(here, f"the group {name!r} has no {' and no '.join(sections)} to bring here")
        for rule in brought:
            other = written.setdefault(rule, name)
            if other != name:
                document.problem(here, f"the groups {other!r} and {name!r} both write {rule[1]!r}")
