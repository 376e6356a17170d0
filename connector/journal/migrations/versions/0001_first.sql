-- The first schema. PostgreSQL 14 or newer.

create table stores (
    id int generated always as identity primary key,
    name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    -- The token of the webhook URL: found by its digest, so that neither the index nor its timing gives it away.
    token_digest bytea unique,
    token_sealed bytea,
    webhook_secret_sealed bytea,
    webhook_secret_header text not null default 'Authorization',
    insider_partner text not null,
    insider_token_sealed bytea,
    insider_url text,
    options jsonb not null default '{}',
    held boolean not null default false,
    paused_until timestamptz,
    pause_reason text,
    failures int not null default 0,
    -- Grows with each change by an operator, so that a request under way with older settings pauses nothing.
    version int not null default 0,
    created_at timestamptz not null default now(),
    removed_at timestamptz
);
create unique index stores_name on stores (name) where removed_at is null;

-- No foreign keys to stores below: a store's row is never deleted, and the check would cost each webhook a row lock.

create table events (
    id bigint generated always as identity primary key,
    store_id int not null,
    topic text not null,
    -- What makes two webhooks the same event. Where the webhook has no time of its own the key stands for 48 hours.
    key text not null,
    dated boolean not null,
    customer text,
    partition smallint not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    body bytea not null,
    state text not null default 'received' check (state in ('received', 'mapped', 'unmapped')),
    replayed boolean not null default false,
    mapping text,
    mapped_at timestamptz,
    notes jsonb
);
create unique index events_key on events (store_id, key);
create index events_received on events (store_id, partition, id) where state = 'received';
create index events_unmapped on events (store_id, topic, id) where state = 'unmapped';
create index events_customer on events (store_id, customer, id);

create table deliveries (
    id bigint generated always as identity primary key,
    event_id bigint not null,
    store_id int not null,
    customer text not null,
    partition smallint not null,
    occurred_at timestamptz not null,
    update jsonb not null,
    bytes int not null,
    skip_hook boolean not null,
    mapping text not null,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
    reason text,
    notes jsonb,
    attempt_id bigint,
    created_at timestamptz not null default now(),
    settled_at timestamptz
);
-- Live deliveries before those that must not start journeys: a backfill gives way to webhooks.
create index deliveries_waiting on deliveries (store_id, partition, skip_hook, id) where state = 'waiting';
create index deliveries_event on deliveries (event_id);
create index deliveries_customer on deliveries (store_id, customer, id);
create index deliveries_dead on deliveries (store_id, id) where state = 'dead';

create table attempts (
    id bigint generated always as identity primary key,
    store_id int not null,
    started_at timestamptz not null,
    duration_ms int not null,
    users int not null,
    bytes int not null,
    status int,
    outcome text not null,
    excerpt text not null
);

create index attempts_store on attempts (store_id, id);

-- From when each attribute is that Insider has of a customer, in milliseconds since 1970: an older value never overwrites it.
create table customers (
    store_id int not null,
    customer text not null,
    attribute_times jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (store_id, customer)
) with (fillfactor = 80);

create table notices (
    id bigint generated always as identity primary key,
    store_id int not null,
    event_id bigint not null,
    topic text not null,
    text text not null,
    details jsonb not null,
    created_at timestamptz not null default now()
);
create index notices_store on notices (store_id, id);

create table rejected_webhooks (
    id bigint generated always as identity primary key,
    store_id int not null,
    code text not null,
    message text not null,
    content_type text not null,
    bytes bigint not null,
    received_at timestamptz not null default now()
);
create index rejected_webhooks_store on rejected_webhooks (store_id, id);

-- What intake answered, by day; store 0 stands for requests that belong to no store.
create table intake_counts (
    day date not null,
    store_id int not null,
    answer text not null,
    count bigint not null,
    primary key (day, store_id, answer)
);
