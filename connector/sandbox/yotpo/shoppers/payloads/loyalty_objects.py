"""The objects of a webhook except the customer: perks, redemptions, redemption options and tiers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.apis.loyalty_shape import loyalty_id
from connector.sandbox.yotpo.people.person import Tier
from connector.sandbox.yotpo.shoppers.payloads import spellings

#: The option id in a perk differs from the id of the option in the same webhook: 152 and 149 in the samples. This is
#: the difference.
_OPTION_OF_PERK = 3


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward that customers pay with points."""

    id: int
    name: str
    points: int
    discount_cents: int
    icon: str = "fa-dollar"

    @property
    def description(self) -> str:
        return f"Get ${self.discount_cents / 100:.2f} off your next purchase for {self.points} points"


FIVE_OFF = Reward(149, "$5.00 Off", 500, 500)
TEN_OFF = Reward(150, "$10.00 Off", 1_000, 1_000)
PERCENT_OFF = Reward(152, "10% Off", 0, 1_000, "fa-percent")
#: The name says donation and the description says discount, as in Yotpo's sample.
DONATION = Reward(149, "$10 Donation", 500, 500)
GIVEN_AWAY = Reward(353_572, "14$ off", 2, 2_200)
REWARDS = (FIVE_OFF, TEN_OFF)


def option(reward: Reward) -> Json:
    """Return a redemption option in the shape of most topics."""
    return {
        "id": reward.id,
        "name": reward.name,
        "description": reward.description,
        "icon": reward.icon,
        "cost_text": f"{reward.points} Points",
        "amount": reward.points,
    }


def discount(reward: Reward, kind: str) -> Json:
    """Return the fields that some topics add to a redemption option."""
    return {
        "applies_to_product_type": "ALL",
        "duration": "single_use",
        "type": "Coupon",
        "discount_amount_cents": reward.discount_cents,
        "discount_rate_cents": None,
        "discount_percentage": None,
        "discount_type": kind,
    }


def option_in_perk(reward: Reward) -> Json:
    """Return a redemption option in the shape of newer perks."""
    option_object = option(reward)
    option_object.pop("icon")
    return {
        **option_object,
        **discount(reward, "fixed_amount"),
        "discount_value_cents": None,
        "unrendered_name": reward.name,
        "unrendered_description": reward.description,
        "cart_greater_than": "0",
        "discount_with_currency": f"${reward.discount_cents // 100}",
    }


def redemption(ids: Iterator[int], now: datetime, reward_text: str) -> Json:
    """Return the fields that a redemption usually has. `reward_text` is a coupon code, `Redeemed` or `Donation`."""
    return {
        "id": next(ids),
        "created_at": spellings.in_ms(now),
        "updated_at": spellings.in_ms(now),
        "reward_text": reward_text,
        "approved": True,
        "approved_at": spellings.in_ms(now),
    }


#: Redemptions also have these fields, except in the topics of birthday and anniversary rewards.
PLACE = {"is_admin": False, "is_pos": False, "at_checkout": False}
#: In newer topics, redemptions also have these fields.
THIRD_PARTY = {"amount": None, "third_party_id": None, "third_party_rule_id": None}


def perk(
    ids: Iterator[int],
    number: int,
    created_at: datetime,
    title: str,
    *,
    points: int | None = 0,
    completed_at: datetime | None = None,
    expires_at: datetime | None = None,
    reward: Reward | None = None,
) -> Json:
    """Return a perk: the gift of a campaign. Usually, a completed perk gave points, and any other perk a reward."""
    completed = spellings.in_ms(completed_at)
    return {
        "id": next(ids),
        "campaign_id": 4,
        "merchant_id": 1,
        "customer_id": loyalty_id(number),
        "reward_points": points,
        "completed": completed is not None,
        "completed_at": completed,
        "awarded": completed is not None,
        "awarded_at": completed,
        "pending": False,
        "reversed": False,
        "reversed_at": None,
        "expired": False,
        "expired_at": None,
        "expires_at": spellings.in_ms(expires_at),
        "redemption_option_id": reward.id + _OPTION_OF_PERK if reward else None,
        "history_title": title,
        "created_at": spellings.in_ms(created_at),
    }


def tier(vip_tier: Tier) -> Json:
    """Return a tier. `points_earned` and the next two fields are thresholds of the tier, not totals of a customer."""
    return {
        "id": vip_tier.id,
        "name": vip_tier.name,
        "description": f"Earn {vip_tier.name.title()} status after spending ${vip_tier.spent_cents // 100}",
        "points_earned": vip_tier.points,
        "amount_spent_cents": vip_tier.spent_cents,
        "purchases_made": vip_tier.purchases,
        "points_multiplier": 1 + vip_tier.rank / 10,
        "rank": vip_tier.rank,
    }
