"""Views from a table of operations."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Concatenate, TypeVar

from flask import Blueprint, Response

Operation = TypeVar("Operation")


def blueprint(
    name: str,
    operations: Mapping[tuple[str, str], Operation],
    serve: Callable[Concatenate[Operation, ...], Response],
    prefix: str | None = None,
) -> Blueprint:
    """Return a blueprint of operations by method and path.

    A request calls `serve` with the operation, and with the parameters of the path by name.
    """
    result = Blueprint(name, __name__, url_prefix=prefix)
    for (method, path), operation in operations.items():
        # Flask allows no dots in names.
        endpoint = f"{method} {path}".replace(".", " ")
        result.add_url_rule(path, endpoint=endpoint, view_func=partial(serve, operation), methods=[method])
    return result
