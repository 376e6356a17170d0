"""The paths of rules and persons in mapping files: each list of alternative paths, with its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.grammar.sources import PARTS
from connector.mapping.types.identities import IDENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.grammar.parts import Source
    from connector.mapping.loading.layers import Layer
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.types.lookup import Path


class Alternatives(NamedTuple):
    """A path or a list of paths; the first one that leads to a value counts."""

    document: Document
    #: The steps to the key that has these paths as its value.
    steps: Steps
    paths: tuple[Path, ...]

    def steps_of(self, index: int) -> Steps:
        """Return the steps to one of the paths. If the key has no list, return the steps to the key."""
        steps = (*self.steps, index)
        return steps if steps in self.document.places else self.steps

    def has_problem(self, index: int) -> bool:
        """Return whether there is already a problem at the place of the path with this index."""
        place = self.document.place(self.steps_of(index), of_value=True)
        return self.document.problems.has_at(self.document.file, place)

    def problem(self, index: int, code: str, sentence: str) -> None:
        """Add a problem at the place of the path with this index."""
        self.document.problem(self.steps_of(index), code, sentence, of_value=True)


def of_rule(document: Document, steps: Steps, source: Source) -> Iterator[Alternatives]:
    """Yield the paths of a rule. A date of parts has several lists of paths; `ALWAYS` and `OMIT` have no paths."""
    if source.parts:
        for part, paths in zip(PARTS, source.parts, strict=True):
            yield Alternatives(document, (*steps, source.type, part), paths)
    elif source.paths:
        yield Alternatives(document, steps if source.type in IDENTITIES else (*steps, source.type), source.paths)


def of_layer(layer: Layer) -> Iterator[Alternatives]:
    """Yield all paths in the files of a layer, including the paths of persons."""
    for document, part in layer.topics.values():
        for index, user in enumerate(part.users):
            if user.person:
                yield Alternatives(document, ("users", index, "person"), user.person)
    for rule in layer.rules():
        yield from of_rule(rule.document, rule.steps, rule.source)
