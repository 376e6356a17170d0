"""Loads mapping files: reads, checks and compiles them, and reports all mistakes of all files at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from connector.errors import MappingError
from connector.mapping.loading import checks, layers
from connector.mapping.reading.problems import Place, Problems
from connector.mapping.running.assembling import topic_mapping
from connector.mapping.running.sets import MappingSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from connector.mapping.loading.layers import Layer
    from connector.mapping.running.topic import TopicMapping

#: The contents of a set's files, by name: ``groups.yaml``, ``overlays/outlet/swell.tier.earned.yaml``.
Files = Mapping[str, bytes]

_HASH_LENGTH = 16
#: The places of mapping files, and the places where a mapping file may be by mistake.
_PLACES, _OTHER_PLACES = ("*", "overlays/*/*"), ("*/*", "overlays/*/*/*")
_SUFFIXES = {".yaml", ".yml"}


class Checked(NamedTuple):
    """Mapping files that were read and checked, but not yet compiled."""

    shared: Layer
    overlays: Mapping[str, Layer]
    #: The kinds of values, by section and name.
    kinds: Mapping[str, Mapping[str, str]]


def load(directory: Path) -> MappingSet:
    """Load the mapping files of a directory. Raises MappingError, with a line for each mistake."""
    return load_files(read_files(directory))


def load_files(files: Files) -> MappingSet:
    """Load a set of mapping files. Raises MappingError, with a line for each mistake."""
    problems = Problems()
    checked = check_files(files, problems)
    problems.raise_errors()
    return compile_files(files, checked)


def read_files(directory: Path) -> dict[str, bytes]:
    """Read the mapping files of a directory and of its overlays. Raises MappingError if a file cannot be read."""
    problems = Problems()
    files = read(directory, problems)
    problems.raise_errors()
    return files


def read(directory: Path, problems: Problems) -> dict[str, bytes]:
    """Read the mapping files of a directory; a file that cannot be read becomes a problem.

    Raises MappingError if the directory does not exist or cannot be read.
    """
    files: dict[str, bytes] = {}
    for path, name in _files_in(directory, _PLACES):
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            problems.add(name, Place(1, 1), "file-unreadable", f"the file cannot be read ({error.strerror})")
    return files


def check_places(directory: Path, problems: Problems) -> None:
    """Check that no mapping file is in a directory that is not read."""
    for _, name in _files_in(directory, _OTHER_PLACES):
        problems.add(name, Place(1, 1), "file-place", layers.misplaced(name))


def _files_in(directory: Path, places: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield each file that has the suffix of a mapping file, with its name in the set."""
    try:
        if not directory.is_dir():
            raise MappingError(f"{directory}: there is no such directory of mapping files")
        paths = sorted({path for place in places for path in directory.glob(place)})
    except OSError as error:
        raise MappingError(f"{directory}: the directory cannot be read ({error.strerror})") from error
    for path in paths:
        relative = path.relative_to(directory)
        if path.suffix.lower() in _SUFFIXES and not any(part.startswith(".") for part in relative.parts):
            # A file name may not be valid text. No topic has such a name, so the file becomes a problem later.
            yield path, relative.as_posix().encode("utf-8", "backslashreplace").decode()


def check_files(files: Files, problems: Problems) -> Checked:
    """Parse and check the files, and add all mistakes to `problems`."""
    overlays = layers.read(files, problems)
    shared = overlays.pop(layers.SHARED)
    if not shared.topics and not problems:
        sentence = "there is no mapping file for a topic, such as swell.tier.earned.yaml"
        problems.add(".", Place(1, 1), "no-topics", sentence)
    return Checked(shared, overlays, checks.check(shared, overlays, problems))


def compile_files(files: Files, checked: Checked) -> MappingSet:
    """Compile files that have no errors."""
    groups = checked.shared.group_rules()
    return MappingSet(
        version=_hash(*(part for name, content in sorted(files.items()) for part in (name.encode(), content))),
        files=files,
        by_topic={topic: topic_mapping([file], groups) for topic, file in checked.shared.topics.items()},
        overlays={name: _laid_over(checked.shared, overlay) for name, overlay in checked.overlays.items()},
        attributes=checked.kinds["attributes"],
        params=checked.kinds["params"],
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
