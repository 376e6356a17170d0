"""Layers: the mapping files that all stores share, and those of each overlay that stores may lay over them.

::

    groups.yaml, <topic>.yaml                        shared
    overlays/<overlay>/groups.yaml, <topic>.yaml     the same grammar: rules here override those below by name
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.mapping import documents, schemas
from connector.mapping.assembling import NO_RULES, File, GroupRules, group_rules
from connector.mapping.problems import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.mapping.documents import Document
    from connector.mapping.parts import Group
    from connector.mapping.problems import Problems

SHARED = ""
_GROUPS = "groups.yaml"
_OVERLAYS = "overlays"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The files of one layer that could be read. Files with mistakes are missing, and their problems told."""

    topics: dict[str, File] = field(default_factory=dict)
    groups_document: Document | None = None
    groups: dict[str, Group] = field(default_factory=dict)

    @property
    def documents(self) -> Iterator[Document]:
        if self.groups_document:
            yield self.groups_document
        for file in self.topics.values():
            yield file.document

    def group_rules(self) -> dict[str, GroupRules]:
        return group_rules(self.groups_document, self.groups) if self.groups_document else {}

    def groups_over(self, below: Layer) -> dict[str, GroupRules]:
        """Return the groups of the layer below with this one's over them."""
        own, theirs = self.group_rules(), below.group_rules()
        names = dict.fromkeys([*theirs, *own])
        return {name: theirs.get(name, NO_RULES).under(own.get(name, NO_RULES)) for name in names}


def read(files: Mapping[str, bytes], problems: Problems) -> dict[str, Layer]:
    """Return the layers by the names of the overlays; that of all stores is SHARED."""
    found: dict[str, Layer] = {SHARED: Layer()}
    for name, content in sorted(files.items()):
        if name.endswith(".yml"):
            problems.add(name, Place(1, 1), f"the file must be called {name.removesuffix('.yml')}.yaml")
        elif document := documents.read(name, content, problems):
            overlay = document.overlay or SHARED
            found[overlay] = _with(found.get(overlay, Layer()), document)
    return found


def _with(layer: Layer, document: Document) -> Layer:
    """Return the layer with one more file; as it was where that breaks the schema."""
    if document.name == _GROUPS:
        groups = schemas.groups(document)
        return Layer(topics=layer.topics, groups_document=document, groups=groups or {})
    part = schemas.topic_part(document)
    if part is None:
        return layer
    if part.topic in layer.topics:
        first = layer.topics[part.topic].document.file
        document.problem(("topic",), f"the topic {part.topic!r} again; {first} already maps it")
        return layer
    return Layer(
        topics={**layer.topics, part.topic: File(document, part)},
        groups_document=layer.groups_document,
        groups=layer.groups,
    )
