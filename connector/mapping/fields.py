"""The fields of a mapping file's schemas: texts, paths, lists of groups, and rules."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from connector.identifiers import NAMES
from connector.mapping.documents import Quoted
from connector.mapping.parts import Path, Source
from connector.mapping.problems import did_you_mean
from connector.mapping.rules import ABSENT, ALWAYS, CLEAR, EMPTY, OMIT, TYPES

_PARTS = ("year", "month", "day")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_WHOLE, _DECIMAL = re.compile(r"-?[0-9]{1,18}"), re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}")


class Text(fields.Field[str]):
    """A text that says something."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValidationError("must be a text")
        return str(value)


class Word(fields.Field[str]):
    """One word, or nothing: the other choice is what the absence of the key means."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if value != self._word:
            raise ValidationError(f"must be {self._word!r}, or left out")
        return self._word


class On(fields.Field[bool]):
    """A switch, which is off where the key is absent."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value != "true":
            raise ValidationError("must be true, or left out")
        return True


class Paths(fields.Field[tuple[Path, ...]]):
    """A path, or a list of them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Path, ...]:
        return _paths(value)


class GroupNames(fields.Field[tuple[str, ...]]):
    """A list of names of groups."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ValidationError("must be a list of groups, such as [customer]")
        twice = {index: ["this group again"] for index, name in enumerate(value) if name in value[:index]}
        if twice:
            raise ValidationError(twice)
        return tuple(map(str, value))


class Rules(fields.Field["dict[str, Source]"]):
    """Names, each with its rule; `clearable` where absence may mean that what Insider has is over."""

    def __init__(self, *, clearable: bool = False) -> None:
        super().__init__()
        self._clearable = clearable

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Source]:
        if not isinstance(value, dict):
            raise ValidationError("must hold names, each with its rule")
        rules: dict[str, Source] = {}
        problems: dict[str, Any] = {}
        for name, rule in value.items():
            try:
                rules[str(name)] = self._rule(name, rule)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return rules

    def _rule(self, name: str, rule: Any) -> Source:
        if not _NAME.fullmatch(name):
            raise ValidationError(f"the name {name!r} must be of lower-case letters, digits and _")
        if name in NAMES:
            raise ValidationError(f"{name!r} is an identifier; write it under identifiers")
        source = _source(rule)
        if source.clears_when and not self._clearable:
            raise ValidationError({source.clears_when: ["only an attribute can be cleared; leave this out"]})
        return source


class Identifiers(Rules):
    """The names of identifiers, each with its path or paths."""

    def _rule(self, name: str, rule: Any) -> Source:
        if name not in NAMES:
            raise ValidationError(f"no identifier {name!r}; there are {', '.join(NAMES)}{did_you_mean(name, NAMES)}")
        return Source(type=name, paths=_paths(rule))


def _source(rule: Any) -> Source:
    example = "a rule is a type and its source, such as {number: points_balance}"
    written = dict(rule) if isinstance(rule, dict) else {}
    clears_when = _clears_when(written)
    if len(written) != 1:
        raise ValidationError(example)
    ((type_, source),) = written.items()
    if type_ not in {*TYPES, ALWAYS, OMIT}:
        known = [*TYPES, ALWAYS, OMIT]
        raise ValidationError({type_: [f"no type {type_!r}; {example}{did_you_mean(type_, known)}"]})
    if clears_when and type_ not in TYPES:
        raise ValidationError({clears_when: [f"{type_!r} reads nothing that could be absent; leave this out"]})
    try:
        if type_ == ALWAYS:
            return Source(type=ALWAYS, constant=_constant(source))
        if type_ == OMIT:
            return Source(type=OMIT, constant=_omitted(source))
        if type_ == "date" and isinstance(source, dict):
            return Source(type="date", parts=_parts(source), clears_when=clears_when)
        return Source(type=str(type_), paths=_paths(source), clears_when=clears_when)
    except ValidationError as error:
        raise ValidationError({type_: error.messages}) from None


def _clears_when(written: dict[str, Any]) -> str | None:
    """Take the key out of a rule that says when it clears, where there is one."""
    keys = [key for key in (ABSENT, EMPTY) if key in written]
    for key in keys:
        if written.pop(key) != CLEAR:
            raise ValidationError({key: [f"must be {CLEAR!r}, or left out: then what Insider has stays"]})
    if len(keys) > 1:
        raise ValidationError({EMPTY: [f"{ABSENT!r} clears in this case too; leave one of the two out"]})
    return keys[0] if keys else None


def _omitted(written: Any) -> bool:
    if written != "true":
        raise ValidationError("must be true; without this rule, that of the group counts")
    return True


def _parts(source: dict[str, Any]) -> tuple[tuple[Path, ...], ...]:
    problems: dict[str, Any] = {
        part: [f"unknown key {part!r}{did_you_mean(part, _PARTS)}"] for part in source if part not in _PARTS
    }
    missing = [part for part in _PARTS if part not in source]
    if problems or missing:
        raise ValidationError(problems or [f"the date has no {' and no '.join(missing)}"])
    return tuple(_paths(source[part]) for part in _PARTS)


def _paths(value: Any) -> tuple[Path, ...]:
    paths = value if isinstance(value, list) else [value]
    if not paths:
        raise ValidationError("must be a path, such as customer.email, or a list of paths")
    for index, path in enumerate(paths):
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            sentence = ["must be a path, such as customer.email"]
            raise ValidationError({index: sentence} if isinstance(value, list) else sentence)
    return tuple(tuple(path.split(".")) for path in paths)


def _constant(written: Any) -> str | int | float | bool:
    if not isinstance(written, str) or not written.strip():
        raise ValidationError("must be a constant: true, false, a number or a text")
    if isinstance(written, Quoted):
        return str(written)
    if written in {"true", "false"}:
        return written == "true"
    if _WHOLE.fullmatch(written):
        return int(written)
    return float(written) if _DECIMAL.fullmatch(written) else written
