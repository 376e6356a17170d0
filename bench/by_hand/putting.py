"""Shared by all rules by hand: how a value that needs a conversion is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.mapping.types.values import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Value


def put(
    into: dict[str, Value], name: str, convert: Callable[[Any], Value | None], raw: object, unfit: dict[str, str]
) -> None:
    """Convert a raw value and store it under its name, if there is one. If it does not fit, store why in `unfit`."""
    try:
        value = convert(raw)
    except UnfitError as error:
        unfit[name] = f"{error}, so it was left out."
    else:
        if value is not None:
            into[name] = value
