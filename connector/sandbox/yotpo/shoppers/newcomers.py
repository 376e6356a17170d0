"""Makes customers who have just joined a store. They have an e-mail address and an empty loyalty account."""

from datetime import datetime

from connector.sandbox.yotpo.people.generator import Shares, generate
from connector.sandbox.yotpo.people.person import Actions, Loyalty, Person, Requirements

#: All newcomers have an e-mail address, because webhooks identify customers by it. They have no history.
_SHARES = Shares(review_only=0, phone_only=0, unreachable=0, no_updated_at=0, with_reviews=0, with_loyalty=0)


def newcomer(seed: int, number: int, now: datetime, referred_by: str | None = None) -> Person:
    """Return a new customer with this number. `referred_by` is the e-mail address of the referrer."""
    person = generate(seed, number, _SHARES)
    person.created_at = person.updated_at = now
    person.account_status = "enabled"
    person.loyalty = fresh_loyalty(now, referred_by)
    return person


def fresh_loyalty(now: datetime, referred_by: str | None = None) -> Loyalty:
    """Return the loyalty part of a customer who joins now."""
    return Loyalty(
        points_earned=0,
        points_balance=0,
        total_redemptions=0,
        total_points_redeemed=0,
        perks_redeemed=0,
        total_spend_cents=0,
        total_purchases=0,
        last_purchase_at=None,
        last_seen_at=now,
        credit=0,
        credit_in_customer_currency=0,
        is_opt_in=True,
        opt_in_at=now,
        opt_out_at=None,
        has_store_account=False,
        points_expire_at=None,
        next_points_expire_on=None,
        next_points_expire_amount=None,
        vip_tier_name=None,
        vip_entry_on=None,
        vip_ends_on=None,
        maintain=Requirements(0, 0, 0, 0, 0),
        upgrade=Requirements(500, 5_000, 5_000, 2, 0),
        actions=Actions(0, 0, 0, 0, 0),
        successful_referrals=0,
        referrals_made_and_clicked=0,
        is_referred_by_other_customer=referred_by is not None,
        referred_by=referred_by,
        birthday_month=None,
        birthday_day=None,
        birthday_year=None,
        referral=None,
        is_affiliate=False,
        accepts_marketing=None,
        anniversary_month=None,
        anniversary_day=None,
        referral_discount_code=None,
    )
