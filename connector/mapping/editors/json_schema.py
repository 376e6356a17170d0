"""The JSON Schema of mapping files, by which editors complete, explain and check them.

It is made of what loads the files: the fields of `schemas`, the rule types of `rules`, the names of identifiers. What
editors say stands in `hints`. It is of draft 7, which all releases of the YAML language server and of JetBrains'
editors know; ``errorMessage``, ``patternErrorMessage``, ``defaultSnippets`` and ``doNotSuggest`` are keywords of that
server, which others pass over. Beside a ``$ref`` draft 7 heeds nothing, so only what is said about a key stands there.

To our loader everything without quotes is text. An editor takes ``5`` for a number and ``true`` for a boolean, so they
may stand wherever a text may. ``null`` without quotes is the one text that the schema refuses and the loader takes: an
editor cannot tell it from nothing, which both refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from connector.mapping.editors import hints, schema_values
from connector.mapping.editors.schema_values import ref, said
from connector.mapping.grammar import fields as own
from connector.mapping.grammar import parts
from connector.mapping.grammar.schemas import GroupSchema, Strict, TopicSchema
from connector.mapping.loading import layers
from connector.mapping.reading.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.mapping.running.sets import MappingSet
    from connector.model import Json


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the files of a directory call things. Editors offer these names; others are as good."""

    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    #: The kinds of values at Insider, by the key that a rule stands under: ``{"attributes": {"birthday": "time"}}``.
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


NO_NAMES = Names()


def names_of(loaded: MappingSet) -> Names:
    """Return what the files of a mapping set call things."""
    found = layers.read(loaded.files, Problems()).values()
    return Names(
        topics=tuple({topic for layer in found for topic in layer.topics}),
        groups=tuple({group for layer in found for group in layer.groups}),
        kinds={"attributes": loaded.attributes, "params": loaded.params},
    )


def json_schema(names: Names = NO_NAMES) -> Json:
    """Return the schema of mapping files of both sorts: those of topics, and groups.yaml."""
    topic, group = TopicSchema(), GroupSchema()
    definitions = schema_values.definitions(topics=names.topics, groups=names.groups)
    for part in _with_nested(topic, group):
        definitions[hints.PARTS[part.part].name] = _part(part)
        for name, each in part.fields.items():
            if type(each) is own.Rules:
                clearable = each.clearable
                definitions[name] = schema_values.rules(clearable=clearable, kinds=names.kinds.get(name, {}))
    definitions["topic"] |= _USERS_OR_NOTICE
    definitions["groups"] = schema_values.named("group", ref("group")) | {"description": hints.GROUPS}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Written by `connector mappings schema --write`.",
        "title": "Mapping file",
        "description": hints.FILE,
        "if": _looks_like(topic),
        "then": ref("topic"),
        "else": ref("groups"),
        "definitions": dict(sorted(definitions.items())),
    }


def _with_nested(*roots: Strict) -> Iterator[Strict]:
    """Yield the schemas of a file's parts."""
    for root in roots:
        yield root
        for each in root.fields.values():
            inner = each.inner if isinstance(each, fields.List) else each
            if isinstance(inner, fields.Nested) and isinstance(inner.schema, Strict):
                yield from _with_nested(inner.schema)


def _looks_like(topic: Strict) -> Json:
    """Tell the file of a topic from groups.yaml, where every value is an object; also while it is being written."""
    objects = [name for name, each in topic.fields.items() if isinstance(each, fields.Nested)]
    no_object = {"not": {"type": "object"}}
    return {
        "anyOf": [
            *({"required": [name], "properties": {name: no_object}} for name in topic.fields if name not in objects),
            {"properties": dict.fromkeys(objects, True), "additionalProperties": no_object},
        ]
    }


_USERS_OR_NOTICE: Json = {
    "if": {"required": ["notice"]},
    "then": {"properties": {"users": {"const": [], "errorMessage": hints.NOTICE_BESIDE_USERS, "doNotSuggest": True}}},
    "else": {
        "required": ["users"],
        "properties": {"users": {"minItems": 1, "doNotSuggest": True}},
        "errorMessage": hints.NO_USERS,
    },
}


def _part(schema: Strict) -> Json:
    hint = hints.PARTS[schema.part]
    return {
        "title": hint.title,
        "description": hint.description,
        "type": "object",
        "properties": {
            name: _shape(schema.part, name, each) | said(hint.keys[name]) for name, each in schema.fields.items()
        },
        "required": [name for name, each in schema.fields.items() if each.required],
        "additionalProperties": False,
    }


#: Texts of which not every text will do.
_STRICTER = {(parts.TopicPart, "topic"): "topic_name", (parts.UserEventPart, "name"): "event_name"}
_DEFINED = {own.Switch: "switch", own.Paths: "source", own.GroupNames: "group_names", own.Identifiers: "identifiers"}


def _shape(part: type, name: str, of: fields.Field[Any]) -> Json:
    """Return what a field takes."""
    match of:
        case fields.List():
            mistake = of.error_messages["invalid"]
            return {"type": "array", "items": _shape(part, name, of.inner), "errorMessage": mistake}
        case fields.Nested(schema=Strict(part=nested)):
            return ref(hints.PARTS[nested].name)
        case own.Word():
            return {"const": of.word}
        case own.Text():
            return ref(_STRICTER.get((part, name), "text"))
    if type(of) is own.Rules:
        return ref(name)
    return ref(_DEFINED[type(of)])
