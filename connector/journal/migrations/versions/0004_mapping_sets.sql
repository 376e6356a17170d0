-- Sets of mapping files: each that workers of a release have brought since this came, and each that was made active;
-- so each that maps anything.
create table mapping_sets (
    -- The hash of the files' names and contents, as events and deliveries keep it.
    version text primary key,
    topics int not null,
    first_seen_at timestamptz not null default now()
);
create table mapping_files (
    version text not null references mapping_sets,
    name text not null,
    content bytea not null,
    primary key (version, name)
);

-- What was made active, by whom and why; the newest row is the one in force.
create table mapping_activations (
    id bigint generated always as identity primary key,
    -- Null: the files of each release.
    version text references mapping_sets,
    -- What a rollback goes back to. Null only where nothing was active before.
    previous_id bigint references mapping_activations,
    actor text not null,
    reason text not null,
    activated_at timestamptz not null default clock_timestamp()
);
insert into mapping_activations (actor, reason) values ('migration', 'as it was before sets could be activated');

alter table replays
    -- By which set events are mapped: that in force, or the one that mapped them last.
    add column mapping text not null default 'now' check (mapping in ('now', 'then'));
alter table replayed_events
    -- True where the set that mapped the event then is not to be had, so that it was left as it was.
    add column without_set boolean not null default false;
