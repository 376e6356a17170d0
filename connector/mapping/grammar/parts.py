"""The parts of a mapping file that was read and is valid."""

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
    """The rule for a name, as it is written: the type of the value, and where the value is."""

    #: The type: one of `rules.TYPES`, the name of an identifier, ALWAYS or OMIT.
    type: str
    #: The paths; the first path with a value counts. ALWAYS, OMIT, and a date that is made of parts have no paths here.
    paths: tuple[Path, ...] = ()
    #: For a date that is made of parts: the paths of the year, the month and the day.
    parts: tuple[tuple[Path, ...], ...] = ()
    constant: str | int | float | bool | None = None
    #: When Insider must clear the attribute: ABSENT if there is no value at all, EMPTY if the field is there but empty.
    clears_when: str | None = None

    @property
    def kind(self) -> str:
        """The kind of value at Insider: text, number, boolean, time or list."""
        if self.type in TYPES:
            return TYPES[self.type].kind
        if isinstance(self.constant, bool):
            return "boolean"
        return "text" if isinstance(self.constant, str) or self.constant is None else "number"

    @property
    def all_paths(self) -> Iterator[Path]:
        """Every path that the rule can read."""
        return chain(self.paths, *self.parts)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that several topics share. `paths` says where the paths of these rules start: ``person`` or ``webhook``."""

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
