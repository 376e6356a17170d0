"""Reads a YAML file into plain dicts, lists and texts, and remembers where each of them stands.

Every scalar stays the text that it was typed as, so that ``on``, ``NO``, ``012`` and ``2020-01-01`` mean themselves.
YAML's cleverer half is refused: tags, anchors, aliases and merge keys make a file say what its reader does not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from connector.mapping.problems import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.problems import Problems

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str"
#: The keys and positions that lead to something in a document.
Steps: TypeAlias = tuple[str | int, ...]
Mistakes: TypeAlias = list[tuple[Place, str]]

#: Much deeper than any mapping goes, and far from where Python's stack ends.
_DEPTH_LIMIT = 20


class Quoted(str):
    """A text that was written in quotes: a constant in quotes is text, even where it looks like a number."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file, and the place of each of its keys and items."""

    #: Its name within the set.
    file: str
    content: bytes
    data: Tree
    places: dict[Steps, Place]
    problems: Problems

    @property
    def name(self) -> str:
        """Its name without the directory."""
        return PurePosixPath(self.file).name

    @property
    def overlay(self) -> str | None:
        """The overlay that it belongs to: the name of its directory."""
        return PurePosixPath(self.file).parent.name or None

    def place(self, steps: Steps) -> Place:
        """Return where this stands; where it is missing, where that stands which should hold it."""
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places[steps]

    def problem(self, steps: Steps, sentence: str) -> None:
        self.problems.add(self.file, self.place(steps), sentence)


def read(file: str, content: bytes, problems: Problems) -> Document | None:
    """Read a file's content; None where it is no sound YAML, which `problems` then tells."""
    mistakes: Mistakes = []
    builder = _Builder(mistakes)
    data: Tree = {}
    try:
        text = content.decode("utf-8-sig")
        mistakes += _tabs(text)
        if not mistakes:
            data = builder.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        mistakes.append((_line_of(content[: error.start]), "the file is not UTF-8 text"))
    except yaml.MarkedYAMLError as error:
        mistakes.append((_place(error.problem_mark), f"not YAML: {error.problem}"))
    except yaml.reader.ReaderError as error:
        mistakes.append((_line_of(text[: error.position].encode()), f"not YAML: {error.reason}"))
    for place, sentence in mistakes:
        problems.add(file, place, sentence)
    if mistakes:
        return None
    return Document(file=file, content=content, data=data, places=builder.places, problems=problems)


class _Builder:
    """Builds the tree from the parser's events, which still know what a loaded object has lost: anchors and places."""

    def __init__(self, mistakes: Mistakes) -> None:
        self.places: dict[Steps, Place] = {(): Place(1, 1)}
        self._mistakes = mistakes

    def document(self, events: Iterator[yaml.Event]) -> Tree:
        data: Tree = {}
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._mistake(event, "a second document; a file holds one")
                    break
            elif isinstance(event, yaml.NodeEvent):
                if not isinstance(event, yaml.MappingStartEvent):
                    self._mistake(event, "the file must hold keys and values")
                    break
                data = self._node(event, events, ())
        if not documents:
            self._mistakes.append((Place(1, 1), "the file is empty"))
        return data

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        if len(steps) > _DEPTH_LIMIT:
            raise _error(event, "nested too deep")
        if isinstance(event, yaml.AliasEvent):
            self._mistake(event, f"the alias *{event.anchor}; write it out")
            return ""
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._mistake(event, f"the anchor &{event.anchor}; use a group instead")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            self._mistake(event, f"the tag {event.tag}; a rule's type says what a value is")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, steps)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, steps)
        if not isinstance(event, yaml.ScalarEvent):
            raise _error(event, "the file ends too early")
        return event.value if event.style is None or event.style == "" else Quoted(event.value)

    def _mapping(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        found: dict[str, Tree] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = event.value if isinstance(event, yaml.ScalarEvent) else ""
            if not isinstance(event, yaml.ScalarEvent):
                self._mistake(event, "a key must be a word")
                self._node(event, events, steps)
            elif key == "<<":
                self._mistake(event, "the merge key <<; use a group instead")
            elif key in found:
                first = self.places[(*steps, key)]
                self._mistake(event, f"the key {key!r} again; it already stands in line {first.line}")
            self.places.setdefault((*steps, key), _place(event.start_mark))
            value = self._node(next(events), events, (*steps, key))
            found.setdefault(key, value)
        return found

    def _sequence(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        found: list[Tree] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            item_steps = (*steps, len(found))
            self.places[item_steps] = _place(event.start_mark)
            found.append(self._node(event, events, item_steps))
        return found

    def _mistake(self, event: yaml.Event, sentence: str) -> None:
        self._mistakes.append((_place(event.start_mark), sentence))


def _error(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # the C parser has a class of its own for marks, of which the stubs do not know
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _tabs(text: str) -> Mistakes:
    return [
        (Place(number, line.index("\t") + 1), "a tab; use spaces")
        for number, line in enumerate(text.split("\n"), start=1)
        if "\t" in line
    ]


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _line_of(before: bytes) -> Place:
    return Place(before.count(b"\n") + 1, 1)
