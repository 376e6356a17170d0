"""Reads a customer of Core API v3: their identifiers, when they last changed, and which fields have a wrong type.

These facts come from Yotpo's page "About customers" and a recorded response. The journal stores the raw object as the
snapshot, so this module does not change it. One wrong field does not affect the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import marshmallow as ma

from connector.model import times
from connector.model.identifiers import clean_email, clean_phone, clean_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from connector.model import Json


class ParsedCustomer(NamedTuple):
    """A customer's identifiers, and what is known about the object they were read from."""

    #: The address is trimmed and in lower case. Each identifier is None if it is absent or invalid.
    email: str | None
    #: The phone number in the format E.164.
    phone: str | None
    #: The shop's own id. Customers who have only written reviews have none, and may get one later.
    external_id: str | None
    #: The time is in UTC, even if Yotpo names no zone. It is None for many customers who have only written reviews.
    updated_at: datetime | None
    #: One note for each field with a wrong type, such as ``yotpo_ugc.total_reviews: not a number``. A note never has
    #: the value.
    notes: tuple[str, ...]


def read_customer(raw: Json) -> ParsedCustomer:
    """Read this customer. No content of `raw` can raise an exception."""
    return ParsedCustomer(
        email=clean_email(raw.get("email")),
        phone=clean_phone(raw.get("phone_number")),
        external_id=clean_uuid(raw.get("external_id")),
        updated_at=times.parse_or_none(raw.get("account_updated_at")),
        notes=tuple(_notes(_CUSTOMER.validate(raw))),
    )


def _notes(errors: dict[str, Any], above: str = "") -> Iterator[str]:
    """Flatten marshmallow's errors. Their keys are names of nested fields, or positions in a list."""
    for name, problems in errors.items():
        if isinstance(problems, dict):
            yield from _notes(problems, f"{above}{name}.")
        else:
            path = above.removesuffix(".") if name == ma.exceptions.SCHEMA else f"{above}{name}"
            yield f"{path}: {problems[0]}"


class _Field(ma.fields.Field[Any]):
    """A field that is checked, but not converted. Null and empty text count as absent."""

    def __init__(self, is_valid: Callable[[Any], bool], problem: str) -> None:
        super().__init__(allow_none=True)
        self._is_valid = is_valid
        self._problem = problem

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if value != "" and not self._is_valid(value):
            raise ma.ValidationError(self._problem)
        return value


def _is_number(value: Any) -> bool:
    # A fraction is valid even if Yotpo documents an integer: Yotpo documents average ratings as integers, but returns
    # 4.67.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    try:
        times.parse(value)
    except times.NoTimeError:
        return False
    return True


def _text() -> _Field:
    return _Field(lambda value: isinstance(value, str), "not text")


def _number() -> _Field:
    return _Field(_is_number, "not a number")


def _truth() -> _Field:
    return _Field(lambda value: isinstance(value, bool), "neither true nor false")


def _time() -> _Field:
    return _Field(_is_time, "not a time")


def _object() -> _Field:
    return _Field(lambda value: isinstance(value, dict), "not an object")


def _list() -> _Field:
    return _Field(lambda value: isinstance(value, list), "not a list")


class _Part(ma.Schema):
    """An object. Yotpo may add fields that this schema does not have."""

    class Meta:
        unknown = ma.INCLUDE

    error_messages = {"type": "not an object"}  # noqa: RUF012 - marshmallow wants it this way


class _Reviews(_Part):
    total_reviews = _number()
    avg_product_rating = _number()
    avg_site_rating = _number()
    total_avg_rating = _number()
    sentiment_avg_product = _number()
    sentiment_avg_site = _number()
    total_avg_sentiment = _number()
    top_topics = _list()
    last_star_rating = _number()
    last_review_date = _time()
    last_sentiment = _number()


class _Loyalty(_Part):
    points_earned = _number()
    points_balance = _number()
    last_seen_at = _time()
    total_redemptions = _number()
    total_points_redeemed = _number()
    vip_tier_name = _text()
    successful_referrals = _number()
    referrals_made_and_clicked = _number()
    is_referred_by_other_customer = _truth()
    points_expire_date = _time()
    credit_balance_amount = _number()
    credit_balance_customer_currency = _text()
    is_opt_in = _truth()
    opt_in_date = _time()
    opt_out_date = _time()
    has_store_account = _truth()
    referred_by_customer = _text()
    vip_entry_date = _time()
    vip_expiration_date = _time()


class _Customer(_Part):
    external_id = _Field(lambda value: clean_uuid(value) is not None, "not an id")
    email = _Field(lambda value: clean_email(value) is not None, "not an e-mail address")
    phone_number = _Field(lambda value: clean_phone(value) is not None, "not a phone number with a country code")
    first_name = _text()
    last_name = _text()
    gender = _text()
    account_created_at = _time()
    account_updated_at = _time()
    account_status = _text()
    default_language = _text()
    default_currency = _text()
    tags = _text()
    address = _object()
    lists = _list()
    custom_properties = _object()
    accepts_email_marketing = _truth()
    accepts_sms_marketing = _truth()
    channels = _object()
    yotpo_ugc = ma.fields.Nested(_Reviews, allow_none=True)
    yotpo_loyalty = ma.fields.Nested(_Loyalty, allow_none=True)


_CUSTOMER = _Customer()
