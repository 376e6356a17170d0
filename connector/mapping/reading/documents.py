"""A YAML file as plain data, with the place of each key and each item."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import yaml

from connector.mapping.reading import syntax, texts
from connector.mapping.reading.trees import Builder, Quoted, Steps, Tree

if TYPE_CHECKING:
    from connector.mapping.reading.problems import Place, Problems

__all__ = ["Document", "Quoted", "Steps", "Tree", "read"]


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file, and the place of each of its keys and items."""

    #: The name of the file within the set.
    file: str
    content: bytes
    data: Tree
    places: dict[Steps, Place]
    #: For each key, the place of its value.
    values: dict[Steps, Place]
    problems: Problems

    @property
    def name(self) -> str:
        """The file's name without its directory."""
        return PurePosixPath(self.file).name

    @property
    def overlay(self) -> str | None:
        """The overlay that the file belongs to: the name of its directory. None for a shared file."""
        return PurePosixPath(self.file).parent.name or None

    def place(self, steps: Steps, *, of_value: bool = False) -> Place:
        """Return the place of a key or of its value; for a missing key, the place of the nearest parent that exists."""
        if of_value and steps in self.values:
            return self.values[steps]
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places[steps]

    def at(self, steps: Steps) -> Tree | None:
        """Return the data at these steps, as it was typed; None if there is no data."""
        node: Tree | None = self.data
        for step in steps:
            if isinstance(node, dict) and isinstance(step, str):
                node = node.get(step)
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    def problem(self, steps: Steps, code: str, sentence: str, *, of_value: bool = False) -> None:
        """Add a problem at the place of a key, or of its value."""
        self.problems.add(self.file, self.place(steps, of_value=of_value), code, sentence)


def read(file: str, content: bytes, problems: Problems) -> Document | None:
    """Return a file as a document; None if it is not valid YAML. The mistakes are added to `problems`."""
    text, slips = texts.text_of(content)
    builder = Builder(text, slips)
    data: Tree = {}
    try:
        if not slips:
            data = builder.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        slip = syntax.slip_of(error, text)
        slips[:] = [*(before for before in slips if before.place.line < slip.place.line), slip]
    for place, code, sentence in slips:
        problems.add(file, place, code, sentence)
    if slips:
        return None
    return Document(
        file=file, content=content, data=data, places=builder.places, values=builder.values, problems=problems
    )
