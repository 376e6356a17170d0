"""Fills a journal with a history of settled events, by SQL: webhooks of one store over the last weeks.

Each event has its key, one delivered outcome, and a customer with a profile. A request to Insider took ten events.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from connector import mapping
from connector.journal.packing import pack
from connector.journal.results.encoding import encoded
from connector.model import Options
from connector.settings import DEFAULT_MAPPINGS
from connector.workshop import goldens
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from connector.journal.database import Connection

#: How many weeks the history has. It ends today, so it fills one period more or less.
WEEKS = 8
_SAMPLE = DEFAULT_MAPPINGS / "examples/swell.points.earned/documented.json"
#: How many events a request to Insider took.
_BATCH = 10

_PERIODS = """
    select make_periods(%(table)s, week - interval '7 days' * %(weeks)s, week, interval '7 days')
    from (select date_trunc('week', now() at time zone 'UTC') at time zone 'UTC' as week) this
"""
_NUMBERED = """
    create temporary table history as
    select nextval('events_id_seq') as id, n, now() - interval '7 days' * %(weeks)s * (1 - n::float / %(events)s) as at,
           'h' || lpad((n %% %(customers)s)::text, 8, '0') || '@example.com' as customer
    from generate_series(1, %(events)s) n
"""
_FILLS = (
    # The partitions are as even as those of real customers.
    """
    insert into events (id, received_at, occurred_at, bytes, store_id, partition, bulk, topic, key, customer, body)
    select id, at, at - interval '1 second', %(bytes)s, %(store_id)s, abs(hashtext(customer)) %% 16, false, %(topic)s,
           'history|' || id, customer, %(body)s
    from history order by id
    """,
    """
    insert into event_keys (event_id, received_at, digest, store_id, dated)
    select id, at, substr(sha256(convert_to('history|' || id, 'UTF8')), 1, 16), %(store_id)s, true
    from history order by id
    """,
    """
    insert into attempts (store_id, started_at, duration_ms, users, bytes, status, outcome, excerpt)
    select %(store_id)s, at, 50, %(batch)s, 20000, 200, 'delivered', ''
    from history where n %% %(batch)s = 0 order by id
    """,
    """
    insert into outcomes (id, event_id, received_at, created_at, settled_at, store_id, skip_hook, is_other, state,
                          mapping, customer, attempt_ids, update)
    select nextval('deliveries_id_seq'), id, at, at, at + interval '1 second', %(store_id)s, false, false, 'delivered',
           %(mapping)s, customer, array[1 + n / %(batch)s], %(update)s
    from history order by id
    """,
    """
    insert into customers (store_id, customer, identifiers, profile, first_seen_at, last_seen_at)
    select %(store_id)s, customer, json_build_object('email', customer),
           json_build_array(json_build_array(extract(epoch from max(at))::bigint * 1000, max(id), %(attributes)s::json,
                                             '[]'::json)), min(at), max(at)
    from history group by customer
    """,
    "drop table history",
)


def fill(connection: Connection, *, store_id: int, events: int, customers: int) -> None:
    """Add so many events of so many customers, and tell PostgreSQL's planner about them."""
    webhook: dict[str, Any] = json.loads(_SAMPLE.read_text(encoding="utf-8"))
    loaded = mapping.load(DEFAULT_MAPPINGS)
    topic = recognise(webhook, received_at=goldens.RECEIVED_AT).topic
    (update,) = loaded.by_topic[topic].apply(webhook, goldens.RECEIVED_AT, Options()).updates
    body = json.dumps(webhook).encode()
    packed_body, packed_update = pack([body, encoded(update).encode()])
    values = {
        "weeks": WEEKS,
        "events": events,
        "customers": customers,
        "store_id": store_id,
        "batch": _BATCH,
        "topic": topic,
        "mapping": loaded.version,
        "bytes": len(body),
        "body": packed_body,
        "update": packed_update,
        "attributes": json.dumps(dict(update.attributes)),
    }
    for table in ("events", "outcomes"):
        connection.execute(_PERIODS, {**values, "table": table})
    connection.execute(_NUMBERED, values)
    for query in _FILLS:
        connection.execute(query, values)
    # Without the vacuum, PostgreSQL would do it during a measurement.
    connection.execute("vacuum (analyze) events, event_keys, outcomes, attempts, customers")
    connection.execute("checkpoint")
