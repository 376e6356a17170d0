"""Reads JSON of whatever shape: what isn't of the wanted one counts as nothing, as long as no text says otherwise."""

from typing import Any


def as_object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def as_names(value: Any) -> list[str]:
    return [each for each in as_list(value) if type(each) is str]
