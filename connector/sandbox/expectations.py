"""What Insider must hold of a customer whom Yotpo knows: the 43 attributes of Insider's table, each from its source.

It is written down by hand, from that table and from Yotpo's pages, and not read from any mapping file: two statements
of one meaning, the other of which is under test. There are three sources::

    core      Core v3, of every customer, also where nothing but a backfill has brought him
    loyalty   the Loyalty API, of customers of whom a webhook was sent, because those are looked up there; where none
              was, Insider may have the value or not, but no other one
    told      webhooks alone; the simulator of Yotpo keeps what they have told last

An expected value is a JSON value as Insider must have it. None: it must not be there.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

#: An amount as Yotpo displays it: a symbol, then whole units with thousands.
_DISPLAYED = re.compile(r"\D{0,3}(?P<units>\d{1,3}(?:,\d{3})*|\d+)(?P<cents>\.\d\d)?")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Known(NamedTuple):
    """What the simulator of Yotpo knows of a customer; a block that he does not have is empty."""

    core: Json
    reviews: Json
    program: Json
    loyalty: Json
    told: Json
    was_told: bool

    @classmethod
    def of(cls, truth: Json) -> Known:
        core = truth["core"]
        return cls(
            core=core,
            reviews=core["yotpo_ugc"] or {},
            program=core["yotpo_loyalty"] or {},
            loyalty=truth["loyalty"] or {},
            told=truth["told"],
            was_told=truth["webhooks"] > 0,
        )


class Source(StrEnum):
    """What tells an attribute, and tells it surest where there are several."""

    CORE = "Core API"
    LOYALTY = "Loyalty API"
    TOLD = "webhooks alone"


class Attribute(NamedTuple):
    """What an attribute must be, and where it comes from."""

    of: Callable[[Known], object]
    source: Source = Source.CORE

    def may_be_missing(self, known: Known) -> bool:
        """Whether nobody has had a reason to look this customer up."""
        return self.source is Source.LOYALTY and not known.was_told


def identifiers(core: Json) -> dict[str, str]:
    """What names a customer at Insider; nobody without any of it can be there."""
    email, phone = core["email"], core["phone_number"]
    return ({"email": email.strip().lower()} if email else {}) | ({"phone_number": phone} if phone else {})


def comparable(value: object) -> object:
    """Make values equal that mean the same: times as instants. A flag is never a number."""
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None


def _time(value: str | None) -> str | None:
    """Core writes times without a zone, in UTC; other places write a zone."""
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _day(value: str | None) -> str | None:
    """The date of a date or of a time, as midnight in UTC."""
    return f"{value[:10]}T00:00:00Z" if value else None


def _full_date(year: int | None, month: int | None, day: int | None) -> str | None:
    """No year, no date."""
    return _day(date(year, month, day).isoformat()) if year and month and day else None


def _money(value: str | float | None) -> float | None:
    """In units of its currency, from an amount with symbol and thousands."""
    if not isinstance(value, str):
        return value
    amount = _DISPLAYED.fullmatch(value)
    if amount is None:
        raise ValueError("An amount of money is displayed in a way that the simulator of Yotpo does not know.")
    units = int(amount["units"].replace(",", ""))
    return units + float(amount["cents"]) if amount["cents"] else units


def _link(value: str | None) -> str | None:
    """Some of Yotpo's links have no scheme."""
    return None if not value else value if value.startswith(("http://", "https://")) else f"https://{value}"


def _within(block: Json, name: str) -> Json:
    return block.get(name) or {}


def _core(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda known: read(known.core[name]))


def _reviews(name: str) -> Attribute:
    return Attribute(lambda known: known.reviews.get(name))


def _program(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda known: read(known.program.get(name)))


def _loyalty(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda known: read(known.loyalty.get(name)), source=Source.LOYALTY)


def _loyalty_within(block: str, name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda known: read(_within(known.loyalty, block).get(name)), source=Source.LOYALTY)


def _told(name: str, read: Callable[[Any], object] = lambda value: value) -> Attribute:
    return Attribute(lambda known: read(known.told.get(name)), source=Source.TOLD)


#: By the names that profiles have at Insider: `name`, `surname` and `birthday` are its own, all others the account's.
#: The 43rd of the table is the e-mail address, which is an identifier.
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
    # An empty list says nothing.
    "yotpo_top_topics": Attribute(lambda known: known.reviews.get("top_topics") or None),
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
        lambda known: _full_date(*map(known.loyalty.get, ("birthday_year", "birthday_month", "birth_day"))),
        source=Source.LOYALTY,
    ),
    "yotpo_referral_code_expired": _loyalty_within("referral_code", "expired"),
    "yotpo_referral_link": _loyalty_within("referral_link", "link", _link),
    "yotpo_loyalty_next_points_expire_on": _loyalty("next_points_expire_on", _day),
    "yotpo_loyalty_next_points_expire_amount": _loyalty("next_points_expire_amount"),
    "amount_cents_in_customer_c_to_mt_vip": _loyalty_within(
        "vip_tier_maintenance_requirements", "amount_cents_needed_in_customer_currency"
    ),
    "yotpo_coupon_expires_at": _told("perk.expires_at", _time),
    "yotpo_coupon_expired": _told("perk.expired"),
    "yotpo_marketing_accepted": _told("accepts_marketing"),
    "yotpo_is_affiliate": _told("is_affiliate"),
    "anniversary_date": Attribute(
        lambda known: _full_date(*map(known.told.get, ("anniversary_year", "anniversary_month", "anniversary_day"))),
        source=Source.TOLD,
    ),
    "yotpo_days_to_point_expiration": _told("days_to_point_expiration"),
    # Not in Insider's table, but sent, because Yotpo seldom has the year.
    "yotpo_birthday_month": _loyalty("birthday_month"),
    "yotpo_birthday_day": _loyalty("birth_day"),
    "yotpo_anniversary_month": _told("anniversary_month"),
    "yotpo_anniversary_day": _told("anniversary_day"),
}
