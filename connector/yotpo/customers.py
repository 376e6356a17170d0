"""A customer as Core API v3 shows one: who it is, when it last changed, and which fields are not what Yotpo documents.

Facts from Yotpo's "About customers" and a recorded answer. The snapshot that is journaled is the raw object: this here
changes nothing of it, and a field that is wrong never stands in the way of the others.
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
    """Who a customer is."""

    #: Trimmed and in lower case.
    email: str | None
    #: In E.164.
    phone: str | None
    #: The shop's own id; who has only ever written reviews has none, and may get one later.
    external_id: str | None
    #: In UTC, also where Yotpo names no zone; None for many who have only ever written reviews.
    updated_at: datetime | None
    #: One for each field of a wrong type, such as ``yotpo_ugc.total_reviews: no number``; never its value.
    notes: tuple[str, ...]


def read_customer(raw: Json) -> ParsedCustomer:
    """Return who this is, whatever the object holds."""
    return ParsedCustomer(
        email=clean_email(raw.get("email")),
        phone=clean_phone(raw.get("phone_number")),
        external_id=clean_uuid(raw.get("external_id")),
        updated_at=times.parse_or_none(raw.get("account_updated_at")),
        notes=tuple(_notes(_CUSTOMER.validate(raw))),
    )


def _notes(errors: dict[str, Any], above: str = "") -> Iterator[str]:
    """Flatten what marshmallow finds: its keys are names of the fields below, or places in a list."""
    for name, found in errors.items():
        if isinstance(found, dict):
            yield from _notes(found, f"{above}{name}.")
        else:
            where = above.removesuffix(".") if name == ma.exceptions.SCHEMA else f"{above}{name}"
            yield f"{where}: {found[0]}"


class _Field(ma.fields.Field[Any]):
    """A field that is told right from wrong and otherwise left alone. Null and empty text are not there."""

    def __init__(self, is_right: Callable[[Any], bool], problem: str) -> None:
        super().__init__(allow_none=True)
        self._is_right = is_right
        self._problem = problem

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if value != "" and not self._is_right(value):
            raise ma.ValidationError(self._problem)
        return value


def _is_number(value: Any) -> bool:
    # Also of what is documented as an integer: the average of ratings is one, and is recorded as 4.67.
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    try:
        times.parse(value)
    except times.NoTimeError:
        return False
    return True


def _text() -> _Field:
    return _Field(lambda value: isinstance(value, str), "no text")


def _number() -> _Field:
    return _Field(_is_number, "no number")


def _truth() -> _Field:
    return _Field(lambda value: isinstance(value, bool), "neither true nor false")


def _time() -> _Field:
    return _Field(_is_time, "no time")


def _object() -> _Field:
    return _Field(lambda value: isinstance(value, dict), "no object")


def _list() -> _Field:
    return _Field(lambda value: isinstance(value, list), "no list")


class _Part(ma.Schema):
    """An object in which Yotpo may add what it likes."""

    class Meta:
        unknown = ma.INCLUDE

    error_messages = {"type": "no object"}  # noqa: RUF012 - marshmallow's way to say it


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
    external_id = _Field(lambda value: clean_uuid(value) is not None, "no id")
    email = _Field(lambda value: clean_email(value) is not None, "no e-mail address")
    phone_number = _Field(lambda value: clean_phone(value) is not None, "no number with a country code")
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
