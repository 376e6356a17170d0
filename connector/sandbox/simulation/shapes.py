"""Reads JSON of any shape: a value of the wrong type counts as empty, unless the API's documentation says otherwise."""

from dataclasses import Field
from types import UnionType
from typing import Any, get_args, get_origin

Json = dict[str, Any]


class WrongRequestError(ValueError):
    """A request that the simulator can't carry out; `status` is the status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def as_object(value: Any) -> Json:
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def as_names(value: Any) -> list[str]:
    return [name for name in as_list(value) if type(name) is str]


def as_text(value: Any) -> str:
    return value if type(value) is str else ""


def fits(entry: Field[Any], value: object) -> bool:
    """Whether a value from JSON has the type of a dataclass field. The content of lists and objects isn't checked."""
    if entry.type is Any:
        return True
    types = get_args(entry.type) if isinstance(entry.type, UnionType) else (entry.type,)
    allowed = tuple(get_origin(each) or each for each in types)
    return type(value) in allowed or (float in allowed and type(value) is int)
