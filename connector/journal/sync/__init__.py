"""The tables of `connector.sync`: all SQL about the requests to Yotpo.

    accounts    a store's account at Yotpo: its encrypted credentials, its state, and when requests may be sent again
    installs    the secret of each install of our app that has started
    backfills   each backfill with its cursor, its counts and its report
    refreshes   the customers to look up, and when
    snapshots   the digest of each customer's last snapshot, so that equal ones are not delivered again

Begin with `accounts`: its function `busy` returns the stores with requests to send.
"""
