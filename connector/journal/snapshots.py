"""Snapshots: what Yotpo has shown of each customer last, as a digest; so that what is unchanged need not be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.journal.database import Connection


class Known(NamedTuple):
    """The newest snapshot of a customer."""

    digest: bytes
    #: The backfill that has counted the customer last.
    backfill_id: int | None


def known(connection: Connection, store_id: int, customers: Iterable[str], *, expand: str) -> dict[str, Known]:
    """Return the newest snapshot of each of these customers of whom there is one."""
    rows = connection.execute(
        """
        select customer, digest, backfill_id from snapshots
        where store_id = %s and customer = any(%s) and expand = %s
        """,
        (store_id, list(customers), expand),
    )
    return {row.customer: Known(row.digest, row.backfill_id) for row in rows}


def outdate(connection: Connection, store_id: int, customers: Iterable[str]) -> None:
    """Forget what was shown of these customers, so that the next backfill of what has changed sends them again."""
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
    """Keep the digests of a page's snapshots by customer, and that this backfill has counted them."""
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
