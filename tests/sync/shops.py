"""A store that is connected to the simulator of Yotpo, and its scheduler."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.journal.sync import accounts, backfills
from connector.sync.scheduler import Scheduler
from connector.yotpo.client import Hosts
from connector.yotpo.client import Yotpo as Client

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from tests.delivery.pipelines import Connector
    from tests.sandbox.yotpo.simulators import Yotpo

#: How many customers the simulated store has: four pages.
SHOP = 350


class Shop:
    """The store of the connector, connected with its own keys as the store `shop` of the simulator."""

    def __init__(self, connector: Connector, yotpo: Yotpo, vault: Vault) -> None:
        self.connector = connector
        self.yotpo = yotpo
        self.vault = vault
        self.store_id = connector.store.id
        self.database = connector.database
        self.scheduler = self.new_scheduler()

    def new_scheduler(self, *, settling: float = 0.0) -> Scheduler:
        return Scheduler(
            database=self.database,
            vault=self.vault,
            yotpo=Client(
                hosts=Hosts(self.yotpo.url, self.yotpo.url, self.yotpo.url), connect_seconds=1, read_seconds=2
            ),
            settling=timedelta(seconds=settling),
            quiet_seconds=0.5,
            public_url="https://connector.example",
            wake=lambda: None,
        )

    def connect(self, *, expands: list[str] | None = None, **keys: Any) -> None:
        """Connect with the store's own keys, or with the given ones. With `expands` no trial is needed."""
        own = {
            "mode": "own",
            "secret": "secret-of-shop",
            "loyalty_guid": "guid-of-shop",
            "loyalty_key": "key-of-shop",
        }
        with self.database.transaction() as connection:
            accounts.connect(connection, self.vault, store_id=self.store_id, app_key="shop", **(keys or own))
            if expands is not None:
                account = self.account(connection)
                accounts.keep_findings(connection, account, expands=expands, review_webhooks={})

    def account(self, connection: Connection | None = None) -> YotpoAccount:
        if connection is None:
            with self.database.connection() as lent:
                return self.account(lent)
        account = accounts.by_store(connection, self.vault, self.store_id)
        assert account
        return account

    def start(self, *, changed_only: bool = False) -> int:
        with self.database.transaction() as connection:
            (backfill_id,) = backfills.start(
                connection, [self.store_id], actor="ann", reason="a test", changed_only=changed_only
            )
        return backfill_id

    def change(self, state: str) -> list[int]:
        with self.database.transaction() as connection:
            return backfills.change(connection, [self.store_id], state=state)

    def read(self, seconds: float = 20) -> None:
        """Run the scheduler until nothing is left to ask; deliver the snapshots in between."""
        while self.scheduler.run(seconds=seconds):
            self.deliver()
        self.deliver()

    def deliver(self) -> None:
        self.connector.pipeline.advance(seconds=60)
        self.connector.pipeline.advance(seconds=60, low_priority=True)

    def report(self) -> dict[str, Any]:
        """Return the report of the newest backfill."""
        with self.database.connection() as connection:
            return backfills.reports(connection, store_id=self.store_id, limit=1)[0]

    def touch(self, email: str, **changes: Any) -> None:
        """Receive and map a webhook of a customer."""
        self.connector.receive({"topic": "swell/points/changed", "customer": {"email": email}, **changes})
        self.connector.pipeline.advance(seconds=60)

    def are_due(self) -> None:
        self.connector.rows(
            "update refreshes set due_at = now(), since = now() - interval '1 minute' returning customer"
        )

    def asked(self) -> list[dict[str, Any]]:
        """Return the requests about this store to Yotpo, oldest first."""
        # The first is the test of the keys by the simulator's own client.
        asked: list[dict[str, Any]] = self.yotpo.ask("requests", since=1, full=1)
        return asked

    def resume_account(self) -> None:
        """End all pauses."""
        self.connector.rows("update yotpo_accounts set paused_until = null returning store_id")
        self.connector.rows("update backfills set paused_until = null returning id")
