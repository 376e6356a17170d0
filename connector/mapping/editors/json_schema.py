"""Builds the JSON Schema of mapping files. Editors use the schema to complete, explain and check mapping files.

This module builds the schema from the code that loads the files: the fields of `schemas`, the rule types of `rules`,
and the names of identifiers. The texts for editors are in `hints`. The schema uses draft 7 of JSON Schema, because all
releases of the YAML language server and of JetBrains' editors know draft 7. ``errorMessage``, ``patternErrorMessage``,
``defaultSnippets`` and ``doNotSuggest`` are keywords of the YAML language server; other editors ignore them. Draft 7
ignores all keywords beside a ``$ref``. So the only keywords there are the description and the examples of a key.

Our loader reads everything without quotes as text. An editor reads ``5`` as a number and ``true`` as a boolean, so the
schema allows numbers and booleans wherever it allows a text. There is one difference: the loader accepts ``null``
without quotes as a text, but the schema refuses it. An editor cannot distinguish this ``null`` from a missing value,
and both the loader and the schema refuse a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from connector.mapping.editors import hints, schema_values
from connector.mapping.editors.schema_values import description_of, ref
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
    """The names that the files of a directory use. Editors offer these names; other names are valid too."""

    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    #: The kinds of values at Insider, by section and name, such as ``{"attributes": {"birthday": "time"}}``.
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


NO_NAMES = Names()


def names_of(loaded: MappingSet) -> Names:
    """Return the names that the files of a mapping set use."""
    all_layers = layers.read(loaded.files, Problems()).values()
    return Names(
        topics=tuple({topic for layer in all_layers for topic in layer.topics}),
        groups=tuple({group for layer in all_layers for group in layer.groups}),
        kinds={"attributes": loaded.attributes, "params": loaded.params},
    )


def json_schema(names: Names = NO_NAMES) -> Json:
    """Return the schema of both kinds of mapping files: a topic's file, and groups.yaml."""
    topic, group = TopicSchema(), GroupSchema()
    definitions = schema_values.definitions(topics=names.topics, groups=names.groups)
    for part in _with_nested(topic, group):
        definitions[hints.PARTS[part.part].name] = _part(part)
        for name, field_ in part.fields.items():
            if type(field_) is own.Rules:
                clearable = field_.clearable
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
    """Yield the schemas, and the schemas nested in them."""
    for root in roots:
        yield root
        for field_ in root.fields.values():
            inner = field_.inner if isinstance(field_, fields.List) else field_
            if isinstance(inner, fields.Nested) and isinstance(inner.schema, Strict):
                yield from _with_nested(inner.schema)


def _looks_like(topic: Strict) -> Json:
    """Return a schema that matches a topic's file but not groups.yaml, even if the file is incomplete.

    In groups.yaml every value is an object.
    """
    objects = [name for name, field_ in topic.fields.items() if isinstance(field_, fields.Nested)]
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
            name: _shape(schema.part, name, field_) | description_of(hint.keys[name])
            for name, field_ in schema.fields.items()
        },
        "required": [name for name, field_ in schema.fields.items() if field_.required],
        "additionalProperties": False,
    }


#: Text fields with a stricter definition than other texts.
_STRICTER = {(parts.TopicPart, "topic"): "topic_name", (parts.UserEventPart, "name"): "event_name"}
_DEFINED = {own.Switch: "switch", own.Paths: "source", own.GroupNames: "group_names", own.Identifiers: "identifiers"}


def _shape(part: type, name: str, field_: fields.Field[Any]) -> Json:
    """Return the schema of a field's value."""
    match field_:
        case fields.List():
            mistake = field_.error_messages["invalid"]
            return {"type": "array", "items": _shape(part, name, field_.inner), "errorMessage": mistake}
        case fields.Nested(schema=Strict(part=nested)):
            return ref(hints.PARTS[nested].name)
        case own.Word():
            return {"const": field_.word}
        case own.Text():
            return ref(_STRICTER.get((part, name), "text"))
    if type(field_) is own.Rules:
        return ref(name)
    return ref(_DEFINED[type(field_)])
