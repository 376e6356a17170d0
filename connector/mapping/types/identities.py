"""The identifiers as rule types: functions that turn a raw value into an identifier that Insider accepts."""

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
    """Return a phone number; `raw` has the value, and the region for a number without a country code."""
    value, region = raw
    return clean_phone(value, region) or _nothing(value, "a phone number")


def uuid(raw: object) -> str | None:
    return clean_uuid(raw) or _nothing(raw, "an id")


def _nothing(raw: object, identifier: str) -> str | None:
    """Return None if the value is empty. Raises UnfitError if it is anything else."""
    if is_nothing(raw):
        return None
    raise UnfitError(f"The value is not {identifier}")


#: The converters, by the names of `connector.model.identifiers`. Each returns None for an empty value, and raises
#: UnfitError for a value that is not valid.
IDENTITIES: dict[str, Callable[[Any], str | None]] = {"email": email, "phone_number": phone_number, "uuid": uuid}
