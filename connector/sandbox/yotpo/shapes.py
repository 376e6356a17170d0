"""Reads JSON of whatever shape: what isn't of the wanted one counts as nothing."""

from dataclasses import Field
from types import UnionType
from typing import Any, get_args, get_origin


def as_object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def as_text(value: Any) -> str:
    return value if type(value) is str else ""


def fits(entry: Field[Any], value: object) -> bool:
    """Whether a value from JSON is of a dataclass field's type; what containers hold isn't looked at."""
    if entry.type is Any:
        return True
    kinds = get_args(entry.type) if isinstance(entry.type, UnionType) else (entry.type,)
    allowed = tuple(get_origin(kind) or kind for kind in kinds)
    return type(value) in allowed or (float in allowed and type(value) is int)
