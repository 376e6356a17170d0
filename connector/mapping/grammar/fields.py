"""The fields of the schemas: texts, switches, paths, lists of groups, and names with their rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from connector.mapping.grammar.paths import paths
from connector.mapping.grammar.sources import identifier, source
from connector.mapping.reading.problems import Mistake, Wrong, suggestion, wrong
from connector.mapping.types.lookup import Path
from connector.mapping.types.values import UnfitError, text
from connector.model.identifiers import NAMES

if TYPE_CHECKING:
    from connector.mapping.grammar.parts import Source

NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
#: Our own limit. Insider does not publish a limit; Insider's default names have at most 36 characters.
_NAME_LIMIT = 100


class Text(fields.Field[str]):
    """A text that is not empty."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise wrong("wrong-shape", "this must be a text")
        if not value.strip():
            raise wrong("not-a-text", "this must be a text that is not empty")
        try:
            text(value)
        except UnfitError as unfit:
            raise wrong("not-a-text", f"{unfit}".lower()) from None
        return str(value)


class Word(fields.Field[str]):
    """A field with only one valid value. If the key is absent, the default applies."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if value != self.word:
            raise wrong("group-paths", f"this must be {self.word!r}, or left out: then paths start at the person")
        return self.word


class Switch(fields.Field[bool]):
    """A switch. The switch is off if the key is absent."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value != "true":
            raise wrong("switch", "this must be true, or left out")
        return True


class Paths(fields.Field[tuple[Path, ...]]):
    """A path, or a list of paths."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Path, ...]:
        return paths(value)


class GroupNames(fields.Field[tuple[str, ...]]):
    """A list of group names."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            example = f"[{value}]" if isinstance(value, str) and value.isprintable() else "[customer]"
            raise wrong("wrong-shape", f"this must be a list of groups, such as {example}")
        duplicates = {
            index: [Mistake("group-twice", f"the group {name!r} is listed twice; remove one")]
            for index, name in enumerate(value)
            if name in value[:index]
        }
        if duplicates:
            raise Wrong(duplicates)
        return tuple(map(str, value))


class Rules(fields.Field["dict[str, Source]"]):
    """Names with their rules. If `clearable` is true, a rule may clear the name at Insider when there is no value."""

    def __init__(self, *, clearable: bool = False) -> None:
        super().__init__()
        self.clearable = clearable

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Source]:
        if not isinstance(value, dict):
            raise wrong("wrong-shape", self._shape())
        rules: dict[str, Source] = {}
        problems: dict[str, Any] = {}
        for name, rule in value.items():
            try:
                rules[str(name)] = self._rule(name, rule)
            except Wrong as error:
                problems[name] = error.messages
        if problems:
            raise Wrong(problems)
        return rules

    def _shape(self) -> str:
        return "this must contain names, each with its rule, such as name: {text: first_name}"

    def _rule(self, name: str, rule: Any) -> Source:
        _check_name(name)
        parsed = source(rule)
        if parsed.clears_when and not self.clearable:
            sentence = "only an attribute can be cleared; remove this"
            raise wrong("absent-place", sentence, at=parsed.clears_when, of_key=True)
        return parsed


class Identifiers(Rules):
    """Identifiers with their path or paths."""

    def _shape(self) -> str:
        return "this must contain identifiers, each with its path, such as email: customer.email"

    def _rule(self, name: str, rule: Any) -> Source:
        return identifier(name, rule)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
        meant = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
        sentence = f"the name {name!r} may only have lower-case letters, digits and _"
        raise wrong("name-syntax", sentence + (suggestion(meant) if meant else ""), of_key=True)
    if len(name) > _NAME_LIMIT:
        raise wrong("name-length", f"the name has {len(name)} characters; the limit is {_NAME_LIMIT}", of_key=True)
    if name in NAMES:
        sentence = f"{name!r} is an identifier; write it under identifiers, {name}: customer.{name}"
        raise wrong("identifier-as-attribute", sentence, of_key=True)
