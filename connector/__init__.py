"""Keeps the data of a store's customers at Insider, a customer data platform, equal to the data at Yotpo.

This picture shows the path of an event through the packages::

    Yotpo ──webhook──▶ intake ─────────┐
    Yotpo ──pages────▶ sync (backfill) ┼──▶ journal ──▶ mapping ──▶ delivery ──▶ insider ──▶ Insider
    Yotpo ──look-up──▶ sync (refresh) ─┘       ▲                        │
                                               └─◀ attempts, outcomes ──┘

    intake      takes a webhook: finds the store by its token, recognises the topic, appends to the journal, answers 200
    sync        asks Yotpo: backfill, refresh; connects a store's account; pushes customers to Yotpo
    yotpo       Yotpo's side: the API client and its rate, and what each webhook topic looks like
    journal     PostgreSQL, the truth: events, deliveries, attempts, stores, accounts; all SQL
    mapping     the language of the YAML files: an event goes in, updates of users come out
    delivery    the step that workers run: map, merge, send, halve a refused batch, pause a store; replays
    insider     Insider's side: the API client and its wire format
    workers     Celery: the tasks, the queues, the transport over Redis, wake-ups, limits

    workshop    for those who edit mappings: try, compare, activate, goldens, the dictionary, drift
    cli, web    the command line, and the Flask application
    sandbox     simulators of Yotpo and Insider, local servers, and `make run`

    model, http, settings, observability, errors    the ground: nouns, requests to others, the environment, logs

A package imports only packages of lower layers: `setup.cfg` has the order of the layers, and import-linter checks the
imports. Begin with `delivery/steps.py`: its code follows this picture.
"""

__version__ = "0.1.0"
