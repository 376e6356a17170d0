"""Insider's own attributes and event parameters, their types, mandatory parameters, and how long events are kept.

The types are those of Insider's API reference, upsert. A comment says "inferred" if the reference describes the format
in words only, or if only other clients send the name. In both cases we guess how strictly Insider checks the value. A
value that doesn't fit is left out, and the user counts as successful; Insider calls such a value "not reflected".
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Check = Callable[[Any], bool]

EMAIL = re.compile(r".+@.+\..+")
PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00Z", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}_[A-Z]{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def time_of(text: object) -> datetime | None:
    """Return the time of an RFC 3339 text; None for anything else."""
    if type(text) is not str or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_text(value: Any) -> bool:
    return type(value) is str


def is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def is_integer(value: Any) -> bool:
    return type(value) is int


def is_flag(value: Any) -> bool:
    return type(value) is bool


def is_scalar(value: Any) -> bool:
    return is_text(value) or is_number(value) or is_flag(value)


def array_of(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def text_like(pattern: re.Pattern[str]) -> Check:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def is_birthday(value: Any) -> bool:
    """Whether a value is a time in RFC 3339 format, at midnight and with the offset Z."""
    return type(value) is str and _MIDNIGHT.fullmatch(value) is not None and time_of(value) is not None


ATTRIBUTES: dict[str, Check] = {
    "email": text_like(EMAIL),  # Inferred: the reference has this format for the identifier.
    "phone_number": text_like(PHONE),  # Inferred in the same way.
    "uuid": is_text,
    "name": is_text,
    "surname": is_text,
    "birthday": is_birthday,
    "gender": is_text,  # The list of values isn't published.
    "age": is_number,
    "language": text_like(_LANGUAGE),  # Inferred: "en_US style", with an underscore.
    "lo": is_text,
    "country": text_like(_COUNTRY),  # Inferred: checks the format of ISO 3166-1 alpha-2, not its list.
    "city": is_text,
    "email_optin": is_flag,
    "sms_optin": is_flag,
    "whatsapp_optin": is_flag,
    "gdpr_optin": is_flag,
    "static_segment_id": array_of(is_number),
    "list_id": array_of(is_number),
    # Inferred: the reference doesn't list these, but the Segment destination that Insider maintains sends them.
    **dict.fromkeys(
        ("app_version", "idfa", "model", "last_ip", "carrier", "os_version", "platform", "timezone", "locale"), is_text
    ),
}

PARAMS: dict[str, Check] = {
    **dict.fromkeys(("event_group_id", "product_id", "name", "url", "locale", "color", "size"), is_text),
    "taxonomy": array_of(is_text),
    "currency": text_like(re.compile(r"[A-Z]{3}")),  # Inferred: checks the format of ISO 4217, not its list.
    "quantity": is_integer,
    "unit_price": is_number,
    "unit_sale_price": is_number,
    "shipping_cost": is_text,  # The reference says that this is a text.
    "promotion_name": is_text,
    "promotion_discount": is_number,
    # Inferred: other pages name these parameters for default events, or Segment's destination sends them. No page has
    # their types.
    **dict.fromkeys(
        ("sid", "source", "device_type", "referrer", "product_image_url", "unit_size", "voucher_name"), is_scalar
    ),
    **dict.fromkeys(("voucher_discount", "category", "variant_id", "user_agent"), is_scalar),
    **dict.fromkeys(("campaign_id", "campaign_name"), is_scalar),
}

REQUIRED_PARAMS: dict[str, tuple[str, ...]] = {
    "purchase": ("event_group_id", "unit_sale_price", "currency", "quantity"),
    "cart_page_view": ("event_group_id", "unit_sale_price", "currency"),
}

#: Custom events, and default events that aren't listed below, are kept for 90 days.
RETENTION_DAYS = 90
#: The retention page names the events in words; their system names are inferred from the words.
RETENTION_DAYS_BY_EVENT: dict[str, int] = {
    "purchase": 730,
    "confirmation_page_view": 730,
    **dict.fromkeys(("sign_up", "lead_form", "email_delivered", "email_open", "email_click"), 365),
}

#: The attributes that "delete PII" removes. An account can also mark its own attributes as personal; the simulator has
#: no such marks. Inferred.
PERSONAL: frozenset[str] = frozenset(
    {"email", "phone_number", "name", "surname", "birthday", "gender", "age", "city", "last_ip", "idfa"}
)
