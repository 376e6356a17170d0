"""The customer inside a webhook. The fields differ from topic to topic, and some have wrong names.

Each topic has the fields of its sample on Yotpo's page of webhook events. This module keeps the strange details of the
samples on purpose:

- `thirty_party_id` beside or instead of `third_party_id`
- `birth_day` and `birth_year`, but `birthday_month` (other APIs have `birthday_day`)
- `""` for an unknown year
- credit as text for customers
- `referred_by` in older shapes, but `referred_by_customer` in newer shapes
"""

from collections.abc import Callable
from typing import Any

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.apis.core_shape import display
from connector.sandbox.yotpo.apis.loyalty_shape import loyalty_id
from connector.sandbox.yotpo.people.person import Loyalty, Person, Referral
from connector.sandbox.yotpo.shoppers.eligibility import require_enrolled
from connector.sandbox.yotpo.shoppers.payloads import spellings

_SPEND = ("total_spend_cents", "total_purchases", "perks_redeemed", "last_purchase_at")
#: The fields of the oldest topics.
_OLD = (*_SPEND, "email", "referred_by", "points_earned", "points_balance", "points_expire_at", "first_name",
        "last_name", "last_seen_at")  # fmt: skip
_LINK = ("referral_link", "referral_discount_code")
_OPT_IN = ("is_opt_in", "loyalty_opt_in_date")
_STATE = ("has_store_account", "credit_balance", "is_affiliate")
_TIER = ("vip_tier_name", "vip_tier_ends_at")
_IDS = ("thirty_party_id", "third_party_id")
#: The fields of topics from 2019 to 2021.
_MIDDLE = (*_OLD, "is_member", "accepts_marketing", "thirty_party_id", *_LINK)
#: The fields of newer topics.
_NEW = (*_SPEND, "first_name", "last_name", "is_member", "accepts_marketing", "email", "points_balance",
        "points_earned", "last_seen_at", *_IDS, *_LINK, *_OPT_IN, *_STATE, "credit_balance_in_customer_currency",
        "points_expire_at")  # fmt: skip
_SHARING = (*_NEW, "referred_by", *_TIER)
_BIRTHDAY = ("birthday_month", "birth_day", "birth_year")
_ANNIVERSARY = ("anniversary_month", "anniversary_day", "anniversary_year")
_CODE = ("referral_code",)

#: The fields of the customer in each topic. A key that ends with ` friend` is for the friend in the topic.
FIELDS: dict[str, tuple[str, ...]] = {
    "swell/redemption/created": (*_OLD, "third_party_id", *_CODE),
    "loyalty/custom/reward/created": (*_OLD, "third_party_id", *_CODE),
    "swell/customer/birthday": (*_OLD, "third_party_id"),
    "swell/customer/anniversary": (*_OLD, "third_party_id"),
    "swell/birthday/captured": (*_OLD, "third_party_id", *_BIRTHDAY),
    "swell/anniversary/captured": (*_MIDDLE, "third_party_id", *_OPT_IN, *_STATE, *_TIER, *_ANNIVERSARY, *_CODE),
    "loyalty/donation/created": (*_MIDDLE, "third_party_id", *_OPT_IN, *_STATE, *_CODE),
    "swell/account/created": (*_NEW, "referred_by_customer", *_TIER),
    "loyalty/opt_in": (*_MIDDLE, *_OPT_IN, *_STATE, *_TIER, *_CODE),
    "loyalty/opt_out": (*_MIDDLE, *_OPT_IN, *_STATE, *_TIER, *_CODE),
    "swell/points/changed": (*_MIDDLE, *_STATE, *_TIER, *_CODE),
    "swell/points/earned": (*_OLD, "third_party_id", *_CODE),
    "swell/points/reminder": (*_OLD, "third_party_id", *_CODE),
    "swell/redemption/reminder": (*_OLD, "third_party_id", *_CODE),
    "loyalty/expiration/reminder": (*_NEW, "referred_by_customer", *_CODE),
    "swell/point_redemption/cancellation_request": (*_OLD, "third_party_id", *_LINK, *_STATE, *_CODE),
    "swell/tier/earned": (*_OLD, "third_party_id", *_TIER, *_CODE),
    "swell/tier/lost": (*_OLD, "third_party_id", *_TIER, *_CODE),
    "swell/tier/status/changed": (*_OLD, "third_party_id", *_TIER, *_CODE),
    "swell/referral/completed": (*_OLD, "third_party_id", *_CODE),
    "swell/referral/share": (*(name for name in _OLD if name != "referred_by"), "thirty_party_id", *_CODE),
    "yotpo/referral/shared": _SHARING,
    "yotpo/referral/completed": (
        *_NEW, "referred_by_customer", *_TIER, "payout_percentage", "has_provided_tax_details", "affiliate_email",
        "total_amount_earned", *_BIRTHDAY, *_ANNIVERSARY,
    ),
    "yotpo/referral/completed friend": (*_NEW, "referred_by_customer"),
    "loyalty/referral/product_share": (*_SHARING, *_CODE),
    "loyalty/referral/product_share/reminder": (*_SHARING, *_CODE),
}  # fmt: skip


