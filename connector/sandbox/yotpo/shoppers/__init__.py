"""Customers who act by themselves, and the webhooks that Yotpo would send.

    runs ──▶ repertoire ──▶ actions/ change the customer ──▶ payloads/ build webhooks ──▶ shop ──▶ sender ──▶ HTTP

    control        the API for tests: start and stop shoppers, let one customer do one thing
    runs           one run: shoppers act in a thread for a while; begin here
    repertoire     the table of all actions: topic, weight, who can do it; `eligibility` holds these conditions
    scene          what an action works with: the store, the clock, random numbers, and what the simulator remembers
    shop           chooses the URL of a webhook; `sender` sends it, late, twice or out of order if a test asks for that
    newcomers      makes customers who join a store while it is open

Never here: Yotpo's APIs (apis/), the generated customers (people/).
"""

from connector.sandbox.yotpo.shoppers.control import blueprint

__all__ = ["blueprint"]
