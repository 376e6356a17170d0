"""The 32 params of `bench/rules`, as handwritten Python."""

# ruff: noqa: PLR2004 - a literal costs nothing, Python would look up a constant each time

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.by_hand.putting import put
from connector.mapping.types import values
from connector.mapping.types.lookup import is_nothing

if TYPE_CHECKING:
    from connector.model import Json, Value


def params_of(  # noqa: C901, PLR0912, PLR0915, PLR0917 - the benchmark measures rules that are written out
    body: Json, person: Json, perk: Json, referral_code: Json, vip_stats: Json, unfit: dict[str, str]
) -> dict[str, Value]:
    params: dict[str, Value] = {}
    option = value if (value := body.get("redemption_option")).__class__ is dict else {}
    option_of_perk = value if (value := perk.get("redemption_option")).__class__ is dict else {}
    redemption = value if (value := body.get("redemption")).__class__ is dict else {}
    redemption_of_perk = value if (value := perk.get("redemption")).__class__ is dict else {}
    new_tier = value if (value := body.get("new_tier")).__class__ is dict else {}
    maintain = value if (value := body.get("vip_stats_needed_maintain")).__class__ is dict else {}
    upcoming = value if (value := body.get("vip_stats_needed_next")).__class__ is dict else {}
    product = value if (value := body.get("product")).__class__ is dict else {}

    if referral_code:
        raw = referral_code.get("amount_cents")
        if raw is None or is_nothing(raw):
            raw = referral_code.get("friends_amount_spent_cents")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_referral_code_amount_cents"] = raw
        elif raw is not None:
            put(params, "yotpo_referral_code_amount_cents", values.number, raw, unfit)
    raw = person.get("referral_discount_code")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_referral_discount_code"] = raw
    elif raw is not None:
        put(params, "yotpo_referral_discount_code", values.text, raw, unfit)
    if perk:
        raw = perk.get("reward_points")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_event_reward_point"] = raw
        elif raw is not None:
            put(params, "yotpo_event_reward_point", values.number, raw, unfit)
        raw = perk.get("expired")
        if raw.__class__ is bool:
            params["yotpo_earned_coupon_expired"] = raw
        elif raw is not None:
            put(params, "yotpo_earned_coupon_expired", values.boolean, raw, unfit)
        raw = perk.get("expires_at")
        if raw is not None:
            put(params, "yotpo_coupon_expires_at", values.datetime, raw, unfit)
        raw = perk.get("created_at")
        if raw is not None:
            put(params, "yotpo_event_created_at", values.datetime, raw, unfit)
        raw = perk.get("campaign_id")
        if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
            params["yotpo_campaign_id"] = raw
        elif raw is not None:
            put(params, "yotpo_campaign_id", values.text, raw, unfit)
        raw = perk.get("completed")
        if raw.__class__ is bool:
            params["yotpo_is_completed"] = raw
        elif raw is not None:
            put(params, "yotpo_is_completed", values.boolean, raw, unfit)
        raw = perk.get("completed_at")
        if raw is not None:
            put(params, "yotpo_completed_at", values.datetime, raw, unfit)
        raw = perk.get("history_title")
        if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
            params["yotpo_history_title"] = raw
        elif raw is not None:
            put(params, "yotpo_history_title", values.text, raw, unfit)
    raw = option.get("name")
    if raw is None or is_nothing(raw):
        raw = option_of_perk.get("name")
        if raw is None or is_nothing(raw):
            raw = body.get("redemption_option_name")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_redemption_option_name"] = raw
    elif raw is not None:
        put(params, "yotpo_redemption_option_name", values.text, raw, unfit)
    raw = option.get("amount")
    if raw is None or is_nothing(raw):
        raw = option_of_perk.get("amount")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        params["yotpo_redemption_option_amount"] = raw
    elif raw is not None:
        put(params, "yotpo_redemption_option_amount", values.number, raw, unfit)
    raw = redemption.get("reward_text")
    if raw is None or is_nothing(raw):
        raw = redemption_of_perk.get("reward_text")
        if raw is None or is_nothing(raw):
            raw = body.get("reward_text")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_redemption_reward_text"] = raw
    elif raw is not None:
        put(params, "yotpo_redemption_reward_text", values.text, raw, unfit)
    if new_tier:
        raw = new_tier.get("name")
        if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
            params["yotpo_new_tier_name"] = raw
        elif raw is not None:
            put(params, "yotpo_new_tier_name", values.text, raw, unfit)
        raw = new_tier.get("points_earned")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_points_earned"] = raw
        elif raw is not None:
            put(params, "yotpo_points_earned", values.number, raw, unfit)
    raw = new_tier.get("amount_spent_cents")
    if raw is None or is_nothing(raw):
        raw = vip_stats.get("amountSpentCents")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        params["yotpo_amount_spent_cents"] = raw
    elif raw is not None:
        put(params, "yotpo_amount_spent_cents", values.number, raw, unfit)
    raw = new_tier.get("purchases_made")
    if raw is None or is_nothing(raw):
        raw = vip_stats.get("purchasesMade")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        params["yotpo_purchases_made"] = raw
    elif raw is not None:
        put(params, "yotpo_purchases_made", values.number, raw, unfit)
    if vip_stats:
        raw = vip_stats.get("pointsEarned")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_vip_stats_points_earned"] = raw
        elif raw is not None:
            put(params, "yotpo_vip_stats_points_earned", values.number, raw, unfit)
        raw = vip_stats.get("referralsCompleted")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_referrals_completed"] = raw
        elif raw is not None:
            put(params, "yotpo_referrals_completed", values.number, raw, unfit)
    if maintain:
        raw = maintain.get("points_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_points_to_maintain_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_points_to_maintain_vip", values.number, raw, unfit)
        raw = maintain.get("amount_cents_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_amount_cents_to_maintain_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_amount_cents_to_maintain_vip", values.number, raw, unfit)
        raw = maintain.get("purchases_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_purchases_to_maintain_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_purchases_to_maintain_vip", values.number, raw, unfit)
        raw = maintain.get("referrals_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_referrals_to_maintain_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_referrals_to_maintain_vip", values.number, raw, unfit)
    if upcoming:
        raw = upcoming.get("points_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_points_to_next_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_points_to_next_vip", values.number, raw, unfit)
        raw = upcoming.get("amount_cents_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_amount_cents_to_next_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_amount_cents_to_next_vip", values.number, raw, unfit)
        raw = upcoming.get("purchases_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_purchases_to_next_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_purchases_to_next_vip", values.number, raw, unfit)
        raw = upcoming.get("referrals_needed")
        if raw.__class__ is int and -(2**63) <= raw < 2**63:
            params["yotpo_referrals_to_next_vip"] = raw
        elif raw is not None:
            put(params, "yotpo_referrals_to_next_vip", values.number, raw, unfit)
    raw = body.get("points_needed")
    if raw.__class__ is int and -(2**63) <= raw < 2**63:
        params["yotpo_points_needed"] = raw
    elif raw is not None:
        put(params, "yotpo_points_needed", values.number, raw, unfit)
    raw = body.get("email")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_email_referred"] = raw
    elif raw is not None:
        put(params, "yotpo_email_referred", values.text, raw, unfit)
    raw = body.get("product_referral_link")
    if raw is not None:
        put(params, "yotpo_product_referral_link", values.link, raw, unfit)
    raw = body.get("product_id")
    if raw is None or is_nothing(raw):
        raw = product.get("id")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_product_id"] = raw
    elif raw is not None:
        put(params, "yotpo_product_id", values.text, raw, unfit)
    raw = body.get("product_name")
    if raw is None or is_nothing(raw):
        raw = product.get("name")
    if raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != " " != raw[-1]:
        params["yotpo_product_name"] = raw
    elif raw is not None:
        put(params, "yotpo_product_name", values.text, raw, unfit)
    return params
