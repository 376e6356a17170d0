"""The parts of a mapping file, once it has been read and found sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from connector.mapping.types.rules import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.mapping.types.lookup import Path


@dataclass(frozen=True, kw_only=True)
class Source:
    """What follows a name: the type, and where the value is."""

    #: One of `rules.TYPES`, the name of an identifier, ALWAYS or OMIT.
    type: str
    #: The first path that holds something counts. Empty for ALWAYS, OMIT, and a date of parts.
    paths: tuple[Path, ...] = ()
    #: The paths of year, month and day.
    parts: tuple[tuple[Path, ...], ...] = ()
    constant: str | int | float | bool | None = None
    #: When what Insider has is over: ABSENT, where nothing is there; EMPTY, where the field is there but holds nothing.
    clears_when: str | None = None

    @property
    def kind(self) -> str:
        """The kind of value at Insider."""
        if self.type in TYPES:
            return TYPES[self.type].kind
        if isinstance(self.constant, bool):
            return "boolean"
        return "text" if isinstance(self.constant, str) or self.constant is None else "number"

    @property
    def all_paths(self) -> Iterator[Path]:
        """Every path that may be read."""
        return chain(self.paths, *self.parts)


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
