"""Backfill: brings the history of all customers of a store, page by page, as snapshots.

A page's events, what is counted of it, and the cursor behind it are one commit. So whatever is killed in between, the
same page is asked for again and counted once. A page that is not to be had for the moment holds up the backfill alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import observability
from connector.errors import CursorExpired, YotpoRefused, YotpoUnavailable
from connector.http import backoff
from connector.journal import events
from connector.journal.sync import backfills
from connector.journal.sync import snapshots as kept
from connector.sync import snapshots
from connector.sync.snapshots import Flaw, Snapshot

if TYPE_CHECKING:
    from datetime import timedelta

    from connector.journal.database import Connection
    from connector.journal.sync.backfills import Backfill
    from connector.model import Json, YotpoAccount
    from connector.yotpo.client import Page, StoreClient

#: Yotpo's largest (its page "Guidelines and conventions").
_PAGE = 100
#: A scan that had to begin anew so often would never come to an end.
_MOST_RESTARTS = 20
#: Even where each page held but one customer with a name, there would not be more of them than those and these.
_MOST_PAGES = 1000
_LONGEST_CURSOR = 4000
_TWICE = "listed twice on a page"

_log = observability.logger("backfill")


def read_page(connection: Connection, account: YotpoAccount, client: StoreClient, *, settling: timedelta) -> int:
    """Journal the next page of the store's running backfill; return how many snapshots that were.

    Each is dated by `settling` before the question, because Yotpo may not show yet what was written just before: a
    webhook's word of that time counts more. Raises YotpoUnavailable where the rate is used up, and YotpoUnauthorized.
    """
    backfill = backfills.running(connection, account.store_id)
    if backfill is None or not account.expands:
        return 0
    true_at = events.now(connection) - settling
    # A release or a new connection may have changed what there is to read.
    backfill.number = min(backfill.number, len(account.expands) - 1)
    expand = account.expands[backfill.number]
    try:
        page = _page(account, client, backfill, expand)
    except CursorExpired:
        _begin_anew(backfill)
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
    # Numbered, because what a customer was two pages ago he may be again.
    asked_by = f"backfill {backfill.id} page {backfill.pages}"
    incoming = [snapshots.incoming(account.store_id, one, asked_by=asked_by, true_at=true_at) for one in new]
    events.append(connection, incoming, low_priority=True, backfill_id=backfill.id)
    _go_on(backfill, page.cursor, scans=len(account.expands))
    backfills.record(connection, backfill)
    _log.info(
        "page.journaled",
        store_id=account.store_id,
        backfill_id=backfill.id,
        page=backfill.pages,
        snapshots=len(new),
        odd=snapshots.odd(new) or None,
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


def _count(connection: Connection, backfill: Backfill, shown: list[Json], expand: str) -> list[Snapshot]:
    """Count the customers of a page, each once in a backfill, and return the snapshots that are to be journaled."""
    taken = _of_page(backfill, shown)
    known = kept.known(connection, backfill.store_id, taken, expand=expand)
    new: list[Snapshot] = []
    for customer, one in taken.items():
        before = known.get(customer)
        same = before is not None and before.digest == one.digest
        journaled = before is not None and before.backfill_id == backfill.id
        counted = before is not None and before.counted_by == backfill.id
        if same and (journaled or backfill.changed_only):
            backfill.unchanged += not counted and backfill.number == 0
        else:
            backfill.sent += not counted and backfill.number == 0
            new.append(one)
        backfill.seen += not counted and backfill.number == 0
    digests = {customer: one.digest for customer, one in taken.items()}
    kept.keep(connection, backfill.store_id, digests, expand=expand, backfill_id=backfill.id)
    return new


def _of_page(backfill: Backfill, shown: list[Json]) -> dict[str, Snapshot]:
    """Return the page's snapshots by customer, and count those who have no name, or whose name comes twice."""
    taken: dict[str, Snapshot] = {}
    for customer in shown:
        one = snapshots.snapshot(customer)
        reason = one if isinstance(one, Flaw) else _TWICE if one.customer in taken else None
        if isinstance(one, Snapshot):
            taken[one.customer] = one
        if reason and backfill.number == 0:
            backfill.skipped[str(reason)] = backfill.skipped.get(str(reason), 0) + 1
            backfill.seen += 1
    return taken


def _go_on(backfill: Backfill, cursor: str | None, *, scans: int) -> None:
    if cursor and (cursor == backfill.cursor or not _is_sound(cursor)):
        _fail(backfill, "Yotpo's cursor does not lead on: it is the one before, or no text that could be sent back")
        return
    backfill.pages += 1
    backfill.cursor = cursor
    # Who has no name is counted whenever he is shown, so he would hide the circle.
    named = backfill.seen - sum(backfill.skipped.values())
    if backfill.pages > (backfill.restarts + 1) * scans * (named + _MOST_PAGES):
        _fail(backfill, "Yotpo's cursors lead in a circle: there are far more pages than customers")
    elif cursor is None:
        backfill.number += 1
        if backfill.number >= scans:
            backfill.number = scans - 1
            backfill.state = "done"


def _is_sound(cursor: str) -> bool:
    return len(cursor) <= _LONGEST_CURSOR and cursor.isascii() and cursor.isprintable()


def _begin_anew(backfill: Backfill) -> None:
    """Read from the first customer again: those who are counted already are not counted twice.

    Those without a name cannot be told apart; they are counted from the beginning.
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
