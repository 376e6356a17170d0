"""Collects the shape of a topic's webhooks: the paths that came, with their JSON types and events, but no values."""

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

#: A mapping treats these types as no value: null, and a text with only spaces.
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
#: All types that a path can have: the JSON types, and ``blank``.
TYPES = NOTHING | frozenset(_TYPE_OF.values())

#: A shape keeps at most this many paths that nothing reads. Yotpo's largest webhooks have about 120 paths.
PATHS_LIMIT = 1000
DEPTH_LIMIT = 16
#: If an object has more unread keys than this in all events together, the keys count as data, not as names.
_SIBLINGS_LIMIT = 100
#: They also count as data if there are more than `_FEW`, and an average event has less than 1 / `_PART` of them.
_FEW, _PART = 20, 4

#: A key that can be the name of a field. This excludes addresses and other texts. A name has at most `_DIGITS` digits,
#: which excludes ids, dates and phone numbers.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_DIGITS = 2


class Sightings:
    """The events that have a path with one type, and the times of the first and the last of these events."""

    __slots__ = ("bits", "first_at", "last_at")

    def __init__(self, bits: int, first_at: datetime, last_at: datetime) -> None:
        #: One bit for each event. So an event counts only once, even after paths were merged.
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
    """One path, with the paths that are one step longer as its children."""

    __slots__ = ("children", "has_data_keys", "is_read", "is_several", "seen")

    def __init__(self, *, is_read: bool) -> None:
        self.children: dict[str, Node] = {}
        #: The events that have the path, by JSON type.
        self.seen: dict[str, Sightings] = {}
        #: True if something reads this path or a path inside it. Then its last step is always a name, never data.
        self.is_read = is_read
        #: True if each new key of this object counts as data.
        self.has_data_keys = False
        #: True if this node stands for several keys with unrelated values.
        self.is_several = False

    def events(self, *, besides: frozenset[str] = frozenset()) -> int:
        """Return how many events have the path. The types in `besides` do not count."""
        return self._bits(besides).bit_count()

    def events_before(self) -> int:
        """Return how many events came before the first event that has the path."""
        bits = self._bits()
        return (bits & -bits).bit_length() - 1

    def _bits(self, besides: frozenset[str] = frozenset()) -> int:
        return reduce(or_, (seen.bits for type_, seen in self.seen.items() if type_ not in besides), 0)

    def unread(self) -> dict[str, Node]:
        """Return the children that nothing reads, by key. ANY is not included."""
        return {key: child for key, child in self.children.items() if key != ANY and not child.is_read}


class Shape:
    """The paths of a topic's events. Nodes for paths that are read exist from the start, so no limit excludes them."""

    def __init__(self, read: Iterable[Path]) -> None:
        self.root = Node(is_read=True)
        self.events = 0
        #: True if some paths are missing, because there were too many paths, or because a path was too deep.
        self.is_cut_off = False
        self._unread = 0
        for path in read:
            node = self.root
            for step in path:
                node = node.children.setdefault(step, Node(is_read=True))

    def add(self, body: Any, at: datetime) -> None:
        """Add an event; `at` is its time of receipt."""
        bit = 1 << self.events
        self.events += 1
        # The walk is depth first. So the stack contains no node below a node whose keys are being merged.
        stack: list[tuple[Node, Any, int]] = [(self.root, body, 0)]
        while stack:
            node, value, depth = stack.pop()
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
                    stack += [(child, inner, depth + 1) for inner in value]
            else:
                for key in [key for key in value if key not in node.children]:
                    self._add_key(node, key)
                children = node.children
                any_child = children.get(ANY)
                stack += [
                    (child, inner, depth + 1)
                    for key, inner in value.items()
                    if (child := children.get(key, any_child)) is not None
                ]

    def settle(self) -> None:
        """In each object, merge the keys that look like data. Call this method once, after the last event."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            unread = node.unread()
            if len(unread) > _FEW:
                keys_of_events = sum(child.events() for child in unread.values())
                if len(unread) * node.seen["object"].events > _PART * keys_of_events:
                    self._merge_unread_keys(node)
            stack += node.children.values()

    def at(self, path: Path) -> Node | None:
        """Return the node of a path; None if the path has no node."""
        node: Node | None = self.root
        for step in path:
            node = node.children.get(step) if node else None
        return node

    def paths(self) -> Iterator[tuple[Path, Node]]:
        """Yield all paths that came, except the empty path of the whole webhook."""
        stack: list[tuple[Path, Node]] = [((), self.root)]
        while stack:
            path, node = stack.pop()
            if path and node.seen:
                yield path, node
            stack += [((*path, key), child) for key, child in node.children.items()]

    def _child(self, node: Node, key: str) -> Node | None:
        """Return the child of a node. If it is missing, create it; return None if the limit is reached."""
        child = node.children.get(key)
        if child is None and self._unread >= PATHS_LIMIT:
            self.is_cut_off = True
        elif child is None:
            child = node.children[key] = Node(is_read=False)
            self._unread += 1
        return child

    def _add_key(self, node: Node, key: str) -> None:
        """Create a node for a key that is a name. All keys that are data share the node ANY."""
        if node.has_data_keys or not _is_name(key):
            if any_child := self._child(node, ANY):
                any_child.is_several = True
        elif self._child(node, key) and len(node.unread()) > _SIBLINGS_LIMIT:
            self._merge_unread_keys(node)

    def _merge_unread_keys(self, node: Node) -> None:
        """Merge all keys that nothing reads into the node ANY. New keys of this object will use ANY too."""
        node.has_data_keys = True
        if ANY not in node.children:
            node.children[ANY] = Node(is_read=False)
            self._unread += 1
        any_child = node.children[ANY]
        any_child.is_several = True
        for key in node.unread():
            self._merge(any_child, node.children.pop(key))

    def _merge(self, into: Node, other: Node) -> None:
        """Merge a node and its children into another node."""
        self._unread -= 1
        into.is_several |= other.is_several
        for type_, seen in other.seen.items():
            if type_ in into.seen:
                into.seen[type_].add(seen.bits, seen.first_at, seen.last_at)
            else:
                into.seen[type_] = seen
        for key, child in other.children.items():
            target = ANY if into.has_data_keys and key not in into.children else key
            if target in into.children:
                self._merge(into.children[target], child)
            else:
                into.children[target] = child
        if other.has_data_keys or len(into.unread()) > _SIBLINGS_LIMIT:
            self._merge_unread_keys(into)


def _is_name(key: str) -> bool:
    return bool(_NAME.fullmatch(key)) and sum(character.isdigit() for character in key) <= _DIGITS
