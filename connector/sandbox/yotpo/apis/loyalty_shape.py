"""Builds a customer in the shape of the Loyalty API, and in the shape of the legacy API v2.

Recorded production answers show the shape of the Loyalty API. Its field names differ from those of Core v3 and of the
webhooks.
"""

from datetime import UTC, date, datetime
from typing import Any

from connector.sandbox.yotpo.apis.core_shape import display
from connector.sandbox.yotpo.people.generator import Actions, Loyalty, Person, Referral, Requirements

#: Every store has this currency. A customer may have another currency.
_STORE_CURRENCY = "USD"
#: The Loyalty API has its own customer ids. Such an id is the sum of this number and the customer's number.
_CUSTOMER_ID_BASE = 1_090_000_000
_ALWAYS_ZERO = (
    "facebook_shares",
    "twitter_shares",
    "emails_sent",
    "emails_viewed",
    "links_clicked_from_email",
    "links_clicked_from_twitter",
    "links_clicked_from_facebook",
)


def loyalty_customer(person: Person, *, with_referral_code: bool = True, with_history: bool = False) -> dict[str, Any]:
    """Return a customer in the shape of the Loyalty API. Raises ValueError if the customer is not enrolled."""
    loyalty = person.loyalty
    if loyalty is None:
        raise ValueError(f"Customer {person.number} is not enrolled.")
    customer: dict[str, Any] = {
        "total_spend_cents": loyalty.total_spend_cents,
        "total_purchases": loyalty.total_purchases,
        "last_purchase_at": _in_ms(loyalty.last_purchase_at, "Z"),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone_number": person.phone,
        "perks_redeemed": loyalty.perks_redeemed,
        "email": person.email,
        "points_balance": loyalty.points_balance,
        "points_earned": loyalty.points_earned,
        "last_seen_at": _in_ms(loyalty.last_seen_at, "Z"),
        "thirty_party_id": person.external_id,
        "third_party_id": person.external_id,
        "pos_account_id": loyalty.pos_account_id,
        "has_store_account": loyalty.has_store_account,
        "credit_balance": display(loyalty.credit, _STORE_CURRENCY),
        "credit_balance_in_customer_currency": display(loyalty.credit_in_customer_currency, person.currency),
        "opt_in": loyalty.is_opt_in,
        "opted_in_at": loyalty.opt_in_at.date().isoformat() if loyalty.opt_in_at else None,
        "points_expire_at": _in_ms(loyalty.points_expire_at, "+00:00"),
        "next_points_expire_on": loyalty.next_points_expire_on.isoformat() if loyalty.next_points_expire_on else None,
        "next_points_expire_amount": loyalty.next_points_expire_amount,
        **_birthday(loyalty),
        "vip_tier_name": loyalty.vip_tier_name,
        "vip_tier_entry_date": _midnight(loyalty.vip_entry_on),
        "vip_tier_expiration": _midnight(loyalty.vip_ends_on),
        "vip_tier_maintenance_requirements": _requirements(loyalty.maintain),
        "vip_tier_actions_completed": _actions(loyalty.actions),
        "vip_tier_upgrade_requirements": _requirements(loyalty.upgrade),
    }
    if with_referral_code and loyalty.referral:
        customer["referral_code"] = _referral_code(loyalty.referral, person.email)
        customer["referral_link"] = _referral_link(loyalty.referral, person.number)
    if with_history:
        customer["history_items"] = []
    return customer


def legacy_customer(person: Person) -> dict[str, Any]:
    """Return a customer in the shape of the legacy API v2. This API calls the balance `point_balance`, without an s."""
    reviews, loyalty = person.reviews, person.loyalty
    return {
        "customer_email": person.email,
        "total_reviews": reviews.total_reviews if reviews else 0,
        "avg_product_rating": reviews.avg_product_rating if reviews else None,
        "avg_site_rating": reviews.avg_site_rating if reviews else None,
        "total_avg_rating": reviews.total_avg_rating if reviews else None,
        "avg_sentiment_product": reviews.sentiment_avg_product if reviews else None,
        "avg_sentiment_site": reviews.sentiment_avg_site if reviews else None,
        "total_avg_sentiment": reviews.total_avg_sentiment if reviews else None,
        "top_topics": reviews.top_topics if reviews else None,
        "points_earned": loyalty.points_earned if loyalty else None,
        "point_balance": loyalty.points_balance if loyalty else None,
        "total_redemptions": loyalty.total_redemptions if loyalty else None,
        "total_points_redeemed": loyalty.total_points_redeemed if loyalty else None,
        "vip_tier_name": loyalty.vip_tier_name if loyalty else None,
        "successful_referrals": loyalty.successful_referrals if loyalty else None,
        "referrals_made_and_clicked": loyalty.referrals_made_and_clicked if loyalty else None,
        "is_referred_by_other_customer": loyalty.is_referred_by_other_customer if loyalty else None,
    }


def loyalty_id(number: int) -> int:
    return _CUSTOMER_ID_BASE + number


def number_of_loyalty_id(customer_id: str) -> int | None:
    return int(customer_id) - _CUSTOMER_ID_BASE if customer_id.isdigit() else None


def _in_ms(when: datetime | None, zone: str) -> str | None:
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + zone if when else None


def _midnight(when: date | None) -> str | None:
    return f"{when.isoformat()}T00:00:00Z" if when else None


def _birthday(loyalty: Loyalty) -> dict[str, int | None]:
    """Return the birthday, or {} if it is unknown. The names are `birth_day`, `birthday_month`, `birthday_year`."""
    if loyalty.birthday_month is None:
        return {}
    return {
        "birthday_month": loyalty.birthday_month,
        "birth_day": loyalty.birthday_day,
        "birthday_year": loyalty.birthday_year,
    }


def _requirements(needed: Requirements) -> dict[str, Any]:
    return {
        "points_needed": needed.points_needed,
        "amount_cents_needed": needed.amount_cents_needed,
        "amount_cents_needed_in_customer_currency": needed.amount_cents_needed_in_customer_currency,
        "purchases_needed": needed.purchases_needed,
        "referrals_needed": needed.referrals_needed,
        "campaigns_needed": [],
        "tags_needed": [],
    }


def _actions(completed: Actions) -> dict[str, Any]:
    return {
        "points_earned": completed.points_earned,
        "amount_spent_cents": completed.amount_spent_cents,
        "amount_spent_cents_in_customer_currency": completed.amount_spent_cents_in_customer_currency,
        "purchases_made": completed.purchases_made,
        "referrals_completed": completed.referrals_completed,
        "campaigns_completed": [],
    }


def _referral_code(referral: Referral, email: str | None) -> dict[str, Any]:
    return {
        "code": referral.code,
        "shares": referral.shares,
        "email_shares": referral.shares,
        **dict.fromkeys(_ALWAYS_ZERO, 0),
        "orders": referral.orders,
        "amount_cents": referral.amount_cents,
        "average_amount_cents": referral.amount_cents // referral.orders if referral.orders else 0,
        "expires_at": None,
        "expired": referral.expired,
        # The simulator never lists friends in this API. Webhooks list them.
        "completed_referral_customers": [],
        "email": email,
        "unique_clicks": referral.unique_clicks,
        "total_clicks": referral.total_clicks,
    }


def _referral_link(referral: Referral, number: int) -> dict[str, Any]:
    return {
        "code": referral.code.upper(),
        "customer_id": loyalty_id(number),
        "link": referral.link,
        "expired": referral.expired,
    }
