"""`connector backfill …`: bring the history of all customers of a store, and see how far it is."""

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

_LOOK_SECONDS = 0.5
_OVER = ("done", "cancelled", "failed")


@click.group("backfill", cls=shared.Group)
def backfill_group() -> None:
    """Bring all customers that Yotpo has, with their history, to Insider; workers do it page by page."""


@backfill_group.command("start")
@click.option("--store", "store_name", help="Only this store; else all that are connected.")
@click.option("--changed", is_flag=True, help="Leave out those of whom Yotpo shows what it has shown last.")
@click.option("--detach", is_flag=True, help="Do not wait until it is done.")
@shared.with_reason
@shared.with_actor
@shared.with_format
def backfill_start(*, store_name: str | None, changed: bool, detach: bool, reason: str, actor: str, form: str) -> None:
    """Start a backfill and show how far it is; Ctrl-C ends the showing, not the backfill.

    The exit status is 1 where one has failed.
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
@click.option("--store", "store_name", help="Only this store's.")
@click.option("--follow", is_flag=True, help="Show how far those are that run, until they are over.")
@shared.with_limit
@shared.with_format
def backfill_status(*, store_name: str | None, follow: bool, limit: int, form: str) -> None:
    """Show the newest backfills: how far each is, and what became of the customers."""
    with shared.journal() as connection:
        store_id = shared.store_id(connection, store_name)
        rows = backfills.reports(connection, store_id=store_id, limit=limit)
    if follow:
        _follow([row["id"] for row in rows if row["state"] not in _OVER])
        with shared.journal() as connection:
            rows = backfills.reports(connection, store_id=store_id, limit=limit)
    shared.tell(rows, backfill_reports.text(rows), form)


def _change(name: str, state: str, help_text: str) -> None:
    @backfill_group.command(name, help=help_text)
    @click.option("--store", "store_name", help="Only this store's; else all.")
    @shared.with_actor
    @shared.with_format
    def command(store_name: str | None, actor: str, form: str) -> None:
        with shared.journal() as connection:
            ids = backfills.change(connection, _everyone(connection, store_name), state=state)
            if not ids:
                raise OperatorError(
                    f"there is no backfill to {name}; `connector backfill status` shows those there are"
                )
            _audit(connection, f"backfill.{name}", ids, actor=actor)
        _show(ids, form)


_change("pause", "paused", "Read no more pages; what has been read is delivered all the same.")
_change("resume", "running", "Go on where it was paused.")
_change("cancel", "cancelled", "Read no more pages, for good; what has been read is delivered all the same.")


def _everyone(connection: Connection, store_name: str | None) -> list[int]:
    chosen = shared.store_id(connection, store_name)
    return [chosen] if chosen else [store.id for store in stores.all_stores(connection, shared.vault())]


def _connected(connection: Connection, store_name: str | None) -> list[int]:
    chosen = shared.store_id(connection, store_name)
    store_ids = accounts.connected(connection, store_id=chosen)
    if not store_ids:
        which = f"the store {store_name!r} is not" if store_name else "no store is"
        raise OperatorError(f"{which} connected to Yotpo; see `connector stores connect --help`")
    return store_ids


def _audit(connection: Connection, action: str, ids: Sequence[int], *, actor: str, reason: str | None = None) -> None:
    for row in backfills.progress(connection, ids):
        audit.write(connection, actor=actor, action=action, store=row.store, reason=reason, backfill=row.id)


def _show(ids: Sequence[int], form: str) -> list[dict[str, Any]]:
    """Show backfills, and return their reports."""
    with shared.journal() as connection:
        rows = backfills.reports(connection, backfill_ids=ids, limit=len(ids))
    shared.tell(rows, backfill_reports.text(rows), form)
    return rows


def _follow(ids: Sequence[int]) -> None:
    """Show how far backfills are, all in one bar, until each of them is over."""
    if not ids:
        return
    database = Database(shared.settings().database_url, connections=1, wait_seconds=5.0)
    try:
        with Progress(label=_label(_looked(database, ids))) as bar:
            rows = before = _looked(database, ids)
            while True:
                totals = [row.total for row in rows]
                bar.total = None if None in totals else max(sum(totals), sum(row.seen for row in rows))
                seen = sum(row.seen for row in rows)
                bar.show(seen, before=sum(row.seen for row in before), note=_note(rows))
                if all(row.state in _OVER for row in rows):
                    bar.total = seen
                    break
                time.sleep(_LOOK_SECONDS)
                rows = _looked(database, ids)
    except KeyboardInterrupt:
        click.echo("It goes on; `connector backfill status --follow` shows how far it is.", err=True)
    finally:
        database.close()


def _looked(database: Database, ids: Sequence[int]) -> list[Any]:
    return database.ask(lambda connection: backfills.progress(connection, ids))


def _label(rows: Sequence[Any]) -> str:
    return rows[0].store if len(rows) == 1 else f"{len(rows)} stores"


def _note(rows: Sequence[Any]) -> str:
    """Say what does not simply run, and why."""
    told = Counter(_standing(row) for row in rows)
    del told[""]
    return ", ".join(f"{number} {standing}" if len(rows) > 1 else standing for standing, number in told.items())


def _standing(row: Any) -> str:
    if row.state != "running":
        return str(row.state)
    # The bar stands still then: each customer is counted once.
    again = f"reading {row.reading} of {row.readings}" if row.reading > 1 else ""
    return str(row.note or again)
