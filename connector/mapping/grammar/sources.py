"""Rules as they are written, ``{number: points_balance, absent: clear}``: read into a `parts.Source`, or refused."""

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
#: What other languages call a type.
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
    """Return what a rule reads. Raises ValidationError."""
    type_, written, clears_when = _taken_apart(rule)
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
    """Return what an identifier reads. Raises ValidationError."""
    if name not in NAMES:
        known = f"there are {', '.join(NAMES)}{did_you_mean(name, NAMES)}"
        raise wrong("unknown-identifier", f"no identifier {name!r}; {known}", of_key=True)
    if isinstance(written, dict):
        raise wrong("wrong-shape", f"an identifier is a path alone, without a type: {{{name}: customer.{name}}}")
    return Source(type=name, paths=paths(written))


def _taken_apart(rule: Any) -> tuple[str, Any, str | None]:
    """Return the type of a rule, its source as it is written, and the key that says when it clears."""
    if not isinstance(rule, dict):
        shown = f"{{text: {rule}}}" if isinstance(rule, str) and rule.isprintable() else "{number: points_balance}"
        raise wrong("rule-shape", f"a rule is a type and its source, such as {shown}")
    types = [key for key in rule if key not in {ABSENT, EMPTY}]
    if not types:
        raise wrong("rule-shape", "this rule has no type; a rule is a type and its source, {number: points_balance}")
    unknown = [key for key in types if key not in _known()]
    if unknown:
        raise Wrong({key: [Mistake(*_unknown(key, rule), of_key=True)] for key in unknown})
    if len(types) > 1:
        sentence = f"a rule has one type, and {types[0]!r} is one already; several paths make a list: [first, second]"
        raise wrong("rule-shape", sentence, at=types[1], of_key=True)
    (type_,) = types
    return type_, rule[type_], _clears_when(type_, rule)


def _unknown(key: str, rule: dict[str, Any]) -> tuple[str, str]:
    """Say of a key of a rule that it is no type."""
    if any(other in _known() for other in rule):
        known = did_you_mean(key, (ABSENT, EMPTY)) or f"; beside its type a rule may say {ABSENT} or {EMPTY}: {CLEAR}"
        return "unknown-key", f"no key {key!r} in a rule{known}"
    if rule[key] in _known():
        return "rule-shape", f"type and source have changed places (did you mean {{{rule[key]}: {key}}}?)"
    meant = _ALSO_CALLED.get(key.lower())
    close = suggestion(meant) if meant else did_you_mean(key.lower(), _known())
    return "unknown-type", f"no type {key!r}{close}; the types are {', '.join(_known())}"


def _known() -> tuple[str, ...]:
    return (*TYPES, ALWAYS, OMIT)


def _clears_when(type_: str, rule: dict[str, Any]) -> str | None:
    keys = [key for key in (ABSENT, EMPTY) if key in rule]
    for key in keys:
        if rule[key] != CLEAR:
            sentence = f"this must be {CLEAR!r}, or left out: then what Insider has stays"
            raise wrong("absent-word", sentence, at=key)
        if type_ not in TYPES:
            sentence = f"{type_!r} reads nothing that could be {key}; take this away"
            raise wrong("absent-place", sentence, at=key, of_key=True)
    if len(keys) > 1:
        raise wrong("absent-place", f"{ABSENT!r} clears in this case too; keep one of the two", at=EMPTY, of_key=True)
    return keys[0] if keys else None


def _omitted(written: Any) -> bool:
    if written != "true":
        raise wrong("omit-word", "this must be true; take the rule away if nothing is to be omitted")
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
    found = []
    for part in PARTS:
        try:
            found.append(paths(written.get(part, "missing")))
        except Wrong as error:
            problems[part] = error.messages
    if problems:
        raise Wrong(problems)
    return tuple(found)


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
