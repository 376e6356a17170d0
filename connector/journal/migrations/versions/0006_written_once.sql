-- Each row of the history is written once. No webhook is journaled, mapped or delivered until this is done. It copies
-- the history: measured times are in docs/performance.md.
lock table events, deliveries, customers in access exclusive mode;
set local lock_timeout = 0;

-- What was received. Rows are never updated. A row is found by its id and its time of receipt: the time says in which
-- partition it is. Old partitions are dropped whole.
create table new_events (
    id bigint not null,
    received_at timestamptz not null,
    occurred_at timestamptz not null,
    backfill_id bigint,
    -- The length of the body that was received. `body` itself may be packed (connector/journal/packing.py).
    bytes int not null,
    store_id int not null,
    partition smallint not null,
    bulk boolean not null,
    topic text not null,
    key text not null,
    customer text,
    body bytea not null,
    primary key (id, received_at)
) partition by range (received_at);
create index events_of_store on new_events (store_id, received_at);
create index events_of_customer on new_events (store_id, customer, received_at);
create index events_of_backfill on new_events (backfill_id) where backfill_id is not null;

-- Recognises copies of an event. `digest`: the first half of the SHA-256 of its key. The key of an event that is not
-- `dated` is valid for 48 hours.
create table event_keys (
    event_id bigint not null,
    received_at timestamptz not null,
    digest bytea not null,
    store_id int not null,
    dated boolean not null,
    primary key (store_id, digest)
);
create index event_keys_received on event_keys using brin (received_at);

-- The events that wait to be mapped.
create table queue (
    id bigint not null,
    received_at timestamptz not null,
    bytes int not null,
    store_id int not null,
    partition smallint not null,
    bulk boolean not null,
    customer text,
    primary key (bulk, store_id, partition, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- What became of events: a row for each delivery that Insider has accepted, and for each event without users. Rows are
-- never updated. The deliveries that wait or are dead are in `deliveries`.
create table outcomes (
    id bigint not null,
    event_id bigint not null,
    -- When the event was received, mapped, and settled.
    received_at timestamptz not null,
    created_at timestamptz not null,
    settled_at timestamptz not null,
    replay_id bigint,
    store_id int not null,
    skip_hook boolean not null,
    -- True if this is another customer than the event's, such as a friend.
    is_other boolean not null,
    state text not null check (state in ('delivered', 'no_users', 'unmapped')),
    -- Null if the topic has no mapping.
    mapping text,
    customer text,
    attempt_ids bigint[] not null,
    -- Notes of the mapping, and of the delivery.
    mapping_notes json,
    notes jsonb,
    -- What was sent, packed like a body. Null without a user.
    update bytea
) partition by range (settled_at);
create index outcomes_event on outcomes (event_id);
create index outcomes_other on outcomes (store_id, customer, event_id) where is_other;
create index outcomes_replay on outcomes (replay_id) where replay_id is not null;
create index outcomes_unmapped on outcomes (store_id, event_id) where state = 'unmapped';

-- The rows of no other partition: those that must not be dropped with their partition.
create table events_kept partition of new_events default;
create table outcomes_kept partition of outcomes default;

-- Makes the partitions of a table for a range of time, each of this length.
create function make_periods(parent text, since timestamptz, until timestamptz, length interval)
returns int language plpgsql as $$
declare
    start timestamptz := since;
    made int := 0;
    child text;
    base text := replace(parent, 'new_', '');
    column_name text := case base when 'events' then 'received_at' else 'settled_at' end;
begin
    while start < until loop
        -- Until the end, no row can come into the default partition.
        execute format('lock table %I in access exclusive mode', base || '_kept');
        child := base || to_char(start at time zone 'UTC', '_YYYYMMDD_HH24MISS');
        execute format('create table %I (like %I including defaults including constraints including storage)', child, parent);
        -- Rows that came before their partition are in the default partition.
        execute format('with moved as (delete from %I where %I >= %L and %I < %L returning *)'
                       ' insert into %I select * from moved',
                       base || '_kept', column_name, start, column_name, start + length, child);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)',
                       parent, child, start, start + length);
        start := start + length;
        made := made + 1;
    end loop;
    return made;
end $$;

-- PostgreSQL need not try to compress them again.
alter table new_events alter column body set storage external;
alter table outcomes alter column update set storage external;

-- The partitions for the old rows, by weeks that begin on Mondays, UTC. A new journal has none yet.
select make_periods('new_events', date_trunc('week', min(received_at) at time zone 'UTC') at time zone 'UTC',
                    now(), interval '7 days')
from events having count(*) > 0;
select make_periods('outcomes', date_trunc('week', min(received_at) at time zone 'UTC') at time zone 'UTC',
                    now(), interval '7 days')
from events having count(*) > 0;

create sequence new_events_id_seq;
select setval('new_events_id_seq', greatest(last_value, 1), is_called) from events_id_seq;

insert into new_events (id, received_at, occurred_at, backfill_id, bytes, store_id, partition, bulk, topic, key,
                        customer, body)
select id, received_at, occurred_at, backfill_id, octet_length(body), store_id, partition, bulk, topic,
       -- From now on, a key that is made from the header `eventid` has the topic and the customer too.
       case when key like 'eventid|%' then concat_ws('|', key, topic, coalesce(customer, '')) else key end,
       customer, body
from events order by id;

