"""What all of the rules by hand share: a value that is not yet what its name needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.mapping.types.values import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Value


def put(
    into: dict[str, Value], name: str, become: Callable[[Any], Value | None], raw: object, unfit: dict[str, str]
) -> None:
    """Put what a raw value becomes under a name, where there is something; say so where it cannot become it."""
    try:
        value = become(raw)
    except UnfitError as problem:
        unfit[name] = f"{problem}, so it was left out."
    else:
        if value is not None:
            into[name] = value
