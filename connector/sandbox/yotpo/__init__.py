"""A simulator of Yotpo's APIs, for tests and for local work: a server of its own, with its state in memory.

It shares no code with the connector that it tests. What is documented or was recorded answers so; what had to be
inferred or chosen says so in a comment, and can be switched where clients may stumble over it. The way of a request,
and the modules it passes::

    server ──▶ api (faults, log) ──▶ gate (credentials, rates) ─┬─▶ customers (cursors), patching ─┬─▶ store ──▶ people
                                                                ├─▶ loyalty, legacy ───────────────┘
                                                                └─▶ tokens

    install     the page on which a merchant installs an app
    control     what tests ask and tell the simulator, under /_sandbox
    webhooks    lets customers act (shoppers ──▶ actions), and sends what Yotpo would send then (payloads ──▶ sender)
    world       the state, and the lock around it
    store       a store's customers: made when they are asked for, kept when they were changed
    people      makes customers (person, draws, names, enrolment); one truth ...
    core_shape, loyalty_shape    ... as each API writes it down
    answers     Yotpo's words
    switches    what it does where Yotpo is silent, or says two things
    shapes      reads JSON of whatever shape
"""

from connector.sandbox.yotpo.server import main

__all__ = ["main"]
