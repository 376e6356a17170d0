"""Converts and stores a value. All handwritten rules use this function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.mapping.types.values import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Value


def put(
    into: dict[str, Value], name: str, convert: Callable[[Any], Value | None], raw: object, unfit: dict[str, str]
) -> None:
    """Convert a raw value, and store the result under its name if it is not None.

    If the raw value does not fit, store the reason in `unfit`.
    """
    try:
        value = convert(raw)
    except UnfitError as error:
        unfit[name] = f"{error}, so it was left out."
    else:
        if value is not None:
            into[name] = value
