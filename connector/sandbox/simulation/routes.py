"""Makes Flask views from a table of operations."""

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
    """Return a blueprint with a route for each operation; the keys of `operations` are method and path.

    For each request, the route calls `serve` with the operation, and with the parameters of the path by name.
    """
    result = Blueprint(name, __name__, url_prefix=prefix)
    for (method, path), operation in operations.items():
        # Flask does not allow dots in the name of an endpoint.
        endpoint = f"{method} {path}".replace(".", " ")
        result.add_url_rule(path, endpoint=endpoint, view_func=partial(serve, operation), methods=[method])
    return result
