"""A simulator of Insider's user API, for tests and for local work: a server of its own, with its state in memory.

It shares no code with the connector that it tests; what any simulator needs is in connector/sandbox/simulation. What
is documented answers as documented, in Insider's own words; what had to be inferred or chosen says so in a comment. The
way of a request, and the modules it passes::

    server ──▶ api (faults, log) ──▶ gate (headers, size, JSON) ──▶ upsert ──▶ validation ──▶ catalog ──▶ profiles
                                                               └──▶ identity, erasure, reading
    control    what tests ask and tell the simulator, under /_sandbox
    world      the state, and the lock around it
    answers    Insider's literal answers
    switches   how strict it is where Insider is silent
    defaults   Insider's own attributes and event parameters, with their types
"""

from connector.sandbox.insider.server import main

__all__ = ["main"]
