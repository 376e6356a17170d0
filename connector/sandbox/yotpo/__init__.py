"""A simulator of Yotpo's APIs, for tests and for local work. It is a separate server that keeps its state in memory.

Its answers follow Yotpo's pages and recorded production answers. If neither of them shows a detail, the simulator
chooses it, and a comment says so. If clients may depend on the choice, a switch changes it. A request passes these
modules::

    server ──▶ apis/routes (faults, log) ──▶ gate (credentials, rates) ──▶ apis/ ──▶ store ──▶ people/

    apis/       Yotpo's APIs, and the page on which a merchant installs an app; begin with `apis/routes`
    people/     generates customers; their state is the truth that all APIs and webhooks show
    shoppers/   customers who act, and the webhooks that Yotpo would send
    control     the API for tests, under /_sandbox
    world       the whole state, and the lock around it
    store       one store: generates its customers on demand, keeps only the changed ones
    credentials, rates    apps, codes and tokens; the requests of each store per second
    faults, switches      errors that tests inject; behaviour that Yotpo's pages leave open or describe in two ways
    answers, log          the bodies of Yotpo's error answers; the last requests, without secrets

Never here: code shared with the connector. Both simulators share connector/sandbox/simulation.
"""

from connector.sandbox.yotpo.server import main

__all__ = ["main"]
