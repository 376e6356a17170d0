"""Checks that each attribute and each param has one kind of value in all files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.types.rules import OMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.loading.layers import Layer, PlacedRule

#: The sections whose names are written to Insider.
SECTIONS = ("attributes", "params")
#: The kinds of values, with their articles, for messages.
KIND_IN_WORDS = {"text": "a text", "number": "a number", "boolean": "a boolean", "time": "a time", "list": "a list"}


def check(layers: Iterable[Layer]) -> dict[str, dict[str, str]]:
    """Check that each attribute and param has the same kind in all layers; return the kinds by section and name.

    Insider fixes the type of an attribute when the attribute is created. Later, Insider drops values of another type
    without an error.
    """
    kinds: dict[str, dict[str, str]] = {"attributes": {}, "params": {}}
    first: dict[tuple[str, str], str] = {}
    for rule in output_rules(layers):
        first_kind = kinds[rule.section].setdefault(rule.name, rule.source.kind)
        line = rule.document.place(rule.steps).line
        place = first.setdefault((rule.section, rule.name), f"{rule.document.file}:{line}")
        if first_kind != rule.source.kind:
            here, there = KIND_IN_WORDS[rule.source.kind], KIND_IN_WORDS[first_kind]
            sentence = f"{rule.name!r} is {here} here, but {there} in {place}; Insider takes one kind"
            rule.document.problem(rule.steps, "kind-clash", sentence)
    return kinds


def output_rules(layers: Iterable[Layer]) -> Iterator[PlacedRule]:
    """Yield every rule that writes an attribute or a param."""
    for layer in layers:
        for rule in layer.rules():
            if rule.section in SECTIONS and rule.source.type != OMIT:
                yield rule
