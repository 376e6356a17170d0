"""A mapping set: the mappings of all topics, and the overlays that stores lay over them, as of one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.running.topic import TopicMapping


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingSet:
    #: The hash of the files' names and contents.
    version: str
    #: Contents by name, as they were read.
    files: Mapping[str, bytes] = field(repr=False)
    by_topic: Mapping[str, TopicMapping]
    #: By the name of the overlay: all topics, with what it lays over them.
    overlays: Mapping[str, Mapping[str, TopicMapping]] = field(default_factory=dict)
    #: Every attribute and every param that a mapping may write, with the kind of value that Insider has to expect.
    attributes: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self.by_topic)

    def get(self, topic: str, overlay: str | None = None) -> TopicMapping | None:
        """Return the mapping of a topic, with the overlay's rules; without them where the set has no such overlay."""
        return self.overlays.get(overlay or "", self.by_topic).get(topic)
