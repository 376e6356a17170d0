"""Loads mapping files: reads, checks and compiles them, and tells all mistakes of all files at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from connector.errors import MappingError
from connector.mapping import checks, documents, schemas
from connector.mapping.assembling import compiled_groups, topic_mapping
from connector.mapping.problems import Place, Problems
from connector.mapping.topic import MappingSet

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping.documents import Document
    from connector.mapping.parts import Group, TopicPart

#: Of a set's files by their names, such as ``groups.yaml``.
Files = Mapping[str, bytes]

_GROUPS = "groups.yaml"
_HASH_LENGTH = 16


def load(directory: Path) -> MappingSet:
    """Load the mapping files of a directory. Raises MappingError, with a line for each mistake."""
    return load_files(read_files(directory))


def read_files(directory: Path) -> dict[str, bytes]:
    """Read the mapping files of a directory. Raises MappingError where there is no such directory."""
    if not directory.is_dir():
        raise MappingError(f"{directory}: there is no such directory of mapping files")
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.suffix in {".yaml", ".yml"}}


def load_files(files: Files) -> MappingSet:
    """Load a set of mapping files. Raises MappingError, with a line for each mistake."""
    problems = Problems()
    read = _read(files, problems)
    groups_document = next((document for document in read if document.file == _GROUPS), None)
    groups = (schemas.groups(groups_document) if groups_document else {}) or {}
    topics = [
        (document, part)
        for document in read
        if document is not groups_document and (part := schemas.topic_part(document))
    ]
    if not topics and not problems:
        raise MappingError("there is no mapping file of a topic, such as swell.tier.earned.yaml")
    kinds = _check(topics, groups_document, groups, problems)
    if problems:
        raise MappingError(str(problems))
    compiled = compiled_groups(groups_document, groups)
    return MappingSet(
        version=_hash(*(part for name, content in sorted(files.items()) for part in (name.encode(), content))),
        files=files,
        by_topic={part.topic: topic_mapping(document, part, compiled) for document, part in topics},
        attributes=kinds["attributes"],
        params=kinds["params"],
    )


def _read(files: Files, problems: Problems) -> list[Document]:
    read = []
    for name, content in sorted(files.items()):
        if name.endswith(".yml"):
            problems.add(name, Place(1, 1), f"the file must be called {name.removesuffix('.yml')}.yaml")
        elif document := documents.read(name, content, problems):
            read.append(document)
    return read


def _check(
    files: list[tuple[Document, TopicPart]],
    groups_document: Document | None,
    groups: Mapping[str, Group],
    problems: Problems,
) -> dict[str, dict[str, str]]:
    """Check what must fit between the files; return the kinds of attributes and params."""
    sound_so_far = not problems
    first: dict[str, str] = {}
    for document, part in files:
        checks.check_topic(document, part)
        if first.setdefault(part.topic, document.file) != document.file:
            document.problem(("topic",), f"the topic {part.topic!r} again; {first[part.topic]} already maps it")
    if sound_so_far:  # else a group may be missing only because its file could not be read
        for document, part in files:
            checks.check_includes(document, part, groups)
        if groups_document and not problems:  # else it may be unused only because its name is misspelt somewhere
            checks.check_unused(groups_document, groups, [part for _, part in files])
    return checks.check_kinds(files, groups_document, groups)


def _hash(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:_HASH_LENGTH]
