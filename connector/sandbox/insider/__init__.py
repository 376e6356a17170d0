"""A simulator of Insider's user API, for tests and for local work: a server of its own, with its state in memory.

It shares no code with the connector that it tests; connector/sandbox/simulation holds the code of all simulators. It
answers as Insider's documentation says, in Insider's own words. Where the documentation says nothing, a comment says
"inferred" or "the simulator's own choice". The modules that a request passes::

    server ──▶ api (log) ──▶ gate (headers, rate, size, JSON) ──▶ operations/ (upsert, …) ──▶ catalog ──▶ profiles

    gate       refuses a request before its content is read, with 429 if there are too many
    operations/ what each route does with users
    catalog    the custom names of an account, their types and budget; profiles: how identifiers find a profile
    faults     answers and failures that tests inject
    control    the routes under /_sandbox, by which tests ask about the simulator and change it
    world      the state, and the lock around it
    answers    Insider's literal answers
    switches   the settings, such as how strict it is where Insider's documentation says nothing
    defaults   Insider's own attributes and event parameters, with their types
"""

from connector.sandbox.insider.server import main

__all__ = ["main"]
