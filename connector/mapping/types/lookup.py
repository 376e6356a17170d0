"""Reads JSON by paths. Nothing that a webhook holds makes it raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Json

#: The steps from an object to a value in it.
Path: TypeAlias = tuple[str, ...]


def at(root: Json, path: Path) -> Any:
    """Return what stands at a path; None where nothing does. A step that is a number picks from a list."""
    found: Any = root
    for step in path:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def has(root: Json, path: Path) -> bool:
    """Whether there is something at a path, be it null."""
    holder = at(root, path[:-1])
    if isinstance(holder, list):
        return path[-1].isdigit() and int(path[-1]) < len(holder)
    return isinstance(holder, dict) and path[-1] in holder


def has_index(path: Path) -> bool:
    """Whether a step of it picks from a list."""
    return any(step.isdigit() for step in path)


def is_nothing(raw: object) -> bool:
    """Whether an alternative is to be passed over: absent, null, or a text of nothing but spaces."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def person_of(paths: tuple[Path, ...]) -> Callable[[Json], Json | None]:
    """Return what finds a person: by the first path that holds an object; without paths, it is the whole webhook."""

    def find(body: Json) -> Json | None:
        for path in paths:
            found = at(body, path)
            if isinstance(found, dict):
                return found
        return None

    return find if paths else lambda body: body
