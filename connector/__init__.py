"""Keeps Insider, a store's customer data platform, true to what Yotpo knows about the store's customers.

The way of an event, and the modules it passes::

    Yotpo ──webhook──▶ intake ──▶ journal ──▶ mapping ──▶ delivery ──▶ insider ──▶ Insider
                                     ▲                        │
                                     └── attempts, outcomes ──┘

    intake      proves, recognises and journals a webhook; answers 200; nothing else
    journal     PostgreSQL, the truth: events, deliveries, attempts, stores
    pipeline    the two steps that Celery workers run: map, deliver
    mapping     YAML rules, compiled into plain callables: an event in, user updates out
    delivery    pure policy: merging, newest wins, what an answer means
    insider     the client and wire format of Insider's upsert API
    yotpo       what Yotpo's webhooks look like: topic, time, customer, idempotency key
"""

__version__ = "0.1.0"
