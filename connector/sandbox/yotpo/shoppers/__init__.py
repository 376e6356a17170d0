"""Customers who act by themselves, and the webhooks that Yotpo would send.

    runs ──▶ repertoire ──▶ actions/ change the customer ──▶ payloads/ build webhooks ──▶ shop ──▶ sender ──▶ HTTP

    control        the API for tests: start and stop shoppers, let one customer do one thing
    runs           one run: shoppers act in a thread for a while; begin here
    repertoire     the table of all actions: topic, weight, condition; `eligibility` contains checks for conditions
    scene          the environment of an action: the store, the clock, random numbers, and the simulator's memory
    shop           chooses the URL of a webhook; `sender` sends it (late, twice or out of order if a test wants this)
    newcomers      makes customers who join a store while it is open

Never here: Yotpo's APIs (apis/), or the generation of customers (people/).
"""

from connector.sandbox.yotpo.shoppers.control import blueprint

__all__ = ["blueprint"]
