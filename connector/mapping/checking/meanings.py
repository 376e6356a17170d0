"""Finds words that a reader understands differently than the loader, and paths that can never count.

The loader reads words without quotes as texts or paths, but YAML would read some of them as numbers, times or booleans.
Files with such words run, but probably do not do what their author means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from connector.mapping.checking import alternatives
from connector.mapping.reading.documents import Quoted
from connector.mapping.types.rules import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.checking.alternatives import Alternatives
    from connector.mapping.loading.layers import Layer, PlacedRule
    from connector.mapping.reading.documents import Document, Steps, Tree

_NULLS = frozenset({"~", "null", "Null", "NULL"})
_CONSTANT = re.compile(r"true|false|[+-]?[0-9][0-9._]*", re.IGNORECASE)
#: Words that the loader itself reads as a number or a boolean.
_PLAIN = re.compile(r"true|false|-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
#: Numbers of YAML 1.2 that the resolver does not know. The resolver implements YAML 1.1.
_ALSO_A_NUMBER = re.compile(r"0o[0-7]+|[-+]?[0-9]+[eE][-+]?[0-9]+")
_YAML = yaml.resolver.Resolver()


def check(layers: Iterable[Layer]) -> None:
    """Check all files of the layers."""
    for layer in layers:
        for document in layer.documents:
            for steps, word in _words((), document.data):
                if word in _NULLS:
                    sentence = f"{word} is nothing; fill it, remove it, or put it in quotes if you mean text"
                    document.problem(steps, "empty-value", sentence, of_value=True)
        for rule in layer.rules():
            if rule.source.type == ALWAYS:
                _check_constant(rule)
        for paths in alternatives.of_layer(layer):
            _check_paths(paths)


def _words(steps: Steps, tree: Tree) -> Iterator[tuple[Steps, str]]:
    """Yield each value without quotes, with its steps."""
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield from _words((*steps, key), inner)
    elif isinstance(tree, list):
        for index, inner in enumerate(tree):
            yield from _words((*steps, index), inner)
    elif not isinstance(tree, Quoted):
        yield steps, tree


def _unquoted_word(document: Document, steps: Steps) -> str | None:
    """Return the word at `steps`. Return None if there is no word, or if the word is in quotes."""
    word = document.at(steps)
    return word if isinstance(word, str) and not isinstance(word, Quoted) else None


def _check_constant(rule: PlacedRule) -> None:
    steps = (*rule.steps, ALWAYS)
    word = _unquoted_word(rule.document, steps)
    if word is None or word in _NULLS or _PLAIN.fullmatch(word):
        return
    tag: str = _YAML.resolve(yaml.ScalarNode, word, (True, False))  # type: ignore[no-untyped-call] # of the stubs
    tag = tag.rpartition(":")[2]
    if tag in {"int", "float"} or _ALSO_A_NUMBER.fullmatch(word):
        kind, remedy = "a number", "write it like 1000 or 10.5, or in quotes if you mean text"
    elif tag == "bool" or word in {"y", "Y", "n", "N"}:
        kind, remedy = "a yes or no", "write true or false, or put it in quotes if you mean text"
    elif tag == "timestamp":
        kind, remedy = "a time", "put it in quotes if you mean text"
    else:
        return
    constant = rule.source.constant
    meaning = (
        f"text here, though it looks like {kind}"
        if isinstance(constant, str)
        else f"{constant} here, though YAML may read it otherwise"
    )
    sentence = f"{word} is {meaning}; {remedy}"
    rule.document.problem(steps, "ambiguous-constant", sentence, of_value=True)


def _check_paths(paths: Alternatives) -> None:
    for index, path in enumerate(paths.paths):
        word = _unquoted_word(paths.document, paths.steps_of(index))
        if word and _CONSTANT.fullmatch(word):
            sentence = f"{word} is a path here; a constant is {{always: {word}}}, and a key of this name needs quotes"
            paths.problem(index, "constant-as-path", sentence)
            continue
        prefix = next((earlier for earlier in paths.paths[:index] if path[: len(earlier)] == earlier), None)
        if prefix is not None:
            _add_dead_path(paths, index, ".".join(prefix), ".".join(path))


def _add_dead_path(paths: Alternatives, index: int, prefix: str, path: str) -> None:
    if prefix == path:
        sentence = f"the path {path!r} is here twice; remove one of the two"
    else:
        sentence = f"{path!r} never counts after {prefix!r}, which always has a value when it does; put it first"
    paths.problem(index, "dead-path", sentence)
