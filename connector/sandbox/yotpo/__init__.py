"""A simulator of Yotpo's APIs, for tests and for local work: a server of its own, with its state in memory.

It answers as Yotpo documents it, or as recorded production answers show it. If something had to be inferred or chosen,
a comment says so, and a switch changes it where clients may depend on it. The way of a request, and the modules on it::

    server ──▶ apis/routes (faults, log) ──▶ gate (credentials, rates) ──▶ apis/ ──▶ store ──▶ people/

    apis/       Yotpo's APIs, and the page on which a merchant installs an app; begin with `apis/routes`
    people/     generates customers: the true state that all APIs and webhooks show
    shoppers/   customers who act, and the webhooks that Yotpo would send
    control     the API for tests, under /_sandbox
    world       the whole state, and the lock around it
    store       one store: generates its customers on demand, keeps only the changed ones
    credentials, rates    apps, codes and tokens; the requests of each store per second
    faults, switches      errors that tests inject; what the simulator does if Yotpo's pages are silent or disagree
    answers, log          Yotpo's literal error answers; the last requests, without secrets

Never here: code shared with the connector. Both simulators share connector/sandbox/simulation.
"""

from connector.sandbox.yotpo.server import main

__all__ = ["main"]
