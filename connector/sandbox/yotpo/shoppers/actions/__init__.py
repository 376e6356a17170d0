"""The actions of shoppers. Each action changes one customer and yields the webhooks that Yotpo would send.

    loyalty_actions     purchases, points, rewards, birthdays, opt-in; begin here
    tier_actions, referral_actions, review_actions    the same for VIP tiers, referrals and reviews
    silent_changes      changes that no webhook reports

The function names and their options are part of the API for tests (POST …/send). Never here: the shape of a webhook,
its URL, or the sending.
"""
