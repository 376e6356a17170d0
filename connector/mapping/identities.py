"""The identifiers as rules: what a raw value must be to name a person at Insider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.identifiers import clean_email, clean_phone, clean_uuid
from connector.mapping.reading import is_nothing
from connector.mapping.values import UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable


def email(raw: object) -> str | None:
    return None if is_nothing(raw) else _fit(clean_email(raw), "an e-mail address")


def phone_number(raw: tuple[object, str | None]) -> str | None:
    """Take the number as it was written, and the region to read it with."""
    written, region = raw
    return None if is_nothing(written) else _fit(clean_phone(written, region), "a phone number")


def uuid(raw: object) -> str | None:
    return None if is_nothing(raw) else _fit(clean_uuid(raw), "an id")


def _fit(cleaned: str | None, wanted: str) -> str:
    if cleaned is None:
        raise UnfitError(f"The value is not {wanted}")
    return cleaned


#: By the names of `connector.identifiers`. Each raises UnfitError, and returns None where nothing is there.
IDENTITIES: dict[str, Callable[[Any], str | None]] = {"email": email, "phone_number": phone_number, "uuid": uuid}
