"""Builds a customer in the shape of Core v3. A recorded production answer shows this shape, expanded or not."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any

from connector.sandbox.yotpo.people.generator import Address, Loyalty, Person, Reviews
from connector.sandbox.yotpo.people.names import SYMBOLS

LOYALTY = "loyalty"
REVIEWS = "reviews"
BOTH = frozenset({LOYALTY, REVIEWS})
_CONSENT = {True: "subscribed", False: "unsubscribed", None: "never_subscribed"}


def core_customer(
    person: Person,
    expand: Collection[str] = BOTH,
    *,
    custom_properties: bool = True,
    zoneless: bool = True,
    updated_at_absent: bool = False,
) -> dict[str, Any]:
    """Return a customer with the expanded blocks. By default, times have no zone, as in recorded answers."""
    zone = "" if zoneless else "Z"
    loyalty = person.loyalty if LOYALTY in expand else None
    reviews = person.reviews if REVIEWS in expand else None
    customer: dict[str, Any] = {
        "external_id": person.external_id,
        "email": person.email,
        "phone_number": person.phone,
        "device_id": None,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "gender": person.gender,
        "account_created_at": _time(person.created_at, zone),
        "account_updated_at": _time(person.updated_at, zone),
        "account_status": person.account_status,
        "default_language": person.language,
        "default_currency": person.currency,
        "tags": person.tags,
        "address": _address(person.address, person.phone) if person.address else None,
        "lists": [{"id": list_id, "since": _time(since, zone)} for list_id, since in person.lists],
        "custom_properties": person.custom_properties if custom_properties else None,
        "accepts_email_marketing": person.accepts_email,
        "accepts_sms_marketing": person.accepts_sms,
        "channels": _channels(person, zone),
        "yotpo_ugc": _reviews(reviews, zone) if reviews else None,
        "yotpo_loyalty": _loyalty(loyalty, person.currency, zone) if loyalty else None,
        "yotpo_sms": None,
        "yotpo_email": None,
        "yotpo_subscriptions": None,
    }
    if updated_at_absent and person.updated_at is None:
        del customer["account_updated_at"]
    return customer


def display(amount: int, currency: str | None) -> str:
    """Return an amount in whole units as text for customers, such as $2,620. The sign of an unknown currency is $."""
    return f"{SYMBOLS.get(currency or '', '$')}{amount:,}"


def _time(when: datetime | None, zone: str) -> str | None:
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + zone if when else None


def _midnight(when: date | None, zone: str) -> str | None:
    return f"{when.isoformat()}T00:00:00{zone}" if when else None


def _address(address: Address, phone: str | None) -> dict[str, str | None]:
    return {
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "company": address.company,
        "state": address.state,
        "zip": address.zip,
        "province_code": address.province_code,
        "country_code": address.country_code,
        "phone_number": phone.removeprefix("+") if phone else None,
    }


def _channels(person: Person, zone: str) -> dict[str, Any]:
    email: dict[str, Any] = _marketing(_CONSENT[person.accepts_email])
    if person.suppression:
        since = _time(person.created_at, zone)
        email["suppressions"] = {"suppression_reason": person.suppression, "timestamp": since}
    return {"sms": {"marketing": _marketing(_CONSENT[person.accepts_sms])}, "email": {"marketing": email}}


def _marketing(consent: str) -> dict[str, Any]:
    return {"consent": consent, "subscription_source": None, "timestamp": None}


def _reviews(reviews: Reviews, zone: str) -> dict[str, Any]:
    return {
        "total_reviews": reviews.total_reviews,
        "avg_product_rating": reviews.avg_product_rating,
        "avg_site_rating": reviews.avg_site_rating,
        "total_avg_rating": reviews.total_avg_rating,
        "sentiment_avg_product": reviews.sentiment_avg_product,
        "sentiment_avg_site": reviews.sentiment_avg_site,
        "total_avg_sentiment": reviews.total_avg_sentiment,
        "top_topics": reviews.top_topics,
        "last_star_rating": reviews.last_star_rating,
        "last_review_date": _time(reviews.last_review_date, zone),
        "last_sentiment": reviews.last_sentiment,
    }


def _loyalty(loyalty: Loyalty, currency: str | None, zone: str) -> dict[str, Any]:
    return {
        "points_earned": loyalty.points_earned,
        "points_balance": loyalty.points_balance,
        "last_seen_at": _time(loyalty.last_seen_at, zone),
        "total_redemptions": loyalty.total_redemptions,
        "total_points_redeemed": loyalty.total_points_redeemed,
        "vip_tier_name": loyalty.vip_tier_name,
        "successful_referrals": loyalty.successful_referrals,
        "referrals_made_and_clicked": loyalty.referrals_made_and_clicked,
        "is_referred_by_other_customer": loyalty.is_referred_by_other_customer,
        "points_expire_date": _time(loyalty.points_expire_at, zone),
        "credit_balance_amount": loyalty.credit,
        "credit_balance_customer_currency": display(loyalty.credit_in_customer_currency, currency),
        "is_opt_in": loyalty.is_opt_in,
        "opt_in_date": _time(loyalty.opt_in_at, zone),
        "opt_out_date": _time(loyalty.opt_out_at, zone),
        "has_store_account": loyalty.has_store_account,
        "referred_by_customer": loyalty.referred_by,
        "vip_entry_date": _midnight(loyalty.vip_entry_on, zone),
        "vip_expiration_date": _midnight(loyalty.vip_ends_on, zone),
    }
