"""Builds the small definitions of the JSON Schema: rules and their sources, texts, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.editors import hints
from connector.mapping.grammar.fields import NAME
from connector.mapping.grammar.paths import PATH
from connector.mapping.grammar.sources import PARTS
from connector.mapping.loading.checks import TOPIC
from connector.mapping.types.rules import ABSENT, ALWAYS, CLEAR, EMPTY, OMIT, TYPES
from connector.model.identifiers import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.mapping.editors.hints import Hint
    from connector.model import Json

_IDENTIFIERS = ", ".join(NAMES)


def ref(name: str) -> Json:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def description_of(hint: Hint) -> Json:
    """Return the description of a key, and its examples if there are any."""
    return {"description": hint.description} | ({"examples": list(hint.examples)} if hint.examples else {})


def definitions(*, topics: Sequence[str], groups: Sequence[str]) -> dict[str, Json]:
    """Return all definitions except those of parts and of `rules`. The keys are the names for `ref`."""
    return {
        "text": _text("Text", hints.NO_TEXT, r"\S"),
        "topic_name": _text("Topic", hints.NO_TOPIC, f"^{TOPIC.pattern}$") | _offering(topics or hints.TOPICS),
        "event_name": _text("Name", hints.NO_EVENT_NAME, f"^{NAME.pattern}$"),
        "group_name": _text("Group", hints.NO_GROUPS) | _offering(groups),
        "group_names": {
            "type": "array",
            "items": ref("group_name"),
            "uniqueItems": True,
            "errorMessage": hints.NO_GROUPS,
        },
        "path": _text("Path", hints.NO_PATH, f"^{PATH.pattern}$"),
        "source": {
            "if": {"title": "Path or paths", "type": "array"},
            "then": {"items": ref("path"), "minItems": 1},
            "else": ref("path"),
        },
        "date": {
            "if": {"title": "Path, paths or parts", "type": "object"},
            "then": ref("date_of_parts"),
            "else": ref("source"),
        },
        "date_of_parts": {
            "type": "object",
            "properties": {part: ref("source") | description_of(hints.DATE_PARTS[part]) for part in PARTS},
            "required": list(PARTS),
            "additionalProperties": False,
        },
        # "true" in quotes is valid too, but completion offers it without quotes.
        "switch": {
            "if": {"type": "string"},
            "then": {"pattern": "^true$", "errorMessage": hints.NO_SWITCH},
            "else": {"const": True, "errorMessage": hints.NO_SWITCH},
            "defaultSnippets": [{"label": "true", "body": True}],
        },
        "constant": {"type": ["string", "number", "boolean"], "pattern": r"\S", "errorMessage": hints.NO_CONSTANT},
        "identifiers": {
            "title": "Identifiers",
            "type": "object",
            "properties": {name: ref("source") | description_of(hints.IDENTIFIERS[name]) for name in NAMES},
            "additionalProperties": False,
            "errorMessage": hints.NO_IDENTIFIERS.format(identifiers=_IDENTIFIERS),
        },
        "rule": _rule(),
        "rule_that_may_clear": _that_may_clear(_rule()),
    }


def named(title: str, value: Json) -> Json:
    """Return the schema of an object whose keys are names that the file chooses."""
    return {"type": "object", "propertyNames": {"title": title}, "additionalProperties": value}


def rules(*, clearable: bool, kinds: Mapping[str, str]) -> Json:
    """Return the schema of the rules under a key. Editors offer the names in `kinds`."""
    rule = ref("rule_that_may_clear" if clearable else "rule")
    name = {
        "title": "name",
        "pattern": f"^(?!({'|'.join(NAMES)})$){NAME.pattern}$",
        "patternErrorMessage": hints.NO_NAME.format(identifiers=_IDENTIFIERS),
    }
    return named("name", rule) | {
        "propertyNames": name,
        "properties": {known: rule | {"description": f"At Insider: {kinds[known]}."} for known in sorted(kinds)},
        "errorMessage": hints.NO_RULES,
    }


def _text(title: str, mistake: str, pattern: str = "") -> Json:
    """Return the schema of a text, which may look like a number or a boolean.

    Because of the `if`, completion does not offer true and false. A hover shows the first title in the schema, the
    title in the `if`.
    """
    text = {"title": title, "type": "string", "errorMessage": mistake}
    return {
        "if": {"title": title, "type": ["number", "boolean"]},
        "else": text | ({"pattern": pattern} if pattern else {}),
    }


def _offering(examples: Sequence[str]) -> Json:
    return {"examples": sorted(examples)} if examples else {}


def _rule() -> Json:
    sources = {
        name: ref("date" if name == "date" else "source")
        | {"description": f"{type_.description} At Insider: {type_.kind}.", "examples": [type_.example]}
        for name, type_ in TYPES.items()
    }
    constants = {ALWAYS: ref("constant"), OMIT: ref("switch")}
    sources |= {name: shape | description_of(hints.CONSTANTS[name]) for name, shape in constants.items()}
    return {
        "title": "Rule",
        "description": hints.RULE,
        "type": "object",
        "properties": sources,
        "additionalProperties": False,
        "minProperties": 1,
        "if": {"minProperties": 2},
        "then": {"additionalProperties": False, "errorMessage": hints.TWO_TYPES},
        "errorMessage": hints.NO_RULE.format(types=", ".join(sources)),
    }


def _that_may_clear(rule: Json) -> Json:
    """Return the schema of a rule that can also have the key `ABSENT` or `EMPTY`, to make Insider forget the value."""
    keys = {name: {"const": CLEAR} | description_of(hints.CLEARING[name]) for name in (ABSENT, EMPTY)}
    beside = {"minProperties": 2, "maxProperties": 2, "errorMessage": hints.NOTHING_TO_CLEAR}
    return rule | {
        "properties": rule["properties"] | keys,
        "dependencies": {
            ABSENT: beside | {"properties": dict.fromkeys((ALWAYS, OMIT, EMPTY), False)},
            EMPTY: beside | {"properties": dict.fromkeys((ALWAYS, OMIT), False)},
        },
        "if": {"minProperties": 2, "properties": dict.fromkeys(keys, False)},
    }
