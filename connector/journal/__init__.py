"""The journal in PostgreSQL: all other data can be rebuilt from it. This package has all SQL of the connector.

    events        what was received: append, read for mapping, mark as mapped, and the columns of `events list`
    deliveries    each update on its way to Insider: waiting, delivered, dead; attempts; the times of attributes
    partitions    which partitions have work; the locks of partitions and of leases (one sender to Yotpo per store)
    dead_letters  what Insider refuses for good, grouped by cause; replays: events that are mapped and sent again
    story         everything that happened to one event; `samples` draws events for the drift report
    stores        stores, their tokens and pauses; `forms` checks what an operator enters; `vault` encrypts secrets
    mapping_sets  the files of each mapping set, and which set is active
    notices       what an operator should see: notices, rejected webhooks, counts; `audit`: what operators did
    database      connections and transactions; `migrate` and migrations/: the schema
    sync/         accounts, backfills, refreshes and snapshots

Never here: HTTP, or decisions about delivery. Begin with `events`, then `deliveries`.
"""
