-- What was asked of Insider: to take users with their attributes and events, or to forget attributes of theirs.
alter table attempts
    add column operation text not null default 'upsert' check (operation in ('upsert', 'clear'));
-- What tells whether Insider takes clears: there are few of them among the upserts.
create index attempts_clears on attempts (store_id, id) where operation = 'clear';
