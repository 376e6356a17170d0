-- Nobody maps until this is done.
lock table events in access exclusive mode;

alter table events
    -- Snapshots give way to webhooks, and are mapped by the workers whose deliveries give way.
    add column bulk boolean not null default false,
    add column backfill_id bigint;
drop index events_received;
create index events_received on events (bulk, store_id, partition, id) where state = 'received';
create index events_backfill on events (backfill_id) where backfill_id is not null;

-- A store's account at Yotpo: what we may ask it with, and how it fares.
create table yotpo_accounts (
    store_id int primary key,
    -- Yotpo's own name of the store.
    app_key text not null,
    mode text not null check (mode in ('oauth', 'own')),
    token_sealed bytea,
    secret_sealed bytea,
    loyalty_guid text,
    loyalty_key_sealed bytea,
    state text not null default 'connected' check (state in ('connected', 'revoked', 'disconnected')),
    -- The values of `expand` by which a look-up sees everything, one request each; null until they have been tried out.
    expands text[],
    -- Whether a value of `expand` has to be said again with each further page.
    repeats_expand boolean not null default false,
    -- What became of each review webhook that was to be registered, by its event.
    review_webhooks jsonb not null default '{}',
    -- How many requests in a row were answered 401.
    unauthorized int not null default 0,
    failures int not null default 0,
    paused_until timestamptz,
    pause_reason text,
    -- When it was last spoken to: whoever has waited longest comes first.
    turn_at timestamptz,
    -- Grows whenever an operator connects anew, so that a request under way with older credentials ends nothing.
    version int not null default 0,
    connected_at timestamptz not null default now(),
    ended_at timestamptz
);
create unique index yotpo_accounts_app_key on yotpo_accounts (app_key) where state <> 'disconnected';

-- Installs under way: found by the digest of their `state`, each good for one answer.
create table yotpo_installs (
    state_digest bytea primary key,
    store_id int not null,
    expires_at timestamptz not null
);

create table backfills (
    id bigint generated always as identity primary key,
    store_id int not null,
    actor text not null,
    reason text not null,
    -- True where customers are left out whose snapshot is the one that was journaled last.
    changed_only boolean not null,
    state text not null default 'running' check (state in ('running', 'paused', 'done', 'cancelled', 'failed')),
    -- Why it has failed.
    failure text,
    -- How often in a row the next page was not to be had, until when it is not asked for, and why.
    failures int not null default 0,
    paused_until timestamptz,
    pause_reason text,
    -- Which of the account's `expands` is being read, and where its scan goes on; null at its beginning.
    pass int not null default 0,
    cursor text,
    pages int not null default 0,
    restarts int not null default 0,
    seen bigint not null default 0,
    sent bigint not null default 0,
    unchanged bigint not null default 0,
    -- Why customers were skipped, with their numbers.
    skipped jsonb not null default '{}',
    -- How many the last one that was done has seen; Yotpo itself tells no number.
    total bigint,
    started_at timestamptz not null default now(),
    page_at timestamptz,
    ended_at timestamptz
);
create unique index backfills_active on backfills (store_id) where state in ('running', 'paused');
create index backfills_store on backfills (store_id, id);

-- Customers whom webhooks have touched, and who are to be looked up.
create table refreshes (
    store_id int not null,
    customer text not null,
    -- When the first of the webhooks was mapped that no look-up has served.
    since timestamptz not null,
    due_at timestamptz not null,
    -- How many there were; a look-up serves those that came before it.
    webhooks int not null default 1,
    -- How often in a row Yotpo could not tell.
    failures int not null default 0,
    primary key (store_id, customer)
);
create index refreshes_due on refreshes (store_id, due_at);

-- The newest snapshot of each customer, by what it was expanded with.
create table snapshots (
    store_id int not null,
    customer text not null,
    expand text not null,
    digest bytea not null,
    -- The backfill that has counted the customer last.
    backfill_id bigint,
    taken_at timestamptz not null default now(),
    primary key (store_id, customer, expand)
);
