"""One kind of value for each attribute and each param, in all files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.types.rules import OMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.loading.layers import Layer, Written

#: Under which names are written to Insider.
SECTIONS = ("attributes", "params")
#: The kinds in words.
A = {"text": "a text", "number": "a number", "boolean": "a boolean", "time": "a time", "list": "a list"}


def check(layers: Iterable[Layer]) -> dict[str, dict[str, str]]:
    """Check that each attribute, and each param, is of one kind everywhere; return the kinds.

    Insider fixes the type of an attribute when it is created, and silently drops what is of another.
    """
    kinds: dict[str, dict[str, str]] = {"attributes": {}, "params": {}}
    first: dict[tuple[str, str], str] = {}
    for rule in written(layers):
        known = kinds[rule.section].setdefault(rule.name, rule.source.kind)
        line = rule.document.place(rule.steps).line
        place = first.setdefault((rule.section, rule.name), f"{rule.document.file}:{line}")
        if known != rule.source.kind:
            sentence = f"{rule.name!r} is {A[rule.source.kind]} here, but {A[known]} in {place}; Insider takes one kind"
            rule.document.problem(rule.steps, "kind-clash", sentence)
    return kinds


def written(layers: Iterable[Layer]) -> Iterator[Written]:
    """Yield every rule that writes an attribute or a param."""
    for layer in layers:
        for rule in layer.written():
            if rule.section in SECTIONS and rule.source.type != OMIT:
                yield rule
