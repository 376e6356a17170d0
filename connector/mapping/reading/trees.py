"""Builds plain dicts, lists and texts from the events of the YAML parser.

Every scalar stays the text that was typed, so ``on``, ``NO``, ``012`` and ``2020-01-01`` are just texts. A key without
a value is refused. Tags, anchors, aliases and merge keys are refused too: they give a file a meaning that its reader
does not see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from connector.mapping.reading import syntax
from connector.mapping.reading.problems import Place
from connector.mapping.reading.texts import Slip, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str"
#: The keys and positions that lead to a place in a document.
Steps: TypeAlias = tuple[str | int, ...]

#: The maximum depth. It is much deeper than any mapping, and far below the limit of Python's stack.
_DEPTH_LIMIT = 20
_WITHOUT_COLON = re.compile(r"[\s{\[=]")


class Quoted(str):
    """A text that was written in quotes. A constant in quotes is text, even if it looks like a number."""

    __slots__ = ()


class Builder:
    """Builds the tree of one file, and adds its mistakes to `slips`."""

    def __init__(self, text: str, slips: list[Slip]) -> None:
        self.places: dict[Steps, Place] = {(): Place(1, 1)}
        self.values: dict[Steps, Place] = {}
        self._lines = lines_of(text)
        self._slips = slips
        self._anchors: set[str] = set()

    def document(self, events: Iterator[yaml.Event]) -> Tree:
        """Return the tree of a file. Raises yaml.MarkedYAMLError if the parser stops, or the nesting is too deep."""
        data: Tree = {}
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._slip(event, "second-document", "a second document begins here; a file holds one topic")
                    break
            elif isinstance(event, yaml.NodeEvent):
                self.places[()] = _place(event)
                if isinstance(event, yaml.MappingStartEvent):
                    data = self._node(event, events, ())
                else:
                    self._skip(event, events)
                    self._no_keys(event)
        if not documents:
            self._slips.append(Slip(Place(1, 1), "file-empty", "this file is empty"))
        return data

    def _no_keys(self, event: yaml.Event) -> None:
        line = _place(event).line
        slip = syntax.without_space(self._lines[line - 1], line)
        if slip and isinstance(event, yaml.ScalarEvent):
            self._slips.append(slip)
        else:
            self._slip(event, "no-keys", "the file must contain keys and values, such as topic: swell/tier/earned")

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        if len(steps) > _DEPTH_LIMIT:
            raise _too_deep(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:  # otherwise the anchor is already a mistake
                self._slip(event, "anchor", f"the alias *{event.anchor} is not allowed; write out what it stands for")
            return ""
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchor(event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            self._slip(
                event,
                "tag",
                f"the tag {self._word(event)} is not allowed; remove it: a rule's type says what a value is",
            )
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, steps)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, steps)
        value = str(getattr(event, "value", ""))
        return value if _is_plain(event) else Quoted(value)

    def _mapping(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        tree: dict[str, Tree] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            slips = len(self._slips)
            key = self._key(event, events, steps, tree)
            here = (*steps, key)
            self.places.setdefault(here, _place(event))
            value = next(events)
            self.values.setdefault(here, _place(value))
            if len(self._slips) > slips or (key == "<<" and isinstance(value, yaml.AliasEvent)):
                self._skip(value, events)
            elif _is_empty(value):
                if _WITHOUT_COLON.search(key) and _is_plain(event):
                    self._slip(event, "missing-colon", f"a colon and a space are missing in {key!r}")
                else:
                    self._slip(event, "empty-value", _no_value(repr(key)))
            else:
                tree[key] = self._node(value, events, here)
        return tree

    def _key(self, event: yaml.Event, events: Iterator[yaml.Event], steps: Steps, tree: dict[str, Tree]) -> str:
        """Return a key of the map `tree`, and note its mistakes."""
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.MappingStartEvent) and self._word(event, before=1).startswith("{{"):
                self._slip(event, "path-syntax", "{{ … }} is not a path; there are no templates: write only the path")
            else:
                self._slip(event, "key-shape", "a key must be one word")
            self._skip(event, events)
            return ""
        key = str(event.value)
        if key == "<<" and not self._anchors:  # otherwise the anchor is already a mistake
            self._slip(event, "merge-key", "the merge key << is not allowed; put shared rules into a group")
        elif key in tree:
            first = self.places[(*steps, key)]
            sentence = f"{key!r} is already in line {first.line}; keep one of the two"
            self._slip(event, "duplicate-key", sentence)
        elif event.anchor:
            self._anchor(event)
        elif _is_plain(event):
            self._plain_key(event, key)
        return key

    def _plain_key(self, event: yaml.Event, key: str) -> None:
        if re.match(r"-[^\s-]", key):
            self._slip(event, "missing-space", f"a space is missing after the dash of {key!r}")
        elif re.search(r":\S", key):
            self._slip(event, "missing-space", f"a space is missing after the colon in {key!r}")
        elif re.search(r"[{\[]", key):
            self._slip(event, "missing-colon", f"a colon and a space are missing in {key!r}")

    def _sequence(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        items: list[Tree] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*steps, len(items))
            self.places[here] = _place(event)
            if _is_empty(event):
                self._slip(event, "empty-value", _no_value("the dash"))
            items.append(self._node(event, events, here))
        return items

    def _skip(self, event: yaml.Event, events: Iterator[yaml.Event]) -> None:
        """Skip a node that already has a mistake."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            if depth > _DEPTH_LIMIT:
                raise _too_deep(event)
            event = next(events)

    def _anchor(self, event: yaml.NodeEvent) -> None:
        self._anchors.add(str(event.anchor))
        self._slip(event, "anchor", f"the anchor &{event.anchor} is not allowed; put shared rules into a group")

    def _slip(self, event: yaml.Event, code: str, sentence: str) -> None:
        self._slips.append(Slip(_place(event), code, sentence))

    def _word(self, event: yaml.Event, before: int = 0) -> str:
        """Return the text from the event's place, or from `before` characters earlier, to the next space."""
        line, column = _place(event)
        return (self._lines[line - 1][max(0, column - 1 - before) :].split() or [""])[0]


def _too_deep(event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=syntax.TOO_DEEP, problem_mark=_mark(event))


def _is_plain(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style


def _is_empty(event: yaml.Event) -> bool:
    return _is_plain(event) and not getattr(event, "value", "") and not getattr(event, "anchor", None)


def _no_value(place: str) -> str:
    return f"there is no value after {place}; write one, indent the lines that belong to it, or remove it"


def _place(event: yaml.Event) -> Place:
    mark = _mark(event)
    return Place(mark.line + 1, mark.column + 1)


def _mark(event: yaml.Event) -> Any:
    """Return the mark as `Any`, because the type stubs do not have the class that the C parser uses for marks."""
    return event.start_mark
