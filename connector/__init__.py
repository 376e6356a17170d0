"""Keeps Insider, a store's customer data platform, true to what Yotpo knows about the store's customers.

The way of an event, and the modules it passes::

    Yotpo ──webhook──▶ intake ───┐
    Yotpo ──pages────▶ backfill ─┼──▶ journal ──▶ mapping ──▶ delivery ──▶ insider ──▶ Insider
    Yotpo ──look-up──▶ refresh ──┘       ▲                        │
                                         └── attempts, outcomes ──┘

    intake      proves, recognises and journals a webhook; answers 200; nothing else
    backfill    reads all customers of a store, page by page
    refresh     looks up, some time later, the customers whom webhooks have touched
    snapshots   what both of them journal
    turns       lets one worker at a time speak to a store's Yotpo
    yotpo       the client of Yotpo's APIs, and what its webhooks look like: topic, time, customer, idempotency key
    journal     PostgreSQL, the truth: events, deliveries, attempts, stores, accounts, backfills
    wakeups     hints that there is something to do, sent from outside of the request
    pipeline    the steps that Celery workers run: map what came or is replayed, deliver
    mapping     YAML rules, compiled to Python: an event in, user updates out
    activation  which mapping set is in force
    updates     an event's mapping, run, and what is owed to Insider for it
    sending     one batch on its way, halved where Insider does not say who is meant
    delivery    pure policy: merging, newest wins, how long to wait
    outcomes    pure policy: what an answer means for each user, and which mapping rule is to blame
    insider     the client and wire format of Insider's upsert and delete APIs

    connecting, trial    how a store comes to be connected to Yotpo, and what its account can show
    pushing     the other way: customers from a file, checked and written to Yotpo
    replaying, differences    what operators let be mapped and sent again, and what would differ
    tasks, web, cli    wire it for Celery, gunicorn and the command line
    broker, workers, limits    Celery on Redis: the transport, who watches a worker, the limits in force
    sandbox            the whole of it on one machine, with simulators of both ends
    workshop, drift    what those need who edit mappings: try, compare, the dictionary; what comes that nobody maps
    goldens            holds mappings to the examples beside them
    observability, settings, model, errors, times, identifiers, urls, outbound    what all of them stand on

Imports go down only; the order is in `setup.cfg`, and a contract holds it.
"""

__version__ = "0.1.0"
