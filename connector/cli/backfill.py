"""`connector backfill …`: read all customers of a store, and show the progress."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from connector.cli import backfill_reports, shared
from connector.cli.progress import Progress
from connector.errors import OperatorError
from connector.journal import audit, stores
from connector.journal.database import Database
from connector.journal.sync import accounts, backfills

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.database import Connection

_POLL_SECONDS = 0.5
_END_STATES = ("done", "cancelled", "failed")


@click.group("backfill", cls=shared.Group)
def backfill_group() -> None:
    """Send all customers that a store has at Yotpo, with their history, to Insider. Workers read them page by page."""


@backfill_group.command("start")
@click.option("--store", "store_name", help="Only this store; by default all connected stores.")
@click.option("--changed", is_flag=True, help="Leave out customers who have not changed since they were last read.")
@click.option("--detach", is_flag=True, help="Do not wait for the end.")
@shared.with_reason
@shared.with_actor
@shared.with_format
def backfill_start(*, store_name: str | None, changed: bool, detach: bool, reason: str, actor: str, form: str) -> None:
    """Start a backfill and show its progress. Ctrl-C ends only the display; the backfill continues.

    The exit status is 1 if a backfill has failed.
    """
    with shared.journal() as connection:
        store_ids = _connected(connection, store_name)
        ids = backfills.start(connection, store_ids, actor=actor, reason=reason, changed_only=changed)
        _audit(connection, "backfill.start", ids, actor=actor, reason=reason)
    if not detach:
        _follow(ids)
    if any(row["state"] == "failed" for row in _show(ids, form)):
        sys.exit(1)


@backfill_group.command("status")
@shared.with_store
@click.option("--follow", is_flag=True, help="Show the progress of the running ones until they end.")
@shared.with_limit
@shared.with_format
def backfill_status(*, store_name: str | None, follow: bool, limit: int, form: str) -> None:
    """Show the newest backfills, each with its progress and with the outcomes for its customers."""
    with shared.journal() as connection:
        store_id = shared.store_id(connection, store_name)
        rows = backfills.reports(connection, store_id=store_id, limit=limit)
    if follow:
        _follow([row["id"] for row in rows if row["state"] not in _END_STATES])
        with shared.journal() as connection:
            rows = backfills.reports(connection, store_id=store_id, limit=limit)
    shared.print_result(rows, backfill_reports.text(rows), form)


def _change(name: str, state: str, help_text: str) -> None:
    @backfill_group.command(name, help=help_text)
    @click.option("--store", "store_name", help="Only this store; by default all stores.")
    @shared.with_actor
    @shared.with_format
    def command(store_name: str | None, actor: str, form: str) -> None:
        with shared.journal() as connection:
            ids = backfills.change(connection, _store_ids(connection, store_name), state=state)
            if not ids:
                raise OperatorError(f"there is no backfill to {name}; `connector backfill status` shows all backfills")
            _audit(connection, f"backfill.{name}", ids, actor=actor)
        _show(ids, form)


_change("pause", "paused", "Read no more pages; customers that were read are still delivered.")
_change("resume", "running", "Continue after the page at which it was paused.")
_change("cancel", "cancelled", "Read no more pages, for good; customers that were read are still delivered.")


def _store_ids(connection: Connection, store_name: str | None) -> list[int]:
    store_id = shared.store_id(connection, store_name)
    return [store_id] if store_id else [store.id for store in stores.all_stores(connection, shared.vault())]


def _connected(connection: Connection, store_name: str | None) -> list[int]:
    store_ids = accounts.connected(connection, store_id=shared.store_id(connection, store_name))
    if not store_ids:
        subject = f"the store {store_name!r} is not" if store_name else "no store is"
        raise OperatorError(f"{subject} connected to Yotpo; see `connector stores connect --help`")
    return store_ids


def _audit(connection: Connection, action: str, ids: Sequence[int], *, actor: str, reason: str | None = None) -> None:
    for row in backfills.progress(connection, ids):
        audit.write(connection, actor=actor, action=action, store=row.store, reason=reason, backfill=row.id)


def _show(ids: Sequence[int], form: str) -> list[dict[str, Any]]:
    """Print the reports of backfills, and return them."""
    with shared.journal() as connection:
        rows = backfills.reports(connection, backfill_ids=ids, limit=len(ids))
    shared.print_result(rows, backfill_reports.text(rows), form)
    return rows


def _follow(ids: Sequence[int]) -> None:
    """Show the progress of all these backfills in one bar, until all of them have ended."""
    if not ids:
        return
    database = Database.of(shared.settings(), connections=1, wait_seconds=5.0)
    try:
        with Progress(label=_label(_progress(database, ids))) as bar:
            rows = before = _progress(database, ids)
            while True:
                totals = [row.total for row in rows]
                bar.total = None if None in totals else max(sum(totals), sum(row.seen for row in rows))
                seen = sum(row.seen for row in rows)
                bar.show(seen, before=sum(row.seen for row in before), note=_note(rows))
                if all(row.state in _END_STATES for row in rows):
                    bar.total = seen
                    break
                time.sleep(_POLL_SECONDS)
                rows = _progress(database, ids)
    except KeyboardInterrupt:
        click.echo("The backfill continues; `connector backfill status --follow` shows its progress.", err=True)
    finally:
        database.close()


def _progress(database: Database, ids: Sequence[int]) -> list[Any]:
    return database.ask(lambda connection: backfills.progress(connection, ids))


def _label(rows: Sequence[Any]) -> str:
    return rows[0].store if len(rows) == 1 else f"{len(rows)} stores"


def _note(rows: Sequence[Any]) -> str:
    """Return the statuses of the backfills in words, such as ``1 paused``. A running backfill has no status."""
    statuses = Counter(_status(row) for row in rows)
    del statuses[""]
    return ", ".join(f"{number} {status}" if len(rows) > 1 else status for status, number in statuses.items())


def _status(row: Any) -> str:
    if row.state != "running":
        return str(row.state)
    # A second reading of the pages does not move the bar, because each customer is counted only once.
    second_reading = f"reading {row.reading} of {row.readings}" if row.reading > 1 else ""
    return str(row.note or second_reading)