-- A key that was retired after 48 hours has its event's id at its end. It stays a key of its own.
insert into event_keys (event_id, received_at, digest, store_id, dated)
select id, received_at, substr(sha256(convert_to(key, 'UTF8')), 1, 16), store_id, dated
from new_events join (select id, dated from events) old using (id)
order by id
on conflict do nothing;

insert into queue (id, received_at, bytes, store_id, partition, bulk, customer)
select id, received_at, octet_length(body), store_id, partition, bulk, customer
from events where state = 'received';

alter table deliveries
    -- When the event was received.
    add column received_at timestamptz,
    add column mapping_notes json;
insert into outcomes (id, event_id, received_at, created_at, settled_at, replay_id, store_id, skip_hook, is_other,
                      state, mapping, customer, attempt_ids, mapping_notes, notes, update)
select deliveries.id, event_id, events.received_at, created_at, settled_at, replay_id, deliveries.store_id, skip_hook,
       deliveries.customer is distinct from events.customer, 'delivered', deliveries.mapping, deliveries.customer,
       attempt_ids, to_json(events.notes), deliveries.notes, convert_to(update::text, 'UTF8')
from deliveries join events on events.id = event_id where deliveries.state = 'delivered'
order by deliveries.id;
-- The ids of these rows need not be in the order of the others: such an event has no delivery.
insert into outcomes (id, event_id, received_at, created_at, settled_at, store_id, skip_hook, is_other, state, mapping,
                      customer, attempt_ids, mapping_notes)
select nextval('deliveries_id_seq'), id, received_at, coalesce(mapped_at, received_at),
       coalesce(mapped_at, received_at), store_id, true, false,
       case state when 'unmapped' then 'unmapped' else 'no_users' end, mapping, customer, '{}', to_json(notes)
from events
where state <> 'received' and not exists (select from deliveries where event_id = events.id)
order by id;

-- Only what waits, is dead, or was dead stays in `deliveries`.
create temporary table open_deliveries on commit drop as
select deliveries.*, coalesce(events.received_at, deliveries.created_at) as event_received_at,
       events.notes as event_notes
from deliveries left join events on events.id = event_id where deliveries.state <> 'delivered';
truncate deliveries;
alter table deliveries
    drop constraint deliveries_state_check,
    add constraint deliveries_state_check check (state in ('waiting', 'dead', 'replayed', 'discarded')),
    set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
insert into deliveries (id, event_id, store_id, customer, partition, occurred_at, update, bytes, skip_hook, mapping,
                        state, reason, notes, refused_attempt_id, created_at, settled_at, topic, bulk, replay_id, cause,
                        rule, attempt_ids, received_at, mapping_notes)
overriding system value
select id, event_id, store_id, customer, partition, occurred_at, update, bytes, skip_hook, mapping, state, reason,
       notes, refused_attempt_id, created_at, settled_at, topic, bulk, replay_id, cause, rule, attempt_ids,
       event_received_at, to_json(event_notes)
from open_deliveries order by id;
alter table deliveries alter column received_at set not null;

drop table events;
alter table new_events rename to events;
alter sequence new_events_id_seq rename to events_id_seq;
alter index new_events_pkey rename to events_pkey;

-- All deliveries, open and delivered. The update of a delivered one is text: the packed update in base64.
create view all_deliveries as
select id, event_id, received_at, store_id, customer, update, skip_hook, mapping, replay_id, state, reason, cause, rule,
       mapping_notes, notes, attempt_ids, created_at, settled_at
from deliveries
union all
select id, event_id, received_at, store_id, customer, to_jsonb(encode(update, 'base64')), skip_hook, mapping, replay_id,
       state, null, null, null, mapping_notes, notes, attempt_ids, created_at, settled_at
from outcomes where state = 'delivered';

-- What each mapping of an event has yielded: a row for each user, or one without users. The last mapping has the highest
-- ids.
create view all_mapping_results as
select event_id, id, state, mapping, mapping_notes as notes, created_at as mapped_at from deliveries
union all
select event_id, id, state, mapping, mapping_notes, created_at from outcomes;

-- What the last mapping of each event has yielded. An event that still waits for its first mapping has no row.
create view mapping_results as
select distinct on (event_id) * from all_mapping_results order by event_id, id desc;

-- What Insider has of each customer, by the events that brought it: a list of [milliseconds since 1970, event id,
-- {attribute: value}, [cleared attributes]]. A value that was sent before this migration is null: it is not known.
alter table customers
    add column identifiers json,
    add column profile json,
    add column first_seen_at timestamptz,
    add column last_seen_at timestamptz;
update customers
set first_seen_at = updated_at, last_seen_at = updated_at,
    identifiers = '{}',
    profile = coalesce((
        select json_agg(json_build_array(milliseconds, event_id, attributes, cleared))
        from (select (value ->> 0)::bigint as milliseconds, (value ->> 1)::bigint as event_id,
                     coalesce(json_object_agg(key, null) filter (where value -> 2 is null), '{}') as attributes,
                     coalesce(json_agg(key) filter (where value -> 2 is not null), '[]') as cleared
              from jsonb_each(attribute_times)
              group by 1, 2) by_event), '[]');
alter table customers
    drop column attribute_times,
    drop column updated_at,
    alter column identifiers set not null,
    alter column profile set not null,
    alter column first_seen_at set not null,
    alter column last_seen_at set not null;
create index deliveries_settled on deliveries (settled_at) where settled_at is not null;

-- When the periods were last made and pruned.
create table upkeep (
    ended_at timestamptz
);
insert into upkeep default values;

-- Autovacuum does not analyse tables with partitions.
analyze events, outcomes;
