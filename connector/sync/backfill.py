"""A backfill reads all customers of a store from Yotpo, page by page, and journals their snapshots.

The events of a page, its counts and the cursor of the next page are committed together. If a process is killed before
the commit, the same page is read again, but it is counted only once. If Yotpo temporarily cannot return a page, only
the backfill waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import observability
from connector.errors import CursorExpired, YotpoRefused, YotpoUnavailable
from connector.http import backoff
from connector.journal import events
from connector.journal.sync import backfills
from connector.journal.sync import snapshots as digests
from connector.sync import snapshots
from connector.sync.snapshots import Flaw, Snapshot

if TYPE_CHECKING:
    from datetime import timedelta

    from connector.journal.database import Connection
    from connector.journal.sync.backfills import Backfill
    from connector.model import Json, YotpoAccount
    from connector.yotpo.client import Page, StoreClient

#: The largest page size that Yotpo allows (Yotpo's page "Guidelines and conventions").
_PAGE = 100
#: After this number of restarts a backfill fails, because it would probably never end.
_MOST_RESTARTS = 20
#: A backfill has at most one page for each customer with an identifier, plus this number of pages without such a
#: customer. If there are more pages, the backfill fails.
_MOST_PAGES = 1000
_LONGEST_CURSOR = 4000
_TWICE = "listed twice on a page"

_log = observability.logger("backfill")


def read_page(connection: Connection, account: YotpoAccount, client: StoreClient, *, settling: timedelta) -> int:
    """Journal the next page of the store's running backfill; return how many snapshots were journaled.

    Yotpo may show a change with a delay of up to `settling`. So the date of a snapshot is `settling` before the
    request, and a webhook after this date counts as newer than the snapshot.

    Raises YotpoUnavailable if Yotpo's rate is used up, and YotpoUnauthorized if Yotpo refuses the credentials.
    """
    backfill = backfills.running(connection, account.store_id)
    if backfill is None or not account.expands:
        return 0
    true_at = events.now(connection) - settling
    # Since the last page, a new release or a new connection may have changed the number of `expand` values.
    backfill.number = min(backfill.number, len(account.expands) - 1)
    expand = account.expands[backfill.number]
    try:
        page = _page(account, client, backfill, expand)
    except CursorExpired:
        _restart(backfill)
        backfills.record(connection, backfill)
        return 0
    except YotpoRefused as error:
        _fail(backfill, f"Yotpo refuses the page: {error}")
        backfills.record(connection, backfill)
        return 0
    except YotpoUnavailable as error:
        if error.limited:
            raise
        _postpone(connection, backfill, error)
        return 0
    if not backfills.is_active(connection, backfill.id):
        return 0
    new = _count(connection, backfill, page.customers, expand)
    # The page's number makes the event's key unique, even if a customer changes and then changes back to an earlier
    # state.
    asked_by = f"backfill {backfill.id} page {backfill.pages}"
    incoming = [snapshots.incoming(account.store_id, snapshot, asked_by=asked_by, true_at=true_at) for snapshot in new]
    events.append(connection, incoming, low_priority=True, backfill_id=backfill.id)
    _advance(backfill, page.cursor, scans=len(account.expands))
    backfills.record(connection, backfill)
    _log.info(
        "page.journaled",
        store_id=account.store_id,
        backfill_id=backfill.id,
        page=backfill.pages,
        snapshots=len(new),
        odd=snapshots.unexpected_fields(new) or None,
    )
    return len(incoming)


def _page(account: YotpoAccount, client: StoreClient, backfill: Backfill, expand: str) -> Page:
    if backfill.cursor and not account.repeats_expand:
        expand = ""
    return client.customers(expand=expand, cursor=backfill.cursor, limit=_PAGE)


def _postpone(connection: Connection, backfill: Backfill, error: YotpoUnavailable) -> None:
    seconds = backoff.pause_seconds(0.0, error.retry_after, failures=backfill.failures)
    backfills.postpone(connection, backfill.id, seconds=seconds, reason=str(error))
    _log.warning("page.postponed", store_id=backfill.store_id, backfill_id=backfill.id, seconds=round(seconds, 1))


def _count(connection: Connection, backfill: Backfill, customers: list[Json], expand: str) -> list[Snapshot]:
    """Count the customers of a page; return the snapshots to journal. A backfill counts each customer only once."""
    by_customer = _snapshots(backfill, customers)
    kept = digests.newest(connection, backfill.store_id, by_customer, expand=expand)
    new: list[Snapshot] = []
    for customer, snapshot in by_customer.items():
        before = kept.get(customer)
        same = before is not None and before.digest == snapshot.digest
        journaled = before is not None and before.backfill_id == backfill.id
        counted = before is not None and before.counted_by == backfill.id
        if same and (journaled or backfill.changed_only):
            backfill.unchanged += not counted and backfill.number == 0
        else:
            backfill.sent += not counted and backfill.number == 0
            new.append(snapshot)
        backfill.seen += not counted and backfill.number == 0
    new_digests = {customer: snapshot.digest for customer, snapshot in by_customer.items()}
    digests.keep(connection, backfill.store_id, new_digests, expand=expand, backfill_id=backfill.id)
    return new


def _snapshots(backfill: Backfill, customers: list[Json]) -> dict[str, Snapshot]:
    """Return the page's snapshots by customer. Count the customers without a snapshot, and those that appear twice."""
    by_customer: dict[str, Snapshot] = {}
    for customer in customers:
        snapshot = snapshots.snapshot(customer)
        reason = snapshot if isinstance(snapshot, Flaw) else _TWICE if snapshot.customer in by_customer else None
        if isinstance(snapshot, Snapshot):
            by_customer[snapshot.customer] = snapshot
        if reason and backfill.number == 0:
            backfill.skipped[str(reason)] = backfill.skipped.get(str(reason), 0) + 1
            backfill.seen += 1
    return by_customer


