-- What operators ask for as they replay: who, why, which events, how fast.
create table replays (
    id bigint generated always as identity primary key,
    actor text not null,
    reason text not null,
    -- What was asked for, in the words of the command.
    selection jsonb not null,
    skip_hook boolean not null,
    per_second real not null check (per_second > 0),
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

update deliveries
set topic = events.topic, bulk = skip_hook,
    attempt_ids = case when refused_attempt_id is null then '{}' else array[refused_attempt_id] end,
    cause = case deliveries.state when 'dead' then 'unknown' end
from events where events.id = event_id;

drop index deliveries_waiting;
create index deliveries_waiting on deliveries (bulk, store_id, partition, id) where state = 'waiting';
create index deliveries_replay on deliveries (replay_id) where replay_id is not null;

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
