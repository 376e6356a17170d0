"""Reads JSON of whatever shape: what isn't of the wanted one counts as nothing, as long as no text says otherwise."""

from dataclasses import Field
from types import UnionType
from typing import Any, get_args, get_origin

Json = dict[str, Any]


class WrongRequestError(ValueError):
    """The simulator is asked or told something that doesn't fit; `status` is that of its answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def as_object(value: Any) -> Json:
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def as_names(value: Any) -> list[str]:
    return [each for each in as_list(value) if type(each) is str]


def as_text(value: Any) -> str:
    return value if type(value) is str else ""


def fits(entry: Field[Any], value: object) -> bool:
    """Whether a value from JSON is of a dataclass field's type; what containers hold isn't looked at."""
    if entry.type is Any:
        return True
    kinds = get_args(entry.type) if isinstance(entry.type, UnionType) else (entry.type,)
    allowed = tuple(get_origin(kind) or kind for kind in kinds)
    return type(value) in allowed or (float in allowed and type(value) is int)
