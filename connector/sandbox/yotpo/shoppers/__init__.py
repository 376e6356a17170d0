"""Customers who act by themselves, and the webhooks that Yotpo would send then.

The way of an action, and the modules it passes::

    runs ──▶ repertoire ──▶ actions, tier_actions, referral_actions, review_actions ──▶ the truth of a Person
     │                         └──▶ payloads, tier_…, referral_…, review_payloads ──▶ webhooks
     └──▶ silent_changes                                                                 │
                                                     sender ◀── shop (which URL, what was told)

    control     what tests ask and tell about it
    scene       the clock, the dice, and what one action leaves to the next
    standing    who may do what
    newcomers   who comes to a store while it is open
    customer_objects, loyalty_objects, spellings    what webhooks are made of
    merchant_payloads    webhooks that no customer causes
"""

from connector.sandbox.yotpo.shoppers.control import blueprint

__all__ = ["blueprint"]
