"""A journal, a pipeline and a store for the tests of the steps."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector.delivery import replaying
from connector.delivery.pipeline import Pipeline
from connector.delivery.steps import RefreshDelays
from connector.insider.client import Insider as Client
from connector.journal import events, replays, story
from connector.journal.results import dead_letters
from connector.model import Incoming
from connector.model.times import rfc3339
from connector.workshop.activation import MappingSets
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from connector.journal.database import Database
    from connector.journal.replays import By
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from connector.model import Store

NOW = datetime.now(UTC).replace(microsecond=0)


class Connector:
    """A journal, a pipeline and a store."""

    def __init__(self, database: Database, vault: Vault, mappings: MappingSet, store: Store) -> None:
        self.database = database
        self.store = store
        self.pipeline = Pipeline(
            database=database,
            vault=vault,
            mappings=MappingSets(mappings),
            insider=Client(url="http://127.0.0.1:9", connect_seconds=1, read_seconds=2),
            batch_size=1000,
            retention=timedelta(days=90),
            refresh_delays=RefreshDelays(0.5, 2.0),
        )

    def receive(self, *webhooks: dict[str, Any], topic: str | None = None) -> list[int]:
        incoming = []
        for webhook in webhooks:
            seen = recognise(webhook, path_topic=topic, received_at=datetime.now(UTC))
            incoming.append(
                Incoming(
                    store_id=self.store.id,
                    topic=seen.topic,
                    key=seen.key,
                    dated=seen.dated,
                    customer=seen.customer,
                    occurred_at=seen.occurred_at,
                    body=json.dumps(webhook).encode(),
                )
            )
        with self.database.connection() as connection:
            return [appended.id for appended in events.append(connection, incoming)]

    def replay(self, *event_ids: int, begun: bool = True, mapping: By = "now", **wanted: Any) -> int:
        """Start a replay, as `connector replays start` does, and map its first events."""
        selection = replays.Selection(event_ids=event_ids, store_id=self.store.id, **wanted)
        with self.database.transaction() as connection:
            replay_id = replaying.start(
                connection,
                selection,
                actor="ann",
                reason="a test",
                skip_hook=True,
                per_second=1000,
                mapping=mapping,
            )
            connection.execute("update replays set fed_at = now() - interval '1 minute' where id = %s", (replay_id,))
        if begun:
            self.pipeline.map_replayed()
        return replay_id

    def replays(self, replay_id: int) -> list[dict[str, Any]]:
        with self.database.connection() as connection:
            return replays.newest(connection, replay_id=replay_id)

    def groups(self) -> list[dict[str, Any]]:
        with self.database.connection() as connection:
            return dead_letters.groups(connection, store_id=self.store.id, limit=50)

    def story(self, event_id: int) -> dict[str, Any]:
        with self.database.connection() as connection:
            return story.of_event(connection, event_id) or {}

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        with self.database.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def states(self) -> dict[str, int]:
        return {row.state: row.n for row in self.rows("select state, count(*) as n from all_deliveries group by state")}

    def pause_is_over(self) -> None:
        self.rows("update stores set paused_until = now() where paused_until is not null returning id")


def changed(email: str, balance: int, at: datetime) -> dict[str, Any]:
    return {
        "topic": "swell/points/changed",
        "customer": {"email": email, "points_balance": balance, "vip_tier_name": "Gold"},
        "current_balance": balance,
        "timestamp": rfc3339(at),
    }


def balance_files(name: str) -> dict[str, bytes]:
    """Return the two files of a mapping set: one writes the attribute NAME_one, the other NAME_two."""
    topic = f"""\
topic: swell/points/changed
description: A customer's points have changed.
users:
  - person: customer
    include: [balance]
    attributes:
      {name}_one: {{number: current_balance}}
"""
    groups = f"""\
balance:
  identifiers: {{email: email}}
  attributes:
    {name}_two: {{number: points_balance}}
"""
    return {"groups.yaml": groups.encode(), "swell.points.changed.yaml": topic.encode()}


def wait_for_a_lock(database: Database) -> None:
    """Wait until a transaction in this database waits for the lock of another."""
    patience = time.monotonic() + 20
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    with database.connection() as connection:
        while not connection.execute(waiting).fetchall():
            assert time.monotonic() < patience
            time.sleep(0.01)
