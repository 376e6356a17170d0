"""The identifiers as rules: what a raw value must be to name a person at Insider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.mapping.types.lookup import is_nothing
from connector.mapping.types.values import UnfitError
from connector.model.identifiers import clean_email, clean_phone, clean_uuid

if TYPE_CHECKING:
    from collections.abc import Callable


def email(raw: object) -> str | None:
    return clean_email(raw) or _nothing(raw, "an e-mail address")


def phone_number(raw: tuple[object, str | None]) -> str | None:
    """Take the number as it was written, and the region to read it with."""
    written, region = raw
    return clean_phone(written, region) or _nothing(written, "a phone number")


def uuid(raw: object) -> str | None:
    return clean_uuid(raw) or _nothing(raw, "an id")


def _nothing(raw: object, wanted: str) -> str | None:
    """Take what is no identifier for nothing, where it is; else it is unfit."""
    if is_nothing(raw):
        return None
    raise UnfitError(f"The value is not {wanted}")


#: By the names of `connector.model.identifiers`. Each raises UnfitError, and returns None where nothing is there.
IDENTITIES: dict[str, Callable[[Any], str | None]] = {"email": email, "phone_number": phone_number, "uuid": uuid}
