"""The webhooks of VIP tiers."""

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.people.person import Person, Tier
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import About, Moment, Webhook, of_customer
from connector.sandbox.yotpo.shoppers.standing import enrolled


def tier_changed(person: Person, moment: Moment, shown: Json, new: Tier | None, old: Tier | None) -> Webhook:
    """A tier earned or lost. `shown` is the customer as he was before: still in the old tier, until its end.

    Who comes from no tier or falls into none has no such object in the webhook.
    """
    change = "earned" if (new.rank if new else 0) > (old.rank if old else 0) else "lost"
    topic = f"swell/tier/{change}"
    tiers = {name: loyalty_objects.tier(of) for name, of in (("new_tier", new), ("old_tier", old)) if of}
    body = {"topic": topic, "name": f"Swell Tier {change.title()}", "email": person.email, "customer": shown, **tiers}
    return Webhook(topic, moment.now, body, [About(person, shown)])


def tier_status_changed(person: Person, moment: Moment) -> Webhook:
    """The customer's own figures are in camel case, what is needed is in snake case."""
    loyalty = enrolled(person)
    done = loyalty.actions
    stats = {
        "pointsEarned": done.points_earned,
        "amountSpentCents": done.amount_spent_cents,
        "purchasesMade": done.purchases_made,
        "referralsCompleted": done.referrals_completed,
    }
    needed = {
        f"vip_stats_needed_{what}": {
            "points_needed": of.points_needed,
            "amount_cents_needed": of.amount_cents_needed,
            "purchases_needed": of.purchases_needed,
            "referrals_needed": of.referrals_needed,
        }
        for what, of in (("maintain", loyalty.maintain), ("next", loyalty.upgrade))
    }
    return of_customer(
        "swell/tier/status/changed", "Swell Tier Status Changed", person, moment.now, vip_stats=stats, **needed
    )
