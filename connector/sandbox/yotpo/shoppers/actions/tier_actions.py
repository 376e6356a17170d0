"""How customers come into VIP tiers and out of them."""

from collections.abc import Iterator
from datetime import timedelta

from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person, Tier
from connector.sandbox.yotpo.shoppers.payloads import tier_payloads
from connector.sandbox.yotpo.shoppers.payloads.customer_objects import customer
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene
from connector.sandbox.yotpo.shoppers.standing import CannotActError, enrolled, member, tier_of

_YEAR = timedelta(days=365)


def earn_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    old = tier_of(member(person))
    if old == TIERS[-1]:
        raise CannotActError("The customer is in the highest tier already.")
    yield from move_to(person, scene, TIERS[old.rank if old else 0])


def lose_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Fall into the tier below, out of the lowest into none."""
    old = tier_of(enrolled(person))
    if old is None:
        raise CannotActError("The customer is in no tier.")
    yield from move_to(person, scene, TIERS[old.rank - 2] if old.rank > 1 else None)


def move_within_tier(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Get closer to a tier, or farther from it."""
    loyalty = enrolled(person)
    for needed in (loyalty.maintain, loyalty.upgrade):
        needed.points_needed = scene.dice.randrange(2_000)
        needed.amount_cents_needed = scene.dice.randrange(40) * 500
        needed.amount_cents_needed_in_customer_currency = needed.amount_cents_needed
    yield tier_payloads.tier_status_changed(person, scene.moment(person))


def reached(loyalty: Loyalty) -> Tier | None:
    """Return the next tier where the customer has spent enough for it."""
    old = tier_of(loyalty)
    rank = old.rank if old else 0
    next_one = TIERS[rank] if rank < len(TIERS) else None
    return next_one if next_one and loyalty.actions.amount_spent_cents >= next_one.spent_cents else None


def move_to(person: Person, scene: Scene, new: Tier | None) -> Iterator[Webhook]:
    """Change the tier. The webhook shows the customer as still in the old one."""
    loyalty = enrolled(person)
    old = tier_of(loyalty)
    moment = scene.moment(person)
    shown = customer("swell/tier/earned", person)
    today = moment.now.date()
    loyalty.vip_tier_name = new.name if new else None
    loyalty.vip_entry_on, loyalty.vip_ends_on = (today, today + _YEAR) if new else (None, None)
    yield tier_payloads.tier_changed(person, moment, shown, new, old)
