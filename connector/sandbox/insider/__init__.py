"""A simulator of Insider's user API, for tests and for local work: a separate server, with its state in memory.

It shares no code with the connector that it tests; connector/sandbox/simulation contains the code that all simulators
share. It answers as Insider's documentation says, with the same texts. Where the documentation says nothing, a comment
says "inferred" or "the simulator's own choice". A request passes these modules::

    server ──▶ api (log) ──▶ gate (headers, rate, size, JSON) ──▶ operations/ (upsert, …) ──▶ catalog ──▶ profiles

    gate       refuses a request before its content is read, with 429 if there are too many requests
    operations/ what each route does with users
    catalog    the custom names of an account, their types and budget; profiles: how identifiers find a profile
    faults     answers and failures that tests inject
    control    the routes under /_sandbox, through which tests read and change the simulator's state
    world      the state, and the lock around it
    answers    Insider's literal answers
    switches   the settings, such as how strict the simulator is where Insider's documentation says nothing
    defaults   Insider's own attributes and event parameters, with their types
"""

from connector.sandbox.insider.server import main

__all__ = ["main"]
