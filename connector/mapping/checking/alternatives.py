"""The paths of rules and persons as they stand in files: each list of alternatives with its place."""

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
    """A path or a list of paths, of which the first that holds something counts."""

    document: Document
    #: Of the key that they stand behind.
    steps: Steps
    paths: tuple[Path, ...]

    def steps_of(self, index: int) -> Steps:
        here = (*self.steps, index)
        return here if here in self.document.places else self.steps

    def is_told(self, index: int) -> bool:
        """Whether a problem of one of the paths has been told."""
        place = self.document.place(self.steps_of(index), of_value=True)
        return self.document.problems.has_at(self.document.file, place)

    def problem(self, index: int, code: str, sentence: str) -> None:
        """Tell a problem of one of the paths."""
        self.document.problem(self.steps_of(index), code, sentence, of_value=True)


def of_rule(document: Document, steps: Steps, source: Source) -> Iterator[Alternatives]:
    """Yield the paths of a rule, or for a date of parts those of each part; nothing for a rule that reads nothing."""
    if source.parts:
        for part, paths in zip(PARTS, source.parts, strict=True):
            yield Alternatives(document, (*steps, source.type, part), paths)
    elif source.paths:
        yield Alternatives(document, steps if source.type in IDENTITIES else (*steps, source.type), source.paths)


def of_layer(layer: Layer) -> Iterator[Alternatives]:
    """Yield all paths in the files of a layer, those of persons too."""
    for document, part in layer.topics.values():
        for index, user in enumerate(part.users):
            if user.person:
                yield Alternatives(document, ("users", index, "person"), user.person)
    for rule in layer.rules():
        yield from of_rule(rule.document, rule.steps, rule.source)
