"""Builds the webhook of each topic, in the exact shape of Yotpo's samples, with a customer's values.

    loyalty_payloads    `Webhook` itself, and the topics of the loyalty program; begin here
    tier_payloads, referral_payloads, review_payloads, merchant_payloads    the other topics
    customer_objects    the customer inside a webhook: which fields each topic has
    loyalty_objects, spellings    the other objects (perks, rewards, tiers); the formats of times

Never here: a change of a customer (actions/), or the sending. Yotpo's samples contradict each other, and the webhooks
keep these contradictions on purpose.
"""
