"""A YAML file as plain data that remembers where each key and each item stands."""

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

    #: Its name within the set.
    file: str
    content: bytes
    data: Tree
    places: dict[Steps, Place]
    #: Where the values of keys stand.
    values: dict[Steps, Place]
    problems: Problems

    @property
    def name(self) -> str:
        """Its name without the directory."""
        return PurePosixPath(self.file).name

    @property
    def overlay(self) -> str | None:
        """The overlay that it belongs to: the name of its directory."""
        return PurePosixPath(self.file).parent.name or None

    def place(self, steps: Steps, *, of_value: bool = False) -> Place:
        """Return where this key, or its value, stands; where it is missing, where that stands which should hold it."""
        if of_value and steps in self.values:
            return self.values[steps]
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places[steps]

    def at(self, steps: Steps) -> Tree | None:
        """Return what stands there, as it was typed; None where nothing does."""
        found: Tree | None = self.data
        for step in steps:
            if isinstance(found, dict) and isinstance(step, str):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def problem(self, steps: Steps, code: str, sentence: str, *, of_value: bool = False) -> None:
        self.problems.add(self.file, self.place(steps, of_value=of_value), code, sentence)


def read(file: str, content: bytes, problems: Problems) -> Document | None:
    """Read a file's content; None where it is no sound YAML, which `problems` then tells."""
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
