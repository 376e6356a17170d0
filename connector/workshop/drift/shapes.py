"""The shape of a topic's webhooks: which paths came, with which JSON types, in which events. Never a value."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Any

from connector.workshop.drift.reads import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from connector.mapping.types.lookup import Path

#: To a mapping, null and a text of nothing but spaces are nothing.
NOTHING = frozenset({"null", "blank"})
_TYPE_OF = {
    NoneType: "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
#: What may have been seen at a path: JSON's types, and ``blank``.
TYPES = NOTHING | frozenset(_TYPE_OF.values())

#: So many paths are kept of a topic, besides those that are read; Yotpo's largest webhooks have some 120.
PATHS_LIMIT = 1000
DEPTH_LIMIT = 16
#: An object with more keys than these, over all events, is one whose keys are data…
_SIBLINGS_LIMIT = 100
#: …and so is one with more than these, of which an event has but a small part.
_FEW, _PART = 20, 4

#: What may be the name of a field: no address, no text, and with `_DIGITS` no id, date or phone number.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_DIGITS = 2


class Sightings:
    """In which events something was seen, and when first and last."""

    __slots__ = ("bits", "first_at", "last_at")

    def __init__(self, bits: int, first_at: datetime, last_at: datetime) -> None:
        #: A bit for each event, so that the same event seen twice counts once, also where paths are put together.
        self.bits = bits
        self.first_at = first_at
        self.last_at = last_at

    def add(self, bits: int, first_at: datetime, last_at: datetime) -> None:
        self.bits |= bits
        self.first_at = min(self.first_at, first_at)
        self.last_at = max(self.last_at, last_at)

    @property
    def events(self) -> int:
        return self.bits.bit_count()


class Node:
    """A path, and those that go on from it."""

    __slots__ = ("children", "has_data_keys", "is_read", "is_several", "seen")

    def __init__(self, *, is_read: bool) -> None:
        self.children: dict[str, Node] = {}
        #: By JSON type.
        self.seen: dict[str, Sightings] = {}
        #: True where something reads it, or on from it: then its last step is a name, whatever it looks like.
        self.is_read = is_read
        #: True where each further key counts as data.
        self.has_data_keys = False
        #: True where it stands for several keys, whose values have nothing to do with each other.
        self.is_several = False

    def events(self, *, besides: frozenset[str] = frozenset()) -> int:
        """Return in how many events it was seen, with other types than these."""
        return self._bits(besides).bit_count()

    def events_before(self) -> int:
        """Return how many events there were before the first in which it was seen."""
        bits = self._bits()
        return (bits & -bits).bit_length() - 1

    def _bits(self, besides: frozenset[str] = frozenset()) -> int:
        return reduce(or_, (seen.bits for type_, seen in self.seen.items() if type_ not in besides), 0)

    def unread(self) -> dict[str, Node]:
        return {key: child for key, child in self.children.items() if key != ANY and not child.is_read}


class Shape:
    """Grows with each event. What is read has its nodes from the start, so no limit keeps it out."""

    def __init__(self, read: Iterable[Path]) -> None:
        self.root = Node(is_read=True)
        self.events = 0
        #: True where paths were left out, because there were too many or they were too deep.
        self.is_cut_off = False
        self._unread = 0
        for path in read:
            node = self.root
            for step in path:
                node = node.children.setdefault(step, Node(is_read=True))

    def add(self, body: Any, at: datetime) -> None:
        """Take in an event; `at` is when it was received."""
        bit = 1 << self.events
        self.events += 1
        # Depth first: when a node's keys are put together, nothing below it waits here for its turn.
        waiting: list[tuple[Node, Any, int]] = [(self.root, body, 0)]
        while waiting:
            node, value, depth = waiting.pop()
            type_ = "blank" if value.__class__ is str and not value.strip() else _TYPE_OF[value.__class__]
            if seen := node.seen.get(type_):
                seen.add(bit, at, at)
            else:
                node.seen[type_] = Sightings(bit, at, at)
            if not value or type_ not in {"object", "array"}:
                continue
            if depth == DEPTH_LIMIT:
                self.is_cut_off = True
            elif type_ == "array":
                if child := self._child(node, ANY):
                    waiting += [(child, inner, depth + 1) for inner in value]
            else:
                for key in [key for key in value if key not in node.children]:
                    self._take_key(node, key)
                children = node.children
                others = children.get(ANY)
                waiting += [
                    (child, inner, depth + 1)
                    for key, inner in value.items()
                    if (child := children.get(key, others)) is not None
                ]

    def settle(self) -> None:
        """Put together the keys of objects that turn out to be data, once all events are in."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            unread = node.unread()
            if len(unread) > _FEW:
                keys_of_events = sum(child.events() for child in unread.values())
                if len(unread) * node.seen["object"].events > _PART * keys_of_events:
                    self._put_together(node)
            waiting += node.children.values()

    def at(self, path: Path) -> Node | None:
        node: Node | None = self.root
        for step in path:
            node = node.children.get(step) if node else None
        return node

    def paths(self) -> Iterator[tuple[Path, Node]]:
        """Yield all paths that were seen, without that of the whole webhook."""
        waiting: list[tuple[Path, Node]] = [((), self.root)]
        while waiting:
            path, node = waiting.pop()
            if path and node.seen:
                yield path, node
            waiting += [((*path, key), child) for key, child in node.children.items()]

    def _child(self, node: Node, key: str) -> Node | None:
        """Return the child, a new one where there is room; else None."""
        child = node.children.get(key)
        if child is None and self._unread >= PATHS_LIMIT:
            self.is_cut_off = True
        elif child is None:
            child = node.children[key] = Node(is_read=False)
            self._unread += 1
        return child

    def _take_key(self, node: Node, key: str) -> None:
        """Make a node for a key, or one for all of its kind."""
        if node.has_data_keys or not _is_name(key):
            if others := self._child(node, ANY):
                others.is_several = True
        elif self._child(node, key) and len(node.unread()) > _SIBLINGS_LIMIT:
            self._put_together(node)

    def _put_together(self, node: Node) -> None:
        """Let one node stand for all keys that nothing reads, from now on."""
        node.has_data_keys = True
        if ANY not in node.children:
            node.children[ANY] = Node(is_read=False)
            self._unread += 1
        others = node.children[ANY]
        others.is_several = True
        for key in node.unread():
            self._merge(others, node.children.pop(key))

    def _merge(self, into: Node, other: Node) -> None:
        self._unread -= 1
        into.is_several |= other.is_several
        for type_, seen in other.seen.items():
            if type_ in into.seen:
                into.seen[type_].add(seen.bits, seen.first_at, seen.last_at)
            else:
                into.seen[type_] = seen
        for key, child in other.children.items():
            key_there = ANY if into.has_data_keys and key not in into.children else key
            if key_there in into.children:
                self._merge(into.children[key_there], child)
            else:
                into.children[key_there] = child
        if other.has_data_keys or len(into.unread()) > _SIBLINGS_LIMIT:
            self._put_together(into)


def _is_name(key: str) -> bool:
    return bool(_NAME.fullmatch(key)) and sum(character.isdigit() for character in key) <= _DIGITS
