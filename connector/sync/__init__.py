"""Everything that asks Yotpo: reads all customers, looks up some of them, connects stores, writes customers back.

    scheduler   which store is asked next, and for what; one worker at a time asks a store
    leases      the right to ask one store's Yotpo, held for one transaction
    backfill    reads all customers of a store, page by page; its cursor is kept in the journal
    refresh     looks up the customers that webhooks have touched, once they are quiet
    trial       finds out what a newly connected account can do
    snapshots   a customer's current state, read from Yotpo's API, as an event for the journal

    connecting/ connects a store's account by OAuth;  pushing/ writes customers from a file to Yotpo

Never here: a mapping of its own, or requests to Insider. Snapshots go the way of every event. Begin with `scheduler`.
"""
