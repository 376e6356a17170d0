"""Measures the write-ahead log of PostgreSQL and the rows that an ordinary webhook writes.

``python bench/wal.py`` also runs in a check-out of an older revision, so it uses only what all revisions have. It
journals webhooks of 1.5 KB in groups, as the web process does under load, and then maps and delivers them to a server
that accepts everything.
"""

# ruff: noqa: T201 - the script prints its results

from __future__ import annotations

import json
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from connector import mapping, observability
from connector.delivery.pipeline import Pipeline
from connector.delivery.steps import RefreshDelays
from connector.insider.client import Insider
from connector.journal import events, migrate, stores
from connector.journal.database import Database
from connector.journal.vault import Vault
from connector.model import Incoming
from connector.sandbox.servers import EmbeddedPostgres
from connector.settings import DEFAULT_MAPPINGS
from connector.workshop.activation import MappingSets
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = 10_000
_GROUP = 20
_STEP = 500
#: Fewer changes of a table for an event are not shown.
_LEAST = 0.1
_SAMPLE = DEFAULT_MAPPINGS / "examples/swell.points.earned/documented.json"


class _Accepting(BaseHTTPRequestHandler):
    """Accepts every user."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count = len(json.loads(body)["users"])
        answer = json.dumps({"data": {"successful": {"count": count}, "fail": {"count": 0}}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    observability.configure("error")
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedPostgres(Path(directory))
        server.start()
        sink = ThreadingHTTPServer(("127.0.0.1", 0), _Accepting)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        try:
            migrate.migrate(server.url)
            _measure(Database(server.url, connections=2, wait_seconds=5), f"http://127.0.0.1:{sink.server_port}")
        finally:
            sink.shutdown()
            server.stop()


def _measure(database: Database, insider_url: str) -> None:
    vault = Vault(["a secret for the benchmark"])
    store_name = "shop"
    with database.connection() as connection:
        store = stores.add(
            connection,
            vault,
            name=store_name,
            insider_partner=store_name,
            insider_token=store_name,
            insider_url=insider_url,
        )
    pipeline = Pipeline(
        database=database,
        vault=vault,
        mappings=MappingSets(mapping.load(DEFAULT_MAPPINGS)),
        insider=Insider(url=insider_url, connect_seconds=5, read_seconds=15),
        batch_size=1000,
        retention=timedelta(days=90),
        refresh_delays=RefreshDelays(30, 300),
    )
    for name, offset in (("new customers", 0), ("the same customers", EVENTS)):
        received = sent = 0
        before = _rows(database)
        for start in range(0, EVENTS, _STEP):
            received += _log_bytes(database, partial(_receive, database, store.id, start, offset))
            sent += _log_bytes(database, lambda: pipeline.advance(seconds=60))
        print(f"{name}: {(received + sent) / EVENTS:.0f} bytes of WAL an event: intake {received / EVENTS:.0f},")
        print(f"    mapping and delivery {sent / EVENTS:.0f}. Rows written for an event:")
        for table, counts in sorted(_rows(database).items()):
            changes = [(now - then) / EVENTS for now, then in zip(counts, before.get(table, (0, 0, 0)), strict=True)]
            if max(changes) >= _LEAST:
                print("    {:12} inserted {:.1f}, updated {:.1f}, deleted {:.1f}".format(table, *changes))


def _receive(database: Database, store_id: int, first: int, offset: int) -> None:
    at = datetime.now(UTC)
    for start in range(first, first + _STEP, _GROUP):
        with database.connection() as connection:
            events.append(
                connection, [_incoming(store_id, number, offset, at) for number in range(start, start + _GROUP)]
            )


def _incoming(store_id: int, number: int, offset: int, at: datetime) -> Incoming:
    """Return a documented webhook of 1.5 KB, in which the customer, the perk and the times change."""
    webhook = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    then = (at - timedelta(seconds=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    webhook["email"] = webhook["customer"]["email"] = f"c{number:08}@example.com"
    webhook["perk"] |= {"id": number + offset + 1, "completed_at": then, "awarded_at": then, "created_at": then}
    webhook["customer"] |= {"last_seen_at": then, "points_balance": number + offset}
    seen = recognise(webhook, received_at=at)
    return Incoming(
        store_id=store_id,
        topic=seen.topic,
        key=seen.key,
        dated=seen.dated,
        customer=seen.customer,
        occurred_at=seen.occurred_at,
        body=json.dumps(webhook).encode(),
    )


def _log_bytes(database: Database, task: Callable[[], object]) -> int:
    """Run a task; return how many bytes of log PostgreSQL has written meanwhile."""
    with database.connection() as connection:
        (before,) = connection.execute("select pg_current_wal_lsn() as at").fetchall()
        task()
        (after,) = connection.execute("select pg_current_wal_lsn() - %s as bytes", (before.at,)).fetchall()
    return int(after.bytes)


def _rows(database: Database) -> dict[str, tuple[int, int, int]]:
    """Return how many rows were inserted, updated and deleted, by table; the tables of periods count as one."""
    counts: dict[str, tuple[int, int, int]] = {}
    with database.connection() as connection:
        connection.execute("select pg_stat_force_next_flush()")
        for row in connection.execute(
            "select relname, n_tup_ins as i, n_tup_upd as u, n_tup_del as d from pg_stat_user_tables"
        ).fetchall():
            name = row.relname.split("_2")[0]
            i, u, d = counts.get(name, (0, 0, 0))
            counts[name] = (i + row.i, u + row.u, d + row.d)
    return counts


if __name__ == "__main__":
    main()
