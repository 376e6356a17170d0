"""Reads YAML as an editor reads it, for the tests of the schema.

An editor sees the values of YAML 1.2, such as numbers and booleans. Our own loader reads every scalar as a text.

PyYAML only parses the syntax here. This module finds the value of each scalar without quotes by the core schema of YAML
1.2.2 (10.3.2). The YAML language server and JetBrains' editors use the same schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft7Validator

from connector.mapping.editors.json_schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Json

#: Patterns in the order of the core schema. The first pattern that matches decides. If no pattern matches, the scalar
#: is a text.
CORE: list[tuple[str, Callable[[str], Any]]] = [
    (r"null|Null|NULL|~|", lambda _: None),
    (r"true|True|TRUE", lambda _: True),
    (r"false|False|FALSE", lambda _: False),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+", lambda octal: int(octal, 0)),
    (r"0x[0-9a-fA-F]+", lambda hexadecimal: int(hexadecimal, 0)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)", lambda infinity: float(infinity.replace(".", ""))),
    (r"\.nan|\.NaN|\.NAN", lambda _: float("nan")),
]


VALIDATOR = Draft7Validator(json_schema())


def read(text: str) -> Any:
    """Return the values that an editor sees in a YAML file. Raises yaml.YAMLError if `text` is not YAML."""
    return _value(yaml.compose(text, Loader=yaml.SafeLoader))


def _value(node: yaml.Node | None) -> Any:
    match node:
        case yaml.MappingNode(value=pairs):
            return {key.value: _value(value) for key, value in pairs}
        case yaml.SequenceNode(value=items):
            return [_value(item) for item in items]
        case yaml.ScalarNode(value=text, style=None):
            return next((convert(text) for pattern, convert in CORE if re.fullmatch(pattern, text)), text)
        case yaml.ScalarNode(value=text):
            return text
    return None


def mistakes(text: str, schema: Json | None = None) -> list[str]:
    """Return the errors that the schema finds in a file."""
    validator = Draft7Validator(schema) if schema else VALIDATOR
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(read(text))]
