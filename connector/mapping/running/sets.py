"""A mapping set: one version of the mappings of all topics, and of the overlays that stores can lay over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.running.topic import TopicMapping


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingSet:
    """The compiled mappings of all topics, of one version."""

    #: The hash of the files' names and contents.
    version: str
    #: The contents of the files by name, as they were read.
    files: Mapping[str, bytes] = field(repr=False)
    by_topic: Mapping[str, TopicMapping]
    #: By overlay name: the mappings of all topics, with the overlay's rules laid over them.
    overlays: Mapping[str, Mapping[str, TopicMapping]] = field(default_factory=dict)
    #: Every attribute and every param that the mappings can write, with its kind of value at Insider.
    attributes: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self.by_topic)

    def get(self, topic: str, overlay: str | None = None) -> TopicMapping | None:
        """Return the mapping of a topic, with the overlay's rules.

        If the set has no such overlay, return the mapping with the shared rules only.
        """
        return self.overlays.get(overlay or "", self.by_topic).get(topic)
