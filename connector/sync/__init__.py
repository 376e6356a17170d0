"""Works with Yotpo's API: reads all customers, looks up single customers, connects stores, writes customers.

    scheduler   decides for which store the next requests are sent, and what they do; one worker at a time per store
    leases      the right to send requests to Yotpo for one store, for one transaction
    backfill    reads all customers of a store, page by page; its cursor is kept in the journal
    refresh     looks up the customers of webhooks, some time after their last webhook
    trial       finds out what a newly connected account can do
    snapshots   a customer's current state, read from Yotpo's API, as an event for the journal

    connecting/ connects a store's account by OAuth;  pushing/ writes customers from a file to Yotpo

This package has no mapping of its own and sends no requests to Insider. Snapshots are mapped and delivered like every
other event. Begin with `scheduler`.
"""
