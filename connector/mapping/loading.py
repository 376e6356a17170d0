"""Loads mapping files: reads, checks and compiles them, and tells all mistakes of all files at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from connector.errors import MappingError
from connector.mapping import checks, layers
from connector.mapping.assembling import topic_mapping
from connector.mapping.problems import Problems
from connector.mapping.sets import MappingSet

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping.layers import Layer
    from connector.mapping.topic import TopicMapping

#: Of a set's files by their names, such as ``groups.yaml`` or ``overlays/outlet/swell.tier.earned.yaml``.
Files = Mapping[str, bytes]

_HASH_LENGTH = 16


def load(directory: Path) -> MappingSet:
    """Load the mapping files of a directory. Raises MappingError, with a line for each mistake."""
    return load_files(read_files(directory))


def read_files(directory: Path) -> dict[str, bytes]:
    """Read the mapping files of a directory, and those of its overlays. Raises MappingError where there is none."""
    if not directory.is_dir():
        raise MappingError(f"{directory}: there is no such directory of mapping files")
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted([*directory.iterdir(), *directory.glob("overlays/*/*")])
        if path.suffix in {".yaml", ".yml"} and path.is_file()
    }


def load_files(files: Files) -> MappingSet:
    """Load a set of mapping files. Raises MappingError, with a line for each mistake."""
    problems = Problems()
    read = layers.read(files, problems)
    shared = read.pop(layers.SHARED)
    if not shared.topics and not problems:
        raise MappingError("there is no mapping file of a topic, such as swell.tier.earned.yaml")
    kinds = checks.check(shared, read, problems)
    if problems:
        raise MappingError(str(problems))
    groups = shared.group_rules()
    return MappingSet(
        version=_hash(*(part for name, content in sorted(files.items()) for part in (name.encode(), content))),
        files=files,
        by_topic={topic: topic_mapping([file], groups) for topic, file in shared.topics.items()},
        overlays={name: _laid_over(shared, overlay) for name, overlay in read.items()},
        attributes=kinds["attributes"],
        params=kinds["params"],
    )


def _laid_over(shared: Layer, overlay: Layer) -> dict[str, TopicMapping]:
    groups = overlay.groups_over(shared)
    return {
        topic: topic_mapping([layer.topics[topic] for layer in (shared, overlay) if topic in layer.topics], groups)
        for topic in dict.fromkeys([*shared.topics, *overlay.topics])
    }


def _hash(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:_HASH_LENGTH]
