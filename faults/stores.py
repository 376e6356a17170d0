"""Adds stores to the connector, and opens a store with a backfill at the simulator of Yotpo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from connector.errors import OperatorError
from connector.sandbox import equality

if TYPE_CHECKING:
    from connector.sandbox.equality import Comparison
    from connector.sandbox.stack import Stack


def add(stack: Stack, name: str) -> str:
    """Add a store, with a partner of the same name at Insider, and return the URL of its webhooks."""
    store = stack.command("stores", "add", name, "--insider-partner", name, "--insider-token", "t")
    return str(store["webhook_url"])


class Progress(NamedTuple):
    """The progress of a backfill."""

    state: str
    seen: int
    pages: int


class Snapshots(NamedTuple):
    """How many snapshots a backfill has journaled, and how many customers and deliveries they have."""

    events: int
    customers: int
    deliveries: int


class YotpoStore:
    """A store of the connector. Its own keys connect it to a store with the same name at the simulator of Yotpo."""

    def __init__(self, stack: Stack, name: str, *, customers: int) -> None:
        """Open the store at Yotpo, and connect the connector's store, which must exist already."""
        self.name = name
        self.customers = customers
        self._stack = stack
        keys = stack.tell_yotpo("stores", app_key=name, size=customers)
        stack.command(
            *("stores", "connect", name, "--app-key", name, "--secret", keys["secret"], "--no-backfill"),
            *("--loyalty-guid", keys["loyalty_guid"], "--loyalty-key", keys["loyalty_key"]),
        )
        self._backfill = 0

    def start_backfill(self) -> None:
        (report,) = self._command("start", "--detach", "--reason", "the fault suite")
        self._backfill = report["id"]

    def pause(self) -> None:
        self._change("pause")

    def resume(self) -> None:
        self._change("resume")

    def cancel(self) -> None:
        self._change("cancel")

    def report(self) -> dict[str, Any]:
        """Return the report of `connector backfill status`."""
        (report,) = [report for report in self._command("status") if report["id"] == self._backfill]
        return dict(report)

    def progress(self) -> Progress | None:
        """Return the progress of the backfill; None while PostgreSQL cannot be reached."""
        try:
            return Progress(*self._query("select state, seen, pages from backfills where id = %s"))
        except psycopg.OperationalError:
            return None

    def snapshots(self) -> Snapshots:
        """Count the backfill's events, their customers, and their deliveries."""
        return Snapshots(
            *self._query(
                """
                select count(distinct events.id), count(distinct events.customer), count(all_deliveries.id)
                from events left join all_deliveries on event_id = events.id where backfill_id = %s
                """
            )
        )

    def requests(self) -> int:
        """Return how many requests Yotpo has received for this store."""
        return int(self._stack.yotpo("stats")["stores"].get(self.name, {}).get("requests", 0))

    def comparison(self) -> Comparison:
        """Compare all customers of the store with their profiles at Insider."""
        return equality.compare(self._stack.yotpo_url, self.name, self._stack.insider_url, self.name)

    def _change(self, command: str) -> None:
        """Run `connector backfill COMMAND`. Raises OperatorError if it fails, unless the backfill has ended."""
        try:
            self._command(command)
        except OperatorError:
            progress = self.progress()
            if progress is None or progress.state in ("running", "paused"):
                raise

    def _command(self, command: str, *options: str) -> list[dict[str, Any]]:
        reports: list[dict[str, Any]] = self._stack.command("backfill", command, "--store", self.name, *options)
        return reports

    def _query(self, sql: str) -> tuple[Any, ...]:
        with psycopg.connect(self._stack.environment["DATABASE_URL"], connect_timeout=2) as connection:
            row = connection.execute(sql.encode(), (self._backfill,)).fetchone()
        assert row is not None  # noqa: S101 - the backfill was started
        return row
