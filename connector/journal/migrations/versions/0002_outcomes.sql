-- In the order in which workers lock them; nobody maps or delivers until this is done.
lock table events, deliveries in access exclusive mode;

-- What operators ask for as they replay: who, why, which events, how fast.
create table replays (
    id bigint generated always as identity primary key,
    actor text not null,
    reason text not null,
    -- What was asked for, in the words of the command.
    selection jsonb not null,
    skip_hook boolean not null,
    -- NaN is larger than any number.
    per_second real not null check (per_second > 0 and per_second <= 1000),
    state text not null default 'running' check (state in ('running', 'done', 'cancelled')),
    created_at timestamptz not null default now(),
    -- Until when its rate has been used up.
    fed_at timestamptz not null default now(),
    ended_at timestamptz
);
create index replays_running on replays (id) where state = 'running';

create table replayed_events (
    replay_id bigint not null references replays,
    event_id bigint not null,
    -- Null as long as the event waits for its turn.
    mapped_at timestamptz,
    primary key (replay_id, event_id)
);
create index replayed_events_waiting on replayed_events (replay_id, event_id) where mapped_at is null;
create index replayed_events_event on replayed_events (event_id);

alter table deliveries
    add column topic text not null default '',
    -- Deliveries of replays and snapshots give way to those of webhooks, and have workers of their own.
    add column bulk boolean not null default false,
    add column replay_id bigint,
    -- Why it is dead: a word without anybody's data, and the mapping rule to look at, such as groups.yaml:12.
    add column cause text,
    add column rule text,
    -- The newest of the attempts that it was part of, oldest first.
    add column attempt_ids bigint[] not null default '{}',
    -- Dead letters end as replayed or discarded.
    drop constraint deliveries_state_check,
    add constraint deliveries_state_check
        check (state in ('waiting', 'delivered', 'dead', 'replayed', 'discarded'));
-- With which attempt a waiting delivery was first refused alone.
alter table deliveries rename column attempt_id to refused_attempt_id;

-- What is delivered stays as it is: there may be millions of them, and nothing more happens to them.
update deliveries
set topic = events.topic, bulk = skip_hook,
    attempt_ids = case when refused_attempt_id is null then '{}' else array[refused_attempt_id] end,
    cause = case deliveries.state when 'dead' then 'unknown' end
from events where events.id = event_id and deliveries.state <> 'delivered';

drop index deliveries_waiting;
create index deliveries_waiting on deliveries (bulk, store_id, partition, id) where state = 'waiting';
create index deliveries_replay on deliveries (replay_id) where replay_id is not null;

-- What was to be replayed when this came is replayed still, and starts no journeys.
with replay as (
    insert into replays (actor, reason, selection, skip_hook, per_second)
    select 'migration', 'begun before the upgrade', '{}', true, 50
    where exists (select from events where state = 'received' and replayed)
    returning id
)
insert into replayed_events (replay_id, event_id)
select replay.id, events.id from replay, events where state = 'received' and replayed;
update events set state = 'mapped' where state = 'received' and replayed;
alter table events drop column replayed;
create index notices_event on notices (event_id);

-- What operators have done, by whom and why.
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    store text,
    reason text,
    details jsonb not null default '{}'
);

-- From when each attribute is: the time in milliseconds, and the event, which decides between events at the same time.
update customers
set attribute_times = (select coalesce(jsonb_object_agg(key, jsonb_build_array(value, 0)), '{}')
                       from jsonb_each(attribute_times));
