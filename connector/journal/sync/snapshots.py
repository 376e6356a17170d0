"""Digests of each customer's newest snapshots, so that a backfill does not have to send unchanged customers.

A snapshot is a customer's current state, read from Yotpo's API. The parameter `expand` says which parts of a customer
Yotpo includes. A customer is read once for each `expand`, and each of these snapshots has its own digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.journal.database import Connection


class StoredSnapshot(NamedTuple):
    """What is stored about the newest snapshot of a customer, for one `expand`."""

    #: None if the customer was never read with this `expand`.
    digest: bytes | None
    #: The last backfill that has read the customer with this `expand`.
    backfill_id: int | None
    #: The last backfill that has read and counted the customer, with any `expand`.
    counted_by: int | None


def newest(
    connection: Connection, store_id: int, customers: Iterable[str], *, expand: str
) -> dict[str, StoredSnapshot]:
    """Return the newest snapshot of each of these customers; those that were never read are left out."""
    rows = connection.execute(
        """
        select shown.customer, newest.digest, newest.backfill_id, shown.counted_by
        from (select customer, max(backfill_id) as counted_by from snapshots
              where store_id = %(store_id)s and customer = any(%(customers)s)
              group by customer) shown
        left join snapshots newest on newest.store_id = %(store_id)s and newest.customer = shown.customer
            and newest.expand = %(expand)s
        """,
        {"store_id": store_id, "customers": list(customers), "expand": expand},
    )
    return {row.customer: StoredSnapshot(row.digest, row.backfill_id, row.counted_by) for row in rows}


def outdate(connection: Connection, store_id: int, customers: Iterable[str]) -> None:
    """Clear the digests of these customers, so that the next backfill of changed customers sends them again."""
    connection.execute(
        "update snapshots set digest = '' where store_id = %s and customer = any(%s)", (store_id, list(customers))
    )


def keep(
    connection: Connection,
    store_id: int,
    digests: Mapping[str, bytes],
    *,
    expand: str,
    backfill_id: int,
) -> None:
    """Store the digests of a page's snapshots by customer.

    Each row also records that this backfill has counted the customer.
    """
    if digests:
        connection.execute(
            """
            insert into snapshots (store_id, customer, expand, digest, backfill_id)
            select %s, customer, %s, digest, %s from unnest(%s::text[], %s::bytea[]) as taken (customer, digest)
            on conflict (store_id, customer, expand) do update
            set digest = excluded.digest, backfill_id = excluded.backfill_id, taken_at = now()
            """,
            (store_id, expand, backfill_id, list(digests), list(digests.values())),
        )
