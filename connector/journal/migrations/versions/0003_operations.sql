-- What was asked of Insider: to take users with their attributes and events, or to forget attributes of theirs.
alter table attempts
    add column operation text not null default 'upsert' check (operation in ('upsert', 'clear'));