def customer(topic: str, person: Person) -> Json:
    """Return the customer in the shape of a topic. Raises CannotActError if the customer is not enrolled."""
    loyalty = require_enrolled(person)
    return {name: _VALUES[name](person, loyalty) for name in FIELDS[topic]}


def referral_code(person: Person) -> Json:
    """Return the customer's referral code in the older shape."""
    code = referral_of(person)
    return {
        "code": code.code,
        **code_counters(code),
        "completed_referral_customers": [_friend(address, person) for address in code.completed],
        "email": person.email,
        "unique_clicks": code.unique_clicks,
        "total_clicks": code.total_clicks,
    }


def code_counters(code: Referral) -> Json:
    """Return the counters of a referral code in the older shape."""
    return {
        "shares": code.shares,
        "facebook_shares": 0,
        "twitter_shares": 0,
        "email_shares": code.shares,
        "emails_sent": 0,
        "emails_viewed": 0,
        "links_clicked_from_email": 0,
        "links_clicked_from_twitter": 0,
        "links_clicked_from_facebook": 0,
        "orders": code.orders,
        "amount_cents": code.amount_cents,
        "average_amount_cents": code.amount_cents // code.orders if code.orders else 0,
        "expires_at": None,
        "expired": code.expired,
    }


def newer_referral_code(person: Person, customer: Json | None) -> Json:
    """Return the code in the shape of stores that joined after August 2024. `customer` is a part of it, or None."""
    code = referral_of(person)
    return {
        "code": code.code,
        "customer_id": loyalty_id(person.number),
        "total_shares": code.shares,
        "email_shares": code.shares,
        "sms_shares": 0,
        "whatsapp_shares": 0,
        "copy_link_shares": 0,
        "personal_email_shares": 0,
        "links_clicked_from_email": code.total_clicks,
        "links_clicked_from_sms": 0,
        "links_clicked_from_whatsapp": 0,
        "links_clicked_from_personal_email": 0,
        "links_clicked_from_copy_link": 0,
        "friends_orders": code.orders,
        "friends_amount_spent_cents": code.amount_cents,
        "friends_average_amount_cents": code.amount_cents // code.orders if code.orders else 0,
        "expired": code.expired,
        "customer": customer,
        "completed_referral_customers": [_rewarded_friend(address, person) for address in code.completed],
        "email": person.email,
        "unique_clicks": code.unique_clicks,
        "total_clicks": code.total_clicks,
    }


