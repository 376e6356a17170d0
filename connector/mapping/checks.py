"""What must fit between the mapping files: names, groups, and one kind of value for each attribute and param."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from connector.mapping.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connector.mapping.documents import Document, Steps
    from connector.mapping.parts import Group, Source, TopicPart, UserPart

_A = {"text": "a text", "number": "a number", "boolean": "a boolean", "time": "a time", "list": "a list"}
_TOPIC = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*")


def file_name(topic: str) -> str:
    return topic.replace("/", ".") + ".yaml"


def snake_case(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def check_topic(document: Document, part: TopicPart) -> None:
    """Check what one file says by itself."""
    if not _TOPIC.fullmatch(part.topic):
        document.problem(("topic",), f"{part.topic!r} is no topic, such as swell/tier/earned")
    elif document.file != file_name(part.topic):
        document.problem(("topic",), f"the file of this topic must be called {file_name(part.topic)}")
    if part.notice is None and not part.users:
        document.problem((), "a mapping needs users, or a notice where the topic is for the merchant")
    if part.notice and part.users:
        document.problem(("notice",), "a notice is for topics without users")
    for index, user in enumerate(part.users):
        _check_events(document, ("users", index), user)


def check_includes(document: Document, part: TopicPart, groups: Mapping[str, Group]) -> None:
    """Check that groups exist, bring something, do not write over each other, and that each user gets what it needs."""
    for index, user in enumerate(part.users):
        steps: Steps = ("users", index)
        _check_include(document, (*steps, "include"), user.include, groups, ("identifiers", "attributes"))
        for number, event in enumerate(user.events):
            _check_include(document, (*steps, "events", number, "include"), event.include, groups, ("params",))
        included = [groups[name] for name in user.include if name in groups]
        if len(included) < len(user.include):
            continue
        if not user.identifiers and not any(group.identifiers for group in included):
            document.problem(steps, "this user has no identifiers, so Insider could not know whom it is about")
        if not user.attributes and not user.events and not any(group.attributes for group in included):
            document.problem(steps, "this user has neither attributes nor events")


def check_unused(document: Document, groups: Mapping[str, Group], parts: list[TopicPart]) -> None:
    """Check that each group is included somewhere: a rule that nothing runs is no rule."""
    used = {name for part in parts for user in part.users for name in user.include}
    used |= {name for part in parts for user in part.users for event in user.events for name in event.include}
    for name in groups:
        if name not in used:
            document.problem((name,), f"no mapping includes the group {name!r}")


def check_kinds(
    files: Iterable[tuple[Document, TopicPart]], groups_document: Document | None, groups: Mapping[str, Group]
) -> dict[str, dict[str, str]]:
    """Check that each attribute, and each param, is of one kind everywhere; return the kinds.

    Insider fixes the type of an attribute when it is created, and silently drops what is of another.
    """
    kinds: dict[str, dict[str, str]] = {"attributes": {}, "params": {}}
    first: dict[tuple[str, str], str] = {}
    for document, section, steps, source in _written(files, groups_document, groups):
        name = str(steps[-1])
        known = kinds[section].setdefault(name, source.kind)
        place = first.setdefault((section, name), f"{document.file}:{document.place(steps).line}")
        if known != source.kind:
            document.problem(steps, f"{name!r} is {_A[source.kind]} here, but {_A[known]} in {place}")
    return kinds


def _written(
    files: Iterable[tuple[Document, TopicPart]], groups_document: Document | None, groups: Mapping[str, Group]
) -> Iterator[tuple[Document, str, Steps, Source]]:
    """Yield every rule that writes an attribute or a param: its file, which of the two, its steps and its source."""
    sections: list[tuple[Document, str, Steps, Mapping[str, Source]]] = []
    for group_name, group in groups.items():
        if groups_document is None:
            break
        sections.append((groups_document, "attributes", (group_name, "attributes"), group.attributes))
        sections.append((groups_document, "params", (group_name, "params"), group.params))
    for document, part in files:
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
    document: Document, steps: Steps, include: tuple[str, ...], groups: Mapping[str, Group], sections: tuple[str, ...]
) -> None:
    written: dict[tuple[str, str], str] = {}
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
