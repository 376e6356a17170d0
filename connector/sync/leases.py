"""A lease is the right to send requests to Yotpo for one store. One process holds it, for one transaction.

So one process alone can keep to Yotpo's rate, and the processes need no shared counter. The lease is an advisory lock
in PostgreSQL. If a process is killed, its connection ends, and so does the lease.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.errors import YotpoUnauthorized
from connector.journal import partitions
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.errors import YotpoError
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.yotpo.client import StoreClient

_POLL_SECONDS = 0.1


@contextmanager
def lease(database: Database, store_id: int) -> Iterator[Connection | None]:
    """Yield the connection of a transaction that holds the store's lease; None if another process holds it."""
    with database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
        yield connection if partitions.hold_lease(connection, store_id) else None


def wait_for(connection: Connection, store_id: int, *, seconds: float) -> bool:
    """Hold the store's lease until the transaction ends; False if another process keeps it for `seconds`."""
    ends_at = time.monotonic() + seconds
    while not partitions.hold_lease(connection, store_id):
        if time.monotonic() > ends_at:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def settle(connection: Connection, vault: Vault, client: StoreClient, failure: YotpoError | None) -> bool:
    """Record how Yotpo has answered, and save a new token. Return True if the account now counts as revoked."""
    if client.renewed_token:
        accounts.keep_token(connection, vault, client.account, client.renewed_token)
    if failure is None:
        accounts.succeed(connection, client.account)
    return isinstance(failure, YotpoUnauthorized) and accounts.count_unauthorized(connection, client.account)
