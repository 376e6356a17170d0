"""Builds the webhooks of VIP tiers."""

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.people.person import Person, Tier
from connector.sandbox.yotpo.shoppers.eligibility import require_enrolled
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Subject, Webhook, of_customer


def tier_changed(person: Person, moment: Moment, customer_object: Json, new: Tier | None, old: Tier | None) -> Webhook:
    """A customer has earned or lost a tier. `customer_object` shows the customer in the old tier.

    If the customer had no old tier or has no new tier, the webhook leaves out `old_tier` or `new_tier`.
    """
    change = "earned" if (new.rank if new else 0) > (old.rank if old else 0) else "lost"
    topic = f"swell/tier/{change}"
    tiers = {name: loyalty_objects.tier(tier) for name, tier in (("new_tier", new), ("old_tier", old)) if tier}
    body = {
        "topic": topic,
        "name": f"Swell Tier {change.title()}",
        "email": person.email,
        "customer": customer_object,
        **tiers,
    }
    return Webhook(topic, moment.now, body, [Subject(person, customer_object)])


def tier_status_changed(person: Person, moment: Moment) -> Webhook:
    """A customer's totals have changed. Names of totals are in camel case, names of needed totals in snake case."""
    loyalty = require_enrolled(person)
    done = loyalty.actions
    stats = {
        "pointsEarned": done.points_earned,
        "amountSpentCents": done.amount_spent_cents,
        "purchasesMade": done.purchases_made,
        "referralsCompleted": done.referrals_completed,
    }
    needed = {
        f"vip_stats_needed_{name}": {
            "points_needed": requirements.points_needed,
            "amount_cents_needed": requirements.amount_cents_needed,
            "purchases_needed": requirements.purchases_needed,
            "referrals_needed": requirements.referrals_needed,
        }
        for name, requirements in (("maintain", loyalty.maintain), ("next", loyalty.upgrade))
    }
    return of_customer(
        "swell/tier/status/changed", "Swell Tier Status Changed", person, moment.now, vip_stats=stats, **needed
    )
