"""Layers: the mapping files that all stores share, and those of each overlay that stores may lay over them.

::

    groups.yaml, <topic>.yaml                        shared
    overlays/<overlay>/groups.yaml, <topic>.yaml     the same grammar: rules here override those below by name
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
#: What a store may choose as its option.
_OVERLAY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TOP = Place(1, 1)


class PlacedRule(NamedTuple):
    """A rule, and where it stands."""

    document: Document
    #: ``identifiers``, ``attributes``, ``params`` or ``details``.
    section: str
    steps: Steps
    source: Source

    @property
    def name(self) -> str:
        return str(self.steps[-1])


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

    def rules(self) -> Iterator[PlacedRule]:
        """Yield every rule of its files."""
        for document, steps, part, sections in self._parts():
            for section in sections:
                for name, source in getattr(part, section).items():
                    yield PlacedRule(document, section, (*steps, section, name), source)

    def _parts(self) -> Iterator[tuple[Document, Steps, object, tuple[str, ...]]]:
        """Yield each part that holds rules: its file, its steps, itself, and the keys under which it holds them."""
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
        """Return the groups of the layer below with this one's over them."""
        own, theirs = self.group_rules(), below.group_rules()
        names = dict.fromkeys([*theirs, *own])
        return {name: theirs.get(name, NO_RULES).under(own.get(name, NO_RULES)) for name in names}


def read(files: Mapping[str, bytes], problems: Problems) -> dict[str, Layer]:
    """Return the layers by the names of the overlays; that of all stores is SHARED."""
    found: dict[str, Layer] = {SHARED: Layer()}
    for name, content in sorted(files.items()):
        if _is_placed(name, problems, known=found) and (document := documents.read(name, content, problems)):
            overlay = document.overlay or SHARED
            found[overlay] = _with(found.get(overlay, Layer()), document)
    return found


def _is_placed(name: str, problems: Problems, *, known: Mapping[str, Layer]) -> bool:
    """Whether a file lies and is called as a mapping file must; where not, `problems` tells it."""
    path = PurePosixPath(name)
    directory = path.parent
    if path.suffix != ".yaml":
        problems.add(name, _TOP, "file-suffix", f"the file must be called {path.with_suffix('.yaml').name}")
        return False
    if directory.parts and (len(directory.parts) != len((_OVERLAYS, "overlay")) or directory.parts[0] != _OVERLAYS):
        problems.add(name, _TOP, "file-place", misplaced(name))
        return False
    if directory.parts and not _OVERLAY.fullmatch(directory.name) and directory.name not in known:
        sentence = f"no store can choose an overlay named {directory.name!r}; use letters, digits, - and _"
        problems.add(name, _TOP, "overlay-name", sentence)
    return True


def misplaced(name: str) -> str:
    """Say of a file that it lies where no mapping file does."""
    return f"no mapping file is read from {PurePosixPath(name).parent}; move it up, or into {_OVERLAYS}/<overlay>"


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
        sentence = f"the topic {part.topic!r} again, which {first} maps already; correct it, or join the files"
        document.problem(("topic",), "topic-twice", sentence, of_value=True)
        return layer
    return Layer(
        topics={**layer.topics, part.topic: File(document, part)},
        groups_document=layer.groups_document,
        groups=layer.groups,
    )
