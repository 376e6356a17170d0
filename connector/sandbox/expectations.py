"""What Insider must have for a customer of Yotpo: the 43 attributes of Insider's table, each from its source.

This list was written by hand, from that table and from Yotpo's documentation. It does not read the mapping files, so it
checks them independently. There are three sources::

    core       Core v3: Insider must have the value for every customer, even if only a backfill has read the customer
    loyalty    the Loyalty API: Insider must have the value for customers with a webhook, because a webhook causes a
               look-up there; for other customers Insider may lack the value, but must not have another value
    webhooks   only webhooks; the simulator of Yotpo keeps the last values that they contained

An expected value is the JSON value that Insider must have. None means that the attribute must be absent.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

#: An amount as Yotpo displays it: a symbol, then whole units with thousands separators, and perhaps cents.
_DISPLAYED = re.compile(r"\D{0,3}(?P<units>\d{1,3}(?:,\d{3})*|\d+)(?P<cents>\.\d\d)?")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class YotpoCustomer(NamedTuple):
    """A customer in the simulator of Yotpo; a block that the customer does not have is empty."""

    core: Json
    reviews: Json
    program: Json
    loyalty: Json
    #: The last value of each field that only webhooks contain.
    webhook_values: Json
    had_webhooks: bool

    @classmethod
    def of(cls, truth: Json) -> YotpoCustomer:
        """Return a customer from an entry of GET /_sandbox/customers."""
        core = truth["core"]
        return cls(
            core=core,
            reviews=core["yotpo_ugc"] or {},
            program=core["yotpo_loyalty"] or {},
            loyalty=truth["loyalty"] or {},
            webhook_values=truth["told"],
            had_webhooks=truth["webhooks"] > 0,
        )


class Source(StrEnum):
    """Where an attribute comes from. If there are several sources, this is the most reliable one."""

    CORE = "Core API"
    LOYALTY = "Loyalty API"
    WEBHOOKS = "webhooks alone"


class Attribute(NamedTuple):
    """What an attribute must be, and where it comes from."""

    #: Returns the expected value.
    of: Callable[[YotpoCustomer], object]
    source: Source = Source.CORE

    def may_be_missing(self, customer: YotpoCustomer) -> bool:
        """Whether Insider may lack the attribute because the connector had no reason to look up the customer."""
        return self.source is Source.LOYALTY and not customer.had_webhooks


def identifiers(core: Json) -> dict[str, str]:
    """Return the customer's identifiers at Insider. A customer without identifiers cannot have a profile."""
    email, phone = core["email"], core["phone_number"]
    return ({"email": email.strip().lower()} if email else {}) | ({"phone_number": phone} if phone else {})


def comparable(value: object) -> object:
    """Return a form of the value for comparing.

    Equal times become equal values, and a boolean never equals a number.
    """
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None


def _time(value: str | None) -> str | None:
    """Return a time with its zone. Core writes times in UTC without a zone; other sources write the zone."""
    if not value:
        return None
    time = datetime.fromisoformat(value)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def _day(value: str | None) -> str | None:
    """Return the day of a date or time, as midnight in UTC."""
    return f"{value[:10]}T00:00:00Z" if value else None


def _full_date(year: int | None, month: int | None, day: int | None) -> str | None:
    """Return a date as midnight in UTC; None if a part, such as the year, is missing."""
    return _day(date(year, month, day).isoformat()) if year and month and day else None


def _money(value: str | float | None) -> float | None:
    """Return an amount in units of its currency. An amount as text has a symbol and thousands separators."""
    if not isinstance(value, str):
        return value
    amount = _DISPLAYED.fullmatch(value)
    if amount is None:
        raise ValueError("The simulator of Yotpo does not display an amount of money in this form.")
    units = int(amount["units"].replace(",", ""))
    return units + float(amount["cents"]) if amount["cents"] else units


def _link(value: str | None) -> str | None:
    """Return a link with a scheme, because some of Yotpo's links have none."""
    return None if not value else value if value.startswith(("http://", "https://")) else f"https://{value}"


def _within(block: Json, name: str) -> Json:
    return block.get(name) or {}


def _core(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda customer: read(customer.core[name]))


def _reviews(name: str) -> Attribute:
    return Attribute(lambda customer: customer.reviews.get(name))


def _program(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda customer: read(customer.program.get(name)))


def _loyalty(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda customer: read(customer.loyalty.get(name)), source=Source.LOYALTY)


def _loyalty_within(block: str, name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda customer: read(_within(customer.loyalty, block).get(name)), source=Source.LOYALTY)


