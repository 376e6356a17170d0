"""Makes the loyalty part of a generated customer."""

from datetime import date, datetime, timedelta

from connector.sandbox.yotpo.people.draws import Draws
from connector.sandbox.yotpo.people.person import TIERS, Actions, Loyalty, Referral, Requirements

#: The exchange rates: units of the customer's currency for one unit of the store's currency.
_RATES = {"USD": 1.0, "EUR": 0.9, "TRY": 40.0, "GBP": 0.8, "ILS": 3.5}
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def enrol(
    draws: Draws, number: int, since: datetime, currency: str, *, opted_out: bool, has_tier: bool, has_year: bool
) -> Loyalty:
    """Return the loyalty part of a customer who joined at this time."""
    earned = draws.below(9_000)
    redeemed = draws.below(earned + 1)
    purchases = draws.below(20)
    spent = purchases * (500 + draws.below(15_000))
    rate = _RATES[currency]
    tier = draws.pick(TIERS) if has_tier else None
    entered = since.date() + timedelta(days=draws.below(300))
    expiring = draws.chance(0.3)
    referred = draws.chance(0.1)
    has_birthday = draws.chance(0.6)
    has_anniversary = draws.chance(0.2)
    last_seen = draws.after(since, 600)
    credit = draws.below(3_000) if draws.chance(0.2) else 0
    referral = _referral(draws, number) if draws.chance(0.9) else None
    friends = len(referral.completed) if referral else 0
    return Loyalty(
        points_earned=earned,
        points_balance=earned - redeemed,
        total_redemptions=draws.below(8) if redeemed else 0,
        total_points_redeemed=redeemed,
        perks_redeemed=draws.below(30),
        total_spend_cents=spent,
        total_purchases=purchases,
        last_purchase_at=draws.after(since, 500) if purchases else None,
        last_seen_at=last_seen,
        credit=credit,
        credit_in_customer_currency=round(credit * rate),
        is_opt_in=not opted_out,
        opt_in_at=since,
        opt_out_at=last_seen if opted_out else None,
        has_store_account=draws.chance(0.8),
        points_expire_at=last_seen + timedelta(days=365) if expiring else None,
        next_points_expire_on=date(2027, 1, 1) + timedelta(days=draws.below(365)) if expiring else None,
        next_points_expire_amount=draws.below(500) if expiring else None,
        vip_tier_name=tier.name if tier else None,
        vip_entry_on=entered if tier else None,
        vip_ends_on=entered + timedelta(days=365) if tier else None,
        maintain=_required(draws, rate),
        upgrade=_required(draws, rate),
        actions=Actions(earned // 2, spent // 2, round(spent // 2 * rate), purchases // 2, friends),
        successful_referrals=friends,
        referrals_made_and_clicked=friends + draws.below(5),
        is_referred_by_other_customer=referred,
        referred_by=f"patron.{number}@example.org" if referred else None,
        birthday_month=1 + draws.below(12) if has_birthday else None,
        birthday_day=1 + draws.below(28) if has_birthday else None,
        birthday_year=1940 + draws.below(65) if has_birthday and has_year else None,
        referral=referral,
        is_affiliate=draws.chance(0.03),
        accepts_marketing=draws.pick((True, False, None)),
        anniversary_month=1 + draws.below(12) if has_anniversary else None,
        anniversary_day=1 + draws.below(28) if has_anniversary else None,
        referral_discount_code=draws.pick(("", None, f"FRIEND{number}")),
    )


def _required(draws: Draws, rate: float) -> Requirements:
    cents = draws.below(40) * 500
    return Requirements(draws.below(2_000), cents, round(cents * rate), draws.below(5), draws.below(3))


def _referral(draws: Draws, number: int) -> Referral:
    code = _in_letters(number + 36**5)
    friends = [f"friend{index}.of.{number}@example.net" for index in range(max(0, draws.below(8) - 5))]
    clicks = draws.below(40) + len(friends)
    return Referral(
        code=code,
        link=draws.pick((f"http://rwrd.io/{code}", f"rwrd.io/ref_{code}")),
        expired=draws.chance(0.05),
        shares=draws.below(10),
        unique_clicks=clicks // 2,
        total_clicks=clicks,
        orders=len(friends),
        amount_cents=len(friends) * (1_000 + draws.below(20_000)),
        completed=friends,
    )


def _in_letters(number: int) -> str:
    letters = ""
    while number:
        number, digit = divmod(number, 36)
        letters = _ALPHABET[digit] + letters
    return letters
