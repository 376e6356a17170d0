"""The dictionary: every name that mappings write at Insider, with its data type, its meaning, and its rules.

These facts come from Insider's academy: custom attributes, user events and their params must be created in the panel
before they are sent. They have a system name and a display name, and their data type cannot change later. Default
attributes, events and params exist already. The meanings come from the tables that Insider publishes. The tables are
beside the mapping files.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.insider.wire import DEFAULT_ATTRIBUTES, DEFAULT_PARAMS
from connector.mapping.checking.explaining import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from connector.mapping import MappingSet, TopicMapping
    from connector.mapping.running.compiling import Rule
    from connector.mapping.running.topic import UserMapping
    from connector.mapping.types.lookup import Path as PathInWebhook

#: Insider's names for the kinds of values.
DATA_TYPES = {"text": "String", "number": "Number", "boolean": "Boolean", "time": "Datetime", "list": "Array"}

#: Insider's reference lists required params for these user events. The events exist in each account by default.
_DEFAULT_EVENTS = frozenset({"purchase", "cart_page_view"})
#: For each section: the file name of its table, and the column with the names.
_TABLES = {
    "attribute": ("insider-attributes.csv", "insider_attribute"),
    "param": ("insider-event-parameters.csv", "insider_event_parameter"),
    "event": ("insider-events.csv", "insider_event_name"),
}
#: The tables have two short names. The mappings use these long names instead.
_LONG_NAMES = {"Na": "name", "Su": "surname"}

Section = Literal["identifier", "attribute", "param", "event"]


class Origin(NamedTuple):
    """A place in the mapping of a topic that fills a name."""

    topic: str
    #: The overlay that has this rule; None for rules that all stores share.
    overlay: str | None
    #: The user event that a param belongs to.
    event: str | None
    #: The file and the line, such as ``groups.yaml:12``.
    place: str
    #: The rule that fills the name; None for a user event.
    rule: Rule | None
    #: The paths to the person if the rule's paths start at the person; else empty.
    person: tuple[PathInWebhook, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The rule's paths from the top of the webhook, in order. A path to a part of a date looks like ``year: …``."""
        if self.rule is None:
            return []
        source = self.rule.source
        labelled = [("", path) for path in source.paths]
        labelled += [(f"{part}: ", path) for part, paths in zip(PARTS, source.parts, strict=False) for path in paths]
        return [part + ".".join((*start, *path)) for start in self.person or ((),) for part, path in labelled]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One name at Insider."""

    section: Section
    #: Insider's system name.
    name: str
    #: The display name at Insider: for an event its label, else the name with spaces and capitals.
    display_name: str
    #: One of DATA_TYPES; empty for a user event.
    data_type: str
    #: True if the name exists at Insider by default, False if it must be created.
    is_default: bool
    #: The meaning of the name; empty if the name is not in Insider's tables.
    meaning: str
    origins: tuple[Origin, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(origin.topic for origin in self.origins))

    @property
    def events(self) -> tuple[str, ...]:
        """The user events that a param belongs to."""
        return tuple(dict.fromkeys(origin.event for origin in self.origins if origin.event))


def dictionary(mappings: MappingSet, meanings: Mapping[tuple[str, str], str]) -> list[Entry]:
    """Return every name that a set writes: first identifiers, then attributes, params and user events.

    Names of the same section have the order of the mapping files.
    """
    labels: dict[str, str] = {}
    origins: dict[tuple[Section, str], list[Origin]] = {}
    for mapping, overlay in _layers(mappings):
        for section, name, origin, label in _names(mapping, overlay):
            of_name = origins.setdefault((section, name), [])
            shared = [(other.topic, other.event, other.place) for other in of_name if other.overlay is None]
            if overlay is None or (origin.topic, origin.event, origin.place) not in shared:
                of_name.append(origin)
            if label:
                labels.setdefault(name, label)
    order: tuple[Section, ...] = ("identifier", "attribute", "param", "event")
    return [
        _entry(section, name, of_name, labels, meanings)
        for current in order
        for (section, name), of_name in origins.items()
        if section == current
    ]


def to_create(entries: Iterable[Entry]) -> list[Entry]:
    """Return the attributes, params and events that must be created in Insider's panel."""
    return [entry for entry in entries if not entry.is_default]


def meanings(directory: Path) -> dict[tuple[str, str], str]:
    """Return the meaning of each name, by section and name.

    The meanings come from Insider's tables, which are beside the mapping files. If there are no tables, the result is
    empty.
    """
    by_name: dict[tuple[str, str], str] = {}
    for section, (file, column) in _TABLES.items():
        table = directory / "tables" / file
        if not table.is_file():
            continue
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                name = _LONG_NAMES.get(row[column], row[column])
                if row["description"]:
                    by_name.setdefault((section, name), row["description"])
    return by_name


def _layers(mappings: MappingSet) -> Iterator[tuple[TopicMapping, str | None]]:
    for mapping in mappings.by_topic.values():
        yield mapping, None
    for overlay, by_topic in mappings.overlays.items():
        for mapping in by_topic.values():
            yield mapping, overlay


def _names(mapping: TopicMapping, overlay: str | None) -> Iterator[tuple[Section, str, Origin, str]]:
    """Yield (section, name, origin, label) for each name that a topic's mapping writes. Only events have a label."""
    for user in mapping.users:
        for section, event, rule in _rules(user):
            person = user.person if rule.from_person else ()
            yield section, rule.name, Origin(mapping.topic, overlay, event, rule.place, rule, person), ""
        for event_mapping in user.events:
            origin = Origin(mapping.topic, overlay, None, event_mapping.place, None)
            yield "event", event_mapping.name, origin, event_mapping.label


def _rules(user: UserMapping) -> Iterator[tuple[Section, str | None, Rule]]:
    yield from (("identifier", None, rule) for rule in user.identifiers)
    yield from (("attribute", None, rule) for rule in user.attributes)
    yield from (("param", event.name, rule) for event in user.events for rule in event.params)


def _entry(
    section: Section,
    name: str,
    origins: list[Origin],
    labels: Mapping[str, str],
    meanings: Mapping[tuple[str, str], str],
) -> Entry:
    rule = origins[0].rule
    display_name = labels[name] if section == "event" else name.replace("_", " ").title()
    defaults = {"attribute": DEFAULT_ATTRIBUTES, "param": DEFAULT_PARAMS, "event": _DEFAULT_EVENTS}
    return Entry(
        section=section,
        name=name,
        display_name=display_name,
        data_type=DATA_TYPES[rule.source.kind] if rule else "",
        is_default=section == "identifier" or name in defaults[section],
        meaning=meanings.get((section, display_name if section == "event" else name), ""),
        origins=tuple(origins),
    )
