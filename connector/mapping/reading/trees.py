"""Builds plain dicts, lists and texts from the events of the YAML parser.

Every scalar stays the text that it was typed as, so that ``on``, ``NO``, ``012`` and ``2020-01-01`` mean themselves; a
key with nothing behind it is refused. So is YAML's cleverer half: tags, anchors, aliases and merge keys make a file say
what its reader does not see.
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
#: The keys and positions that lead to something in a document.
Steps: TypeAlias = tuple[str | int, ...]

#: Much deeper than any mapping goes, and far from where Python's stack ends.
_DEPTH_LIMIT = 20
_WITHOUT_COLON = re.compile(r"[\s{\[=]")


class Quoted(str):
    """A text that was written in quotes: a constant in quotes is text, even where it looks like a number."""

    __slots__ = ()


class Builder:
    """Builds the tree of one file; `slips` takes what is wrong with it."""

    def __init__(self, text: str, slips: list[Slip]) -> None:
        self.places: dict[Steps, Place] = {(): Place(1, 1)}
        self.values: dict[Steps, Place] = {}
        self._lines = lines_of(text)
        self._slips = slips
        self._anchors: set[str] = set()

    def document(self, events: Iterator[yaml.Event]) -> Tree:
        """Return the tree of a file. Raises yaml.MarkedYAMLError where the parser stops, or nothing ends."""
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
                    self._skipped(event, events)
                    self._no_keys(event)
        if not documents:
            self._slips.append(Slip(Place(1, 1), "file-empty", "there is nothing in this file"))
        return data

    def _no_keys(self, event: yaml.Event) -> None:
        line = _place(event).line
        slip = syntax.without_space(self._lines[line - 1], line)
        if slip and isinstance(event, yaml.ScalarEvent):
            self._slips.append(slip)
        else:
            self._slip(event, "no-keys", "the file must hold keys and values, such as topic: swell/tier/earned")

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        if len(steps) > _DEPTH_LIMIT:
            raise _too_deep(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:  # else its anchor has been told
                self._slip(event, "anchor", f"the alias *{event.anchor}; write out what it stands for")
            return ""
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchor(event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            self._slip(event, "tag", f"the tag {self._word(event)}; take it away: a rule's type says what a value is")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, steps)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, steps)
        value = str(getattr(event, "value", ""))
        return value if _is_plain(event) else Quoted(value)

    def _mapping(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        found: dict[str, Tree] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            slips = len(self._slips)
            key = self._key(event, events, steps, found)
            here = (*steps, key)
            self.places.setdefault(here, _place(event))
            value = next(events)
            self.values.setdefault(here, _place(value))
            if len(self._slips) > slips or (key == "<<" and isinstance(value, yaml.AliasEvent)):
                self._skipped(value, events)
            elif _is_empty(value):
                if _WITHOUT_COLON.search(key) and _is_plain(event):
                    self._slip(event, "missing-colon", f"a colon and a space are missing in {key!r}")
                else:
                    self._slip(event, "empty-value", _nothing(repr(key)))
            else:
                found[key] = self._node(value, events, here)
        return found

    def _key(self, event: yaml.Event, events: Iterator[yaml.Event], steps: Steps, found: dict[str, Tree]) -> str:
        """Return a key. What is wrong with it becomes a slip."""
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.MappingStartEvent) and self._word(event, before=1).startswith("{{"):
                self._slip(event, "path-syntax", "{{ … }} is no path; there are no templates: write the path alone")
            else:
                self._slip(event, "key-shape", "a key must be one word")
            self._skipped(event, events)
            return ""
        key = str(event.value)
        if key == "<<" and not self._anchors:  # else what it merges has been told
            self._slip(event, "merge-key", "the merge key <<; put shared rules into a group instead")
        elif key in found:
            first = self.places[(*steps, key)]
            sentence = f"{key!r} stands here again, after line {first.line}; keep one of the two"
            self._slip(event, "duplicate-key", sentence)
        elif event.anchor:
            self._anchor(event)
        elif _is_plain(event):
            self._plain_key(event, key)
        return key

    def _plain_key(self, event: yaml.Event, key: str) -> None:
        if re.match(r"-[^\s-]", key):
            self._slip(event, "missing-space", f"a space is missing behind the dash of {key!r}")
        elif re.search(r":\S", key):
            self._slip(event, "missing-space", f"a space is missing behind the colon in {key!r}")
        elif re.search(r"[{\[]", key):
            self._slip(event, "missing-colon", f"a colon and a space are missing in {key!r}")

    def _sequence(self, events: Iterator[yaml.Event], steps: Steps) -> Tree:
        found: list[Tree] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*steps, len(found))
            self.places[here] = _place(event)
            if _is_empty(event):
                self._slip(event, "empty-value", _nothing("the dash"))
            found.append(self._node(event, events, here))
        return found

    def _skipped(self, event: yaml.Event, events: Iterator[yaml.Event]) -> Tree:
        """Pass over a node of which something has been told already."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return ""
            if depth > _DEPTH_LIMIT:
                raise _too_deep(event)
            event = next(events)

    def _anchor(self, event: yaml.NodeEvent) -> None:
        self._anchors.add(str(event.anchor))
        self._slip(event, "anchor", f"the anchor &{event.anchor}; put shared rules into a group instead")

    def _slip(self, event: yaml.Event, code: str, sentence: str) -> None:
        self._slips.append(Slip(_place(event), code, sentence))

    def _word(self, event: yaml.Event, before: int = 0) -> str:
        """Return what was typed from here, or from so many characters before, to the next space."""
        line, column = _place(event)
        return (self._lines[line - 1][max(0, column - 1 - before) :].split() or [""])[0]


def _too_deep(event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=syntax.TOO_DEEP, problem_mark=_mark(event))


def _is_plain(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style


def _is_empty(event: yaml.Event) -> bool:
    return _is_plain(event) and not getattr(event, "value", "") and not getattr(event, "anchor", None)


def _nothing(what: str) -> str:
    return f"nothing stands behind {what}; fill it, indent what belongs to it, or take it away"


def _place(event: yaml.Event) -> Place:
    mark = _mark(event)
    return Place(mark.line + 1, mark.column + 1)


def _mark(event: yaml.Event) -> Any:
    """Return the mark, which with the C parser is of a class of which the stubs do not know."""
    return event.start_mark
