"""Layers: the mapping files that all stores share, and the mapping files of each overlay.

A store can choose one overlay. The files of the overlay are laid over the shared files::

    groups.yaml, <topic>.yaml                        shared
    overlays/<overlay>/groups.yaml, <topic>.yaml     same grammar; override shared rules of the same name
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.grammar import schemas
from connector.mapping.reading import documents
from connector.mapping.reading.problems import Place
from connector.mapping.running.assembling import NO_RULES, File, GroupRules, group_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.mapping.grammar.parts import Group, Source
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.reading.problems import Problems

SHARED = ""
_GROUPS = "groups.yaml"
_OVERLAYS = "overlays"
#: The overlay names that a store can choose.
_OVERLAY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TOP = Place(1, 1)


class PlacedRule(NamedTuple):
    """A rule and its place in a file."""

    document: Document
    #: The key above the rule: ``identifiers``, ``attributes``, ``params`` or ``details``.
    section: str
    steps: Steps
    source: Source

    @property
    def name(self) -> str:
        return str(self.steps[-1])


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The valid files of one layer. A layer contains no files with mistakes; the loader reports these mistakes."""

    topics: dict[str, File] = field(default_factory=dict)
    groups_document: Document | None = None
    groups: dict[str, Group] = field(default_factory=dict)

    @property
    def documents(self) -> Iterator[Document]:
        if self.groups_document:
            yield self.groups_document
        for file in self.topics.values():
            yield file.document

    def rules(self) -> Iterator[PlacedRule]:
        """Yield every rule of the layer's files."""
        for document, steps, part, sections in self._parts():
            for section in sections:
                for name, source in getattr(part, section).items():
                    yield PlacedRule(document, section, (*steps, section, name), source)

    def _parts(self) -> Iterator[tuple[Document, Steps, object, tuple[str, ...]]]:
        """Yield each part that can have rules: its file, its steps, the part itself, and the keys above its rules."""
        if self.groups_document:
            for name, group in self.groups.items():
                yield self.groups_document, (name,), group, ("identifiers", "attributes", "params")
        for document, part in self.topics.values():
            for index, user in enumerate(part.users):
                yield document, ("users", index), user, ("identifiers", "attributes")
                for number, event in enumerate(user.events):
                    yield document, ("users", index, "events", number), event, ("params",)
            if part.notice:
                yield document, ("notice",), part.notice, ("details",)

    def group_rules(self) -> dict[str, GroupRules]:
        return group_rules(self.groups_document, self.groups) if self.groups_document else {}

    def groups_over(self, below: Layer) -> dict[str, GroupRules]:
        """Return the groups of the layer below, with this layer's groups laid over them."""
        own, lower = self.group_rules(), below.group_rules()
        names = dict.fromkeys([*lower, *own])
        return {name: lower.get(name, NO_RULES).under(own.get(name, NO_RULES)) for name in names}


def read(files: Mapping[str, bytes], problems: Problems) -> dict[str, Layer]:
    """Return the layers by overlay name. The key of the layer that all stores share is SHARED."""
    by_overlay: dict[str, Layer] = {SHARED: Layer()}
    for name, content in sorted(files.items()):
        if _is_well_placed(name, problems, known=by_overlay) and (document := documents.read(name, content, problems)):
            overlay = document.overlay or SHARED
            by_overlay[overlay] = _with(by_overlay.get(overlay, Layer()), document)
    return by_overlay


def _is_well_placed(name: str, problems: Problems, *, known: Mapping[str, Layer]) -> bool:
    """Return whether a file has the name and the directory of a mapping file. If not, add a problem."""
    path = PurePosixPath(name)
    directory = path.parent
    if path.suffix != ".yaml":
        problems.add(name, _TOP, "file-suffix", f"the file must be named {path.with_suffix('.yaml').name}")
        return False
    if directory.parts and (len(directory.parts) != len((_OVERLAYS, "overlay")) or directory.parts[0] != _OVERLAYS):
        problems.add(name, _TOP, "file-place", misplaced(name))
        return False
    if directory.parts and not _OVERLAY.fullmatch(directory.name) and directory.name not in known:
        sentence = f"no store can choose an overlay named {directory.name!r}; use letters, digits, - and _"
        problems.add(name, _TOP, "overlay-name", sentence)
    return True


def misplaced(name: str) -> str:
    """Return the message for a mapping file in a directory that is not read."""
    return f"mapping files are not read from {PurePosixPath(name).parent}; move it up, or into {_OVERLAYS}/<overlay>"


def _with(layer: Layer, document: Document) -> Layer:
    """Return the layer with one more file. If the file breaks the schema, leave out its content."""
    if document.name == _GROUPS:
        groups = schemas.groups(document)
        return Layer(topics=layer.topics, groups_document=document, groups=groups or {})
    part = schemas.topic_part(document)
    if part is None:
        return layer
    if part.topic in layer.topics:
        first = layer.topics[part.topic].document.file
        sentence = f"{first} already maps the topic {part.topic!r}; correct the topic, or join the files"
        document.problem(("topic",), "topic-twice", sentence, of_value=True)
        return layer
    return Layer(
        topics={**layer.topics, part.topic: File(document, part)},
        groups_document=layer.groups_document,
        groups=layer.groups,
    )
