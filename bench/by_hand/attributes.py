"""The 43 attributes of `bench/rules`, as handwritten Python."""

# ruff: noqa: PLR2004 - a literal costs nothing, Python would look up a constant each time

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.by_hand.putting import put
from connector.mapping.types import values
from connector.mapping.types.lookup import is_nothing
from connector.mapping.types.money import money
from connector.mapping.types.values import Parts, date_of_parts

if TYPE_CHECKING:
    from connector.model import Json, Options, Value


def attributes_of(  # noqa: C901, PLR0912, PLR0915, PLR0917 - the benchmark measures rules that are written out
    body: Json, person: Json, perk: Json, referral_code: Json, vip_stats: Json, options: Options, unfit: dict[str, str]
) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    referral_link = value if (value := person.get("referral_link")).__class__ is dict else {}
    requirements = value if (value := person.get("vip_tier_maintenance_requirements")).__class__ is dict else {}
    ugc = value if (value := body.get("yotpo_ugc")).__class__ is dict else {}
    loyalty = value if (value := body.get("yotpo_loyalty")).__class__ is dict else {}

    raw = person.get("first_name")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        attributes["name"] = raw
    elif raw is not None:
        put(attributes, "name", values.text, raw, unfit)
    raw = person.get("last_name")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        attributes["surname"] = raw
    elif raw is not None:
        put(attributes, "surname", values.text, raw, unfit)
    raw = person.get("points_earned")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_points_earned"] = raw
    elif raw is not None:
        put(attributes, "yotpo_points_earned", values.number, raw, unfit)
    raw = person.get("points_balance")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_point_balance"] = raw
    elif raw is not None:
        put(attributes, "yotpo_point_balance", values.number, raw, unfit)
    raw = person.get("points_expire_at")
    if raw is not None:
        put(attributes, "yotpo_points_expire_at", values.datetime, raw, unfit)
    raw = person.get("total_spend_cents")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_total_spend_cents"] = raw
    elif raw is not None:
        put(attributes, "yotpo_total_spend_cents", values.number, raw, unfit)
    raw = person.get("total_purchases")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_total_purchases"] = raw
    elif raw is not None:
        put(attributes, "yotpo_total_purchases", values.number, raw, unfit)
    raw = person.get("perks_redeemed")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_perks_redeemed"] = raw
    elif raw is not None:
        put(attributes, "yotpo_perks_redeemed", values.number, raw, unfit)
    raw = person.get("last_purchase_at")
    if raw is not None:
        put(attributes, "yotpo_last_purchase_at", values.datetime, raw, unfit)
    raw = person.get("accepts_marketing")
    if raw.__class__ is bool:
        attributes["yotpo_marketing_accepted"] = raw
    elif raw is not None:
        put(attributes, "yotpo_marketing_accepted", values.boolean, raw, unfit)
    raw = person.get("is_affiliate")
    if raw.__class__ is bool:
        attributes["yotpo_is_affiliate"] = raw
    elif raw is not None:
        put(attributes, "yotpo_is_affiliate", values.boolean, raw, unfit)
    raw = person.get("credit_balance")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_credit_balance"] = raw
    elif raw is not None:
        put(attributes, "yotpo_credit_balance", money, raw, unfit)
    raw = person.get("credit_balance_in_customer_currency")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_credit_balance_in_customer_c"] = raw
    elif raw is not None:
        put(attributes, "yotpo_credit_balance_in_customer_c", money, raw, unfit)
    raw = referral_link.get("link")
    if raw is None or is_nothing(raw):
        raw = person.get("referral_link")
    if raw is not None:
        put(attributes, "yotpo_referral_link", values.link, raw, unfit)
    if referral_code:
        raw = referral_code.get("expired")
        if raw.__class__ is bool:
            attributes["yotpo_referral_code_expired"] = raw
        elif raw is not None:
            put(attributes, "yotpo_referral_code_expired", values.boolean, raw, unfit)
    year = person.get("birth_year")
    if year is None or is_nothing(year):
        year = person.get("birthday_year")
    month = person.get("birthday_month")
    if month is None or is_nothing(month):
        month = person.get("birth_month")
    day = person.get("birth_day")
    if day is None or is_nothing(day):
        day = person.get("birthday_day")
    if month is not None or day is not None:
        put(attributes, "birthday", date_of_parts, Parts(year, month, day, options.standin_year), unfit)
    raw = person.get("birthday_month")
    if raw is None or is_nothing(raw):
        raw = person.get("birth_month")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_birthday_month"] = raw
    elif raw is not None:
        put(attributes, "yotpo_birthday_month", values.number, raw, unfit)
    year = person.get("anniversary_year")
    month = person.get("anniversary_month")
    day = person.get("anniversary_day")
    if month is not None or day is not None:
        put(attributes, "anniversary_date", date_of_parts, Parts(year, month, day, options.standin_year), unfit)
    raw = person.get("is_opt_in")
    if raw.__class__ is bool:
        attributes["yotpo_loyalty_opt_in"] = raw
    elif raw is not None:
        put(attributes, "yotpo_loyalty_opt_in", values.boolean, raw, unfit)
    raw = person.get("loyalty_opt_in_date")
    if raw is not None:
        put(attributes, "yotpo_loyalty_opt_in_date", values.date, raw, unfit)
    raw = person.get("vip_tier_name")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        attributes["yotpo_vip_tier_name"] = raw
    elif raw is not None:
        put(attributes, "yotpo_vip_tier_name", values.text, raw, unfit)
    raw = person.get("vip_tier_ends_at")
    if raw is not None:
        put(attributes, "yotpo_vip_tier_ends_at", values.date, raw, unfit)
    if requirements:
        raw = requirements.get("amount_cents_needed_in_customer_currency")
        if raw is None or is_nothing(raw):
            raw = requirements.get("amount_cents_in_customer_currency")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["amount_cents_in_customer_c_to_mt_vip"] = raw
        elif raw is not None:
            put(attributes, "amount_cents_in_customer_c_to_mt_vip", values.number, raw, unfit)
    if perk:
        raw = perk.get("expires_at")
        if raw is not None:
            put(attributes, "yotpo_coupon_expires_at", values.datetime, raw, unfit)
        raw = perk.get("expired")
        if raw.__class__ is bool:
            attributes["yotpo_coupon_expired"] = raw
        elif raw is not None:
            put(attributes, "yotpo_coupon_expired", values.boolean, raw, unfit)
    if vip_stats:
        raw = vip_stats.get("amountSpentCents")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_amount_spent_cents"] = raw
        elif raw is not None:
            put(attributes, "yotpo_amount_spent_cents", values.number, raw, unfit)
        raw = vip_stats.get("purchasesMade")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_purchases_made"] = raw
        elif raw is not None:
            put(attributes, "yotpo_purchases_made", values.number, raw, unfit)
    raw = body.get("loyalty_next_points_expire_on")
    if raw is not None:
        put(attributes, "yotpo_loyalty_next_points_expire_on", values.date, raw, unfit)
    raw = body.get("loyalty_next_points_expire_amount")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_loyalty_next_points_expire_amount"] = raw
    elif raw is not None:
        put(attributes, "yotpo_loyalty_next_points_expire_amount", values.number, raw, unfit)
    raw = body.get("days_to_point_expiration")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        attributes["yotpo_days_to_point_expiration"] = raw
    elif raw is not None:
        put(attributes, "yotpo_days_to_point_expiration", values.number, raw, unfit)
    if ugc:
        raw = ugc.get("total_reviews")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_total_reviews"] = raw
        elif raw is not None:
            put(attributes, "yotpo_total_reviews", values.number, raw, unfit)
        raw = ugc.get("avg_product_rating")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_avg_product_rating"] = raw
        elif raw is not None:
            put(attributes, "yotpo_avg_product_rating", values.number, raw, unfit)
        raw = ugc.get("avg_site_rating")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_avg_site_rating"] = raw
        elif raw is not None:
            put(attributes, "yotpo_avg_site_rating", values.number, raw, unfit)
        raw = ugc.get("total_avg_rating")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_total_avg_rating"] = raw
        elif raw is not None:
            put(attributes, "yotpo_total_avg_rating", values.number, raw, unfit)
        raw = ugc.get("sentiment_avg_product")
        if raw is None or is_nothing(raw):
            raw = ugc.get("avg_sentiment_product")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_avg_sentiment_product"] = raw
        elif raw is not None:
            put(attributes, "yotpo_avg_sentiment_product", values.number, raw, unfit)
        raw = ugc.get("sentiment_avg_site")
        if raw is None or is_nothing(raw):
            raw = ugc.get("avg_sentiment_site")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_avg_sentiment_site"] = raw
        elif raw is not None:
            put(attributes, "yotpo_avg_sentiment_site", values.number, raw, unfit)
        raw = ugc.get("total_avg_sentiment")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_total_avg_sentiment"] = raw
        elif raw is not None:
            put(attributes, "yotpo_total_avg_sentiment", values.number, raw, unfit)
        raw = ugc.get("top_topics")
        if raw is not None:
            put(attributes, "yotpo_top_topics", values.items, raw, unfit)
    if loyalty:
        raw = loyalty.get("total_redemptions")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_total_redemptions"] = raw
        elif raw is not None:
            put(attributes, "yotpo_total_redemptions", values.number, raw, unfit)
        raw = loyalty.get("total_points_redeemed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_total_points_redeemed"] = raw
        elif raw is not None:
            put(attributes, "yotpo_total_points_redeemed", values.number, raw, unfit)
        raw = loyalty.get("successful_referrals")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_successful_referrals"] = raw
        elif raw is not None:
            put(attributes, "yotpo_successful_referrals", values.number, raw, unfit)
        raw = loyalty.get("referrals_made_and_clicked")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            attributes["yotpo_referrals_made_and_clicked"] = raw
        elif raw is not None:
            put(attributes, "yotpo_referrals_made_and_clicked", values.number, raw, unfit)
        raw = loyalty.get("is_referred_by_other_customer")
        if raw.__class__ is bool:
            attributes["yotpo_is_referred_by_other_customer"] = raw
        elif raw is not None:
            put(attributes, "yotpo_is_referred_by_other_customer", values.boolean, raw, unfit)
    return attributes
