"""The actions of VIP tiers: a customer moves to a higher tier, to a lower tier, or within a tier."""

from collections.abc import Iterator
from datetime import timedelta

from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person, Tier
from connector.sandbox.yotpo.shoppers.eligibility import CannotActError, require_enrolled, require_member, tier_of
from connector.sandbox.yotpo.shoppers.payloads import tier_payloads
from connector.sandbox.yotpo.shoppers.payloads.customer_objects import customer
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene

_YEAR = timedelta(days=365)


def earn_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    old = tier_of(require_member(person))
    if old == TIERS[-1]:
        raise CannotActError("The customer is in the highest tier already.")
    yield from move_to(person, scene, TIERS[old.rank if old else 0])


def lose_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Move to the next lower tier. A customer in the lowest tier loses it and then has no tier."""
    old = tier_of(require_enrolled(person))
    if old is None:
        raise CannotActError("The customer is in no tier.")
    yield from move_to(person, scene, TIERS[old.rank - 2] if old.rank > 1 else None)


def move_within_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Draw new numbers for the points and the money that the customer needs to keep a tier or to reach the next one."""
    loyalty = require_enrolled(person)
    for needed in (loyalty.maintain, loyalty.upgrade):
        needed.points_needed = scene.dice.randrange(2_000)
        needed.amount_cents_needed = scene.dice.randrange(40) * 500
        needed.amount_cents_needed_in_customer_currency = needed.amount_cents_needed
    yield tier_payloads.tier_status_changed(person, scene.moment(person))


def next_tier_reached(loyalty: Loyalty) -> Tier | None:
    """Return the next tier if the customer has spent enough for it. None: the customer has not."""
    old = tier_of(loyalty)
    rank = old.rank if old else 0
    next_tier = TIERS[rank] if rank < len(TIERS) else None
    return next_tier if next_tier and loyalty.actions.amount_spent_cents >= next_tier.spent_cents else None


def move_to(person: Person, scene: Scene, new: Tier | None) -> Iterator[Webhook]:
    """Move the customer to a tier. None takes the tier away. The customer in the webhook still has the old tier."""
    loyalty = require_enrolled(person)
    old = tier_of(loyalty)
    moment = scene.moment(person)
    customer_object = customer("swell/tier/earned", person)
    today = moment.now.date()
    loyalty.vip_tier_name = new.name if new else None
    loyalty.vip_entry_on, loyalty.vip_ends_on = (today, today + _YEAR) if new else (None, None)
    yield tier_payloads.tier_changed(person, moment, customer_object, new, old)
