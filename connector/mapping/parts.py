"""The parts of a mapping file, once it has been read and found sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The steps from an object to a value in it.
Path: TypeAlias = tuple[str, ...]

#: Rule types, each with the kind of value at Insider, where an attribute's type is fixed once it was created.
KINDS = {
    "text": "text",
    "link": "text",
    "number": "number",
    "money": "number",
    "boolean": "boolean",
    "date": "time",
    "datetime": "time",
    "list": "list",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """What follows a name: the type, and where the value is."""

    type: str
    #: For every type but `always`, unless a date has parts: the first path that holds something counts.
    paths: tuple[Path, ...] = ()
    #: The paths of year, month and day.
    parts: tuple[tuple[Path, ...], ...] = ()
    constant: str | int | float | bool | None = None

    @property
    def kind(self) -> str:
        """The kind of value at Insider."""
        if self.type in KINDS:
            return KINDS[self.type]
        if isinstance(self.constant, bool):
            return "boolean"
        return "text" if isinstance(self.constant, str) else "number"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that several topics share."""

    paths: str = "person"
    identifiers: Mapping[str, Source] = field(default_factory=dict)
    attributes: Mapping[str, Source] = field(default_factory=dict)
    params: Mapping[str, Source] = field(default_factory=dict)

    @property
    def from_person(self) -> bool:
        return self.paths == "person"


@dataclass(frozen=True, kw_only=True)
class UserEventPart:
    label: str
    name: str
    include: tuple[str, ...] = ()
    params: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UserPart:
    person: tuple[Path, ...] = ()
    optional: bool = False
    include: tuple[str, ...] = ()
    identifiers: Mapping[str, Source] = field(default_factory=dict)
    attributes: Mapping[str, Source] = field(default_factory=dict)
    events: tuple[UserEventPart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoticePart:
    text: str
    details: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TopicPart:
    topic: str
    description: str
    skip_hook: bool = False
    users: tuple[UserPart, ...] = ()
    notice: NoticePart | None = None
