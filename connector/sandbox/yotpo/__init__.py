"""A simulator of Yotpo's APIs, for tests and for local work: a server of its own, with its state in memory.

It shares no code with the connector that it tests; what any simulator needs is in connector/sandbox/simulation. What is
documented or was recorded answers so; what had to be inferred or chosen says so in a comment, and can be switched where
clients may stumble over it. The way of a request, and the modules it passes::

    server ──▶ api (faults, log) ──▶ gate (credentials, rates) ─┬─▶ customers (cursors), patching ─┬─▶ store ──▶ people
                                                                ├─▶ loyalty, legacy ───────────────┘
                                                                └─▶ tokens

    install     the page on which a merchant installs an app
    control     what tests ask and tell the simulator, under /_sandbox
    shoppers/   lets customers act, and sends what Yotpo would send then
    world       the state, and the lock around it
    store       a store's customers: made when they are asked for, kept when they were changed
    people      makes customers (person, draws, names, enrolment); one truth ...
    core_shape, loyalty_shape    ... as each API writes it down
    answers     Yotpo's words
    switches    what it does where Yotpo is silent, or says two things
"""

from connector.sandbox.yotpo.server import main

__all__ = ["main"]
