"""Stores as the connector knows them, and one that the simulator of Yotpo plays, with its backfill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from connector.errors import OperatorError
from connector.sandbox import equality

if TYPE_CHECKING:
    from connector.sandbox.equality import Comparison
    from connector.sandbox.stack import Stack


def add(stack: Stack, name: str) -> str:
    """Add a store, which is its own partner at Insider, and return the URL of its webhooks."""
    told = stack.command("stores", "add", name, "--insider-partner", name, "--insider-token", "t")
    return str(told["webhook_url"])


class Progress(NamedTuple):
    """How far a backfill is."""

    state: str
    seen: int
    pages: int


class Snapshots(NamedTuple):
    """What the journal has of a backfill."""

    events: int
    customers: int
    deliveries: int


class YotpoStore:
    """A store of the connector, connected with its own keys to one of the same name at the simulator of Yotpo."""

    def __init__(self, stack: Stack, name: str, *, customers: int) -> None:
        """Open it at Yotpo with so many customers, and connect the store of the connector, which is there already."""
        self.name = name
        self.customers = customers
        self._stack = stack
        opened = stack.tell_yotpo("stores", app_key=name, size=customers)
        stack.command(
            *("stores", "connect", name, "--app-key", name, "--secret", opened["secret"], "--no-backfill"),
            *("--loyalty-guid", opened["loyalty_guid"], "--loyalty-key", opened["loyalty_key"]),
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
        """Return what `connector backfill status` says of the backfill."""
        (report,) = [each for each in self._command("status") if each["id"] == self._backfill]
        return dict(report)

    def progress(self) -> Progress | None:
        """Return how far the backfill is; None while PostgreSQL does not tell."""
        try:
            return Progress(*self._ask("select state, seen, pages from backfills where id = %s"))
        except psycopg.OperationalError:
            return None

    def snapshots(self) -> Snapshots:
        """Count the backfill's events, the customers that they tell of, and the deliveries that follow from them."""
        return Snapshots(
            *self._ask(
                """
                select count(distinct events.id), count(distinct events.customer), count(deliveries.id)
                from events left join deliveries on event_id = events.id where backfill_id = %s
                """
            )
        )

    def questions(self) -> int:
        """Return how many requests Yotpo has had from this store."""
        return int(self._stack.yotpo("stats")["stores"].get(self.name, {}).get("requests", 0))

    def compared(self) -> Comparison:
        """Hold all its customers against what Insider has of them."""
        return equality.compare(self._stack.yotpo_url, self.name, self._stack.insider_url, self.name)

    def _change(self, how: str) -> None:
        """Change the backfill, unless it is over. Raises OperatorError."""
        try:
            self._command(how)
        except OperatorError:
            now = self.progress()
            if now is None or now.state in ("running", "paused"):
                raise

    def _command(self, *arguments: str) -> list[dict[str, Any]]:
        how, *options = arguments
        reports: list[dict[str, Any]] = self._stack.command("backfill", how, "--store", self.name, *options)
        return reports

    def _ask(self, question: str) -> tuple[Any, ...]:
        with psycopg.connect(self._stack.environment["DATABASE_URL"], connect_timeout=2) as connection:
            row = connection.execute(question.encode(), (self._backfill,)).fetchone()
        assert row is not None  # noqa: S101 - the backfill was started
        return row