def _webhooks(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda customer: read(customer.webhook_values.get(name)), source=Source.WEBHOOKS)


#: The attributes, by their names at Insider. `name`, `surname` and `birthday` are Insider's own attributes; all others
#: are custom attributes of the account. The 43rd name of the table is not here: it is the e-mail address, which is an
#: identifier.
ATTRIBUTES: dict[str, Attribute] = {
    "name": _core("first_name", _text),
    "surname": _core("last_name", _text),
    "yotpo_total_reviews": _reviews("total_reviews"),
    "yotpo_avg_product_rating": _reviews("avg_product_rating"),
    "yotpo_avg_site_rating": _reviews("avg_site_rating"),
    "yotpo_total_avg_rating": _reviews("total_avg_rating"),
    "yotpo_avg_sentiment_product": _reviews("sentiment_avg_product"),
    "yotpo_avg_sentiment_site": _reviews("sentiment_avg_site"),
    "yotpo_total_avg_sentiment": _reviews("total_avg_sentiment"),
    # For an empty list the connector sends no value.
    "yotpo_top_topics": Attribute(lambda customer: customer.reviews.get("top_topics") or None),
    "yotpo_points_earned": _program("points_earned"),
    "yotpo_point_balance": _program("points_balance"),
    "yotpo_points_expire_at": _program("points_expire_date", _time),
    "yotpo_total_redemptions": _program("total_redemptions"),
    "yotpo_total_points_redeemed": _program("total_points_redeemed"),
    "yotpo_vip_tier_name": _program("vip_tier_name", _text),
    "yotpo_vip_tier_ends_at": _program("vip_expiration_date", _day),
    "yotpo_successful_referrals": _program("successful_referrals"),
    "yotpo_referrals_made_and_clicked": _program("referrals_made_and_clicked"),
    "yotpo_is_referred_by_other_customer": _program("is_referred_by_other_customer"),
    "yotpo_credit_balance": _program("credit_balance_amount", _money),
    "yotpo_credit_balance_in_customer_c": _program("credit_balance_customer_currency", _money),
    "yotpo_loyalty_opt_in": _program("is_opt_in"),
    "yotpo_loyalty_opt_in_date": _program("opt_in_date", _day),
    "yotpo_amount_spent_cents": _loyalty_within("vip_tier_actions_completed", "amount_spent_cents"),
    "yotpo_purchases_made": _loyalty_within("vip_tier_actions_completed", "purchases_made"),
    "yotpo_total_spend_cents": _loyalty("total_spend_cents"),
    "yotpo_total_purchases": _loyalty("total_purchases"),
    "yotpo_perks_redeemed": _loyalty("perks_redeemed"),
    "yotpo_last_purchase_at": _loyalty("last_purchase_at", _time),
    "birthday": Attribute(
        lambda customer: _full_date(*map(customer.loyalty.get, ("birthday_year", "birthday_month", "birth_day"))),
        source=Source.LOYALTY,
    ),
    "yotpo_referral_code_expired": _loyalty_within("referral_code", "expired"),
    "yotpo_referral_link": _loyalty_within("referral_link", "link", _link),
    "yotpo_loyalty_next_points_expire_on": _loyalty("next_points_expire_on", _day),
    "yotpo_loyalty_next_points_expire_amount": _loyalty("next_points_expire_amount"),
    "amount_cents_in_customer_c_to_mt_vip": _loyalty_within(
        "vip_tier_maintenance_requirements", "amount_cents_needed_in_customer_currency"
    ),
    "yotpo_coupon_expires_at": _webhooks("perk.expires_at", _time),
    "yotpo_coupon_expired": _webhooks("perk.expired"),
    "yotpo_marketing_accepted": _webhooks("accepts_marketing"),
    "yotpo_is_affiliate": _webhooks("is_affiliate"),
    "anniversary_date": Attribute(
        lambda customer: _full_date(
            *map(customer.webhook_values.get, ("anniversary_year", "anniversary_month", "anniversary_day"))
        ),
        source=Source.WEBHOOKS,
    ),
    "yotpo_days_to_point_expiration": _webhooks("days_to_point_expiration"),
    # Insider's table does not have these four. The connector sends them because Yotpo seldom knows the year of the
    # date.
    "yotpo_birthday_month": _loyalty("birthday_month"),
    "yotpo_birthday_day": _loyalty("birth_day"),
    "yotpo_anniversary_month": _webhooks("anniversary_month"),
    "yotpo_anniversary_day": _webhooks("anniversary_day"),
}
