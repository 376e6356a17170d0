"""A simulator of Insider's user API, for tests and for local work: a server of its own, with its state in memory.

It shares no code with the connector that it tests; connector/sandbox/simulation holds the code of all simulators. It
answers as Insider's documentation says, in Insider's own words. Where the documentation says nothing, a comment says
"inferred" or "the simulator's own choice". The modules that a request passes::

    server ──▶ api (faults, log) ──▶ gate (headers, size, JSON) ──▶ upsert ──▶ validation ──▶ catalog ──▶ profiles
                                                               └──▶ identity, erasure, reading
    control    the routes under /_sandbox, by which tests ask about the simulator and change it
    world      the state, and the lock around it
    answers    Insider's literal answers
    switches   the settings, such as how strict it is where Insider's documentation says nothing
    defaults   Insider's own attributes and event parameters, with their types
"""

from connector.sandbox.insider.server import main

__all__ = ["main"]
