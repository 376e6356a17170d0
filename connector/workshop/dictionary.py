"""The dictionary: every name that mappings write at Insider, its kind, its meaning, and which rules fill it from where.

Facts from Insider's academy: custom attributes, user events and their params are created in the panel before they are
sent, under a system name and a display name; the data type is fixed from then on. Default ones are there already.
Meanings are those of the tables that Insider publishes, which lie beside the mapping files.
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

#: Insider's words for kinds of values.
DATA_TYPES = {"text": "String", "number": "Number", "boolean": "Boolean", "time": "Datetime", "list": "Array"}

#: The user events with which Insider's reference says which params they need; they are there by default.
_DEFAULT_EVENTS = frozenset({"purchase", "cart_page_view"})
#: By section: the table, its column of names, and that of meanings.
_TABLES = {
    "attribute": ("insider-attributes.csv", "insider_attribute"),
    "param": ("insider-event-parameters.csv", "insider_event_parameter"),
    "event": ("insider-events.csv", "insider_event_name"),
}
#: The table's short names.
_LONG_NAMES = {"Na": "name", "Su": "surname"}

Section = Literal["identifier", "attribute", "param", "event"]


class Origin(NamedTuple):
    """A place in the mapping of a topic that fills a name."""

    topic: str
    #: The overlay in which it differs from what all stores share.
    overlay: str | None
    #: The user event, of a param.
    event: str | None
    #: ``groups.yaml:12``
    place: str
    #: None for a user event.
    rule: Rule | None
    #: The paths to the person, where those of the rule start there.
    person: tuple[PathInWebhook, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The rule's paths from the top of the webhook, in order; those of a date of parts as ``year: …``."""
        if self.rule is None:
            return []
        source = self.rule.source
        named = [("", path) for path in source.paths]
        named += [(f"{part}: ", path) for part, paths in zip(PARTS, source.parts, strict=False) for path in paths]
        return [part + ".".join((*start, *path)) for start in self.person or ((),) for part, path in named]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One name at Insider."""

    section: Section
    #: Insider's system name.
    name: str
    #: How Insider shows it: an event's label; of the others, the name in words.
    display_name: str
    #: One of DATA_TYPES; empty for a user event.
    data_type: str
    #: True where Insider has it by default, False where it has to be created.
    is_default: bool
    #: Empty where Insider's tables do not know it.
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
    """Return every name that a set writes: identifiers, attributes, params and user events, each in their order."""
    labels: dict[str, str] = {}
    origins: dict[tuple[Section, str], list[Origin]] = {}
    for mapping, overlay in _layers(mappings):
        for section, name, origin, label in _written(mapping, overlay):
            found = origins.setdefault((section, name), [])
            shared = [(known.topic, known.event, known.place) for known in found if known.overlay is None]
            if overlay is None or (origin.topic, origin.event, origin.place) not in shared:
                found.append(origin)
            if label:
                labels.setdefault(name, label)
    order: tuple[Section, ...] = ("identifier", "attribute", "param", "event")
    return [
        _entry(section, name, found, labels, meanings)
        for wanted in order
        for (section, name), found in origins.items()
        if section == wanted
    ]


def to_create(entries: Iterable[Entry]) -> list[Entry]:
    """Return what has to be created in Insider's panel: attributes, params, and the events that need them."""
    return [entry for entry in entries if not entry.is_default]


def meanings(directory: Path) -> dict[tuple[str, str], str]:
    """Read what names mean from Insider's tables beside the mapping files, by section and name; none without tables."""
    found: dict[tuple[str, str], str] = {}
    for section, (file, column) in _TABLES.items():
        table = directory / "tables" / file
        if not table.is_file():
            continue
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                name = _LONG_NAMES.get(row[column], row[column])
                if row["description"]:
                    found.setdefault((section, name), row["description"])
    return found


def _layers(mappings: MappingSet) -> Iterator[tuple[TopicMapping, str | None]]:
    for mapping in mappings.by_topic.values():
        yield mapping, None
    for overlay, by_topic in mappings.overlays.items():
        for mapping in by_topic.values():
            yield mapping, overlay


def _written(mapping: TopicMapping, overlay: str | None) -> Iterator[tuple[Section, str, Origin, str]]:
    """Yield each name that a topic's mapping writes, with its section, and a label where it has one."""
    for user in mapping.users:
        for section, event, rule in _rules(user):
            person = user.person if rule.from_person else ()
            yield section, rule.name, Origin(mapping.topic, overlay, event, rule.place, rule, person), ""
        for written in user.events:
            yield "event", written.name, Origin(mapping.topic, overlay, None, written.place, None), written.label


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
