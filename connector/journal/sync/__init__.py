"""The tables behind `connector.sync`: all SQL about asking Yotpo.

    accounts    a store's account at Yotpo: its credentials, encrypted; its state; when it may be asked again
    installs    the secret of each install of our app that has started
    backfills   each backfill with its cursor, its counts and its report
    refreshes   the customers to look up, and when
    snapshots   the digest of each customer's last snapshot, so that equal ones are not delivered again

Begin with `accounts`: its `busy` says which stores have something to ask.
"""
