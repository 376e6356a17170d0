r"""Cleans identifiers (e-mail addresses, phone numbers, uuids), and picks the one that identifies a customer.

Insider's rules: an address matches ``^.+@.+\..+$``, a phone number ``^\+[1-9]\d{6,14}$``, and placeholders such as
``undefined`` or ``0`` are never sent. The rules here are a little stricter, so Insider accepts every identifier that
passes here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import phonenumbers

if TYPE_CHECKING:
    from collections.abc import Mapping

_PART = r"[^@\s\x00-\x1f\x7f\[\]()<>,;:\"\\]+"
_EMAIL = re.compile(rf"{_PART}@{_PART}\.{_PART}")
_EMAIL_LIMIT = 254
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_PHONE_LIMIT = 40
_PLACEHOLDERS = frozenset({"undefined", "anonymous", "0", "1", "null", "none", "nil", "unknown"})
_UUID_LIMIT = 255

#: The kinds of identifiers. The first kind that a customer has identifies the customer.
NAMES = ("email", "phone_number", "uuid")


def clean_email(value: object) -> str | None:
    """Return the address, trimmed and in lower case, or None if it is not valid."""
    if not isinstance(value, str):
        return None
    address = value.strip().lower()
    return address if len(address) <= _EMAIL_LIMIT and _EMAIL.fullmatch(address) else None


def clean_phone(value: object, region: str | None = None) -> str | None:
    """Return the number in E.164, or None if it is not valid. `region` is for numbers without a country code."""
    if not isinstance(value, str) or len(value) > _PHONE_LIMIT:
        return None
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if _PHONE.fullmatch(written) else None


def clean_uuid(value: object) -> str | None:
    """Return the id as text, or None for a placeholder or anything that is not an id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    if not text or len(text) > _UUID_LIMIT or not text.isprintable() or text.lower() in _PLACEHOLDERS:
        return None
    return text


def customer_of(identifiers: Mapping[str, str]) -> str | None:
    """Return the customer's key in the journal: the e-mail address, else the phone number, else the uuid."""
    return next((identifiers[name] for name in NAMES if identifiers.get(name)), None)
