"""Loads a directory of mapping files: reads, checks and compiles them, and tells all mistakes of all files at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from connector.errors import MappingError
from connector.mapping import checks, documents, schemas
from connector.mapping.assembling import compiled_groups, topic_mapping
from connector.mapping.problems import Place, Problems
from connector.mapping.topic import MappingSet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connector.mapping.documents import Document
    from connector.mapping.parts import Group, TopicPart

_GROUPS = "groups.yaml"
_HASH_LENGTH = 16


def load(directory: Path) -> MappingSet:
    """Load all mapping files of the directory. Raises MappingError, with a line for each mistake."""
    if not directory.is_dir():
        raise MappingError(f"{directory}: there is no such directory of mapping files")
    problems = Problems()
    read = _read(directory, problems)
    groups_document = next((document for document in read if document.file == _GROUPS), None)
    groups = (schemas.groups(groups_document) if groups_document else {}) or {}
    files = [
        (document, part)
        for document in read
        if document is not groups_document and (part := schemas.topic_part(document))
    ]
    if not files and not problems:
        problems.add(directory.name, Place(1, 1), "there are no mapping files in this directory")
    kinds = _check(files, groups_document, groups, problems)
    if problems:
        raise MappingError(str(problems))
    compiled = compiled_groups(groups_document, groups)
    shared = groups_document.content if groups_document else b""
    return MappingSet(
        version=_hash(*(part for document in read for part in (document.file.encode(), document.content))),
        by_topic={
            part.topic: topic_mapping(
                document,
                part,
                compiled,
                path=directory / document.file,
                content_hash=_hash(document.content, shared),
            )
            for document, part in files
        },
        attributes=kinds["attributes"],
        params=kinds["params"],
    )


def _read(directory: Path, problems: Problems) -> list[Document]:
    read = []
    for path in sorted(directory.iterdir()):
        if path.suffix == ".yml":
            problems.add(path.name, Place(1, 1), f"the file must be called {path.stem}.yaml")
        elif path.suffix == ".yaml" and (document := documents.read(path, problems)):
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