def referral_of(person: Person) -> Referral:
    """Return the customer's referral code, and create it if there is none.

    Every customer in Yotpo's webhooks has a referral code, which may be expired.
    """
    loyalty = require_enrolled(person)
    if loyalty.referral is None:
        code = f"ref{person.number}"
        loyalty.referral = Referral(code, f"http://rwrd.io/{code}", False, 0, 0, 0, 0, 0, [])  # noqa: FBT003 - not expired
    return loyalty.referral


def _friend(address: str, referrer: Person) -> Json:
    return {
        "email": address,
        "first_name": "John",
        "last_name": "Smith",
        "referral_points_contributed": 0,
        "last_seen_at": spellings.in_ms(require_enrolled(referrer).last_seen_at),
    }


def _rewarded_friend(address: str, referrer: Person) -> Json:
    rewarded = {
        name: value for name, value in _friend(address, referrer).items() if name != "referral_points_contributed"
    }
    return rewarded | {"reward_type": "REWARD_OPTION", "referral_status": "COMPLETED"}


#: The function that gets each field from a customer, by field name.
_VALUES: dict[str, Callable[[Person, Loyalty], Any]] = {
    "total_spend_cents": lambda _, loyalty: loyalty.total_spend_cents,
    "total_purchases": lambda _, loyalty: loyalty.total_purchases,
    "perks_redeemed": lambda _, loyalty: loyalty.perks_redeemed,
    "last_purchase_at": lambda _, loyalty: spellings.in_ms(loyalty.last_purchase_at),
    "email": lambda person, _: person.email,
    "referred_by": lambda _, loyalty: loyalty.referred_by,
    "referred_by_customer": lambda _, loyalty: loyalty.referred_by,
    "points_earned": lambda _, loyalty: loyalty.points_earned,
    "points_balance": lambda _, loyalty: loyalty.points_balance,
    "points_expire_at": lambda _, loyalty: spellings.in_ms(loyalty.points_expire_at),
    "first_name": lambda person, _: person.first_name,
    "last_name": lambda person, _: person.last_name,
    "last_seen_at": lambda _, loyalty: spellings.in_ms(loyalty.last_seen_at),
    "third_party_id": lambda person, _: person.external_id,
    "thirty_party_id": lambda person, _: person.external_id,
    "is_member": lambda _, loyalty: loyalty.has_store_account,
    "accepts_marketing": lambda _, loyalty: loyalty.accepts_marketing,
    "referral_link": lambda person, _: referral_of(person).link,
    "referral_discount_code": lambda _, loyalty: loyalty.referral_discount_code,
    "is_opt_in": lambda _, loyalty: loyalty.is_opt_in,
    "loyalty_opt_in_date": lambda _, loyalty: (
        spellings.day(loyalty.opt_in_at.date()) if loyalty.opt_in_at else spellings.NO_DATE
    ),
    "has_store_account": lambda _, loyalty: loyalty.has_store_account,
    "credit_balance": lambda _, loyalty: display(loyalty.credit, None),
    "credit_balance_in_customer_currency": lambda person, loyalty: display(
        loyalty.credit_in_customer_currency, person.currency
    ),
    "is_affiliate": lambda _, loyalty: loyalty.is_affiliate,
    "vip_tier_name": lambda _, loyalty: loyalty.vip_tier_name,
    "vip_tier_ends_at": lambda _, loyalty: spellings.day(loyalty.vip_ends_on),
    "birthday_month": lambda _, loyalty: loyalty.birthday_month,
    "birth_day": lambda _, loyalty: loyalty.birthday_day,
    "birth_year": lambda _, loyalty: loyalty.birthday_year or "",
    "anniversary_month": lambda _, loyalty: loyalty.anniversary_month,
    "anniversary_day": lambda _, loyalty: loyalty.anniversary_day,
    "anniversary_year": lambda person, _: person.webhook_only.get("anniversary_year", ""),
    "referral_code": lambda person, _: referral_code(person),
    "payout_percentage": lambda *_: None,
    "has_provided_tax_details": lambda *_: None,
    "affiliate_email": lambda *_: None,
    "total_amount_earned": lambda *_: None,
}
