"""Parses rules, such as ``{number: points_balance, absent: clear}``, into `parts.Source`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from connector.mapping.grammar.parts import Source
from connector.mapping.grammar.paths import paths
from connector.mapping.reading.documents import Quoted
from connector.mapping.reading.problems import Mistake, Wrong, did_you_mean, suggestion, wrong
from connector.mapping.types.rules import ABSENT, ALWAYS, CLEAR, EMPTY, OMIT, TYPES
from connector.mapping.types.values import UnfitError, text
from connector.model.identifiers import NAMES

if TYPE_CHECKING:
    from connector.mapping.types.lookup import Path

PARTS = ("year", "month", "day")
#: Names of types in other languages, for suggestions.
_ALSO_CALLED = {
    **dict.fromkeys(("string", "str", "varchar", "char", "email"), "text"),
    **dict.fromkeys(("integer", "int", "float", "decimal", "double", "numeric"), "number"),
    **dict.fromkeys(("currency", "price", "amount", "cents"), "money"),
    **dict.fromkeys(("bool", "flag"), "boolean"),
    **dict.fromkeys(("timestamp", "time", "moment"), "datetime"),
    **dict.fromkeys(("array", "set", "tags"), "list"),
    **dict.fromkeys(("url", "uri", "href"), "link"),
    **dict.fromkeys(("constant", "const", "value", "default", "static", "fixed"), ALWAYS),
    **dict.fromkeys(("remove", "drop", "skip", "exclude"), OMIT),
}
_WHOLE, _DECIMAL = re.compile(r"-?[0-9]{1,18}"), re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}")


def source(rule: Any) -> Source:
    """Parse a rule and return it as a source. Raises Wrong if the rule is not valid."""
    type_, written, clears_when = _split_rule(rule)
    try:
        if type_ == ALWAYS:
            return Source(type=ALWAYS, constant=_constant(written))
        if type_ == OMIT:
            return Source(type=OMIT, constant=_omitted(written))
        if type_ == "date" and isinstance(written, dict):
            return Source(type="date", parts=_parts(written), clears_when=clears_when)
        return Source(type=type_, paths=paths(written), clears_when=clears_when)
    except Wrong as error:
        raise Wrong({type_: error.messages}) from None


def identifier(name: str, written: Any) -> Source:
    """Return an identifier's path or paths as a source. Raises Wrong if they are not valid."""
    if name not in NAMES:
        known = f"the identifiers are {', '.join(NAMES)}{did_you_mean(name, NAMES)}"
        raise wrong("unknown-identifier", f"no identifier {name!r}; {known}", of_key=True)
    if isinstance(written, dict):
        raise wrong("wrong-shape", f"an identifier is only a path, without a type: {{{name}: customer.{name}}}")
    return Source(type=name, paths=paths(written))


def _split_rule(rule: Any) -> tuple[str, Any, str | None]:
    """Return the type of a rule, its source as it is written, and its key ABSENT or EMPTY, if any."""
    if not isinstance(rule, dict):
        example = f"{{text: {rule}}}" if isinstance(rule, str) and rule.isprintable() else "{number: points_balance}"
        raise wrong("rule-shape", f"a rule is a type and its source, such as {example}")
    types = [key for key in rule if key not in {ABSENT, EMPTY}]
    if not types:
        raise wrong("rule-shape", "this rule has no type; a rule is a type and its source, {number: points_balance}")
    unknown = [key for key in types if key not in _type_names()]
    if unknown:
        raise Wrong({key: [Mistake(*_unknown(key, rule), of_key=True)] for key in unknown})
    if len(types) > 1:
        sentence = f"a rule has one type, and this one has {types[0]!r}; several paths need a list: [first, second]"
        raise wrong("rule-shape", sentence, at=types[1], of_key=True)
    (type_,) = types
    return type_, rule[type_], _clears_when(type_, rule)


def _unknown(key: str, rule: dict[str, Any]) -> tuple[str, str]:
    """Return the code and the message for an unknown key in a rule."""
    if any(other in _type_names() for other in rule):
        hint = did_you_mean(key, (ABSENT, EMPTY)) or f"; a rule has a type, and may have {ABSENT} or {EMPTY}: {CLEAR}"
        return "unknown-key", f"no key {key!r} in a rule{hint}"
    if rule[key] in _type_names():
        return "rule-shape", f"type and source are swapped (did you mean {{{rule[key]}: {key}}}?)"
    meant = _ALSO_CALLED.get(key.lower())
    close = suggestion(meant) if meant else did_you_mean(key.lower(), _type_names())
    return "unknown-type", f"no type {key!r}{close}; the types are {', '.join(_type_names())}"


def _type_names() -> tuple[str, ...]:
    return (*TYPES, ALWAYS, OMIT)


def _clears_when(type_: str, rule: dict[str, Any]) -> str | None:
    keys = [key for key in (ABSENT, EMPTY) if key in rule]
    for key in keys:
        if rule[key] != CLEAR:
            sentence = f"this must be {CLEAR!r}, or left out: then Insider keeps its value"
            raise wrong("absent-word", sentence, at=key)
        if type_ not in TYPES:
            sentence = f"{type_!r} reads no value that could be {key}; remove this"
            raise wrong("absent-place", sentence, at=key, of_key=True)
    if len(keys) > 1:
        raise wrong("absent-place", f"{ABSENT!r} covers this case too; keep one of the two", at=EMPTY, of_key=True)
    return keys[0] if keys else None


def _omitted(written: Any) -> bool:
    if written != "true":
        raise wrong("omit-word", "this must be true; remove the rule if nothing must be omitted")
    return True


def _parts(written: dict[str, Any]) -> tuple[tuple[Path, ...], ...]:
    problems: dict[str, Any] = {
        part: [Mistake("date-parts", f"a date has no {part!r}{did_you_mean(part, PARTS)}", of_key=True)]
        for part in written
        if part not in PARTS
    }
    missing = [part for part in PARTS if part not in written]
    if missing and not problems:
        raise wrong("date-parts", f"the date has no {' and no '.join(missing)}")
    parsed = []
    for part in PARTS:
        try:
            parsed.append(paths(written.get(part, "missing")))
        except Wrong as error:
            problems[part] = error.messages
    if problems:
        raise Wrong(problems)
    return tuple(parsed)


def _constant(written: Any) -> str | int | float | bool:
    if not isinstance(written, str) or not written.strip():
        raise wrong("constant-shape", "this must be a constant: true, false, a number or a text")
    if not isinstance(written, Quoted):
        if written in {"true", "false"}:
            return written == "true"
        if _WHOLE.fullmatch(written):
            return int(written)
        if _DECIMAL.fullmatch(written):
            return float(written)
    try:
        text(written)
    except UnfitError as unfit:
        raise wrong("not-a-text", f"{unfit}".lower()) from None
    return str(written)