def _advance(backfill: Backfill, cursor: str | None, *, scans: int) -> None:
    if cursor and (cursor == backfill.cursor or not _is_sound(cursor)):
        _fail(
            backfill,
            "Yotpo's cursor cannot be used: it repeats the previous cursor, is too long, or has invalid characters",
        )
        return
    backfill.pages += 1
    backfill.cursor = cursor
    # Only customers with an identifier count here. The others are counted again on every page, so they would hide a
    # circle of cursors.
    identified = backfill.seen - sum(backfill.skipped.values())
    if backfill.pages > (backfill.restarts + 1) * scans * (identified + _MOST_PAGES):
        _fail(backfill, "Yotpo's cursors lead in a circle: there are far more pages than customers")
    elif cursor is None:
        backfill.number += 1
        if backfill.number >= scans:
            backfill.number = scans - 1
            backfill.state = "done"


def _is_sound(cursor: str) -> bool:
    return len(cursor) <= _LONGEST_CURSOR and cursor.isascii() and cursor.isprintable()


def _restart(backfill: Backfill) -> None:
    """Start again from the first customer. A customer that was counted before is not counted again.

    The backfill cannot distinguish customers without an identifier, so their count starts from zero again.
    """
    if backfill.cursor is None or backfill.restarts >= _MOST_RESTARTS:
        _fail(backfill, "Yotpo's cursors expire before the last page is read")
        return
    backfill.cursor = None
    backfill.restarts += 1
    if backfill.number == 0:
        backfill.seen -= sum(backfill.skipped.values())
        backfill.skipped = {}
    _log.warning("backfill.restarted", store_id=backfill.store_id, backfill_id=backfill.id, restarts=backfill.restarts)


def _fail(backfill: Backfill, failure: str) -> None:
    backfill.state, backfill.failure = "failed", failure
    _log.error("backfill.failed", store_id=backfill.store_id, backfill_id=backfill.id, failure=failure)
