"""The journal in PostgreSQL: all other data can be rebuilt from it. This package has all SQL of the connector.

    events        what was received: append, the queue of events to map, and the columns of `events list`
    results/      what became of events: deliveries, outcomes, attempts, dead letters; the profiles of customers
    partitions    which partitions have work; the locks of partitions and of leases (one sender to Yotpo per store)
    replays       events that are mapped and sent again
    story         everything that happened to one event; `samples` draws events for the drift report
    stores        stores, their tokens and pauses; `forms` checks what an operator enters; `vault` encrypts secrets
    mapping_sets  the files of each mapping set, and which set is active
    notices       what an operator should see: notices, rejected webhooks, counts; `audit`: what operators did
    packing       packs bodies and updates before they are stored
    database      connections and transactions; `migrate` and migrations/: the schema
    sync/         accounts, backfills, refreshes and snapshots
    upkeep/       the tables of periods, and retention: how long the journal keeps what

Rows of the history are written once. Never here: HTTP, or decisions about delivery. Begin with `events`, then
`results`.
"""
