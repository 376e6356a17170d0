"""A journal in the form that it had before each row was written once (revision 0005)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.journal.database import Connection

REVISION = "0005"

#: Of 50 events, two wait to be mapped, two have no mapping, one has no users, one waits for its delivery, one is a dead
#: letter, and one was a dead letter that is replayed. The events are spread over 20 days.
_EVENTS = """
    insert into events (store_id, topic, key, dated, customer, partition, occurred_at, received_at, body, state,
                        mapping, mapped_at, notes)
    select 1, 'swell/points/changed', case when n %% 7 = 0 then 'eventid|' || n else 'key ' || n end, n %% 11 <> 0,
           customer, n %% 16, received_at - interval '1 second', received_at,
           convert_to(json_build_object('topic', 'swell/points/changed', 'current_balance', n,
                                        'customer', json_build_object('email', customer),
                                        'filler', repeat('x', 900))::text, 'utf8'),
           state, case when state = 'mapped' then 'set' end, case when state <> 'received' then received_at end,
           case when n %% 10 = 3 then '[{"name": "p", "problem": "q", "rule": "r"}]'::jsonb end
    from (select n, now() - interval '20 days' * (%(number)s - n) / %(number)s as received_at,
                 'c' || n %% %(customers)s || '@example.com' as customer,
                 case when n %% 50 in (0, 1) then 'received' when n %% 50 in (2, 3) then 'unmapped' else 'mapped' end
                     as state
          from generate_series(1, %(number)s) n) made
    order by n
"""
_DELIVERIES = """
    insert into deliveries (event_id, store_id, customer, partition, occurred_at, update, bytes, skip_hook, mapping,
                            state, reason, cause, rule, notes, created_at, settled_at, topic, attempt_ids)
    select id, store_id, customer, partition, occurred_at,
           jsonb_build_object('identifiers', jsonb_build_object('email', customer),
                              'attributes', jsonb_build_object('yotpo_point_balance', id), 'events', '[]'::jsonb),
           200, false, 'set', state, case when state <> 'waiting' and state <> 'delivered' then 'no' end,
           case when state <> 'waiting' and state <> 'delivered' then 'cause' end, 'groups.yaml:7',
           case when id %% 9 = 0 then '{"stale": ["p"]}'::jsonb end,
           received_at, case when state <> 'waiting' then received_at end, topic, '{1}'
    from (select events.*, case id %% 50 when 5 then 'waiting' when 6 then 'dead' when 7 then 'replayed'
                           else 'delivered' end as state
          from (select id, store_id, customer, partition, occurred_at, received_at, topic from events
                where events.state = 'mapped' and id %% 50 <> 4) events) made
    order by id
"""
_CUSTOMERS = """
    insert into customers (store_id, customer, attribute_times, updated_at)
    select 1, 'c' || n || '@example.com',
           jsonb_build_object('yotpo_point_balance', jsonb_build_array(1700000000000 + n, n),
                              'yotpo_vip_tier_name', jsonb_build_array(1700000000000 + n, n),
                              'birthday', jsonb_build_array(1600000000000, 0, 1)),
           now()
    from generate_series(0, %(customers)s - 1) n
"""


def fill(connection: Connection, number: int, *, customers: int) -> None:
    """Fill a journal of the old form with events."""
    connection.execute("insert into stores (name, insider_partner) values ('acme', 'acme')")
    parameters = {"number": number, "customers": customers}
    for statement in (_EVENTS, _DELIVERIES, _CUSTOMERS):
        connection.execute(statement, parameters)
