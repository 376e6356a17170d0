"""The paths that rules and persons have in mapping files: each list of alternatives, with its place in the file."""

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
    #: Where the key of the paths is in the document.
    steps: Steps
    paths: tuple[Path, ...]

    def steps_of(self, index: int) -> Steps:
        """Return where one of the paths is; where the key is if it has a single path instead of a list."""
        steps = (*self.steps, index)
        return steps if steps in self.document.places else self.steps

    def has_problem(self, index: int) -> bool:
        """Return whether a problem was already added at the place of one of the paths."""
        place = self.document.place(self.steps_of(index), of_value=True)
        return self.document.problems.has_at(self.document.file, place)

    def problem(self, index: int, code: str, sentence: str) -> None:
        """Add a problem at the place of one of the paths."""
        self.document.problem(self.steps_of(index), code, sentence, of_value=True)


def of_rule(document: Document, steps: Steps, source: Source) -> Iterator[Alternatives]:
    """Yield the paths of a rule; for a date of parts, those of each part; for a rule without a source, nothing."""
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
