"""Reads JSON by paths. No content of a webhook can make these functions raise an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Json

#: The steps from an object to a value inside it.
Path: TypeAlias = tuple[str, ...]


def at(root: Json, path: Path) -> Any:
    """Return the value at a path, or None if there is none. A numeric step picks an item of a list."""
    value: Any = root
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def has(root: Json, path: Path) -> bool:
    """Whether a path exists, even if its value is null."""
    holder = at(root, path[:-1])
    if isinstance(holder, list):
        return path[-1].isdigit() and int(path[-1]) < len(holder)
    return isinstance(holder, dict) and path[-1] in holder


def has_index(path: Path) -> bool:
    """Whether a step of the path picks an item of a list."""
    return any(step.isdigit() for step in path)


def is_nothing(raw: object) -> bool:
    """Whether a value counts as nothing, so that the next path is tried: absent, null, or only white space."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def person_of(paths: tuple[Path, ...]) -> Callable[[Json], Json | None]:
    """Return a function that finds the person in a webhook, or returns None.

    The person is the first path's value that is an object. Without paths, the whole webhook is the person.
    """

    def find(body: Json) -> Json | None:
        for path in paths:
            value = at(body, path)
            if isinstance(value, dict):
                return value
        return None

    return find if paths else lambda body: body
